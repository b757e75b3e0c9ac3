// Feedback of every kind: its receipts and its errors.
#include <math.h>
#include <stdlib.h>

#include "check.h"

static adapter one;
static const mlora_sample SAMPLE = MLORA_SAMPLE(X, FEATURES);

static float score(const mlora *lora, const float *candidate) {
  float delta[FEATURES], sum = 0.0f;
  ACCEPT(mlora_apply(lora, X, FEATURES, delta, FEATURES, NULL));
  for (int i = 0; i < FEATURES; i++) sum += candidate[i] * (X[i] + delta[i]);
  return sum;
}

static mlora_status choose(float quality, mlora_receipt *receipt) {
  return mlora_adapt_choice(one.lora, &SAMPLE, CANDIDATE_ROWS, CANDIDATES * FEATURES, 1, quality,
                            MLORA_TEMPERATURE, receipt);
}

static void clicks_raise_a_score_and_thumbs_down_lower_it(void) {
  for (int up = 0; up <= 1; up++) {
    make(&one);
    float start = score(one.lora, CANDIDATE_ROWS + FEATURES);
    for (int i = 0; i < 20; i++) {
      mlora_receipt receipt;
      ACCEPT(choose(up ? 1.0f : 0.0f, &receipt));
      CHECK(receipt.outcome == MLORA_APPLIED && receipt.grad_norm > 0.0f && receipt.step_norm == 0.0f);
      ACCEPT(mlora_apply_updates(one.lora, MLORA_LEARNING_RATE, &receipt));
      CHECK(receipt.outcome == MLORA_APPLIED && receipt.step_norm > 0.0f);
    }
    float end = score(one.lora, CANDIDATE_ROWS + FEATURES);
    CHECK(up ? end > start + 0.01f : end < start);
    mlora_stats stats;
    ACCEPT(mlora_get_stats(one.lora, &stats));
    CHECK(stats.samples_seen == 20 && stats.updates == 20 && stats.rated == 20 && stats.pending == 0);
    CHECK(stats.mean_quality == (up ? 1.0f : 0.0f));
  }
}

static void every_kind_of_feedback_becomes_pending(void) {
  make(&one);
  mlora_receipt receipt;
  const float weights[CANDIDATES] = {0.0f, 1.0f, 1.0f};
  const float *row = CANDIDATE_ROWS + FEATURES;
  ACCEPT(mlora_adapt_gradient(one.lora, &SAMPLE, row, FEATURES, &receipt));
  CHECK(receipt.grad_norm == 1.0f && receipt.guard == 1.0f);
  ACCEPT(choose(1.0f, NULL));
  ACCEPT(mlora_adapt_listwise(one.lora, &SAMPLE, CANDIDATE_ROWS, CANDIDATES * FEATURES, weights, CANDIDATES,
                              MLORA_TEMPERATURE, &receipt));
  CHECK(receipt.outcome == MLORA_APPLIED);
  ACCEPT(mlora_adapt_target(one.lora, &SAMPLE, row, FEATURES, -0.5f, NULL));
  ACCEPT(mlora_adapt_attract_repel(one.lora, &SAMPLE, row, FEATURES, CANDIDATE_ROWS, FEATURES, NULL));
  ACCEPT(mlora_adapt_quality(one.lora, &SAMPLE, 0.9f, NULL));
  mlora_stats stats;
  ACCEPT(mlora_get_stats(one.lora, &stats));
  CHECK(stats.pending == 6 && stats.samples_seen == 6 && stats.rated == 2);

  ACCEPT(mlora_discard_pending(one.lora));
  ACCEPT(mlora_apply_updates(one.lora, MLORA_LEARNING_RATE, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_NO_PENDING);
}

static void a_batch_is_as_many_calls(void) {
  adapter single;
  make(&one);
  make(&single);
  // The last of three gradients is zero.
  float gradients[CANDIDATES * FEATURES] = {0};
  memcpy(gradients, CANDIDATE_ROWS, sizeof(float) * 2 * FEATURES);
  mlora_batch_receipt receipt;
  const float *rows = CANDIDATE_ROWS;
  const size_t n = CANDIDATES * FEATURES;
  ACCEPT(mlora_adapt_gradients(one.lora, rows, n, gradients, n, &receipt));
  CHECK(receipt.applied == 2 && receipt.skipped == 1 && receipt.capped == 0 && receipt.generation == 0);
  for (size_t i = 0; i < n; i += FEATURES) {
    const mlora_sample sample = MLORA_SAMPLE(rows + i, FEATURES);
    ACCEPT(mlora_adapt_gradient(single.lora, &sample, gradients + i, FEATURES, NULL));
  }
  ACCEPT(mlora_adapt_gradients(one.lora, NULL, 0, NULL, 0, NULL));
  CHECK(memcmp(one.memory, single.memory, sizeof one.memory) == 0);

  watch(one.memory, sizeof one.memory);
  gradients[n - 1] = (float)NAN;
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_adapt_gradients(one.lora, rows, n, gradients, n, &receipt));
  REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_gradients(one.lora, rows, n - 1, gradients, n, &receipt));
  REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_gradients(one.lora, rows, n, rows, n - FEATURES, &receipt));
  watch_nothing();
}

