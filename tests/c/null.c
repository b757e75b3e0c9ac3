// NULL for every pointer of every function; ffi/tests/header.rs counts that none is left out.
#include "check.h"

static float in[FEATURES], out[FEATURES], w[FEATURES * FEATURES], m[FEATURES * FEATURES];
static char text[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];

static void lifecycle(void) {
  adapter one;
  make(&one);
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  const size_t bytes = sizeof one.memory;
  const uint32_t abi = MLORA_ABI_VERSION;
  REFUSE(MLORA_ERROR_NULL, mlora_size(1, 1, 1, 0, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_config_default(NULL, sizeof config));
  const char *problem = NULL;
  REFUSE(MLORA_ERROR_NULL, mlora_config_problem(NULL, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_config_problem(&config, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_init(NULL, bytes, &config, abi, &one.lora));
  REFUSE(MLORA_ERROR_NULL, mlora_init(one.memory, bytes, NULL, abi, &one.lora));
  REFUSE(MLORA_ERROR_NULL, mlora_init(one.memory, bytes, &config, abi, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_open(NULL, bytes, abi, &one.lora));
  REFUSE(MLORA_ERROR_NULL, mlora_open(one.memory, bytes, abi, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_close(NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_get_config(NULL, &config));
  REFUSE(MLORA_ERROR_NULL, mlora_get_config(one.lora, NULL));
}

static void apply(mlora *lora) {
  float guard;
  mlora_stats stats;
  REFUSE(MLORA_ERROR_NULL, mlora_apply(NULL, in, FEATURES, out, FEATURES, &guard));
  REFUSE(MLORA_ERROR_NULL, mlora_apply(lora, NULL, FEATURES, out, FEATURES, &guard));
  REFUSE(MLORA_ERROR_NULL, mlora_apply(lora, in, FEATURES, NULL, FEATURES, &guard));
  REFUSE(MLORA_ERROR_NULL, mlora_apply_residual(NULL, out, FEATURES, &guard));
  REFUSE(MLORA_ERROR_NULL, mlora_apply_residual(lora, NULL, FEATURES, &guard));
  REFUSE(MLORA_ERROR_NULL, mlora_apply_batch(NULL, in, FEATURES, out, FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_apply_batch(lora, NULL, FEATURES, out, FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_apply_batch(lora, in, FEATURES, NULL, FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_delta_weight(NULL, w, FEATURES * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_delta_weight(lora, NULL, FEATURES * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_merge(NULL, w, FEATURES * FEATURES, m, FEATURES * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_merge(lora, NULL, FEATURES * FEATURES, m, FEATURES * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_merge(lora, w, FEATURES * FEATURES, NULL, FEATURES * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_get_stats(NULL, &stats));
  REFUSE(MLORA_ERROR_NULL, mlora_get_stats(lora, NULL));
}

static void learn(mlora *lora) {
  const mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  const mlora_sample *s = &sample;
  const float *rows = CANDIDATE_ROWS;
  const float weights[CANDIDATES] = {0, 1, 0};
  const size_t n = CANDIDATES * FEATURES;
  mlora_receipt r;
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_gradient(NULL, s, rows, FEATURES, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_gradient(lora, NULL, rows, FEATURES, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_gradient(lora, s, NULL, FEATURES, &r));
  mlora_batch_receipt br;
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_gradients(NULL, rows, n, rows, n, &br));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_gradients(lora, NULL, n, rows, n, &br));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_gradients(lora, rows, n, NULL, n, &br));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_choice(NULL, s, rows, n, 0, 1.0f, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_choice(lora, NULL, rows, n, 0, 1.0f, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_choice(lora, s, NULL, n, 0, 1.0f, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_listwise(NULL, s, rows, n, weights, CANDIDATES, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_listwise(lora, NULL, rows, n, weights, CANDIDATES, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_listwise(lora, s, NULL, n, weights, CANDIDATES, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_listwise(lora, s, rows, n, NULL, CANDIDATES, 0.1f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_target(NULL, s, rows, FEATURES, 1.0f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_target(lora, NULL, rows, FEATURES, 1.0f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_target(lora, s, NULL, FEATURES, 1.0f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_attract_repel(NULL, s, rows, FEATURES, rows, n, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_attract_repel(lora, NULL, rows, FEATURES, rows, n, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_attract_repel(lora, s, NULL, FEATURES, rows, n, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_attract_repel(lora, s, rows, FEATURES, NULL, n, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_quality(NULL, s, 0.9f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_adapt_quality(lora, NULL, 0.9f, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_apply_updates(NULL, MLORA_LEARNING_RATE, &r));
  REFUSE(MLORA_ERROR_NULL, mlora_discard_pending(NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_reset(NULL));
}

static void save_and_weights(mlora *lora) {
  size_t len;
  mlora_state_info info;
  const float *a, *b;
  REFUSE(MLORA_ERROR_NULL, mlora_json_len(NULL, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_json_len(lora, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_save_json(NULL, text, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_json(lora, NULL, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_json(lora, text, sizeof text, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_load_json(NULL, text, sizeof text));
  REFUSE(MLORA_ERROR_NULL, mlora_load_json(lora, NULL, sizeof text));
  REFUSE(MLORA_ERROR_NULL, mlora_peek_json(NULL, sizeof text, &info));
  REFUSE(MLORA_ERROR_NULL, mlora_peek_json(text, sizeof text, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_get_weights(NULL, &a, &b));
  REFUSE(MLORA_ERROR_NULL, mlora_get_weights(lora, NULL, &b));
  REFUSE(MLORA_ERROR_NULL, mlora_get_weights(lora, &a, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_set_weights(NULL, w, RANK * FEATURES, m, RANK * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_set_weights(lora, NULL, RANK * FEATURES, m, RANK * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_set_weights(lora, w, RANK * FEATURES, NULL, RANK * FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_pull_towards(NULL, w, RANK * FEATURES, m, RANK * FEATURES, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_pull_towards(lora, NULL, RANK * FEATURES, m, RANK * FEATURES, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_pull_towards(lora, w, RANK * FEATURES, NULL, RANK * FEATURES, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_set_strength(NULL, 1.0f));
}

static void peft(mlora *lora) {
  uint8_t file[16] = {0};
  size_t len;
  mlora_module module;
  REFUSE(MLORA_ERROR_NULL, mlora_peek_safetensors(NULL, sizeof file, 0, &module));
  REFUSE(MLORA_ERROR_NULL, mlora_peek_safetensors(file, sizeof file, 0, NULL));
  mlora_module_cursor cursor = MLORA_MODULE_CURSOR;
  REFUSE(MLORA_ERROR_NULL, mlora_next_module(NULL, sizeof file, &cursor, &module));
  REFUSE(MLORA_ERROR_NULL, mlora_next_module(file, sizeof file, NULL, &module));
  REFUSE(MLORA_ERROR_NULL, mlora_next_module(file, sizeof file, &cursor, NULL));
  mlora_peft_config config;
  mlora_problem problem;
  REFUSE(MLORA_ERROR_NULL, mlora_read_adapter_config(NULL, 1, "q", 1, &config, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_read_adapter_config("{}", 2, NULL, 1, &config, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_read_adapter_config("{}", 2, "q", 1, NULL, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_problem(NULL, file, sizeof file, "q", 1, NULL, 0, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_problem(lora, NULL, sizeof file, "q", 1, NULL, 0, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_problem(lora, file, sizeof file, NULL, 1, NULL, 0, &problem));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_problem(lora, file, sizeof file, "q", 1, NULL, 0, NULL));
  mlora_reduction *kept = NULL;
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors_reduced(NULL, file, sizeof file, "q", 1, NULL, 0, kept, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors_reduced(lora, NULL, sizeof file, "q", 1, NULL, 0, kept, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors_reduced(lora, file, sizeof file, NULL, 1, NULL, 0, kept, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors(NULL, file, sizeof file, "q", 1, NULL, 0));
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors(lora, NULL, sizeof file, "q", 1, NULL, 0));
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors(lora, file, sizeof file, NULL, 1, NULL, 0));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_len(NULL, "q", 1, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_len(lora, NULL, 1, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_safetensors_len(lora, "q", 1, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_save_safetensors(NULL, "q", 1, file, sizeof file, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_safetensors(lora, NULL, 1, file, sizeof file, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_safetensors(lora, "q", 1, NULL, sizeof file, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_safetensors(lora, "q", 1, file, sizeof file, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_adapter_config_len(NULL, "q", 1, "b", 1, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_adapter_config_len(lora, NULL, 1, "b", 1, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_adapter_config_len(lora, "q", 1, "b", 1, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_save_adapter_config(NULL, "q", 1, "b", 1, text, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_adapter_config(lora, NULL, 1, "b", 1, text, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_adapter_config(lora, "q", 1, "b", 1, NULL, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_save_adapter_config(lora, "q", 1, "b", 1, text, sizeof text, NULL));
}

static void beside(mlora *lora) {
  static uint32_t memory[MLORA_REPLAY_SIZE(FEATURES, FEATURES, CANDIDATES, 2) / 4];
  const mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  const mlora_sample *s = &sample;
  const float *rows = CANDIDATE_ROWS;
  const float weights[CANDIDATES] = {0, 1, 0};
  const uint32_t ids[2] = {1, 2};
  const size_t n = CANDIDATES * FEATURES, c = CANDIDATES;
  mlora_replay *ring;
  mlora_holdback hold;
  mlora_holdback_report report;
  mlora_explore explore;
  uint32_t number, shown[2];
  size_t len;
  ACCEPT(mlora_replay_init(memory, sizeof memory, lora, CANDIDATES, 2, &ring));
  ACCEPT(mlora_holdback_init(&hold));
  ACCEPT(mlora_explore_init(&explore, 0.3f, 1));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_size(1, 1, 2, 1, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_init(NULL, sizeof memory, lora, CANDIDATES, 2, &ring));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_init(memory, sizeof memory, NULL, CANDIDATES, 2, &ring));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_init(memory, sizeof memory, lora, CANDIDATES, 2, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_learn(NULL, lora, s, rows, n, weights, c, 0.1f, 0.01f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_learn(ring, NULL, s, rows, n, weights, c, 0.1f, 0.01f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_learn(ring, lora, NULL, rows, n, weights, c, 0.1f, 0.01f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_learn(ring, lora, s, NULL, n, weights, c, 0.1f, 0.01f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_learn(ring, lora, s, rows, n, NULL, c, 0.1f, 0.01f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_push(NULL, s, rows, n, weights, c, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_push(ring, NULL, rows, n, weights, c, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_push(ring, s, NULL, n, weights, c, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_push(ring, s, rows, n, NULL, c, 0.1f));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_rehearse(NULL, lora, 0.01f, 1, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_rehearse(ring, NULL, 0.01f, 1, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_rehearse(ring, lora, 0.01f, 1, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_len(NULL, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_len(ring, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_clear(NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_json_max(NULL, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_json_max(ring, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_save_json(NULL, text, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_save_json(ring, NULL, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_save_json(ring, text, sizeof text, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_load_json(NULL, text, sizeof text));
  REFUSE(MLORA_ERROR_NULL, mlora_replay_load_json(ring, NULL, sizeof text));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_init(NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_is_due(NULL, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_is_due(&hold, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_interleave(NULL, ids, 2, ids, 2, shown, 2, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_interleave(&hold, NULL, 2, ids, 2, shown, 2, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_interleave(&hold, ids, 2, NULL, 2, shown, 2, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_interleave(&hold, ids, 2, ids, 2, NULL, 2, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_interleave(&hold, ids, 2, ids, 2, shown, 2, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_record_clicks(NULL, weights, 2));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_record_clicks(&hold, NULL, 2));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_next(NULL, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_next(&hold, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_record(NULL, 0.5f));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_get_report(NULL, &report));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_get_report(&hold, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_save_json(NULL, text, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_save_json(&hold, NULL, sizeof text, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_save_json(&hold, text, sizeof text, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_load_json(NULL, text, sizeof text));
  REFUSE(MLORA_ERROR_NULL, mlora_holdback_load_json(&hold, NULL, sizeof text));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_init(NULL, 0.3f, 1));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_draw(NULL, rows, n, out, FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_draw(&explore, NULL, n, out, FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_draw(&explore, rows, n, NULL, FEATURES));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_adapt(NULL, lora, s, out, FEATURES, 1.0f, 0.0f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_adapt(&explore, NULL, s, out, FEATURES, 1.0f, 0.0f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_adapt(&explore, lora, NULL, out, FEATURES, 1.0f, 0.0f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_explore_adapt(&explore, lora, s, NULL, FEATURES, 1.0f, 0.0f, NULL));
  REFUSE(MLORA_ERROR_NULL, mlora_principal_directions(NULL, n, FEATURES, out, FEATURES, m, 16, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_principal_directions(rows, n, FEATURES, NULL, FEATURES, m, 16, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_principal_directions(rows, n, FEATURES, out, FEATURES, NULL, 16, &number));
  REFUSE(MLORA_ERROR_NULL, mlora_principal_directions(rows, n, FEATURES, out, FEATURES, m, 16, NULL));
}

void test_null(void) {
  adapter one;
  make(&one);
  watch(one.memory, sizeof one.memory);
  watch(out, sizeof out);
  watch(m, sizeof m);
  lifecycle();
  apply(one.lora);
  learn(one.lora);
  save_and_weights(one.lora);
  peft(one.lora);
  beside(one.lora);
  watch_nothing();
}
