// Pointers that are not NULL but invalid: misaligned, overlapping, with absurd lengths, or not to an adapter.
#include <stdlib.h>

#include "check.h"

static adapter one;
static float buffer[2 * FEATURES];
static float square[2 * FEATURES * FEATURES];
static char text[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
static const mlora_sample SAMPLE = MLORA_SAMPLE(X, FEATURES);

// One byte further: misaligned for every type except char.
static void *odd(const void *pointer) { return (void *)((uintptr_t)pointer + 1); }

static void misaligned_pointers_are_refused(void) {
  mlora *lora = one.lora;
  const mlora_sample *s = &SAMPLE;
  float out[FEATURES];
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  mlora_sample bad = SAMPLE;
  bad.x = odd(X);
  const uint32_t abi = MLORA_ABI_VERSION;
  const size_t bytes = sizeof one.memory;
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_size(1, 1, 1, 0, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_config_default(odd(buffer), sizeof config));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_init(odd(one.memory), bytes - 4, &config, abi, &one.lora));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_init(one.memory, bytes, odd(&config), abi, &one.lora));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_init(one.memory, bytes, &config, abi, odd(&one.lora)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_open(odd(one.memory), bytes, abi, &one.lora));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_open(one.memory, bytes, abi, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_close(odd(lora)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_get_config(lora, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply(odd(lora), X, FEATURES, out, FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply(lora, odd(X), FEATURES, out, FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply(lora, X, FEATURES, odd(buffer), FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply(lora, X, FEATURES, out, FEATURES, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply_residual(lora, odd(buffer), FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply_residual(lora, out, FEATURES, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply_batch(lora, odd(X), FEATURES, out, FEATURES));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply_batch(lora, X, FEATURES, odd(buffer), FEATURES));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_delta_weight(lora, odd(square), FEATURES * FEATURES));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_merge(lora, odd(square), 64, square, 64));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_merge(lora, square, 64, odd(square + 64), 64));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_get_stats(lora, odd(square)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradient(lora, odd(s), X, FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradient(lora, &bad, X, FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradient(lora, s, odd(X), FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradient(lora, s, X, FEATURES, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradients(lora, odd(X), FEATURES, X, FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradients(lora, X, FEATURES, odd(X), FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_gradients(lora, X, FEATURES, X, FEATURES, odd(buffer)));
  bad = SAMPLE;
  bad.base = odd(X);
  bad.base_len = FEATURES;
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_quality(lora, &bad, 0.9f, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_choice(lora, s, odd(X), 16, 0, 1.0f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_listwise(lora, s, CANDIDATE_ROWS, 16, odd(X), 2, 0.1f, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_target(lora, s, odd(X), FEATURES, 1.0f, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_adapt_attract_repel(lora, s, X, FEATURES, odd(X), FEATURES, NULL));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_apply_updates(lora, MLORA_LEARNING_RATE, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_discard_pending(odd(lora)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_into_dual(odd(lora)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_reset(odd(lora)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_json_len(lora, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_save_json(lora, text, sizeof text, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_peek_json(text, sizeof text, odd(buffer)));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_get_weights(lora, odd(buffer), (const float **)(void *)square));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_set_weights(lora, odd(buffer), 16, buffer, 16));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_set_weights(lora, buffer, 16, odd(buffer), 16));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_set_strength(odd(lora), 1.0f));
}

static void outputs_must_be_apart(void) {
  mlora *lora = one.lora;
  const mlora_sample *s = &SAMPLE;
  void *inside = one.memory + 50;
  float *f = inside;
  float out[FEATURES];
  const float *b;
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  mlora_sample within = SAMPLE;
  within.x = f;
  const uint32_t abi = MLORA_ABI_VERSION;
  const size_t bytes = sizeof one.memory;
  REFUSE(MLORA_ERROR_OVERLAP, mlora_init(one.memory, bytes, &config, abi, (mlora **)(void *)one.memory));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_open(one.memory, bytes, abi, (mlora **)(void *)one.memory));
  // A config inside the adapter is refused by its first word, which is not a struct size.
  f = (float *)(void *)one.memory;
  REFUSE(MLORA_ERROR_STRUCT_SIZE, mlora_get_config(lora, (mlora_config *)(void *)f));
  f = inside;
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply(lora, buffer, FEATURES, buffer, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply(lora, buffer, FEATURES, buffer + FEATURES - 1, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply(lora, buffer + FEATURES - 1, FEATURES, buffer, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply(lora, X, FEATURES, f, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply(lora, X, FEATURES, out, FEATURES, out + 1));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply(lora, X, FEATURES, out, FEATURES, f));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply_residual(lora, f, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply_residual(lora, out, FEATURES, out));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply_batch(lora, buffer, 8, buffer + 4, 8));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_delta_weight(lora, f, 64));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_merge(lora, square, 64, square, 64));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_merge(lora, square, 64, square + 63, 64));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_get_stats(lora, inside));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradient(lora, &within, X, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradient(lora, s, f, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradient(lora, s, X, FEATURES, inside));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradient(lora, s, buffer, FEATURES, (void *)buffer));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradients(lora, f, FEATURES, X, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradients(lora, X, FEATURES, f, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradients(lora, X, FEATURES, X, FEATURES, inside));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_gradients(lora, buffer, FEATURES, X, FEATURES, (void *)buffer));
  within = SAMPLE;
  within.base = f;
  within.base_len = FEATURES;
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_quality(lora, &within, 0.9f, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_choice(lora, s, f, 16, 0, 1.0f, 0.1f, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_listwise(lora, s, CANDIDATE_ROWS, 16, f, 2, 0.1f, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_target(lora, s, f, FEATURES, 1.0f, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_adapt_attract_repel(lora, s, X, FEATURES, f, FEATURES, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_apply_updates(lora, MLORA_LEARNING_RATE, inside));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_json_len(lora, (size_t *)(void *)one.memory));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_save_json(lora, inside, 600, (size_t *)(void *)buffer));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_save_json(lora, (char *)buffer, sizeof buffer, (size_t *)(void *)buffer));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_load_json(lora, inside, 64));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_peek_json((char *)buffer, sizeof buffer, (void *)buffer));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_get_weights(lora, (const float **)(void *)one.memory, &b));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_get_weights(lora, &b, &b));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_set_weights(lora, f, 16, buffer, 16));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_set_weights(lora, buffer, 16, f, 16));
  // Two inputs may overlap.
  const float *a;
  ACCEPT(mlora_get_weights(lora, &a, &b));
  ACCEPT(mlora_apply(lora, a, FEATURES, out, FEATURES, NULL));
}

static void absurd_lengths_are_refused(void) {
  const size_t absurd[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 8 + 1};
  float out[FEATURES];
  size_t written = 0;
  for (size_t i = 0; i < 4; i++) {
    REFUSE(MLORA_ERROR_LENGTH, mlora_apply(one.lora, X, absurd[i], out, FEATURES, NULL));
    REFUSE(MLORA_ERROR_LENGTH, mlora_apply(one.lora, X, FEATURES, out, absurd[i], NULL));
    REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_gradient(one.lora, &SAMPLE, X, absurd[i], NULL));
    REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_gradients(one.lora, X, absurd[i], X, FEATURES, NULL));
    REFUSE(MLORA_ERROR_LENGTH, mlora_adapt_gradients(one.lora, X, FEATURES, X, absurd[i], NULL));
  }
  REFUSE(MLORA_ERROR_LENGTH, mlora_save_json(one.lora, text, SIZE_MAX, &written));
  REFUSE(MLORA_ERROR_LENGTH, mlora_load_json(one.lora, text, SIZE_MAX));
}

static void foreign_memory_is_refused(void) {
  // Zeroed, filled with rubbish, and an adapter that was overwritten from the front.
  uint32_t *memory = calloc(1, sizeof one.memory);
  mlora_stats stats;
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_get_stats((mlora *)(void *)memory, &stats));
  memset(memory, 0xA5, sizeof one.memory);
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_reset((mlora *)(void *)memory));
  memcpy(memory, one.memory, sizeof one.memory);
  memset(memory + 4, 0xFF, 12);
  REFUSE(MLORA_ERROR_CORRUPT, mlora_get_stats((mlora *)(void *)memory, &stats));
  free(memory);
}

void test_misuse(void) {
  make(&one);
  watch(&one, sizeof one);
  watch(buffer, sizeof buffer);
  watch(square, sizeof square);
  watch(text, sizeof text);
  misaligned_pointers_are_refused();
  outputs_must_be_apart();
  absurd_lengths_are_refused();
  foreign_memory_is_refused();
  watch_nothing();
}