static void every_skip_says_why(void) {
  make(&one);
  mlora_receipt receipt;
  const float zeros[FEATURES] = {0}, none[CANDIDATES] = {0}, all[CANDIDATES] = {1, 1, 1};
  ACCEPT(choose(0.5f, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_NEUTRAL_QUALITY);
  ACCEPT(mlora_adapt_listwise(one.lora, &SAMPLE, CANDIDATE_ROWS, CANDIDATES * FEATURES, all, CANDIDATES,
                              MLORA_TEMPERATURE, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_ALL_CHOSEN);
  ACCEPT(mlora_adapt_listwise(one.lora, &SAMPLE, CANDIDATE_ROWS, CANDIDATES * FEATURES, none, CANDIDATES,
                              MLORA_TEMPERATURE, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_NOTHING_CHOSEN);
  ACCEPT(mlora_adapt_gradient(one.lora, &SAMPLE, zeros, FEATURES, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_ZERO_GRADIENT);
  mlora_sample light = SAMPLE;
  light.weight = 0.0f;
  ACCEPT(mlora_adapt_gradient(one.lora, &light, X, FEATURES, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_ZERO_WEIGHT);
  ACCEPT(mlora_apply_updates(one.lora, MLORA_LEARNING_RATE, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_NO_PENDING);
  ACCEPT(choose(1.0f, NULL));
  ACCEPT(mlora_apply_updates(one.lora, 0.0f, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_ZERO_LEARNING_RATE);
}

static void reset_goes_back_to_the_seed(void) {
  adapter fresh;
  make(&fresh);
  make(&one);
  ACCEPT(choose(1.0f, NULL));
  ACCEPT(mlora_apply_updates(one.lora, MLORA_LEARNING_RATE, NULL));
  ACCEPT(mlora_reset(one.lora));
  const float *a = NULL, *b = NULL, *fresh_a = NULL, *fresh_b = NULL;
  ACCEPT(mlora_get_weights(one.lora, &a, &b));
  ACCEPT(mlora_get_weights(fresh.lora, &fresh_a, &fresh_b));
  CHECK(memcmp(a, fresh_a, sizeof(float) * RANK * FEATURES) == 0);
  CHECK(memcmp(b, fresh_b, sizeof(float) * RANK * FEATURES) == 0);
  mlora_stats stats;
  ACCEPT(mlora_get_stats(one.lora, &stats));
  CHECK(stats.samples_seen == 0 && stats.updates == 0 && stats.generation == 2);
}

static void bad_samples_are_refused(void) {
  make(&one);
  watch(one.memory, sizeof one.memory);
  mlora_receipt receipt = {9, 9, 9, 9, 9, 9};
  watch(&receipt, sizeof receipt);
#define REFUSE_SAMPLE(expected, assignment) \
  do { \
    mlora_sample bad = SAMPLE; \
    bad.assignment; \
    REFUSE(expected, mlora_adapt_quality(one.lora, &bad, 0.9f, &receipt)); \
  } while (0)
  float strange[FEATURES] = {1, (float)INFINITY};
  float huge[FEATURES] = {3e38f, 3e38f};
  REFUSE_SAMPLE(MLORA_ERROR_LENGTH, x_len = FEATURES - 1);
  REFUSE_SAMPLE(MLORA_ERROR_LENGTH, x_len = SIZE_MAX / 2);
  REFUSE_SAMPLE(MLORA_ERROR_NOT_FINITE, x = strange);
  REFUSE_SAMPLE(MLORA_ERROR_OVERFLOW, x = huge);
  REFUSE_SAMPLE(MLORA_ERROR_OUT_OF_RANGE, weight = -1.0f);
  REFUSE_SAMPLE(MLORA_ERROR_OUT_OF_RANGE, weight = (float)NAN);
  REFUSE_SAMPLE(MLORA_ERROR_NULL, x = NULL);
  REFUSE_SAMPLE(MLORA_ERROR_NULL, base_len = FEATURES);
  REFUSE_SAMPLE(MLORA_ERROR_LENGTH, base = X);
  watch_nothing();
}

static void bad_feedback_is_refused(void) {
  make(&one);
  watch(one.memory, sizeof one.memory);
  const float *rows = CANDIDATE_ROWS;
  const float zeros[FEATURES] = {0}, weights[] = {1, 0, -1};
  const size_t n = CANDIDATES * FEATURES;
  mlora *lora = one.lora;
  const mlora_sample *s = &SAMPLE;
  REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_gradient(lora, s, rows, FEATURES + 1, NULL));
  REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_choice(lora, s, rows, n - 1, 0, 1.0f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_COUNT, mlora_adapt_choice(lora, s, rows, FEATURES, 0, 1.0f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_COUNT, mlora_adapt_choice(lora, s, rows, n, CANDIDATES, 1.0f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_adapt_choice(lora, s, rows, n, 0, 1.1f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_adapt_choice(lora, s, rows, n, 0, 1.0f, 0.0f, NULL));
  REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_listwise(lora, s, rows, n, weights, 2, 0.1f, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_adapt_listwise(lora, s, rows, n, weights, 3, 0.1f, NULL));
  REFUSE(MLORA_ERROR_ZERO_NORM, mlora_adapt_target(lora, s, zeros, FEATURES, 1.0f, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_adapt_target(lora, s, rows, FEATURES, 1e9f, NULL));
  REFUSE(MLORA_ERROR_ZERO_NORM, mlora_adapt_attract_repel(lora, s, rows, FEATURES, zeros, FEATURES, NULL));
  REFUSE(MLORA_ERROR_COUNT, mlora_adapt_attract_repel(lora, s, rows, FEATURES, rows, 0, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_adapt_quality(lora, s, -0.1f, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_apply_updates(lora, 1001.0f, NULL));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_apply_updates(lora, (float)NAN, NULL));
  watch_nothing();
}

static void pending_events_have_a_limit(void) {
  make(&one);
  mlora_sample heavy = SAMPLE;
  heavy.weight = 1e6f;
  for (int i = 0; i < 16; i++) ACCEPT(mlora_adapt_gradient(one.lora, &heavy, X, FEATURES, NULL));
  watch(one.memory, sizeof one.memory);
  REFUSE(MLORA_ERROR_PENDING_FULL, mlora_adapt_gradient(one.lora, &heavy, X, FEATURES, NULL));
  watch_nothing();
}

static void other_shapes_need_a_base(void) {
  uint32_t room[MLORA_SIZE(FEATURES, 3, 1, 0) / 4];
  mlora_config config = MLORA_CONFIG(FEATURES, 3, 1);
  mlora *lora = NULL;
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora));
  const float base[] = {1.0f, 0.5f, 0.0f}, target[] = {0.0f, 1.0f, 0.0f};
  mlora_sample sample = SAMPLE;
  watch(room, sizeof room);
  REFUSE(MLORA_ERROR_BASE_REQUIRED, mlora_adapt_target(lora, &sample, target, 3, 1.0f, NULL));
  REFUSE(MLORA_ERROR_SQUARE_REQUIRED, mlora_adapt_quality(lora, &sample, 0.9f, NULL));
  watch_nothing();
  sample.base = base;
  sample.base_len = 3;
  mlora_receipt receipt;
  ACCEPT(mlora_adapt_target(lora, &sample, target, 3, 1.0f, &receipt));
  CHECK(receipt.outcome == MLORA_APPLIED);
}

static void an_inference_adapter_does_not_learn(void) {
  uint32_t room[MLORA_SIZE(FEATURES, FEATURES, RANK, MLORA_INFERENCE) / 4];
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.flags = MLORA_INFERENCE;
  mlora *lora = NULL;
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora));
  watch(room, sizeof room);
  const float *rows = CANDIDATE_ROWS;
  const size_t n = CANDIDATES * FEATURES;
  const mlora_sample *s = &SAMPLE;
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_gradient(lora, s, rows, FEATURES, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_gradients(lora, rows, n, rows, n, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_choice(lora, s, rows, n, 0, 1.0f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_listwise(lora, s, rows, n, rows, 3, 0.1f, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_target(lora, s, rows, FEATURES, 1.0f, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_attract_repel(lora, s, rows, FEATURES, rows, FEATURES, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_adapt_quality(lora, s, 0.9f, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_discard_pending(lora));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_into_dual(lora));
  REFUSE(MLORA_ERROR_INFERENCE_ONLY, mlora_reset(lora));
  watch_nothing();
}

static float *heap_copy(const float *values, size_t count) {
  float *copy = malloc(count * sizeof *copy);
  memcpy(copy, values, count * sizeof *copy);
  return copy;
}

// Every buffer on the heap with the exact size, so that valgrind sees an access one value past the end.
static void nothing_outside_the_buffers_is_touched(void) {
  const size_t bytes = MLORA_SIZE(FEATURES, FEATURES, RANK, 0), rows_len = CANDIDATES * FEATURES;
  void *memory = malloc(bytes);
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  mlora *lora = NULL;
  ACCEPT(mlora_init(memory, bytes, &config, MLORA_ABI_VERSION, &lora));
  float *x = heap_copy(X, FEATURES), *rows = heap_copy(CANDIDATE_ROWS, rows_len);
  float *weights = heap_copy((const float[]){0, 1, 0}, CANDIDATES), *base = heap_copy(X, FEATURES);
  float *deltas = heap_copy(CANDIDATE_ROWS, rows_len), *square = malloc(FEATURES * FEATURES * sizeof *square);
  mlora_sample *sample = malloc(sizeof *sample);
  mlora_receipt *receipt = malloc(sizeof *receipt);
  *sample = (mlora_sample){x, FEATURES, base, FEATURES, 1.0f};
  ACCEPT(mlora_adapt_gradient(lora, sample, rows, FEATURES, receipt));
  ACCEPT(mlora_adapt_gradients(lora, rows, rows_len, deltas, rows_len, NULL));
  ACCEPT(mlora_adapt_choice(lora, sample, rows, rows_len, 2, 0.1f, MLORA_TEMPERATURE, receipt));
  ACCEPT(mlora_adapt_listwise(lora, sample, rows, rows_len, weights, CANDIDATES, 0.5f, receipt));
  ACCEPT(mlora_adapt_target(lora, sample, rows, FEATURES, 0.5f, receipt));
  ACCEPT(mlora_adapt_attract_repel(lora, sample, base, FEATURES, rows, rows_len, receipt));
  ACCEPT(mlora_adapt_quality(lora, sample, 0.9f, receipt));
  ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, receipt));
  CHECK(receipt->outcome == MLORA_APPLIED);
  ACCEPT(mlora_apply_batch(lora, rows, rows_len, deltas, rows_len));
  ACCEPT(mlora_delta_weight(lora, square, FEATURES * FEATURES));
  ACCEPT(mlora_set_weights(lora, rows, RANK * FEATURES, rows + FEATURES, RANK * FEATURES));
  ACCEPT(mlora_reset(lora));
  free(x), free(rows), free(weights), free(base), free(deltas), free(square);
  free(sample), free(receipt), free(memory);
}

void test_learn(void) {
  clicks_raise_a_score_and_thumbs_down_lower_it();
  every_kind_of_feedback_becomes_pending();
  a_batch_is_as_many_calls();
  every_skip_says_why();
  reset_goes_back_to_the_seed();
  bad_samples_are_refused();
  bad_feedback_is_refused();
  pending_events_have_a_limit();
  other_shapes_need_a_base();
  an_inference_adapter_does_not_learn();
  nothing_outside_the_buffers_is_touched();
}
