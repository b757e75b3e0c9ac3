// JSON: a loaded state continues with the same bits, and anything else is refused.
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
static size_t json_bytes;

static void learn_a_little(mlora *lora) {
  mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  for (size_t i = 0; i < 5; i++) {
    ACCEPT(mlora_adapt_choice(lora, &sample, CANDIDATE_ROWS, CANDIDATES * FEATURES, i % CANDIDATES, 1.0f,
                              MLORA_TEMPERATURE, NULL));
    ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  }
  // One event stays pending.
  ACCEPT(mlora_adapt_quality(lora, &sample, 0.8f, NULL));
}

static void save(const mlora *lora) {
  size_t len = 0;
  ACCEPT(mlora_json_len(lora, &len));
  CHECK(len <= sizeof json);
  ACCEPT(mlora_save_json(lora, json, sizeof json, &json_bytes));
  CHECK(json_bytes == len);
}

static void a_loaded_state_goes_on_with_the_same_bits(void) {
  adapter one, two;
  make(&one);
  learn_a_little(one.lora);
  save(one.lora);

  mlora_state_info info;
  ACCEPT(mlora_peek_json(json, json_bytes, &info));
  CHECK(info.in_features == FEATURES && info.out_features == FEATURES && info.rank == RANK);
  CHECK(info.model_id == 0 && info.samples_seen == 6 && info.pending == 1 && info.generation == 5);

  make(&two);
  ACCEPT(mlora_load_json(two.lora, json, json_bytes));
  learn_a_little(one.lora);
  learn_a_little(two.lora);
  float one_delta[FEATURES], two_delta[FEATURES];
  ACCEPT(mlora_apply(one.lora, X, FEATURES, one_delta, FEATURES, NULL));
  ACCEPT(mlora_apply(two.lora, X, FEATURES, two_delta, FEATURES, NULL));
  CHECK(memcmp(one_delta, two_delta, sizeof one_delta) == 0);
}

static void an_inference_adapter_takes_the_weights(void) {
  adapter one;
  make(&one);
  learn_a_little(one.lora);
  save(one.lora);
  uint32_t room[MLORA_SIZE(FEATURES, FEATURES, RANK, MLORA_INFERENCE) / 4];
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.flags = MLORA_INFERENCE;
  mlora *frozen = NULL;
  ACCEPT(mlora_init(room, sizeof room, &config, MLORA_ABI_VERSION, &frozen));
  ACCEPT(mlora_load_json(frozen, json, json_bytes));
  float delta[FEATURES], frozen_delta[FEATURES];
  ACCEPT(mlora_apply(one.lora, X, FEATURES, delta, FEATURES, NULL));
  ACCEPT(mlora_apply(frozen, X, FEATURES, frozen_delta, FEATURES, NULL));
  CHECK(memcmp(delta, frozen_delta, sizeof delta) == 0);
  mlora_stats stats;
  ACCEPT(mlora_get_stats(frozen, &stats));
  CHECK(stats.pending == 0 && stats.samples_seen == 6);

  // The state that it saves, without the pending event, can be trained.
  save(frozen);
  ACCEPT(mlora_load_json(one.lora, json, json_bytes));
}

// Replaces the first occurrence of `from` by a text of the same length.
static void swap(const char *from, const char *to) {
  int found = 0;
  for (size_t at = 0; at + strlen(from) <= json_bytes; at++) {
    if (memcmp(json + at, from, strlen(from)) != 0) continue;
    memcpy(json + at, to, strlen(to));
    found = 1;
    break;
  }
  CHECK(found);
}

static void damaged_and_foreign_states_are_refused(void) {
  adapter one;
  make(&one);
  learn_a_little(one.lora);
  watch(one.memory, sizeof one.memory);
  const struct {
    const char *from, *to;
    mlora_status expected;
  } changes[] = {
      {"{\"format\"", "[\"format\"", MLORA_ERROR_SYNTAX},
      {"micro-lora", "macro-lora", MLORA_ERROR_FORMAT},
      {"\"version\":1", "\"version\":3", MLORA_ERROR_MISMATCH},
      {"\"rank\":2", "\"rank\":1", MLORA_ERROR_MISMATCH},
      {"\"model_id\":0", "\"model_id\":5", MLORA_ERROR_MISMATCH},
      {"\"lora_a\":\"", "\"lora_a\":\"*", MLORA_ERROR_BASE64},
      {"\"seed\":0", "\"seed\":1", MLORA_ERROR_CHECKSUM},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    save(one.lora);
    swap(changes[i].from, changes[i].to);
    REFUSE(changes[i].expected, mlora_load_json(one.lora, json, json_bytes));
  }
  save(one.lora);
  for (size_t len = 0; len < json_bytes; len += 7) {
    REFUSE(MLORA_ERROR_SYNTAX, mlora_load_json(one.lora, json, len));
  }
  watch_nothing();

  mlora_state_info info;
  memset(&info, 0xA5, sizeof info);
  watch(&info, sizeof info);
  REFUSE(MLORA_ERROR_SYNTAX, mlora_peek_json(json, json_bytes / 2, &info));
  swap("\"rank\":2", "\"rank\":9");
  REFUSE(MLORA_ERROR_COUNT, mlora_peek_json(json, json_bytes, &info));
  watch_nothing();
}

static void a_buffer_that_is_too_small_stays_empty(void) {
  adapter one;
  make(&one);
  size_t len = 0, written = 9;
  ACCEPT(mlora_json_len(one.lora, &len));
  memset(json, '#', sizeof json);
  watch(json, sizeof json);
  watch(&written, sizeof written);
  REFUSE(MLORA_ERROR_BUFFER, mlora_save_json(one.lora, json, len - 1, &written));
  REFUSE(MLORA_ERROR_BUFFER, mlora_save_json(one.lora, json, 0, &written));
  watch_nothing();
  // Exactly the needed size, so that a tool sees an access one byte past the end.
  char *exact = malloc(len);
  ACCEPT(mlora_save_json(one.lora, exact, len, &written));
  CHECK(written == len && exact[0] == '{' && exact[len - 1] == '}');
  free(exact);
}

void test_save(void) {
  // The values of Rust's MicroLora::JSON_MAX (ffi/tests/abi.rs has the same numbers).
  CHECK(MLORA_JSON_MAX(384, 384, 4) == 39549);
  CHECK(MLORA_JSON_MAX(5, 3, 1) == 785);
  a_loaded_state_goes_on_with_the_same_bits();
  an_inference_adapter_takes_the_weights();
  damaged_and_foreign_states_are_refused();
  a_buffer_that_is_too_small_stays_empty();
}
