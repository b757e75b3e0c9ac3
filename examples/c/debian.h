// The data set of examples/data: packages with the embeddings of their descriptions.
#ifndef DEBIAN_H
#define DEBIAN_H

#include <stddef.h>
#include <stdint.h>

#define FEATURES 384
#define PACKAGES 3600

// Reads debian.tsv and debian.i8, or ends the program with the reason.
void load_debian(const char *folder);

// A unit vector of FEATURES values.
const float *embedding(size_t package);

// A package's purposes and interfaces: values separated by commas.
const char *uses_of(size_t package);
const char *interfaces_of(size_t package);

// Whether two such lists share a value, and whether one contains a value.
int lists_meet(const char *one, const char *two);
int list_has(const char *list, const char *value, size_t value_len);

uint32_t crc32(const unsigned char *data, size_t len);

#endif
