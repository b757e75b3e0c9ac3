// For the exchange of states between machines: loads the JSON on standard input, or makes a new adapter if there is
// none, learns from forty choices and prints the resulting JSON.
#include <micro_lora.h>
#include <stdio.h>

#define FEATURES 24
#define SHOWN 4

static uint32_t room[MLORA_SIZE(FEATURES, FEATURES, 3, 0) / 4];
static char json[MLORA_JSON_MAX(FEATURES, FEATURES, 3)];

static float next(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return (float)(int32_t)(*seed >> 8) / 8388608.0f - 1.0f;
}

static mlora_status learn(mlora *lora, uint32_t seed) {
  float x[FEATURES], shown[SHOWN * FEATURES];
  mlora_status status = MLORA_OK;
  for (uint32_t event = 0; event < 40 && status == MLORA_OK; event++) {
    for (size_t i = 0; i < FEATURES; i++) x[i] = next(&seed);
    for (size_t i = 0; i < SHOWN * FEATURES; i++) shown[i] = next(&seed);
    mlora_sample sample = MLORA_SAMPLE(x, FEATURES);
    status = mlora_adapt_choice(lora, &sample, shown, SHOWN * FEATURES, event % SHOWN, 1.0f, MLORA_TEMPERATURE_CHOICE, NULL);
    if (status == MLORA_OK) status = mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL);
  }
  return status;
}

int main(void) {
  mlora *lora = NULL;
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, 3);
  config.step = MLORA_STEP_SCALED_GRADIENT_V2;
  mlora_status status = mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora);
  size_t length = fread(json, 1, sizeof json, stdin);
  if (length > 0 && status == MLORA_OK) status = mlora_load_json(lora, json, length);
  if (status == MLORA_OK) status = learn(lora, length > 0 ? 2 : 1);
  if (status == MLORA_OK) status = mlora_save_json(lora, json, sizeof json, &length);
  if (status != MLORA_OK) {
    fprintf(stderr, "state: %s\n", mlora_status_message(status));
    return 1;
  }
  return fwrite(json, 1, length, stdout) == length ? 0 : 1;
}
