// Floating-point modes of hosts: rounding, FTZ and DAZ, exceptions that trap.
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#define FTZ_AND_DAZ 0x8040u
#endif

#define TEXT(string) string, sizeof(string) - 1

// All functions with ordinary input: learning of every kind, applying, saving, loading, the ring and the holdback.
static void ordinary_use(void) {
  adapter one;
  make(&one);
  mlora *lora = one.lora;
  const mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  const float weights[CANDIDATES] = {0, 1, 0};
  const float thumbs[CANDIDATES] = {1, 0, 0.5f};
  const size_t n = CANDIDATES * FEATURES;
  float out[FEATURES];
  for (int turn = 0; turn < 20; turn++) {
    ACCEPT(mlora_adapt_gradient(lora, &sample, CANDIDATE_ROWS, FEATURES, NULL));
    ACCEPT(mlora_adapt_listwise(lora, &sample, CANDIDATE_ROWS, n, turn % 2 ? weights : thumbs, CANDIDATES,
                                MLORA_TEMPERATURE, NULL));
    ACCEPT(mlora_adapt_choice(lora, &sample, CANDIDATE_ROWS, n, 1, 0.25f, MLORA_TEMPERATURE_CHOICE, NULL));
    ACCEPT(mlora_adapt_target(lora, &sample, CANDIDATE_ROWS, FEATURES, -1.0f, NULL));
    ACCEPT(mlora_adapt_attract_repel(lora, &sample, CANDIDATE_ROWS, FEATURES, CANDIDATE_ROWS + FEATURES, FEATURES,
                                     NULL));
    ACCEPT(mlora_adapt_quality(lora, &sample, 0.9f, NULL));
    ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
    ACCEPT(mlora_apply(lora, X, FEATURES, out, FEATURES, NULL));
  }
  // Equal candidates, and a list with everything chosen: nothing to learn, and no 0 / 0.
  float alike[CANDIDATES * FEATURES] = {0};
  for (size_t i = 0; i < n; i += FEATURES) alike[i] = 1.0f;
  const float all[CANDIDATES] = {1, 1, 1}, none[CANDIDATES] = {0};
  ACCEPT(mlora_adapt_listwise(lora, &sample, alike, n, weights, CANDIDATES, MLORA_TEMPERATURE, NULL));
  ACCEPT(mlora_adapt_listwise(lora, &sample, CANDIDATE_ROWS, n, all, CANDIDATES, MLORA_TEMPERATURE, NULL));
  ACCEPT(mlora_adapt_listwise(lora, &sample, CANDIDATE_ROWS, n, none, CANDIDATES, MLORA_TEMPERATURE, NULL));
  ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  mlora_config free = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  free.cap = MLORA_CAP_OFF;
  adapter other;
  ACCEPT(mlora_init(other.memory, sizeof other.memory, &free, MLORA_ABI_VERSION, &other.lora));
  ACCEPT(mlora_apply(other.lora, X, FEATURES, out, FEATURES, NULL));

  static char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
  size_t written = 0;
  ACCEPT(mlora_save_json(lora, json, sizeof json, &written));
  ACCEPT(mlora_load_json(lora, json, written));
  static uint32_t room[MLORA_REPLAY_SIZE(FEATURES, FEATURES, CANDIDATES, 4) / 4];
  mlora_replay *ring = NULL;
  ACCEPT(mlora_replay_init(room, sizeof room, lora, CANDIDATES, 4, &ring));
  for (int turn = 0; turn < 9; turn++) {
    ACCEPT(mlora_replay_learn(ring, lora, &sample, CANDIDATE_ROWS, n, weights, CANDIDATES, MLORA_TEMPERATURE,
                              MLORA_LEARNING_RATE, NULL));
  }
  mlora_holdback holdback;
  ACCEPT(mlora_holdback_init(&holdback));
  for (int turn = 0; turn < 30; turn++) {
    ACCEPT(mlora_holdback_record(&holdback, turn % 3 ? 1.0f : 0.0f));
  }
  mlora_holdback_report report;
  ACCEPT(mlora_holdback_get_report(&holdback, &report));
}

