// A device that learns which of five suggestions its user takes, in C; it runs on anything from a server to a
// Cortex-M0.
//
// Each event shows five suggestions, and the user takes the one nearest to a taste that is not in the inputs. The
// adapter learns from these choices, is saved as JSON half-way, loaded again and continues. It prints the same bits on
// every machine: examples/firmware/rust is the same program in Rust, and `cargo xtask embedded` runs both on two
// emulated chips and on this machine.
//
// Nothing here needs a C library. On a chip, cortex-m.c is everything below it:
//
//     arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Os -ffreestanding
//         -ffp-contract=off -nostdlib -Wl,--gc-sections -T cortex-m4f.ld main.c cortex-m.c libmicro_lora.a
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "micro_lora.h"

enum { FEATURES = 32, RANK = 2, SHOWN = 5, EVENTS = 200, JSON_MAX = MLORA_JSON_MAX(FEATURES, FEATURES, RANK) };

// The default of a choice in Rust.
static const float TEMPERATURE = 0.08f;

// All memory that the adapter takes, known at compile time.
static uint32_t memory[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
static char json[JSON_MAX];
static mlora *lora;

static void expect_ok(mlora_status status) {
  if (status != MLORA_OK) board_fail(mlora_status_message((int32_t)status));
}

// Reproducible events: xorshift32 gives the same numbers on every machine.
typedef struct {
  uint32_t state;
} generator;

static uint32_t next(generator *random) {
  random->state ^= random->state << 13;
  random->state ^= random->state >> 17;
  random->state ^= random->state << 5;
  return random->state;
}

// 32 signs over sqrt(32): a vector of norm 1, as embeddings are.
static void signs(uint32_t bits, float vector[FEATURES]) {
  for (unsigned i = 0; i < FEATURES; i++) vector[i] = (bits >> i & 1u) ? 0.17677669f : -0.17677669f;
}

static float dot(const float *a, const float *b) {
  float sum = 0.0f;
  for (size_t i = 0; i < FEATURES; i++) sum += a[i] * b[i];
  return sum;
}

// Which of the suggestions is nearest to a direction.
static size_t nearest(float shown[SHOWN][FEATURES], const float direction[FEATURES]) {
  size_t best = 0;
  for (size_t i = 1; i < SHOWN; i++) {
    if (dot(shown[i], direction) > dot(shown[best], direction)) best = i;
  }
  return best;
}

static const uint32_t TASTE = 0x5a0ff1ce;

// One event: a query (its first eight values are always the same), five suggestions, and the one that the user takes.
static size_t event(generator *random, float query[FEATURES], float shown[SHOWN][FEATURES]) {
  float taste[FEATURES];
  signs(TASTE, taste);
  signs(next(random) | 0xff, query);
  for (size_t i = 0; i < SHOWN; i++) signs(next(random), shown[i]);
  return nearest(shown, taste);
}

static void learn(generator *random, int events) {
  for (int i = 0; i < events; i++) {
    float query[FEATURES], shown[SHOWN][FEATURES];
    size_t taken = event(random, query, shown);
    const mlora_sample sample = MLORA_SAMPLE(query, FEATURES);
    expect_ok(mlora_adapt_choice(lora, &sample, &shown[0][0], SHOWN * FEATURES, taken, 1.0f, TEMPERATURE,
                                 NULL));
    expect_ok(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
  }
}

// In how many of 100 events, never learned from, the suggestion that the user takes comes first.
static uint32_t hits(void) {
  generator random = {0xbadcafe};
  uint32_t count = 0;
  for (int i = 0; i < 100; i++) {
    float query[FEATURES], shown[SHOWN][FEATURES];
    size_t taken = event(&random, query, shown);
    expect_ok(mlora_apply_residual(lora, query, FEATURES, NULL));
    if (nearest(shown, query) == taken) count++;
  }
  return count;
}

static uint32_t crc32(const char *bytes, size_t len) {
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < len; i++) {
    crc ^= (uint8_t)bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1u ? 0xedb88320u : 0u);
  }
  return ~crc;
}

static void print_number(uint32_t number) {
  char digits[11];
  char *start = digits + 10;
  *start = '\0';
  do *--start = (char)('0' + number % 10); while (number /= 10);
  board_print(start);
}

static void print_line(const char *what, uint32_t number) {
  board_print(what);
  board_print(": ");
  print_number(number);
  board_print("\n");
}

static size_t save(void) {
  size_t len;
  expect_ok(mlora_save_json(lora, json, sizeof json, &len));
  return len;
}

int main(void) {
  const mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  expect_ok(mlora_init(memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora));
  print_line("right of 100, before", hits());

  generator random = {2026};
  learn(&random, EVENTS / 2);
  size_t len = save();
  expect_ok(mlora_reset(lora));
  expect_ok(mlora_load_json(lora, json, len));
  learn(&random, EVENTS / 2);
  print_line("right of 100, after ", hits());

  len = save();
  print_line("saved bytes", (uint32_t)len);
  print_line("state crc", crc32(json, len));
  return 0;
}
