#include "debian.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 20
#define CRC_BYTES 4
#define COLUMNS 6

static float embeddings[PACKAGES][FEATURES];
static const char *uses[PACKAGES];
static const char *interfaces[PACKAGES];
// The tables point into it, so it is never freed.
static char *table;

static void fail(const char *file, const char *expected) {
  fprintf(stderr, "personalize: %s: expected %s, got something else\n", file, expected);
  exit(1);
}

static unsigned char *read_file(const char *folder, const char *name, size_t *len) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path, "a file that can be read");
  fseek(file, 0, SEEK_END);
  long end = ftell(file);
  rewind(file);
  *len = end < 0 ? 0 : (size_t)end;
  unsigned char *bytes = malloc(*len + 1);
  if (bytes == NULL || fread(bytes, 1, *len, file) != *len) fail(path, "a file that can be read");
  bytes[*len] = 0;
  fclose(file);
  return bytes;
}

static uint32_t word(const unsigned char *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint32_t crc32(const unsigned char *data, size_t len) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < len; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
  }
  return ~crc;
}

// Returns the CRC-32 that the table must have.
static uint32_t load_embeddings(const char *folder) {
  const char *name = "debian.i8";
  size_t len;
  unsigned char *bytes = read_file(folder, name, &len);
  size_t expected = HEADER_BYTES + CRC_BYTES + PACKAGES * (4 + FEATURES);
  if (len != expected || memcmp(bytes, "MLEMBED1", 8) != 0) fail(name, "3600 embeddings");
  if (word(bytes + 8) != PACKAGES || word(bytes + 12) != FEATURES) fail(name, "3600 rows of 384");
  if (crc32(bytes, len - CRC_BYTES) != word(bytes + len - CRC_BYTES)) fail(name, "the checksum at its end");
  const unsigned char *levels = bytes + HEADER_BYTES + 4 * PACKAGES;
  for (size_t row = 0; row < PACKAGES; row++, levels += FEATURES) {
    // The scale cancels when the row is normalised.
    int32_t squares = 0;
    for (size_t i = 0; i < FEATURES; i++) squares += (int8_t)levels[i] * (int8_t)levels[i];
    if (squares == 0) fail(name, "a direction in every row");
    float to_unit = 1.0f / sqrtf((float)squares);
    for (size_t i = 0; i < FEATURES; i++) embeddings[row][i] = (float)(int8_t)levels[i] * to_unit;
  }
  uint32_t table_crc = word(bytes + 16);
  free(bytes);
  return table_crc;
}

// Ends the field at the next separator and moves past it.
static char *next_field(char **rest, char separator) {
  char *field = *rest, *end = strchr(field, separator);
  if (end == NULL) fail("debian.tsv", "six fields in each line");
  *end = 0;
  *rest = end + 1;
  return field;
}

static void load_table(const char *folder, uint32_t expected_crc) {
  size_t len;
  table = (char *)read_file(folder, "debian.tsv", &len);
  if (crc32((unsigned char *)table, len) != expected_crc) fail("debian.tsv", "the table of these embeddings");
  char *rest = table;
  next_field(&rest, '\n');
  for (size_t row = 0; row < PACKAGES; row++) {
    const char *fields[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) fields[i] = next_field(&rest, i + 1 < COLUMNS ? '\t' : '\n');
    uses[row] = fields[3];
    interfaces[row] = fields[5];
  }
}

void load_debian(const char *folder) { load_table(folder, load_embeddings(folder)); }

const float *embedding(size_t package) { return embeddings[package]; }
const char *uses_of(size_t package) { return uses[package]; }
const char *interfaces_of(size_t package) { return interfaces[package]; }

int list_has(const char *list, const char *value, size_t value_len) {
  while (*list != 0) {
    size_t len = strcspn(list, ",");
    if (len == value_len && memcmp(list, value, len) == 0) return 1;
    list += list[len] == ',' ? len + 1 : len;
  }
  return 0;
}

int lists_meet(const char *one, const char *two) {
  while (*one != 0) {
    size_t len = strcspn(one, ",");
    if (len > 0 && list_has(two, one, len)) return 1;
    one += one[len] == ',' ? len + 1 : len;
  }
  return 0;
}
