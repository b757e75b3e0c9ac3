// Corrections, compared with arithmetic by hand.
#include <math.h>

#include "check.h"

// A 2 x 2 adapter of rank 1 with s = 1: delta = (1, 2) (0.5 x0 + 0.25 x1), delta W = [.5 .25; 1 .5].
static const float A[] = {0.5f, 0.25f};
static const float B[] = {1.0f, 2.0f};
static uint32_t memory[MLORA_SIZE(2, 2, 1, 0) / 4];

static mlora *small(float cap, uint32_t flags) {
  mlora_config config = MLORA_CONFIG(2, 2, 1);
  config.alpha = 1.0f;
  config.cap = cap;
  config.flags = flags;
  mlora *lora = NULL;
  ACCEPT(mlora_init(memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora));
  ACCEPT(mlora_set_weights(lora, A, 2, B, 2));
  return lora;
}

static void corrections_are_right(mlora *lora) {
  const float x[] = {1.0f, 2.0f, 0.5f, 1.0f};
  float delta[2], deltas[4], guard = 0.0f;
  ACCEPT(mlora_apply(lora, x, 2, delta, 2, &guard));
  CHECK(delta[0] == 1.0f && delta[1] == 2.0f && guard == 1.0f);
  ACCEPT(mlora_apply(lora, x, 2, delta, 2, NULL));

  float y[] = {1.0f, 2.0f};
  ACCEPT(mlora_apply_residual(lora, y, 2, &guard));
  CHECK(y[0] == 2.0f && y[1] == 4.0f && guard == 1.0f);

  ACCEPT(mlora_apply_batch(lora, x, 4, deltas, 4));
  CHECK(deltas[0] == 1.0f && deltas[1] == 2.0f && deltas[2] == 0.5f && deltas[3] == 1.0f);
  ACCEPT(mlora_apply_batch(lora, x, 0, deltas, 0));
  ACCEPT(mlora_apply_batch(lora, NULL, 0, NULL, 0));

  float weight[4], merged[4];
  const float base[] = {10.0f, 20.0f, 30.0f, 40.0f};
  ACCEPT(mlora_delta_weight(lora, weight, 4));
  CHECK(weight[0] == 0.5f && weight[1] == 0.25f && weight[2] == 1.0f && weight[3] == 0.5f);
  ACCEPT(mlora_merge(lora, base, 4, merged, 4));
  CHECK(merged[0] == 10.5f && merged[1] == 20.25f && merged[2] == 31.0f && merged[3] == 40.5f);
}

static void the_guard_shortens(void) {
  mlora *lora = small(0.5f, 0);
  const float x[] = {1.0f, 2.0f};
  float delta[2], guard = 1.0f;
  ACCEPT(mlora_apply(lora, x, 2, delta, 2, &guard));
  CHECK(guard == 0.5f && delta[0] == 0.5f && delta[1] == 1.0f);
}

static void strength_scales_and_counts_as_a_change(mlora *lora) {
  const float x[] = {1.0f, 2.0f};
  float delta[2];
  mlora_stats earlier, later;
  ACCEPT(mlora_get_stats(lora, &earlier));
  ACCEPT(mlora_set_strength(lora, 0.5f));
  ACCEPT(mlora_apply(lora, x, 2, delta, 2, NULL));
  ACCEPT(mlora_get_stats(lora, &later));
  CHECK(delta[0] == 0.5f && delta[1] == 1.0f);
  CHECK(later.strength == 0.5f && later.generation == earlier.generation + 1);
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_set_strength(lora, 101.0f));
  ACCEPT(mlora_set_strength(lora, 1.0f));
}

static void weights_can_be_read_in_place(mlora *lora) {
  const float *a = NULL, *b = NULL;
  ACCEPT(mlora_get_weights(lora, &a, &b));
  CHECK(memcmp(a, A, sizeof A) == 0 && memcmp(b, B, sizeof B) == 0);
  mlora_stats stats;
  ACCEPT(mlora_get_stats(lora, &stats));
  CHECK(stats.param_count == 4 && stats.weight_bytes == 16);
  CHECK(fabsf(stats.norm_b - sqrtf(5.0f)) < 1e-6f);
}

