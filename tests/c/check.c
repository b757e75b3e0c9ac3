#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#define STATUS_LIMIT 256
#define WATCH_LIMIT 8

const float X[FEATURES] = {0.5f, -0.5f, 0.5f, 0.5f, 0.1f, 0.0f, 0.2f, 0.0f};
const float CANDIDATE_ROWS[CANDIDATES * FEATURES] = {
    1, 0, 0, 0, 0, 0, 0, 0,  //
    0, 1, 0, 0, 0, 0, 0, 0,  //
    0, 0, 0.6f, 0.8f, 0, 0, 0, 0,
};

static int failed = 0;
static int seen[STATUS_LIMIT];

static struct {
  const void *data;
  size_t bytes;
  void *copy;
} watched[WATCH_LIMIT];
static size_t watched_count = 0;

static void fail(const char *file, int line) {
  failed += 1;
  printf("%s:%d: ", file, line);
}

static void see(mlora_status status) {
  if ((int)status >= 0 && (int)status < STATUS_LIMIT) seen[status] = 1;
}

void make(adapter *made) {
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_SCALED_GRADIENT_V2;
  ACCEPT(mlora_init(made->memory, sizeof made->memory, &config, MLORA_ABI_VERSION, &made->lora));
}

mlora *make_dual(uint32_t *memory, size_t bytes, uint32_t model_id) {
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_DUAL;
  config.model_id = model_id;
  mlora *made = NULL;
  ACCEPT(mlora_init(memory, bytes, &config, MLORA_ABI_VERSION, &made));
  return made;
}

float dot(const float *a, const float *b) {
  float sum = 0;
  for (size_t i = 0; i < FEATURES; i++) sum += a[i] * b[i];
  return sum;
}

int near(float a, float b) { return a - b < 1e-4f && b - a < 1e-4f; }

void put_little(uint8_t *at, uint32_t bits, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(bits >> (8 * i) & 255);
}

void put_float(uint8_t *at, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_little(at, bits, sizeof bits);
}

void watch(const void *data, size_t bytes) {
  watched[watched_count].data = data;
  watched[watched_count].bytes = bytes;
  watched[watched_count].copy = malloc(bytes);
  watched_count += 1;
}

void watch_nothing(void) {
  while (watched_count > 0) free(watched[--watched_count].copy);
}

void before(void) {
  for (size_t i = 0; i < watched_count; i++) memcpy(watched[i].copy, watched[i].data, watched[i].bytes);
}

void accepted(mlora_status got, const char *call, const char *file, int line) {
  see(got);
  if (got == MLORA_OK) return;
  fail(file, line);
  printf("%s: expected MLORA_OK, got %d: %s\n", call, (int)got, mlora_status_message((int32_t)got));
}

void refused(mlora_status expected, mlora_status got, const char *call, const char *file, int line) {
  see(got);
  if (got != expected) {
    fail(file, line);
    printf("%s: expected status %d, got %d: %s\n", call, (int)expected, (int)got,
           mlora_status_message((int32_t)got));
  }
  for (size_t i = 0; i < watched_count; i++) {
    if (memcmp(watched[i].copy, watched[i].data, watched[i].bytes) == 0) continue;
    fail(file, line);
    printf("%s: expected nothing to change, got changes in watched memory %zu\n", call, i);
  }
}

void check(int holds, const char *condition, const char *file, int line) {
  if (holds) return;
  fail(file, line);
  printf("expected %s\n", condition);
}

void status_cannot_be_seen(int status) { seen[status] = 1; }

void check_all_statuses_seen(void) {
  const char *unknown = mlora_status_message(-1);
  for (int status = 0; status < STATUS_LIMIT; status++) {
    int exists = strcmp(mlora_status_message(status), unknown) != 0;
    if (!exists || seen[status]) continue;
    fail(__FILE__, __LINE__);
    printf("expected some call to return status %d, got none: %s\n", status, mlora_status_message(status));
  }
}

int failures(void) { return failed; }
