// Files of PEFT: what is written can be read, and what is no plain adapter is refused.
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
  names_and_buffers_are_checked();
}