static void refused_inputs_write_nothing(mlora *lora) {
  float x[] = {1.0f, 2.0f, 3.0f, (float)NAN};
  float huge[] = {3e38f, 3e38f, 3e38f, 3e38f};
  float out[4] = {9, 9, 9, 9}, guard = 9;
  watch(memory, sizeof memory);
  watch(out, sizeof out);
  watch(&guard, sizeof guard);
  watch(x, sizeof x);
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_apply(lora, x + 2, 2, out, 2, &guard));
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_apply_residual(lora, x + 2, 2, &guard));
  // The first row is valid, but must not be written either.
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_apply_batch(lora, x, 4, out, 4));
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_merge(lora, x, 4, out, 4));
  REFUSE(MLORA_ERROR_OVERFLOW, mlora_apply(lora, huge, 2, out, 2, &guard));
  REFUSE(MLORA_ERROR_OVERFLOW, mlora_apply_batch(lora, huge, 4, out, 4));
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_set_weights(lora, A, 2, x + 2, 2));
  REFUSE(MLORA_ERROR_OVERFLOW, mlora_set_weights(lora, huge, 2, B, 2));
  REFUSE(MLORA_ERROR_LENGTH, mlora_apply(lora, x, 1, out, 2, &guard));
  REFUSE(MLORA_ERROR_LENGTH, mlora_apply(lora, x, 2, out, 3, &guard));
  REFUSE(MLORA_ERROR_LENGTH, mlora_apply_residual(lora, x, 3, &guard));
  REFUSE(MLORA_ERROR_LENGTH, mlora_apply_batch(lora, x, 3, out, 4));
  REFUSE(MLORA_ERROR_LENGTH, mlora_apply_batch(lora, x, 2, out, 4));
  REFUSE(MLORA_ERROR_LENGTH, mlora_delta_weight(lora, out, 3));
  REFUSE(MLORA_ERROR_LENGTH, mlora_merge(lora, huge, 3, out, 4));
  REFUSE(MLORA_ERROR_LENGTH, mlora_merge(lora, huge, 4, out, 3));
  REFUSE(MLORA_ERROR_LENGTH, mlora_set_weights(lora, A, 1, B, 2));
  REFUSE(MLORA_ERROR_LENGTH, mlora_set_weights(lora, A, 2, B, 1));
  watch_nothing();
}

static void a_residual_needs_a_square_adapter(void) {
  uint32_t room[MLORA_SIZE(2, 3, 1, 0) / 4];
  mlora_config config = MLORA_CONFIG(2, 3, 1);
  mlora *lora = NULL;
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora));
  float x[] = {1.0f, 2.0f};
  REFUSE(MLORA_ERROR_SQUARE_REQUIRED, mlora_apply_residual(lora, x, 2, NULL));
}

static void a_fresh_inference_adapter_changes_nothing(void) {
  mlora_config config = MLORA_CONFIG(2, 2, 1);
  config.flags = MLORA_INFERENCE;
  mlora *lora = NULL;
  const float x[] = {1.0f, 2.0f};
  float delta[2] = {9, 9};
  ACCEPT(mlora_init(memory, MLORA_SIZE(2, 2, 1, MLORA_INFERENCE), &config, MLORA_ABI_VERSION, &lora));
  ACCEPT(mlora_apply(lora, x, 2, delta, 2, NULL));
  CHECK(delta[0] == 0.0f && delta[1] == 0.0f);
}

void test_apply(void) {
  for (uint32_t flags = 0; flags <= MLORA_INFERENCE; flags++) {
    mlora *lora = small(MLORA_CAP_OFF, flags);
    corrections_are_right(lora);
    strength_scales_and_counts_as_a_change(lora);
    weights_can_be_read_in_place(lora);
    refused_inputs_write_nothing(small(1.0f, flags));
  }
  the_guard_shortens();
  a_residual_needs_a_square_adapter();
  a_fresh_inference_adapter_changes_nothing();
}
