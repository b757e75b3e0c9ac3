// Files of PEFT: written files can be read, and anything but a plain adapter is refused.
#include <stdio.h>
#include <stdlib.h>

#include "check.h"

// A string with its length.
#define TEXT(string) string, sizeof(string) - 1
#define MODULE TEXT("encoder.q_proj")

static uint8_t file[2048];
static size_t file_bytes;
static char config[1024];
static size_t config_bytes;

static void train(adapter *one) {
  make(one);
  mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  ACCEPT(mlora_adapt_choice(one->lora, &sample, CANDIDATE_ROWS, CANDIDATES * FEATURES, 1, 1.0f,
                            MLORA_TEMPERATURE, NULL));
  ACCEPT(mlora_apply_updates(one->lora, MLORA_LEARNING_RATE, NULL));
}

static void save(const mlora *lora, const char *base_model, size_t base_model_len) {
  size_t len = 0;
  ACCEPT(mlora_safetensors_len(lora, MODULE, &len));
  ACCEPT(mlora_save_safetensors(lora, MODULE, file, sizeof file, &file_bytes));
  CHECK(file_bytes == len);
  ACCEPT(mlora_adapter_config_len(lora, MODULE, base_model, base_model_len, &len));
  ACCEPT(mlora_save_adapter_config(lora, MODULE, base_model, base_model_len, config, sizeof config,
                                   &config_bytes));
  CHECK(config_bytes == len);
}

static void corrects_alike(const mlora *one, const mlora *other) {
  float delta[FEATURES], others[FEATURES];
  ACCEPT(mlora_apply(one, X, FEATURES, delta, FEATURES, NULL));
  ACCEPT(mlora_apply(other, X, FEATURES, others, FEATURES, NULL));
  CHECK(memcmp(delta, others, sizeof delta) == 0 && delta[1] > 0.0f);
}

static void what_is_written_can_be_read(void) {
  adapter one, two;
  train(&one);
  save(one.lora, TEXT("org/model"));
  mlora_module module;
  ACCEPT(mlora_peek_safetensors(file, file_bytes, 0, &module));
  CHECK(module.name_len == 14 && memcmp(module.name, "encoder.q_proj", 14) == 0);
  CHECK(module.in_features == FEATURES && module.out_features == FEATURES && module.rank == RANK);
  CHECK(module.dtype == MLORA_DTYPE_F32);
  REFUSE(MLORA_ERROR_MISSING, mlora_peek_safetensors(file, file_bytes, 1, &module));

  make(&two);
  ACCEPT(mlora_load_safetensors(two.lora, file, file_bytes, module.name, module.name_len, config,
                                config_bytes));
  corrects_alike(one.lora, two.lora);

  uint32_t room[MLORA_SIZE(FEATURES, FEATURES, RANK, MLORA_INFERENCE) / 4];
  mlora_config settings = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  settings.flags = MLORA_INFERENCE;
  mlora *frozen = NULL;
  ACCEPT(mlora_init(room, sizeof room, &settings, MLORA_ABI_VERSION, &frozen));
  ACCEPT(mlora_load_safetensors(frozen, file, file_bytes, MODULE, NULL, 0));
  corrects_alike(one.lora, frozen);
  save(frozen, NULL, 0);
}

static void other_files_are_refused(void) {
  adapter one;
  train(&one);
  save(one.lora, NULL, 0);
  watch(one.memory, sizeof one.memory);
  mlora *lora = one.lora;
  REFUSE(MLORA_ERROR_MISSING, mlora_load_safetensors(lora, file, file_bytes, TEXT("encoder.k_proj"), NULL, 0));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_load_safetensors(lora, file, file_bytes - 1, MODULE, NULL, 0));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_load_safetensors(lora, file, 3, MODULE, NULL, 0));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_load_safetensors(lora, file, file_bytes, TEXT("\xFF"), NULL, 0));
  REFUSE(MLORA_ERROR_NULL, mlora_load_safetensors(lora, file, file_bytes, MODULE, NULL, 9));

  const struct {
    const char *json;
    mlora_status expected;
  } configs[] = {
      {"{\"peft_type\": \"LORA\", \"r\": 2}", MLORA_ERROR_MISSING},
      {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"use_dora\": true}", MLORA_ERROR_UNSUPPORTED},
      {"{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 8, \"of_2030\": 1}", MLORA_ERROR_UNKNOWN_FIELD},
      {"{\"peft_type\": \"LORA\", \"r\": 3, \"lora_alpha\": 8}", MLORA_ERROR_MISMATCH},
      {"{", MLORA_ERROR_SYNTAX},
  };
  for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
    REFUSE(configs[i].expected, mlora_load_safetensors(lora, file, file_bytes, MODULE, configs[i].json,
                                                       strlen(configs[i].json)));
  }
  mlora_module module;
  memset(&module, 0xA5, sizeof module);
  watch(&module, sizeof module);
  REFUSE(MLORA_ERROR_SYNTAX, mlora_peek_safetensors(file, 20, 0, &module));
  watch_nothing();
}

