// The last state of an adapter in two slots of flash: whenever the power fails, the newest whole one loads.
//
// A slot is a sector: 12 bytes of header, then the JSON. A save goes to the slot that the state now in use did not come
// from: erase it, write the JSON, then the header, its last word last. The JSON has a checksum, and loading it is all or
// nothing, so that no other is needed.
//
// The board has the four functions at the end; a sector must hold SLOT_HEADER + MLORA_JSON_MAX bytes.
#ifndef SLOTS_H
#define SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "micro_lora.h"

enum { SLOT_HEADER = 12 };

// Which slot holds the state in use, -1 before there is one, and the number of its save.
typedef struct {
  int current;
  uint32_t sequence;
} slots;

// At the start: the newest state that is whole. False, and the adapter as it was, if there is none.
bool slots_load(slots *place, mlora *lora);
// The state as it is now. json: a buffer of MLORA_JSON_MAX bytes.
mlora_status slots_save(slots *place, const mlora *lora, char *json, size_t json_size);

// Of the board. Erased bytes are 0xFF; `flash_program` is given an offset and a length in multiples of 4, but for the
// last length of a JSON.
size_t flash_size(void);  // bytes of a slot
const uint8_t *flash_at(int slot);
void flash_erase(int slot);
void flash_program(int slot, size_t offset, const void *bytes, size_t len);

#endif
