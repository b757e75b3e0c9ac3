#include <micro_lora.h>
#include <stdio.h>
#include <string.h>

enum { FEATURES = 4, SHOWN = 3, LISTS = 32 };

// Lists of 3 results: documents by id, queries as int8, the defaults of MLORA_MEMORY_LAYOUT.
static uint32_t adapter_room[MLORA_SIZE(FEATURES, FEATURES, 2, 0) / 4];
static uint32_t memory_room[MLORA_MEMORY_SIZE(FEATURES, FEATURES, SHOWN, LISTS, MLORA_STORED_INT8, MLORA_STORED_BY_ID, 0) / 4];
static char text[MLORA_MEMORY_JSON_MAX(FEATURES, FEATURES, SHOWN, LISTS, MLORA_STORED_INT8, MLORA_STORED_BY_ID, 0)];

static const float documents[][FEATURES] = {{0.8f, 0.6f, 0, 0}, {0, 0.8f, 0.6f, 0}, {0, 0, 0.8f, 0.6f}};

// The memory keeps ids; the program looks up the vectors, in a database, say. MLORA_GONE: deleted for ever. What cannot be
// read now is MLORA_FAILED.
static int find(void *context, int kind, uint32_t id, float *out, size_t len) {
  (void)context;
  if (kind != MLORA_VECTOR_DOCUMENT || id >= 3) return MLORA_GONE;
  memcpy(out, documents[id], len * sizeof *out);
  return MLORA_FOUND;
}

int main(void) {
  mlora *lora = NULL;
  mlora_memory *memory = NULL;
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, 2);
  mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(SHOWN, LISTS);
  mlora_status status = mlora_init(adapter_room, sizeof adapter_room, &config, MLORA_ABI_VERSION, &lora);
  if (status == MLORA_OK) status = mlora_memory_init(memory_room, sizeof memory_room, lora, &layout, &memory);

  // Learns twenty lists, with a click on the last result. Needs no mlora_apply_updates.
  const float x[FEATURES] = {0.8f, 0.4f, 0.4f, 0.2f}, weights[SHOWN] = {0, 0, 1};
  const uint32_t ids[SHOWN] = {0, 1, 2};
  mlora_sample query = MLORA_SAMPLE(x, FEATURES);
  mlora_clicks clicks = MLORA_CLICKS_ON_IDS(ids, weights, SHOWN);
  mlora_memory_receipt receipt = {0};
  for (int i = 0; i < 20 && status == MLORA_OK; i++)
    status = mlora_memory_learn(memory, lora, &query, &clicks, MLORA_LEARNING_RATE, find, NULL, &receipt);

  // Which lists moved document 2: one share for each list, and one for the rest.
  uint32_t len = 0, numbers[LISTS], made = 0, outcome = MLORA_NOT_REMEMBERED;
  float shares[LISTS + 1];
  if (status == MLORA_OK) status = mlora_memory_len(memory, &len);
  if (status == MLORA_OK)
    status = mlora_memory_why(memory, lora, x, FEATURES, documents[2], FEATURES, numbers, len, shares, len + 1, find, NULL);
  if (status == MLORA_OK) printf("list %u moved it by %.3f\n", (unsigned)numbers[0], (double)shares[0]);

  // The last click was a mistake: takes it back, and lets the other lists settle.
  if (status == MLORA_OK) status = mlora_memory_forget(memory, lora, receipt.number, find, NULL, &outcome);
  if (status == MLORA_OK) status = mlora_memory_settle(memory, lora, 40, find, NULL, &made);
  if (status == MLORA_OK) printf("forgotten: %s\n", outcome == MLORA_FORGOTTEN ? "yes" : "no");

  mlora_predictions seen = {0};
  if (status == MLORA_OK) status = mlora_get_predictions(lora, &seen);
  if (seen.known) printf("clicks follow what was learned at %.2f +- %.2f\n", (double)seen.strength, (double)seen.strength_error);

  // Save it together with the adapter (mlora_save_json).
  size_t written = 0;
  if (status == MLORA_OK) status = mlora_memory_save_json(memory, text, sizeof text, &written);
  printf("%s: %u bytes to save\n", mlora_status_message(status), (unsigned)written);
  return status == MLORA_OK ? 0 : 1;
}
