#include "slots.h"

typedef struct {
  uint32_t len, sequence, inverse;
} header;

static uint32_t word(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static header read_header(int slot) {
  const uint8_t *at = flash_at(slot);
  return (header){word(at), word(at + 4), word(at + 8)};
}

// In a truncated header the last word does not match.
static bool is_whole(header one) { return one.inverse == ~one.sequence; }

bool slots_load(slots *place, mlora *lora) {
  const header headers[2] = {read_header(0), read_header(1)};
  *place = (slots){-1, 0};
  // Compare by the difference, since the numbers may wrap around.
  const int newer = is_whole(headers[1]) &&
                    (!is_whole(headers[0]) || headers[1].sequence - headers[0].sequence < UINT32_MAX / 2);
  for (int turn = 0; turn < 2; turn++) {
    const int slot = turn == 0 ? newer : 1 - newer;
    const header one = headers[slot];
    // A wrong length ends inside the JSON or in erased bytes: neither loads.
    if (is_whole(one) && one.len <= flash_size() - SLOT_HEADER &&
        mlora_load_json(lora, (const char *)flash_at(slot) + SLOT_HEADER, one.len) == MLORA_OK) {
      *place = (slots){slot, one.sequence};
      return true;
    }
  }
  return false;
}

mlora_status slots_save(slots *place, const mlora *lora, char *json, size_t json_size) {
  size_t len = 0;
  const mlora_status status = mlora_save_json(lora, json, json_size, &len);
  if (status != MLORA_OK) return status;
  const int slot = place->current == 0;
  const uint32_t sequence = place->sequence + 1, words[] = {(uint32_t)len, sequence, ~sequence};
  uint8_t bytes[SLOT_HEADER];
  for (size_t i = 0; i < SLOT_HEADER; i++) bytes[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
  flash_erase(slot);
  flash_program(slot, SLOT_HEADER, json, len);
  flash_program(slot, 0, bytes, SLOT_HEADER);
  *place = (slots){slot, sequence};
  return MLORA_OK;
}
