// A long life in C: two adapters and memories that see the same clicks, one of them saved and loaded at random times.
//
// soak CLICKS SEED: exits with 1 if they differ in a bit, if an output is not finite, or if the process grows.
#include <math.h>
#include <micro_lora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FEATURES 384
#define RANK 4
#define LIST 10
#define LISTS 256
#define DOCUMENTS 1000
// Clicks between two saves, on average, and between two comparisons.
#define BETWEEN_SAVES 1000
#define BETWEEN_CHECKS 10000
// Growth that allocators and page tables cause by themselves, in KiB.
#define MAX_GROWTH 4096

#define ADAPTER_JSON MLORA_JSON_MAX(FEATURES, FEATURES, RANK)
#define MEMORY_JSON MLORA_MEMORY_JSON_MAX(FEATURES, FEATURES, LIST, LISTS, MLORA_STORED_INT8, MLORA_STORED_BY_ID, 0)

typedef struct {
  uint32_t adapter[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
  uint32_t memory[MLORA_MEMORY_SIZE(FEATURES, FEATURES, LIST, LISTS, MLORA_STORED_INT8, MLORA_STORED_BY_ID, 0) / 4];
  mlora *lora;
  mlora_memory *lists;
} learner;

static learner alone, saved;
static float documents[DOCUMENTS][FEATURES], taste[FEATURES];
static char json[ADAPTER_JSON + 1], other_json[ADAPTER_JSON + 1], lists_json[MEMORY_JSON], other_lists_json[MEMORY_JSON];
static uint64_t state;

static void fail(const char *what) {
  fprintf(stderr, "soak: %s\n", what);
  exit(1);
}

static void accept(mlora_status status, const char *call) {
  if (status == MLORA_OK) return;
  fprintf(stderr, "soak: %s: %s\n", call, mlora_status_message(status));
  exit(1);
}
#define ACCEPT(call) accept(call, #call)

// xorshift64*, Vigna 2016.
static uint32_t chance(uint32_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * 0x2545F4914F6CDD1DULL) >> 33) % below;
}

static void unit(float *row) {
  float squares = 0;
  for (size_t i = 0; i < FEATURES; i++) {
    row[i] = (float)chance(1 << 20) / (float)(1 << 20) - 0.5f;
    squares += row[i] * row[i];
  }
  for (size_t i = 0; i < FEATURES; i++) row[i] /= sqrtf(squares);
}

static float dot(const float *a, const float *b) {
  float sum = 0;
  for (size_t i = 0; i < FEATURES; i++) sum += a[i] * b[i];
  return sum;
}

static int find(void *context, int kind, uint32_t id, float *out, size_t len) {
  (void)context;
  if (kind != MLORA_VECTOR_DOCUMENT || id >= DOCUMENTS) return MLORA_GONE;
  memcpy(out, documents[id], len * sizeof *out);
  return MLORA_FOUND;
}

static void make(learner *one) {
  memset(one, 0xA5, sizeof *one);
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_DUAL;
  const mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(LIST, LISTS);
  ACCEPT(mlora_init(one->adapter, sizeof one->adapter, &config, MLORA_ABI_VERSION, &one->lora));
  ACCEPT(mlora_memory_init(one->memory, sizeof one->memory, one->lora, &layout, &one->lists));
}

static void learn(learner *one, const float *query, const uint32_t *ids, const float *weights) {
  const mlora_sample sample = MLORA_SAMPLE(query, FEATURES);
  const mlora_clicks clicks = MLORA_CLICKS_ON_IDS(ids, weights, LIST);
  mlora_memory_receipt receipt;
  ACCEPT(mlora_memory_learn(one->lists, one->lora, &sample, &clicks, MLORA_LEARNING_RATE, find, NULL, &receipt));
  if (receipt.outcome != MLORA_APPLIED) fail("expected every list to be learned, one was skipped");
}

static void click(void) {
  static float query[FEATURES];
  uint32_t ids[LIST];
  float weights[LIST] = {0};
  size_t best = 0;
  unit(query);
  const uint32_t first = chance(DOCUMENTS);
  for (size_t i = 0; i < LIST; i++) {
    ids[i] = (first + 97 * (uint32_t)i) % DOCUMENTS;
    if (dot(documents[ids[i]], taste) > dot(documents[ids[best]], taste)) best = i;
  }
  weights[best] = 1;
  learn(&alone, query, ids, weights);
  learn(&saved, query, ids, weights);
}

static void save_and_load(void) {
  size_t len = 0, lists_len = 0;
  ACCEPT(mlora_save_json(saved.lora, json, sizeof json, &len));
  ACCEPT(mlora_memory_save_json(saved.lists, lists_json, sizeof lists_json, &lists_len));
  make(&saved);
  ACCEPT(mlora_load_json(saved.lora, json, len));
  ACCEPT(mlora_memory_load_json(saved.lists, lists_json, lists_len));
}

// Of a saved adapter, all after its checksum: to load counts as a change of the outputs, so the generations differ.
static const char *weights_of(char *text, size_t len) {
  text[len] = '\0';
  const char *weights = strstr(text, "\"scalars\"");
  if (weights == NULL) fail("expected the section scalars in a saved adapter, got none");
  return weights;
}

static void check(void) {
  size_t len = 0, other_len = 0, lists_len = 0, other_lists_len = 0;
  ACCEPT(mlora_save_json(alone.lora, json, sizeof json, &len));
  ACCEPT(mlora_save_json(saved.lora, other_json, sizeof other_json, &other_len));
  ACCEPT(mlora_memory_save_json(alone.lists, lists_json, sizeof lists_json, &lists_len));
  ACCEPT(mlora_memory_save_json(saved.lists, other_lists_json, sizeof other_lists_json, &other_lists_len));
  if (strcmp(weights_of(json, len), weights_of(other_json, other_len)) != 0)
    fail("the adapter's bits differ with saves and without");
  if (lists_len != other_lists_len || memcmp(lists_json, other_lists_json, lists_len) != 0)
    fail("the memory's bits differ with saves and without");
  float delta[FEATURES];
  ACCEPT(mlora_apply(alone.lora, taste, FEATURES, delta, FEATURES, NULL));
  for (size_t i = 0; i < FEATURES; i++)
    if (!isfinite(delta[i])) fail("an output is not finite");
}

static long resident(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss : 0;
}

int main(int count, char **arguments) {
  if (count != 3) fail("expected two arguments: CLICKS SEED");
  const unsigned long clicks = strtoul(arguments[1], NULL, 10);
  state = strtoull(arguments[2], NULL, 10) * 2 + 0x9E3779B97F4A7C15ULL;
  if (clicks == 0) fail("CLICKS: expected a number of at least 1");
  for (size_t i = 0; i < DOCUMENTS; i++) unit(documents[i]);
  unit(taste);
  make(&alone);
  make(&saved);
  long at_first = 0;
  unsigned long saves = 0;
  for (unsigned long n = 1; n <= clicks; n++) {
    click();
    if (chance(BETWEEN_SAVES) == 0) {
      save_and_load();
      saves++;
    }
    if (n % BETWEEN_CHECKS != 0 && n != clicks) continue;
    check();
    if (at_first == 0) at_first = resident();
  }
  const long growth = resident() - at_first;
  printf("C: %lu clicks, %lu saves and loads: the same bits as without, outputs finite, %ld KiB of growth\n", clicks, saves,
         growth);
  if (growth > MAX_GROWTH) fail("the process grew");
  return 0;
}
