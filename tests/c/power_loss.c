// The firmware's two slots (examples/firmware/c/slots.c), with the power cut at every byte and every word of a save.
#include <stdio.h>
#include <stdlib.h>

#include "../../examples/firmware/c/slots.c"
#include "check.h"

enum { SLOT = 1024 };
static uint8_t flash[2][SLOT];
// Bytes that can still be erased or written before the power fails, and whether the one after them is left half done.
static size_t power;
static uint8_t torn;

size_t flash_size(void) { return SLOT; }
const uint8_t *flash_at(int slot) { return flash[slot]; }

// Like real flash: erasing sets bits, writing clears them.
static bool powered(uint8_t *byte, uint8_t half_done) {
  if (power > 0) return power--, true;
  if (torn) {
    *byte = half_done;
    torn = 0;
  }
  return false;
}

void flash_erase(int slot) {
  for (size_t i = 0; i < SLOT; i++) {
    if (!powered(&flash[slot][i], flash[slot][i] | 0x5A)) return;
    flash[slot][i] = 0xFF;
  }
}

void flash_program(int slot, size_t offset, const void *bytes, size_t len) {
  const uint8_t *from = bytes;
  for (size_t i = 0; i < len; i++) {
    uint8_t *to = &flash[slot][offset + i];
    if (!powered(to, *to & (from[i] | 0xA5))) {
      power = 0;
      return;
    }
    *to &= from[i];
  }
}

static char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];

static void learn(mlora *lora, size_t chosen) {
  const mlora_sample sample = MLORA_SAMPLE(X, FEATURES);
  const size_t n = CANDIDATES * FEATURES;
  if (mlora_adapt_choice(lora, &sample, CANDIDATE_ROWS, n, chosen, 1.0f, MLORA_TEMPERATURE, NULL) != MLORA_OK) abort();
  if (mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL) != MLORA_OK) abort();
}

static size_t state_of(const mlora *lora, char *text) {
  size_t len = 0;
  ACCEPT(mlora_save_json(lora, text, sizeof json, &len));
  return len;
}

// Whether the loaded state is that of this text.
static bool is_loaded(const slots *found, const char *text, size_t len) {
  if (found->current < 0) return len == 0;
  return read_header(found->current).len == len && memcmp(flash[found->current] + SLOT_HEADER, text, len) == 0;
}

// The number of flash operations of a save.
static size_t cost(slots place, const mlora *lora) {
  power = SIZE_MAX;
  ACCEPT(slots_save(&place, lora, json, sizeof json));
  return SIZE_MAX - power;
}

void test_power_loss(void) {
  static uint8_t before_save[2][SLOT];
  static char old[sizeof json], new[sizeof json];
  size_t old_len = 0;
  adapter one, loaded;
  slots place = {-1, 0};
  size_t cuts = 0, kept_new = 0;
  make(&one);
  make(&loaded);
  memset(flash, 0xFF, sizeof flash);
  CHECK(!slots_load(&place, loaded.lora));
  place.sequence = UINT32_MAX - 2;  // it wraps around on the way
  for (size_t save = 0; save < 5; save++) {
    learn(one.lora, save % CANDIDATES);
    const size_t new_len = state_of(one.lora, new);
    memcpy(before_save, flash, sizeof flash);
    const size_t bytes = cost(place, one.lora);
    for (size_t cut = 0; cut <= bytes; cut++) {
      for (int half = 0; half < 2; half++) {
        memcpy(flash, before_save, sizeof flash);
        power = cut;
        torn = (uint8_t)half;
        slots lost = place;
        ACCEPT(slots_save(&lost, one.lora, json, sizeof json));
        // The power is back.
        power = SIZE_MAX;
        adapter after;
        make(&after);
        slots found;
        const bool is_there = slots_load(&found, after.lora);
        const bool is_old = is_there == (save > 0) && is_loaded(&found, old, old_len);
        const bool is_new = is_there && is_loaded(&found, new, new_len);
        CHECK(cut == bytes ? is_new : is_old || is_new);
        cuts++;
        kept_new += is_new;
        // The next save is complete, whatever the cut has left.
        ACCEPT(slots_save(&found, one.lora, json, sizeof json));
        CHECK(slots_load(&found, after.lora) && is_loaded(&found, new, new_len));
      }
    }
    memcpy(flash, before_save, sizeof flash);
    power = SIZE_MAX;
    torn = 0;
    ACCEPT(slots_save(&place, one.lora, json, sizeof json));
    CHECK(slots_load(&place, loaded.lora));
    memcpy(old, new, new_len);
    old_len = new_len;
  }
  printf("power loss: %zu cuts, the newest whole state loaded after each (%zu times the new one)\n", cuts, kept_new);
}