// Two modules: one whose lora_B is missing, and one of rank 8. Values are 1/8, in row 1 of lora_B twice that.
static size_t write_others(uint8_t *to) {
  static const char header[] =
      "{\"__metadata__\":{\"lora_alpha\":\"None\",\"use_rslora\":\"True\"},"
      "\"base_model.model.half.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[1,8],\"data_offsets\":[0,32]},"
      "\"base_model.model.m.lora_A.weight\":{\"dtype\":\"F32\",\"shape\":[8,8],\"data_offsets\":[32,288]},"
      "\"base_model.model.m.lora_B.weight\":{\"dtype\":\"F32\",\"shape\":[8,8],\"data_offsets\":[288,544]}}";
  const size_t length = sizeof header - 1;
  memset(to, 0, 8);
  to[0] = (uint8_t)(length & 255);
  to[1] = (uint8_t)(length >> 8);
  memcpy(to + 8, header, length);
  for (size_t i = 0; i < 136; i++) {
    put_float(to + 8 + length + 4 * i, i / 8 == 10 ? 0.25f : 0.125f);
  }
  return 8 + length + 544;
}

static void the_type_of_the_values_is_told(void) {
  const struct {
    const char *name;
    size_t bytes;
    uint32_t expected;
  } types[] = {
      {"F32", 4, MLORA_DTYPE_F32}, {"F16", 2, MLORA_DTYPE_F16}, {"BF16", 2, MLORA_DTYPE_BF16},
      {"I8", 1, MLORA_DTYPE_OTHER}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const unsigned bytes = (unsigned)types[i].bytes;
    memset(file, 0, sizeof file);
    const int length = snprintf(
        (char *)file + 8, sizeof file - 8,
        "{\"base_model.model.m.lora_A.weight\":{\"dtype\":\"%s\",\"shape\":[1,1],\"data_offsets\":[0,%u]},"
        "\"base_model.model.m.lora_B.weight\":{\"dtype\":\"%s\",\"shape\":[1,1],\"data_offsets\":[%u,%u]}}",
        types[i].name, bytes, types[i].name, bytes, 2 * bytes);
    file[0] = (uint8_t)(length & 255);
    file[1] = (uint8_t)(length >> 8);
    memset(file + 8 + length, 0, 2 * bytes);
    mlora_module module;
    ACCEPT(mlora_peek_safetensors(file, 8 + (size_t)length + 2 * bytes, 0, &module));
    CHECK(module.dtype == types[i].expected);
  }
}

static const char CONFIG_R8[] = "{\"peft_type\": \"LORA\", \"r\": 8, \"lora_alpha\": 16}";

static void a_loop_over_modules_ends(void) {
  const size_t bytes = write_others(file);
  mlora_module_cursor cursor = MLORA_MODULE_CURSOR;
  mlora_module module;
  // A faulty module is named, and does not make the file faulty.
  REFUSE(MLORA_ERROR_UNSUPPORTED, mlora_next_module(file, bytes, &cursor, &module));
  CHECK(module.name_len == 4 && memcmp(module.name, "half", 4) == 0 && module.rank == 0);
  ACCEPT(mlora_next_module(file, bytes, &cursor, &module));
  CHECK(module.name_len == 1 && module.name[0] == 'm' && module.rank == 8);
  CHECK(module.in_features == FEATURES && module.out_features == FEATURES);
  REFUSE(MLORA_ERROR_MISSING, mlora_next_module(file, bytes, &cursor, &module));
  REFUSE(MLORA_ERROR_MISSING, mlora_next_module(file, bytes, &cursor, &module));
  REFUSE(MLORA_ERROR_UNSUPPORTED, mlora_peek_safetensors(file, bytes, 0, &module));
  ACCEPT(mlora_peek_safetensors(file, bytes, 1, &module));
  REFUSE(MLORA_ERROR_MISSING, mlora_peek_safetensors(file, bytes, 2, &module));

  // Invalid cursors: nothing past the end of the file is read.
  for (size_t next = 0; next < 700; next++) {
    mlora_module_cursor wild = {next, 700 - next};
    for (int turn = 0; turn < 4; turn++) (void)mlora_next_module(file, bytes, &wild, &module);
  }
  mlora_module_cursor far_off = {SIZE_MAX, SIZE_MAX - 1};
  CHECK(mlora_next_module(file, bytes, &far_off, &module) != MLORA_OK);
  mlora_module_cursor start = MLORA_MODULE_CURSOR;
  REFUSE(MLORA_ERROR_SYNTAX, mlora_next_module(file, bytes - 1, &start, &module));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_next_module((const uint8_t *)"version https://git-lfs", 23, &start, &module));
  CHECK(start.next_byte == 0);
}