// A module of f16 values, with all kinds of subnormal ones, and the values as f32.
static void halves_load_as_they_are(void) {
  uint8_t file[400];
  static const char header[] =
      "{\"m.lora_A.weight\":{\"dtype\":\"F16\",\"shape\":[2,8],\"data_offsets\":[0,32]},"
      "\"m.lora_B.weight\":{\"dtype\":\"F16\",\"shape\":[8,2],\"data_offsets\":[32,64]}}";
  const size_t length = sizeof header - 1;
  memset(file, 0, sizeof file);
  file[0] = (uint8_t)(length & 255);
  memcpy(file + 8, header, length);
  const uint16_t halves[8] = {0x0001, 0x8001, 0x03FF, 0x0200, 0x0400, 0x3C00, 0xC900, 0x0000};
  const uint32_t floats[8] = {0x33800000, 0xB3800000, 0x387FC000, 0x38000000, 0x38800000, 0x3F800000, 0xC1200000, 0};
  for (size_t i = 0; i < 8; i++) put_little(file + 8 + length + 2 * i, halves[i], 2);
  adapter one;
  make(&one);
  ACCEPT(mlora_load_safetensors(one.lora, file, 8 + length + 64, TEXT("m"), NULL, 0));
  const float *a = NULL, *b = NULL;
  ACCEPT(mlora_get_weights(one.lora, &a, &b));
  CHECK(memcmp(a, floats, sizeof floats) == 0);
}

static void a_larger_rank_gives(float *weight) {
  uint8_t file[2048];
  static const char header[] =
      "{\"m.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[8,8],\"data_offsets\":[0,256]},"
      "\"m.lora_B.weight\":{\"dtype\":\"F32\",\"shape\":[8,8],\"data_offsets\":[256,512]}}";
  const size_t length = sizeof header - 1;
  memset(file, 0, sizeof file);
  file[0] = (uint8_t)(length & 255);
  memcpy(file + 8, header, length);
  for (int i = 0; i < 128; i++) {
    const float value = (float)((i * 37 + 11) % 29 - 14) / 16.0f;
    put_float(file + 8 + length + 4 * (size_t)i, value);
  }
  adapter one;
  make(&one);
  ACCEPT(mlora_load_safetensors_reduced(one.lora, file, 8 + length + 512, TEXT("m"), NULL, 0, NULL, NULL));
  ACCEPT(mlora_delta_weight(one.lora, weight, FEATURES * FEATURES));
}

static void is_near(const float *one, const float *other) {
  for (size_t i = 0; i < FEATURES * FEATURES; i++) CHECK(fabsf(one[i] - other[i]) <= 1e-5f);
}

void test_environment(void) {
  float expected[FEATURES * FEATURES], weight[FEATURES * FEATURES];
  ACCEPT(mlora_check_environment());
  halves_load_as_they_are();
  a_larger_rank_gives(expected);

  const int has_modes = getenv("MLORA_WITHOUT_MODES") == NULL;
  if (!has_modes) {
    puts("floating-point modes: not tried, for valgrind and WebAssembly have one; the same tests elsewhere have them");
    status_cannot_be_seen(MLORA_ERROR_ENVIRONMENT);
  }
#if defined(FE_UPWARD)
  static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
  for (size_t i = 0; has_modes && i < sizeof modes / sizeof *modes; i++) {
    fesetround(modes[i]);
    REFUSE(MLORA_ERROR_ENVIRONMENT, mlora_check_environment());
    halves_load_as_they_are();
    ordinary_use();
    a_larger_rank_gives(weight);
    fesetround(FE_TONEAREST);
    is_near(weight, expected);
  }
#endif
#if defined(FTZ_AND_DAZ)
  static const unsigned flags[] = {0x8000u, 0x0040u, FTZ_AND_DAZ};
  for (size_t i = 0; has_modes && i < sizeof flags / sizeof *flags; i++) {
    const unsigned before_them = _mm_getcsr();
    _mm_setcsr(before_them | flags[i]);
    const mlora_status status = mlora_check_environment();
    halves_load_as_they_are();
    ordinary_use();
    a_larger_rank_gives(weight);
    _mm_setcsr(before_them);
    CHECK(status == MLORA_ERROR_ENVIRONMENT);
    is_near(weight, expected);
  }
#endif
#if defined(__GLIBC__)
  // A host with traps enabled: ordinary input must not kill it.
  feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(FE_INVALID | FE_DIVBYZERO);
  ordinary_use();
  halves_load_as_they_are();
  a_larger_rank_gives(weight);
  ACCEPT(mlora_check_environment());
  fedisableexcept(FE_ALL_EXCEPT);
#endif
}
