// The dual step: its bias, its states, and the choice of a step.
#include "check.h"

static uint32_t room[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
static mlora *lora;

static const float DOCUMENTS[CANDIDATES][FEATURES] = {{1}, {0, 1}, {0, 0, 0.6f, 0.8f}};
static const float CLICKS[CANDIDATES] = {0, 1, 0};
static const float QUERY[FEATURES] = {0.6f, 0.0f, 0.8f}, SECOND[FEATURES] = {0.8f, 0.0f, 0.6f};

static void the_dual_step_has_a_bias(void) {
  lora = make_dual(room, sizeof room, 0);
  const float *bias = NULL, *a = NULL, *b = NULL;
  float delta[FEATURES], merged[FEATURES], weight[FEATURES * FEATURES], x[FEATURES], batch[FEATURES];
  const mlora_sample sample = MLORA_SAMPLE(QUERY, FEATURES);
  mlora_receipt receipt;
  for (int i = 0; i < 20; i++) {
    ACCEPT(mlora_adapt_listwise(lora, &sample, DOCUMENTS[0], CANDIDATES * FEATURES, CLICKS, CANDIDATES,
                                MLORA_TEMPERATURE, &receipt));
    CHECK(receipt.outcome == MLORA_APPLIED && receipt.step == MLORA_STEP_DUAL);
    ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  }
  ACCEPT(mlora_bias(lora, &bias));
  ACCEPT(mlora_get_weights(lora, &a, &b));
  CHECK(bias[1] > 0.0f && bias[0] < 0.0f);
  // delta = weight x + merged bias, if the guard does not bind.
  float guard = 0;
  ACCEPT(mlora_apply(lora, SECOND, FEATURES, delta, FEATURES, &guard));
  ACCEPT(mlora_delta_weight(lora, weight, FEATURES * FEATURES));
  ACCEPT(mlora_merged_bias(lora, merged, FEATURES));
  CHECK(guard == 1.0f && delta[1] > 0.0f);
  for (size_t i = 0; i < FEATURES; i++) CHECK(near(delta[i], dot(weight + i * FEATURES, SECOND) + merged[i]));
  memcpy(x, SECOND, sizeof x);
  ACCEPT(mlora_apply_residual(lora, x, FEATURES, NULL));
  ACCEPT(mlora_apply_batch(lora, SECOND, FEATURES, batch, FEATURES));
  for (size_t i = 0; i < FEATURES; i++) CHECK(near(x[i], SECOND[i] + delta[i]));
  CHECK(memcmp(batch, delta, sizeof delta) == 0);
  watch(room, sizeof room);
  REFUSE(MLORA_ERROR_STEP, mlora_adapt_quality(lora, &sample, 0.9f, NULL));
  REFUSE(MLORA_ERROR_LENGTH, mlora_merged_bias(lora, merged, FEATURES - 1));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_merged_bias(lora, (float *)(void *)(room + 80), FEATURES));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_bias(lora, (const float **)(void *)room));
  watch_nothing();

  // A state with a pending event loads into an adapter that learns and into a frozen one.
  static char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
  static uint32_t other[sizeof room / 4], still[MLORA_SIZE(FEATURES, FEATURES, RANK, MLORA_INFERENCE) / 4];
  ACCEPT(mlora_adapt_listwise(lora, &sample, DOCUMENTS[0], CANDIDATES * FEATURES, CLICKS, CANDIDATES,
                              MLORA_TEMPERATURE, NULL));
  size_t len = 0, said = 0;
  ACCEPT(mlora_json_len(lora, &said));
  ACCEPT(mlora_save_json(lora, json, sizeof json, &len));
  CHECK(len == said && strstr(json, "\"version\":2") != NULL);
  mlora *twin = make_dual(other, sizeof other, 0), *frozen = NULL;
  ACCEPT(mlora_load_json(twin, json, len));
  ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  ACCEPT(mlora_apply_updates(twin, MLORA_LEARNING_RATE, NULL));
  ACCEPT(mlora_apply(lora, SECOND, FEATURES, delta, FEATURES, NULL));
  ACCEPT(mlora_apply(twin, SECOND, FEATURES, batch, FEATURES, NULL));
  CHECK(memcmp(batch, delta, sizeof delta) == 0);
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_DUAL;
  config.flags = MLORA_INFERENCE;
  ACCEPT(mlora_init(still, sizeof still, &config, MLORA_ABI_VERSION, &frozen));
  ACCEPT(mlora_save_json(lora, json, sizeof json, &len));
  ACCEPT(mlora_load_json(frozen, json, len));
  ACCEPT(mlora_apply(frozen, SECOND, FEATURES, batch, FEATURES, NULL));
  CHECK(memcmp(batch, delta, sizeof delta) == 0);
}

