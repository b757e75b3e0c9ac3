// Makes the calls of a device, each between two marks: tests/firmware/count.c counts the instructions between them, and
// this program measures the stack by painting it before the call.
//
// Prints `NAME STACK-BYTES` per call, in the order in which the marks are passed. The stack of a call
// leaves out what its caller pushed for it. FEATURES, RANK and SHOWN come from the command line.
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "micro_lora.h"

enum {
  JSON_MAX = MLORA_JSON_MAX(FEATURES, FEATURES, RANK),
  PAINT_WORDS = 256 * 4,
};

static uint32_t memory[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
static float x[FEATURES], delta[FEATURES], shown[SHOWN * FEATURES], weights[SHOWN];
static char json[JSON_MAX];
static mlora *lora;

__attribute__((noinline)) void mark_begin(void) { __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void mark_end(void) { __asm__ volatile("" ::: "memory"); }

static const uint32_t PAINT = 0xc0ffee11;

static inline uint32_t *stack_pointer(void) {
  uint32_t *sp;
  __asm__ volatile("mov %0, sp" : "=r"(sp));
  return sp;
}

// Inlined, so that its own frame is the caller's.
__attribute__((always_inline)) static inline void paint(uint32_t *sp) {
  for (volatile uint32_t *word = sp - PAINT_WORDS; word < sp; word++) *word = PAINT;
}

__attribute__((always_inline)) static inline uint32_t depth(const uint32_t *sp) {
  const volatile uint32_t *word = sp - PAINT_WORDS;
  while (word < sp && *word == PAINT) word++;
  return (uint32_t)((uintptr_t)sp - (uintptr_t)word);
}

static void report(const char *name, uint32_t bytes) {
  char digits[11];
  char *start = digits + 10;
  *start = '\0';
  do *--start = (char)('0' + bytes % 10); while (bytes /= 10);
  board_print(name);
  board_print(" ");
  board_print(start);
  board_print("\n");
}

#define MEASURE(name, ...)                                                      \
  do {                                                                          \
    uint32_t *const sp = stack_pointer();                                       \
    paint(sp);                                                                  \
    mark_begin();                                                               \
    const mlora_status status = name(__VA_ARGS__);                              \
    mark_end();                                                                 \
    const uint32_t bytes = depth(sp);                                           \
    if (status != MLORA_OK) board_fail(mlora_status_message((int32_t)status));  \
    report(#name, bytes);                                                       \
  } while (0)

// Numbers that the compiler cannot know, as from a sensor.
static void fill(float *values, size_t len, uint32_t seed) {
  for (size_t i = 0; i < len; i++) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = ((float)(seed >> 8) / 8388608.0f - 1.0f) / 8.0f;
  }
}

int main(void) {
  // An adapter that accepts every kind of feedback.
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_SCALED_GRADIENT_V2;
  const mlora_sample sample = MLORA_SAMPLE(x, FEATURES);
  size_t len;
  mlora_stats stats;
  fill(x, FEATURES, 1);
  fill(shown, SHOWN * FEATURES, 2);
  weights[1] = 1.0f;

  MEASURE(mlora_init, memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora);
  MEASURE(mlora_adapt_choice, lora, &sample, shown, SHOWN * FEATURES, 1, 1.0f, MLORA_TEMPERATURE, NULL);
  MEASURE(mlora_adapt_listwise, lora, &sample, shown, SHOWN * FEATURES, weights, SHOWN, MLORA_TEMPERATURE, NULL);
  MEASURE(mlora_adapt_gradient, lora, &sample, shown, FEATURES, NULL);
  MEASURE(mlora_adapt_target, lora, &sample, shown, FEATURES, 1.0f, NULL);
  MEASURE(mlora_adapt_attract_repel, lora, &sample, shown, FEATURES, shown + FEATURES, FEATURES, NULL);
  MEASURE(mlora_adapt_quality, lora, &sample, 0.9f, NULL);
  MEASURE(mlora_apply_updates, lora, MLORA_LEARNING_RATE, NULL);
  // Only now the correction is not zero.
  MEASURE(mlora_apply, lora, x, FEATURES, delta, FEATURES, NULL);
  MEASURE(mlora_apply_residual, lora, x, FEATURES, NULL);
  MEASURE(mlora_get_stats, lora, &stats);
  MEASURE(mlora_save_json, lora, json, JSON_MAX, &len);
  MEASURE(mlora_load_json, lora, json, len);
  MEASURE(mlora_open, memory, sizeof memory, MLORA_ABI_VERSION, &lora);
  return 0;
}
