// One adapter and many threads that only read it: each gets the same bits. Also run under helgrind, which would report
// a write. On a target without threads there is one run.
#if !defined(__wasi__)
#include <pthread.h>
#endif

#include "check.h"

#define THREADS 4
#define ROUNDS 200

static adapter shared;

static void work(const mlora *lora, float *delta, char *json, size_t *written) {
  float guard, twice[FEATURES];
  mlora_stats stats;
  // Expectations count in a global, so threads only store results, which are checked afterwards.
  for (int i = 0; i < ROUNDS; i++) {
    if (mlora_apply(lora, X, FEATURES, delta, FEATURES, &guard) != MLORA_OK) return;
    memcpy(twice, X, sizeof twice);
    if (mlora_apply_residual(lora, twice, FEATURES, &guard) != MLORA_OK) return;
    if (mlora_apply_batch(lora, X, FEATURES, delta, FEATURES) != MLORA_OK) return;
    if (mlora_get_stats(lora, &stats) != MLORA_OK) return;
  }
  (void)mlora_save_json(lora, json, MLORA_JSON_MAX(FEATURES, FEATURES, RANK), written);
}

typedef struct {
  float delta[FEATURES];
  char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
  size_t written;
} result;

static void *run(void *into) {
  result *r = into;
  work(shared.lora, r->delta, r->json, &r->written);
  return NULL;
}

void test_threads(void) {
  make(&shared);
  mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  ACCEPT(mlora_adapt_choice(shared.lora, &sample, CANDIDATE_ROWS, CANDIDATES * FEATURES, 0, 1.0f,
                            MLORA_TEMPERATURE, NULL));
  ACCEPT(mlora_apply_updates(shared.lora, MLORA_LEARNING_RATE, NULL));
  static result alone;
  run(&alone);
  CHECK(alone.written > 0 && alone.delta[0] != 0.0f);
#if !defined(__wasi__)
  static result results[THREADS];
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, run, &results[i]) == 0);
  for (size_t i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(memcmp(&results[i], &alone, sizeof alone) == 0);
  }
#endif
}