static void choices_are_predicted_before_they_are_learned(void) {
  lora = make_dual(room, sizeof room, 0);
  const mlora_sample sample = MLORA_SAMPLE(QUERY, FEATURES);
  mlora_predictions seen;
  ACCEPT(mlora_get_predictions(lora, &seen));
  CHECK(seen.known == 0 && seen.strength == 0.0f);
  for (int i = 0; i < 30; i++) {
    ACCEPT(mlora_adapt_listwise(lora, &sample, DOCUMENTS[0], CANDIDATES * FEATURES, CLICKS, CANDIDATES,
                                MLORA_TEMPERATURE, NULL));
    ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  }
  ACCEPT(mlora_get_predictions(lora, &seen));
  CHECK(seen.known == 1 && seen.strength > 0.9f && seen.strength_error > 0.0f);
}

static void the_first_feedback_chooses(void) {
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  const mlora_sample sample = MLORA_SAMPLE(QUERY, FEATURES);
  mlora_receipt receipt;
  mlora_config got = MLORA_CONFIG(0, 0, 0);
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora));
  ACCEPT(mlora_adapt_choice(lora, &sample, DOCUMENTS[0], CANDIDATES * FEATURES, 1, 1.0f, MLORA_TEMPERATURE_CHOICE, &receipt));
  CHECK(receipt.step == MLORA_STEP_DUAL);
  ACCEPT(mlora_get_config(lora, &got));
  CHECK(got.step == MLORA_STEP_DUAL);
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora));
  ACCEPT(mlora_adapt_quality(lora, &sample, 0.9f, &receipt));
  CHECK(receipt.step == MLORA_STEP_SCALED_GRADIENT_V2);

  // It can still change to the dual step, once nothing is pending.
  REFUSE(MLORA_ERROR_COUNT, mlora_into_dual(lora));
  ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  float before[FEATURES], after[FEATURES];
  ACCEPT(mlora_apply(lora, QUERY, FEATURES, before, FEATURES, NULL));
  ACCEPT(mlora_into_dual(lora));
  ACCEPT(mlora_apply(lora, QUERY, FEATURES, after, FEATURES, NULL));
  for (size_t i = 0; i < FEATURES; i++) CHECK(near(before[i], after[i]));
  ACCEPT(mlora_adapt_choice(lora, &sample, DOCUMENTS[0], CANDIDATES * FEATURES, 1, 1.0f, MLORA_TEMPERATURE_CHOICE, &receipt));
  CHECK(receipt.step == MLORA_STEP_DUAL);
}

// A memory would take out lists of which only a share is left.
static void weights_of_the_dual_step_are_not_pulled(void) {
  lora = make_dual(room, sizeof room, 0);
  const float kept[RANK * FEATURES] = {0};
  watch(room, sizeof room);
  REFUSE(MLORA_ERROR_UNSUPPORTED, mlora_pull_towards(lora, kept, RANK * FEATURES, kept, RANK * FEATURES, 0.1f));
  watch_nothing();
}

static void a_reset_lets_feedback_choose_again(void) {
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  mlora_config got = MLORA_CONFIG(0, 0, 0);
  const mlora_sample sample = MLORA_SAMPLE(QUERY, FEATURES);
  const float w[RANK * FEATURES] = {0};
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &lora));
  ACCEPT(mlora_adapt_choice(lora, &sample, DOCUMENTS[0], CANDIDATES * FEATURES, 1, 1.0f, MLORA_TEMPERATURE_CHOICE, NULL));
  ACCEPT(mlora_set_weights(lora, w, RANK * FEATURES, w, RANK * FEATURES));
  ACCEPT(mlora_get_config(lora, &got));
  CHECK(got.step == MLORA_STEP_DUAL);
  ACCEPT(mlora_reset(lora));
  ACCEPT(mlora_get_config(lora, &got));
  CHECK(got.step == MLORA_STEP_AUTO);
}

void test_dual(void) {
  the_dual_step_has_a_bias();
  choices_are_predicted_before_they_are_learned();
  the_first_feedback_chooses();
  weights_of_the_dual_step_are_not_pulled();
  a_reset_lets_feedback_choose_again();
}
