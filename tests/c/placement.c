// Buffers in random places of one piece of memory, the adapter among them: many are misaligned or overlap. A call either gives
// what it gives with buffers of their own, or is refused and changes no byte.
#include <stdio.h>

#include "check.h"

#define TRIALS 10000
#define BUFFERS 4
#define ARENA 8192
#define ADAPTER sizeof(((adapter *)0)->memory)
#define JSON MLORA_JSON_MAX(FEATURES, FEATURES, RANK)
#define VECTOR (FEATURES * sizeof(float))
#define MATRIX (FEATURES * VECTOR)

typedef struct {
  size_t bytes, alignment;
  int is_written;
} need;

#define READ(bytes) {(bytes), sizeof(float), 0}
#define WRITTEN(bytes) {(bytes), sizeof(float), 1}
#define ONE(type) {sizeof(type), _Alignof(type), 1}

typedef struct {
  const char *name;
  mlora_status (*run)(mlora *lora, void *const *at);
  int changes_adapter;
  need needs[BUFFERS];
} subject;

static mlora_status apply(mlora *lora, void *const *at) {
  return mlora_apply(lora, at[0], FEATURES, at[1], FEATURES, at[2]);
}

static mlora_status apply_residual(mlora *lora, void *const *at) {
  return mlora_apply_residual(lora, at[0], FEATURES, at[1]);
}

static mlora_status apply_batch(mlora *lora, void *const *at) {
  return mlora_apply_batch(lora, at[0], 2 * FEATURES, at[1], 2 * FEATURES);
}

static mlora_status merge(mlora *lora, void *const *at) {
  return mlora_merge(lora, at[0], FEATURES * FEATURES, at[1], FEATURES * FEATURES);
}

static mlora_status adapt_gradient(mlora *lora, void *const *at) {
  const mlora_sample sample = MLORA_SAMPLE(at[0], FEATURES);
  return mlora_adapt_gradient(lora, &sample, at[1], FEATURES, at[2]);
}

static mlora_status adapt_choice(mlora *lora, void *const *at) {
  const mlora_sample sample = MLORA_SAMPLE(at[0], FEATURES);
  return mlora_adapt_choice(lora, &sample, at[1], CANDIDATES * FEATURES, 1, 1.0f, 0.1f, at[2]);
}

static mlora_status adapt_attract_repel(mlora *lora, void *const *at) {
  const mlora_sample sample = MLORA_SAMPLE(at[0], FEATURES);
  return mlora_adapt_attract_repel(lora, &sample, at[1], FEATURES, at[2], CANDIDATES * FEATURES, at[3]);
}

static mlora_status set_weights(mlora *lora, void *const *at) {
  return mlora_set_weights(lora, at[0], RANK * FEATURES, at[1], RANK * FEATURES);
}

static mlora_status get_stats(mlora *lora, void *const *at) { return mlora_get_stats(lora, at[0]); }

static mlora_status save_json(mlora *lora, void *const *at) { return mlora_save_json(lora, at[0], JSON, at[1]); }

static const subject SUBJECTS[] = {
    {"apply", apply, 0, {READ(VECTOR), WRITTEN(VECTOR), ONE(float)}},
    {"apply_residual", apply_residual, 0, {WRITTEN(VECTOR), ONE(float)}},
    {"apply_batch", apply_batch, 0, {READ(2 * VECTOR), WRITTEN(2 * VECTOR)}},
    {"merge", merge, 0, {READ(MATRIX), WRITTEN(MATRIX)}},
    {"adapt_gradient", adapt_gradient, 1, {READ(VECTOR), READ(VECTOR), ONE(mlora_receipt)}},
    {"adapt_choice", adapt_choice, 1, {READ(VECTOR), READ(CANDIDATES *VECTOR), ONE(mlora_receipt)}},
    {"adapt_attract_repel", adapt_attract_repel, 1,
     {READ(VECTOR), READ(VECTOR), READ(CANDIDATES *VECTOR), ONE(mlora_receipt)}},
    {"set_weights", set_weights, 1, {READ(RANK *VECTOR), READ(RANK *VECTOR)}},
    {"get_stats", get_stats, 0, {ONE(mlora_stats)}},
    {"save_json", save_json, 0, {{JSON, 1, 1}, ONE(size_t)}},
};

typedef struct {
  char *start;
  size_t bytes;
  int is_written;
} place;

static union {
  double aligned[ARENA / sizeof(double)];
  char bytes[ARENA];
} arena, earlier, apart[BUFFERS];
static adapter trained, twin;
static uint32_t state = 1;

// xorshift32, Marsaglia 2003.
static uint32_t chance(uint32_t below) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % below;
}

