// Versions, sizes, settings, and copies of the memory.
#include <math.h>
#include <stdlib.h>

#include "check.h"

static void sizes_at_build_time_and_run_time_agree(void) {
  const uint32_t features[] = {1, 2, 7, 384, 768, 1048576};
  for (size_t i = 0; i < 6; i++) {
    for (size_t o = 0; o < 6; o++) {
      for (uint32_t rank = 1; rank <= 4; rank++) {
        for (uint32_t flags = 0; flags <= MLORA_INFERENCE; flags++) {
          size_t bytes = 0;
          ACCEPT(mlora_size(features[i], features[o], rank, flags, &bytes));
          CHECK(bytes == MLORA_SIZE(features[i], features[o], rank, flags));
          CHECK(bytes % 4 == 0);
        }
      }
    }
  }
  // The sizes of Rust's MicroLora and FrozenLora, and the 16 bytes of the handle's guard.
  CHECK(MLORA_SIZE(384, 384, 4, 0) == 30980 + 16);
  CHECK(MLORA_SIZE(384, 384, 4, MLORA_INFERENCE) == 14084 + 16);
}

static void sizes_no_adapter_has_are_refused(void) {
  size_t bytes = 77;
  watch(&bytes, sizeof bytes);
  REFUSE(MLORA_ERROR_COUNT, mlora_size(0, 8, 1, 0, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_size(8, 0, 1, 0, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_size(8, 8, 0, 0, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_size(8, 8, 5, 0, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_size(1048577, 8, 1, 0, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_size(8, UINT32_MAX, 1, 0, &bytes));
  REFUSE(MLORA_ERROR_FLAGS, mlora_size(8, 8, 1, 2, &bytes));
  watch_nothing();
}

static void defaults_are_those_of_the_macro(void) {
  mlora_config from_macro = MLORA_CONFIG(0, 0, 0);
  mlora_config from_library;
  memset(&from_library, 0xA5, sizeof from_library);
  ACCEPT(mlora_config_default(&from_library, sizeof from_library));
  CHECK(memcmp(&from_macro, &from_library, sizeof from_macro) == 0);
  watch(&from_library, sizeof from_library);
  REFUSE(MLORA_ERROR_STRUCT_SIZE, mlora_config_default(&from_library, sizeof from_library - 4));
  watch_nothing();
}

static void settings_come_back(void) {
  uint32_t memory[MLORA_SIZE(5, 3, 1, 0) / 4];
  mlora_config config = MLORA_CONFIG(5, 3, 1);
  config.alpha = 2.0f;
  config.use_rslora = 1;
  config.cap = MLORA_CAP_OFF;
  config.seed = 9;
  config.model_id = 77;
  config.step = MLORA_STEP_SGD;
  config.decay = 0.25f;
  mlora *lora = NULL;
  ACCEPT(mlora_init(memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora));
  mlora_config got = MLORA_CONFIG(0, 0, 0);
  ACCEPT(mlora_get_config(lora, &got));
  CHECK(memcmp(&got, &config, sizeof got) == 0);
  got.struct_size = 4;
  watch(&got, sizeof got);
  REFUSE(MLORA_ERROR_STRUCT_SIZE, mlora_get_config(lora, &got));
  watch_nothing();
}

static void init_refuses_loudly(void) {
  adapter made;
  memset(&made, 0xA5, sizeof made);
  watch(&made, sizeof made);
  mlora_config good = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  mlora **handle = &made.lora;
  size_t bytes = sizeof made.memory;
  REFUSE(MLORA_ERROR_ABI, mlora_init(made.memory, bytes, &good, MLORA_ABI_VERSION + 1, handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_init(made.memory, bytes - 1, &good, MLORA_ABI_VERSION, handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_init(made.memory, 0, &good, MLORA_ABI_VERSION, handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_init(made.memory, SIZE_MAX, &good, MLORA_ABI_VERSION, handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_init(made.memory, SIZE_MAX / 2 + 1, &good, MLORA_ABI_VERSION, handle));

  const char *problem = "";
  ACCEPT(mlora_config_problem(&good, &problem));
  CHECK(problem == NULL);
// Its name, up to the equals sign, must be the start of the problem's text.
#define REFUSE_SETTING(expected, assignment) \
  do { \
    mlora_config bad = good; \
    bad.assignment; \
    REFUSE(expected, mlora_init(made.memory, bytes, &bad, MLORA_ABI_VERSION, handle)); \
    ACCEPT(mlora_config_problem(&bad, &problem)); \
    const size_t name = strcspn(#assignment, " "); \
    CHECK(problem && strncmp(problem, #assignment, name) == 0 && strncmp(problem + name, ": expected ", 11) == 0); \
  } while (0)
  mlora_config other = good;
  other.struct_size += 4;
  REFUSE(MLORA_ERROR_STRUCT_SIZE, mlora_init(made.memory, bytes, &other, MLORA_ABI_VERSION, handle));
  REFUSE(MLORA_ERROR_STRUCT_SIZE, mlora_config_problem(&other, &problem));
  other.struct_size = 0;
  REFUSE(MLORA_ERROR_STRUCT_SIZE, mlora_init(made.memory, bytes, &other, MLORA_ABI_VERSION, handle));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_config_problem(&good, (const char **)(void *)&good));
  REFUSE_SETTING(MLORA_ERROR_FLAGS, flags = 2);
  REFUSE_SETTING(MLORA_ERROR_COUNT, in_features = 0);
  REFUSE_SETTING(MLORA_ERROR_COUNT, out_features = UINT32_MAX);
  REFUSE_SETTING(MLORA_ERROR_COUNT, rank = 5);
  CHECK(strcmp(problem, "rank: expected 1 to 4") == 0);
  REFUSE_SETTING(MLORA_ERROR_COUNT, use_rslora = 2);
  REFUSE_SETTING(MLORA_ERROR_COUNT, step = 5);
  REFUSE_SETTING(MLORA_ERROR_OUT_OF_RANGE, alpha = 0.0f);
  REFUSE_SETTING(MLORA_ERROR_OUT_OF_RANGE, alpha = (float)NAN);
  REFUSE_SETTING(MLORA_ERROR_OUT_OF_RANGE, cap = -1.0f);
  REFUSE_SETTING(MLORA_ERROR_OUT_OF_RANGE, decay = 0.6f);
  watch_nothing();
}

static void a_copy_is_a_snapshot_and_an_adapter_of_its_own(void) {
  adapter one;
  make(&one);
  mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  uint32_t snapshot[sizeof one.memory / 4];
  memcpy(snapshot, one.memory, sizeof snapshot);
  ACCEPT(mlora_adapt_choice(one.lora, &sample, CANDIDATE_ROWS, CANDIDATES * FEATURES, 1, 1.0f,
                            MLORA_TEMPERATURE, NULL));
  ACCEPT(mlora_apply_updates(one.lora, MLORA_LEARNING_RATE, NULL));
  CHECK(memcmp(snapshot, one.memory, sizeof snapshot) != 0);

  // A copy at an address with another alignment modulo 8, on the heap.
  char *room = malloc(sizeof one.memory + 4);
  void *elsewhere = room + ((uintptr_t)one.memory % 8 == (uintptr_t)room % 8 ? 4 : 0);
  memcpy(elsewhere, one.memory, sizeof one.memory);
  mlora *copy = NULL;
  ACCEPT(mlora_open(elsewhere, sizeof one.memory, MLORA_ABI_VERSION, &copy));
  float delta[FEATURES], from_copy[FEATURES];
  ACCEPT(mlora_apply(one.lora, X, FEATURES, delta, FEATURES, NULL));
  ACCEPT(mlora_apply(copy, X, FEATURES, from_copy, FEATURES, NULL));
  CHECK(memcmp(delta, from_copy, sizeof delta) == 0);
  CHECK(delta[1] > 0.0f);

  // Both continue to learn in the same way, each in its own memory.
  for (int i = 0; i < 2; i++) {
    mlora *lora = i == 0 ? one.lora : copy;
    ACCEPT(mlora_adapt_quality(lora, &sample, 0.9f, NULL));
    ACCEPT(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  }
  CHECK(memcmp(one.memory, elsewhere, sizeof one.memory) == 0);

  // Undo.
  memcpy(one.memory, snapshot, sizeof snapshot);
  ACCEPT(mlora_apply(one.lora, X, FEATURES, delta, FEATURES, NULL));
  CHECK(delta[1] == 0.0f);
  free(room);
}

static void open_refuses_what_is_no_adapter(void) {
  adapter one;
  make(&one);
  mlora *handle = NULL;
  size_t bytes = sizeof one.memory;
  watch(&handle, sizeof handle);
  REFUSE(MLORA_ERROR_ABI, mlora_open(one.memory, bytes, MLORA_ABI_VERSION + 1, &handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_open(one.memory, bytes - 4, MLORA_ABI_VERSION, &handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_open(one.memory, 8, MLORA_ABI_VERSION, &handle));
  REFUSE(MLORA_ERROR_MEMORY, mlora_open(one.memory, SIZE_MAX, MLORA_ABI_VERSION, &handle));

  // The guard words in turn, then sizes, a code, and settings, in the order of the header.
  const struct {
    size_t word;
    uint32_t value;
    mlora_status expected;
  } changes[] = {
      {0, 0, MLORA_ERROR_NOT_INITIALISED},
      {1, MLORA_ABI_VERSION + 1, MLORA_ERROR_ABI},
      {2, 4, MLORA_ERROR_FLAGS},
      {2, MLORA_INFERENCE, MLORA_ERROR_CORRUPT},
      {3, 16, MLORA_ERROR_CORRUPT},
      {4, FEATURES + 1, MLORA_ERROR_CORRUPT},
      {4, UINT32_MAX, MLORA_ERROR_CORRUPT},
      {5, 0, MLORA_ERROR_CORRUPT},
      {6, 0, MLORA_ERROR_CORRUPT},
      {6, 5, MLORA_ERROR_CORRUPT},
      {7, 0x7FC00000, MLORA_ERROR_CORRUPT},   // alpha NaN
      {8, 0, MLORA_ERROR_CORRUPT},            // not made ready
      {8, 6, MLORA_ERROR_CORRUPT},            // an unknown flag of the engine
      {9, 0xBF800000, MLORA_ERROR_CORRUPT},   // cap -1
      {12, 7, MLORA_ERROR_CORRUPT},           // step
      {14, 0x3F800000, MLORA_ERROR_CORRUPT},  // scaling 1, not alpha / rank
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    uint32_t kept = one.memory[changes[i].word];
    one.memory[changes[i].word] = changes[i].value;
    REFUSE(changes[i].expected, mlora_open(one.memory, bytes, MLORA_ABI_VERSION, &handle));
    one.memory[changes[i].word] = kept;
  }
  // Ranks that no adapter has, with sizes that take as many bytes.
  const uint32_t as_many[][3] = {{48, 16, 0}, {4, 4, 5}};
  for (size_t i = 0; i < 2; i++) {
    CHECK(MLORA_SIZE(as_many[i][0], as_many[i][1], as_many[i][2], 0) == bytes);
    uint32_t kept[3];
    memcpy(kept, one.memory + 4, sizeof kept);
    memcpy(one.memory + 4, as_many[i], sizeof kept);
    REFUSE(MLORA_ERROR_CORRUPT, mlora_open(one.memory, bytes, MLORA_ABI_VERSION, &handle));
    REFUSE(MLORA_ERROR_CORRUPT, mlora_discard_pending(one.lora));
    memcpy(one.memory + 4, kept, sizeof kept);
  }
  watch_nothing();
  ACCEPT(mlora_open(one.memory, bytes, MLORA_ABI_VERSION, &handle));
  CHECK(handle == one.lora);
}

static void a_closed_handle_is_refused(void) {
  adapter one;
  make(&one);
  ACCEPT(mlora_close(one.lora));
  mlora_stats stats;
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_get_stats(one.lora, &stats));
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_close(one.lora));
  make(&one);
  ACCEPT(mlora_get_stats(one.lora, &stats));
}

void test_lifecycle(void) {
  CHECK(mlora_abi_version() == MLORA_ABI_VERSION);
  CHECK(strlen(mlora_version()) >= 5);
  sizes_at_build_time_and_run_time_agree();
  sizes_no_adapter_has_are_refused();
  defaults_are_those_of_the_macro();
  settings_come_back();
  init_refuses_loudly();
  a_copy_is_a_snapshot_and_an_adapter_of_its_own();
  open_refuses_what_is_no_adapter();
  a_closed_handle_is_refused();
}