static void refusals_are_told_in_words(void) {
  const struct {
    const char *json;
    mlora_status expected;
    const char *field;
    const char *reason;
  } table[] = {
      {"{\"peft_type\": \"LORA\", \"r\": 4.0, \"lora_alpha\": 8}", MLORA_ERROR_UNSUPPORTED, "r",
       "expected a whole number from 1 to 65536, got 4.0"},
      {"{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \"of_2030\": [1, 2]}", MLORA_ERROR_UNKNOWN_FIELD,
       "of_2030", "expected null, false, 0 or empty in a field that is not of PEFT 0.21, got [1, 2]"},
      {"{\"peft_type\": \"LORA\", \"r\": 4}", MLORA_ERROR_MISSING, "lora_alpha", "expected it to be there, got none"},
      {"{\"fine_tune_type\": \"lora\"}", MLORA_ERROR_KEY_STYLE, "keys",
       "expected those of PEFT, got those of MLX (lora_parameters)"},
      {"<html>", MLORA_ERROR_SYNTAX, "adapter_config.json",
       "expected a well-formed text, got HTML or XML: a page was downloaded instead of the file"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    mlora_peft_config read;
    mlora_problem problem;
    memset(&problem, 0xA5, sizeof problem);
    const size_t len = strlen(table[i].json);
    REFUSE(table[i].expected, mlora_read_adapter_config(table[i].json, len, NULL, 0, &read, &problem));
    CHECK(strcmp(problem.field, table[i].field) == 0);
    CHECK(strcmp(problem.reason, table[i].reason) == 0);
    REFUSE(table[i].expected, mlora_read_adapter_config(table[i].json, len, NULL, 0, &read, NULL));
  }
  const char patterned[] =
      "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \"use_rslora\": true, \"rank_pattern\": {\"k\": 2}}";
  mlora_peft_config read;
  mlora_problem problem;
  ACCEPT(mlora_read_adapter_config(TEXT(patterned), TEXT("layers.0.k"), &read, &problem));
  CHECK(read.rank == 2 && read.alpha == 8.0f && read.use_rslora == 1);
  CHECK(problem.field[0] == '\0' && problem.reason[0] == '\0');
  ACCEPT(mlora_read_adapter_config(TEXT(patterned), TEXT("layers.0.q"), &read, NULL));
  CHECK(read.rank == 4);
  REFUSE(MLORA_ERROR_UNSUPPORTED, mlora_read_adapter_config(TEXT(patterned), NULL, 0, &read, &problem));
  CHECK(strcmp(problem.field, "rank_pattern") == 0);

  adapter one;
  make(&one);
  const size_t bytes = write_others(file);
  ACCEPT(mlora_safetensors_problem(one.lora, file, bytes, TEXT("m"), TEXT(CONFIG_R8), &problem));
  CHECK(strcmp(problem.field, "r") == 0 && strcmp(problem.reason, "expected 1 to 4, got 8") == 0);
  ACCEPT(mlora_safetensors_problem(one.lora, file, bytes, TEXT("none"), NULL, 0, &problem));
  CHECK(strcmp(problem.reason, "expected it to be there, got none") == 0);
  ACCEPT(mlora_safetensors_problem(one.lora, file, bytes, TEXT("\xFF"), NULL, 0, &problem));
  CHECK(strcmp(problem.field, "module") == 0);
  ACCEPT(mlora_safetensors_problem(one.lora, file, bytes, TEXT("m"), TEXT("{"), &problem));
  CHECK(strcmp(problem.field, "JSON") == 0);
  train(&one);
  save(one.lora, NULL, 0);
  ACCEPT(mlora_safetensors_problem(one.lora, file, file_bytes, MODULE, config, config_bytes, &problem));
  CHECK(problem.field[0] == '\0' && problem.reason[0] == '\0');

  CHECK(strcmp(mlora_status_name(MLORA_ERROR_KEY_STYLE), "MLORA_ERROR_KEY_STYLE") == 0);
  CHECK(strcmp(mlora_status_name(-7), "MLORA_ERROR") == 0);
}

static void a_larger_rank_is_reduced(void) {
  adapter one;
  make(&one);
  const size_t bytes = write_others(file);
  mlora_reduction reduction;
  mlora_problem problem;
  // All rows of both matrices are equal, so B A has rank 1, and all of it is kept.
  ACCEPT(mlora_load_safetensors_reduced(one.lora, file, bytes, TEXT("m"), TEXT(CONFIG_R8), &reduction, &problem));
  CHECK(reduction.rank == 8 && reduction.kept == 1.0f && problem.field[0] == '\0');
  float weight[FEATURES * FEATURES];
  ACCEPT(mlora_delta_weight(one.lora, weight, FEATURES * FEATURES));
  // s = 2, and each entry of B A is 8 / 64, or twice that.
  float least = 9.0f, most = 0.0f;
  for (size_t i = 0; i < FEATURES * FEATURES; i++) {
    least = weight[i] < least ? weight[i] : least;
    most = weight[i] > most ? weight[i] : most;
  }
  CHECK(least > 0.2499f && least < 0.2501f && most > 0.4999f && most < 0.5001f);

  uint32_t room[MLORA_SIZE(FEATURES, FEATURES, RANK, MLORA_INFERENCE) / 4];
  mlora_config settings = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  settings.flags = MLORA_INFERENCE;
  mlora *frozen = NULL;
  ACCEPT(mlora_init(room, sizeof room, &settings, MLORA_ABI_VERSION, &frozen));
  ACCEPT(mlora_load_safetensors_reduced(frozen, file, bytes, TEXT("m"), TEXT(CONFIG_R8), NULL, NULL));
  float delta[FEATURES], others[FEATURES];
  ACCEPT(mlora_apply(one.lora, X, FEATURES, delta, FEATURES, NULL));
  ACCEPT(mlora_apply(frozen, X, FEATURES, others, FEATURES, NULL));
  CHECK(memcmp(delta, others, sizeof delta) == 0);

  watch(one.memory, sizeof one.memory);
  REFUSE(MLORA_ERROR_MISMATCH, mlora_load_safetensors_reduced(one.lora, file, bytes, TEXT("m"),
                                                              TEXT("{\"peft_type\": \"LORA\", \"r\": 9, \"lora_alpha\": 1}"),
                                                              &reduction, &problem));
  CHECK(strcmp(problem.field, "r") == 0 && strcmp(problem.reason, "expected 8, got 9") == 0);
  REFUSE(MLORA_ERROR_UNSUPPORTED,
         mlora_load_safetensors_reduced(one.lora, file, bytes, TEXT("half"), NULL, 0, NULL, &problem));
  CHECK(strcmp(problem.field, "tensors") == 0);
  REFUSE(MLORA_ERROR_OVERLAP, mlora_load_safetensors_reduced(one.lora, file, bytes, TEXT("m"), NULL, 0,
                                                             (mlora_reduction *)file, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_load_safetensors_reduced(one.lora, file, bytes, TEXT("m"), NULL, 0, NULL,
                                                             (mlora_problem *)one.memory));
  watch_nothing();
}

static void names_and_buffers_are_checked(void) {
  adapter one;
  train(&one);
  size_t len = 9;
  memset(file, '#', sizeof file);
  memset(config, '#', sizeof config);
  watch(file, sizeof file);
  watch(config, sizeof config);
  watch(&len, sizeof len);
  const mlora *lora = one.lora;
  REFUSE(MLORA_ERROR_SYNTAX, mlora_safetensors_len(lora, TEXT(""), &len));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_save_safetensors(lora, TEXT("a\"b"), file, sizeof file, &len));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_adapter_config_len(lora, TEXT("a\\b"), NULL, 0, &len));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_adapter_config_len(lora, MODULE, TEXT("\xFF"), &len));
  REFUSE(MLORA_ERROR_BUFFER, mlora_save_safetensors(lora, MODULE, file, 100, &len));
  REFUSE(MLORA_ERROR_BUFFER, mlora_save_adapter_config(lora, MODULE, NULL, 0, config, 20, &len));

  void *inside = one.memory + 50;
  REFUSE(MLORA_ERROR_OVERLAP, mlora_save_safetensors(lora, MODULE, inside, 100, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_save_adapter_config(lora, MODULE, NULL, 0, inside, 100, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_save_adapter_config(lora, MODULE, config, 50, config, 100, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_save_safetensors(lora, (char *)file, 9, file, sizeof file, &len));
  REFUSE(MLORA_ERROR_NULL, mlora_adapter_config_len(lora, MODULE, NULL, 9, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_load_safetensors(one.lora, inside, 100, MODULE, NULL, 0));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_peek_safetensors(inside, 400, 0, (mlora_module *)(one.memory + 54)));
  watch_nothing();
}

void test_peft(void) {
  what_is_written_can_be_read();
  other_files_are_refused();
  a_loop_over_modules_ends();
  the_type_of_the_values_is_told();
  refusals_are_told_in_words();
  a_larger_rank_is_reduced();
  names_and_buffers_are_checked();
}