static int overlap(place a, place b) { return a.start < b.start + b.bytes && b.start < a.start + a.bytes; }

static int is_misaligned(const need *needs, const place *places, size_t count) {
  for (size_t i = 0; i < count; i++)
    if ((uintptr_t)places[i].start % needs[i].alignment != 0) return 1;
  return 0;
}

// The last place is the adapter's.
static int is_shared(const place *places, size_t count) {
  for (size_t i = 0; i <= count; i++)
    for (size_t j = 0; j <= count; j++)
      if (i != j && places[i].is_written && overlap(places[i], places[j])) return 1;
  return 0;
}

// The same call with every buffer at a place of its own, compared with what is in the arena now.
static void check_as_apart(const subject *of, const place *places, size_t count) {
  void *at[BUFFERS] = {NULL};
  twin = trained;
  ACCEPT(mlora_open(twin.memory, ADAPTER, MLORA_ABI_VERSION, &twin.lora));
  for (size_t i = 0; i < count; i++) {
    at[i] = apart[i].bytes;
    memcpy(at[i], earlier.bytes + (places[i].start - arena.bytes), places[i].bytes);
  }
  ACCEPT(of->run(twin.lora, at));
  memcpy(earlier.bytes + (places[count].start - arena.bytes), twin.memory, ADAPTER);
  for (size_t i = 0; i < count; i++)
    if (places[i].is_written) memcpy(earlier.bytes + (places[i].start - arena.bytes), at[i], places[i].bytes);
  CHECK(memcmp(arena.bytes, earlier.bytes, ARENA) == 0);
}

// Gives what the call said.
static mlora_status attempt(const subject *of) {
  void *at[BUFFERS] = {NULL};
  place places[BUFFERS + 1];
  size_t count = 0, bytes = ADAPTER;
  while (count < BUFFERS && of->needs[count].bytes > 0) bytes += of->needs[count++].bytes;
  // Close enough for about half of the calls to have buffers that overlap.
  const size_t room = 3 * bytes < ARENA ? 3 * bytes : ARENA;
  for (size_t i = 0; i < ARENA / sizeof(float); i++) put_float((uint8_t *)arena.bytes + i * sizeof(float), X[i % FEATURES]);
  for (size_t i = 0; i < count; i++) {
    const need *wanted = &of->needs[i];
    size_t offset = chance((uint32_t)(room - wanted->bytes));
    if (chance(8) > 0) offset -= offset % wanted->alignment;
    at[i] = arena.bytes + offset;
    places[i] = (place){at[i], wanted->bytes, wanted->is_written};
  }
  char *memory = arena.bytes + sizeof(float) * chance((uint32_t)((room - ADAPTER) / sizeof(float)));
  places[count] = (place){memory, ADAPTER, of->changes_adapter};
  memcpy(memory, trained.memory, ADAPTER);
  mlora *lora = NULL;
  ACCEPT(mlora_open(memory, ADAPTER, MLORA_ABI_VERSION, &lora));
  memcpy(&earlier, &arena, ARENA);
  const mlora_status got = of->run(lora, at);
  const int misaligned = is_misaligned(of->needs, places, count), shared = is_shared(places, count);
  const int is_right = misaligned ? got == MLORA_ERROR_MISALIGNED || (shared && got == MLORA_ERROR_OVERLAP)
                                  : got == (shared ? MLORA_ERROR_OVERLAP : MLORA_OK);
  CHECK(is_right);
  if (!is_right) fprintf(stderr, "%s: %s\n", of->name, mlora_status_message((int32_t)got));
  if (got == MLORA_OK)
    check_as_apart(of, places, count);
  else
    CHECK(memcmp(arena.bytes, earlier.bytes, ARENA) == 0);
  return got;
}

void test_placement(void) {
  make(&trained);
  const mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  ACCEPT(mlora_adapt_gradient(trained.lora, &sample, CANDIDATE_ROWS, FEATURES, NULL));
  ACCEPT(mlora_apply_updates(trained.lora, MLORA_LEARNING_RATE, NULL));
  for (size_t i = 0; i < sizeof SUBJECTS / sizeof SUBJECTS[0]; i++) {
    unsigned done = 0, misaligned = 0, overlapping = 0;
    for (unsigned trial = 0; trial < TRIALS / (sizeof SUBJECTS / sizeof SUBJECTS[0]); trial++) {
      const mlora_status got = attempt(&SUBJECTS[i]);
      done += got == MLORA_OK;
      misaligned += got == MLORA_ERROR_MISALIGNED;
      overlapping += got == MLORA_ERROR_OVERLAP;
    }
    // Otherwise a loop would prove nothing.
    CHECK(done > 50 && misaligned > 50 && overlapping > 50);
  }
}
