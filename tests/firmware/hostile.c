// Invalid texts for every function that loads a saved state: truncated at every byte, endless brackets, strings, names
// and numbers as long as memory allows. Each must be refused, change nothing, and take no more stack than STACK_MOST,
// however deep or long the text is.
//
// Prints `NAME STACK-BYTES` for each function: the most that any call took. LONGEST comes from the command line.
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "micro_lora.h"

enum {
  FEATURES = 4,
  RANK = 1,
  LIST = 2,
  CAPACITY = 2,
  TEXT_MAX = LONGEST + MLORA_JSON_MAX(FEATURES, FEATURES, RANK),
  STACK_MOST = 2048,
  PAINT_WORDS = 1024,
};

static uint32_t memory[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4], memory_before[sizeof memory / 4];
static uint32_t places[MLORA_REPLAY_SIZE(FEATURES, FEATURES, LIST, CAPACITY) / 4], places_before[sizeof places / 4];
static mlora_holdback holdback, holdback_before;
static char state[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
static char ring_state[MLORA_REPLAY_JSON_MAX(FEATURES, FEATURES, LIST, CAPACITY)];
static char holdback_state[MLORA_HOLDBACK_JSON_MAX];
static char text[TEXT_MAX];
static mlora *lora;
static mlora_replay *ring;

static const uint32_t PAINT = 0xc0ffee11;

static inline uint32_t *stack_pointer(void) {
  uint32_t *sp;
  __asm__ volatile("mov %0, sp" : "=r"(sp));
  return sp;
}

static mlora_status load_adapter(const char *json, size_t len) { return mlora_load_json(lora, json, len); }
static mlora_status load_ring(const char *json, size_t len) { return mlora_replay_load_json(ring, json, len); }
static mlora_status load_holdback(const char *json, size_t len) { return mlora_holdback_load_json(&holdback, json, len); }
static mlora_status peek(const char *json, size_t len) {
  mlora_state_info info;
  return mlora_peek_json(json, len, &info);
}

typedef struct {
  const char *name;
  mlora_status (*load)(const char *json, size_t len);
  const char *state;
  size_t len;
  uint32_t deepest;
} loader;

static loader loaders[] = {
    {"mlora_load_json", load_adapter, state, 0, 0},
    {"mlora_peek_json", peek, state, 0, 0},
    {"mlora_replay_load_json", load_ring, ring_state, 0, 0},
    {"mlora_holdback_load_json", load_holdback, holdback_state, 0, 0},
};
enum { LOADERS = sizeof loaders / sizeof loaders[0] };

static void check(mlora_status status) {
  if (status != MLORA_OK) board_fail(mlora_status_message((int32_t)status));
}

static void check_same(const uint32_t *now, const uint32_t *before, size_t bytes) {
  for (size_t i = 0; i < bytes / 4; i++) {
    if (now[i] != before[i]) board_fail("a text was refused, and yet something changed");
  }
}

// Not inlined, so that its frame, and so the place where painting starts, is the same for every call.
__attribute__((noinline)) static mlora_status measured(loader *with, const char *json, size_t len) {
  uint32_t *const sp = stack_pointer();
  for (volatile uint32_t *word = sp - PAINT_WORDS; word < sp; word++) *word = PAINT;
  const mlora_status status = with->load(json, len);
  const volatile uint32_t *word = sp - PAINT_WORDS;
  while (word < sp && *word == PAINT) word++;
  const uint32_t depth = (uint32_t)((uintptr_t)sp - (uintptr_t)word);
  if (depth > with->deepest) with->deepest = depth;
  if (depth > STACK_MOST) board_fail("expected at most 2048 bytes of stack, a text took more");
  return status;
}

static void refuse(loader *with, const char *json, size_t len) {
  const mlora_status status = measured(with, json, len);
  // Peeking does not read the sections.
  if (status == MLORA_OK && with->load != peek) board_fail("expected a text to be refused, it was loaded");
  check_same(memory, memory_before, sizeof memory);
  check_same(places, places_before, sizeof places);
  check_same((const uint32_t *)&holdback, (const uint32_t *)&holdback_before, sizeof holdback);
}

static size_t put(size_t at, const char *what, size_t len) {
  for (size_t i = 0; i < len; i++) text[at + i] = what[i];
  return at + len;
}

static size_t length(const char *of) {
  size_t len = 0;
  while (of[len] != '\0') len++;
  return len;
}

// At each quote, colon, comma and brace of a state: the text up to it, a repeated piece, and the rest.
static void repeat(loader *with, const char *piece) {
  const size_t len = length(piece);
  for (size_t cut = 0; cut <= with->len; cut++) {
    const char here = cut < with->len ? with->state[cut] : '}';
    if (here != '"' && here != ':' && here != ',' && here != '}' && here != '{') continue;
    // A value is expected after a colon.
    const size_t after = here == ':' ? cut + 1 : cut;
    size_t at = put(0, with->state, after);
    while (at + len <= LONGEST) at = put(at, piece, len);
    refuse(with, text, at);
    at = put(at, with->state + after, with->len - after);
    refuse(with, text, at);
  }
}

static void report(const loader *of) {
  uint32_t bytes = of->deepest;
  char digits[11];
  char *start = digits + 10;
  *start = '\0';
  do *--start = (char)('0' + bytes % 10); while (bytes /= 10);
  board_print(of->name);
  board_print(" ");
  board_print(start);
  board_print("\n");
}

int main(void) {
  static const char *const pieces[] = {"[", "{\"a\":", "[{\"rank\":", "A", "\\", "\\u00", "9", "\"", "\"rank\":1,", ",", "-", "\x80", "\x01"};
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_SCALED_GRADIENT_V2;
  const float x[FEATURES] = {0.5f, 0.5f, 0.5f, 0.5f};
  const float shown[LIST * FEATURES] = {1.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f, 0.0f, 0.0f};
  const float clicks[LIST] = {0.0f, 1.0f};
  const mlora_sample sample = MLORA_SAMPLE(x, FEATURES);
  check(mlora_init(memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora));
  check(mlora_replay_init(places, sizeof places, lora, LIST, CAPACITY, &ring));
  check(mlora_holdback_init(&holdback));
  check(mlora_replay_learn(ring, lora, &sample, shown, LIST * FEATURES, clicks, LIST, MLORA_TEMPERATURE, MLORA_LEARNING_RATE, NULL));
  check(mlora_adapt_gradient(lora, &sample, shown, FEATURES, NULL));
  check(mlora_save_json(lora, state, sizeof state, &loaders[0].len));
  loaders[1].len = loaders[0].len;
  check(mlora_replay_save_json(ring, ring_state, sizeof ring_state, &loaders[2].len));
  check(mlora_holdback_save_json(&holdback, holdback_state, sizeof holdback_state, &loaders[3].len));
  for (size_t i = 0; i < sizeof memory / 4; i++) memory_before[i] = memory[i];
  for (size_t i = 0; i < sizeof places / 4; i++) places_before[i] = places[i];
  holdback_before = holdback;

  for (loader *with = loaders; with < loaders + LOADERS; with++) {
    for (size_t len = 0; len < with->len; len++) refuse(with, with->state, len);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) repeat(with, pieces[i]);
    check(measured(with, with->state, with->len));
    for (size_t i = 0; i < sizeof memory / 4; i++) memory_before[i] = memory[i];
    report(with);
  }
  return 0;
}
