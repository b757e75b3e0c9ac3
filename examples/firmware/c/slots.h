// Keeps the last state of an adapter in two slots of flash: after a power cut at any time, the newest complete one
// loads.
//
// A slot is a sector: 12 bytes of header, then the JSON. A save goes to the slot that the state in use did not come
// from: erase it, write the JSON, then the header, its last word last. The JSON has a checksum and loads as a whole or
// not at all, so no other checksum is needed.
//
// The board provides the functions at the end; a sector must hold SLOT_HEADER + MLORA_JSON_MAX bytes.
#ifndef SLOTS_H
#define SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "micro_lora.h"

enum { SLOT_HEADER = 12 };

// The slot of the state in use, or -1 if there is none, and the number of its save.
typedef struct {
  int current;
  uint32_t sequence;
} slots;

// At the start: loads the newest complete state. If there is none, returns false and leaves the adapter as it was.
bool slots_load(slots *place, mlora *lora);
// Saves the current state. json: a buffer of MLORA_JSON_MAX bytes.
mlora_status slots_save(slots *place, const mlora *lora, char *json, size_t json_size);

// From the board. Erased bytes are 0xFF; `flash_program` gets an offset and a length in multiples of 4, except for the
// last length of a JSON.
size_t flash_size(void);  // bytes of a slot
const uint8_t *flash_at(int slot);
void flash_erase(int slot);
void flash_program(int slot, size_t offset, const void *bytes, size_t len);

#endif
