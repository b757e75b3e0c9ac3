#include <micro_lora.h>
#include <stdio.h>

static uint32_t memory[MLORA_SIZE(3, 3, 1, 0) / 4];

int main(void) {
  mlora *lora = NULL;
  mlora_config config = MLORA_CONFIG(3, 3, 1);
  float x[] = {0.6f, 0.8f, 0.0f}, shown[] = {1, 0, 0, /* and */ 0, 0, 1};
  mlora_sample query = MLORA_SAMPLE(x, 3);

  mlora_status status = mlora_init(memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora);
  if (status == MLORA_OK)  // a click on the second of two results
    status = mlora_adapt_choice(lora, &query, shown, 6, 1, 1.0f, MLORA_TEMPERATURE_CHOICE, NULL);
  if (status == MLORA_OK) status = mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL);
  if (status == MLORA_OK) status = mlora_apply_residual(lora, x, 3, NULL);
  printf("%s: the query moved to %.2f %.2f %.2f\n", mlora_status_message(status), x[0], x[1], x[2]);
  return status == MLORA_OK ? 0 : 1;
}
