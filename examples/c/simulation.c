#include "simulation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENTS 1500
#define TRAIN 1300
#define VALIDATION 250
#define HELD_OUT 450
#define HELD_OUT_MIN 300
// A query with fewer relevant documents says little about a ranking.
#define RELEVANT_MIN 3
// Gives the clicks a random stream apart from the one that made the split.
#define CLICK_STREAM ((uint64_t)77 << 32)
#define NOISE 0.1f

// The high and the low half of a product of 128 bits.
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low) {
  uint64_t a_low = a & 0xFFFFFFFF, a_high = a >> 32, b_low = b & 0xFFFFFFFF, b_high = b >> 32;
  uint64_t low_low = a_low * b_low;
  uint64_t middle = a_high * b_low + (low_low >> 32);
  uint64_t other = a_low * b_high + (middle & 0xFFFFFFFF);
  *low = a * b;
  return a_high * b_high + (middle >> 32) + (other >> 32);
}

// wyrand (Wang Yi, public domain), as in the Rust crate fastrand.
static uint64_t random_bits(uint64_t *state) {
  uint64_t low, high;
  *state += 0x2d358dccaa6c78a5;
  high = multiply(*state, *state ^ 0x8bb84b93962eacc9, &low);
  return low ^ high;
}

// Uniform from 0 to n - 1 (Lemire).
static uint64_t random_below(uint64_t *state, uint64_t n) {
  uint64_t low, high = multiply(random_bits(state), n, &low);
  while (low < n && low < (0 - n) % n) high = multiply(random_bits(state), n, &low);
  return high;
}

// Uniform from 0 to 1, without 1.
static float random_float(uint64_t *state) {
  for (;;) {
    float value = (float)(random_bits(state) >> 1) * 0x1p-63f;
    if (value < 1.0f) return value;
  }
}

static void shuffle(uint64_t *state, size_t *items, size_t count) {
  for (size_t i = 1; i < count; i++) {
    size_t j = (size_t)random_below(state, i + 1), kept = items[i];
    items[i] = items[j];
    items[j] = kept;
  }
}

static int likes(const simulation *user, size_t package) {
  return list_has(interfaces_of(package), user->interface, strlen(user->interface));
}

static int is_relevant(const simulation *user, size_t query, size_t package) {
  return likes(user, package) && lists_meet(uses_of(query), uses_of(package));
}

static size_t relevant_count(const simulation *user, size_t query) {
  size_t count = 0;
  for (size_t i = 0; i < user->documents_count; i++) {
    if (is_relevant(user, query, user->documents[i])) count += 1;
  }
  return count;
}

// Keeps the queries with enough relevant documents.
static size_t take_answerable(const simulation *user, const size_t *queries, size_t count, size_t *to) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    if (relevant_count(user, queries[i]) >= RELEVANT_MIN) to[kept++] = queries[i];
  }
  return kept;
}

simulation *new_simulation(const char *interface, uint64_t seed) {
  simulation *user = calloc(1, sizeof *user);
  if (user == NULL) exit(1);
  user->interface = interface;
  user->clicks_state = CLICK_STREAM + seed;

  static size_t all[PACKAGES];
  size_t count = 0;
  for (size_t i = 0; i < PACKAGES; i++) {
    if (*uses_of(i) != 0) all[count++] = i;
  }
  shuffle(&seed, all, count);
  // With too few packages every part shrinks in proportion.
  size_t documents = DOCUMENTS, train = TRAIN, validation = VALIDATION;
  size_t wanted = DOCUMENTS + TRAIN + VALIDATION;
  if (count < wanted + HELD_OUT_MIN) {
    documents = DOCUMENTS * count / (wanted + HELD_OUT);
    train = TRAIN * count / (wanted + HELD_OUT);
    validation = VALIDATION * count / (wanted + HELD_OUT);
  }
  memcpy(user->documents, all, documents * sizeof *all);
  user->documents_count = documents;
  user->train_count = take_answerable(user, all + documents, train, user->train);
  size_t start = documents + train + validation;
  size_t held_out = count - start < HELD_OUT ? count - start : HELD_OUT;
  user->held_out_count = take_answerable(user, all + start, held_out, user->held_out);
  return user;
}

size_t next_query(simulation *user) {
  if (user->order_count == 0) {
    memcpy(user->order, user->train, user->train_count * sizeof *user->train);
    user->order_count = user->train_count;
    shuffle(&user->clicks_state, user->order, user->order_count);
  }
  return user->order[--user->order_count];
}

// Sixteen independent sums, then one after the other: the order of the Rust crate.
static float dot(const float *a, const float *b) {
  float sums[16] = {0}, sum = 0.0f;
  for (size_t i = 0; i < FEATURES; i++) sums[i % 16] += a[i] * b[i];
  for (size_t lane = 0; lane < 16; lane++) sum += sums[lane];
  return sum;
}

void rank(const simulation *user, const float *vector, size_t shown[SHOWN]) {
  float best[SHOWN];
  size_t found = 0;
  for (size_t i = 0; i < user->documents_count; i++) {
    float score = dot(embedding(user->documents[i]), vector);
    if (found == SHOWN && !(score > best[SHOWN - 1])) continue;
    // Equal scores stay in their order.
    size_t at = found < SHOWN ? found++ : SHOWN - 1;
    for (; at > 0 && score > best[at - 1]; at--) {
      best[at] = best[at - 1];
      shown[at] = shown[at - 1];
    }
    best[at] = score;
    shown[at] = i;
  }
}

void click(simulation *user, size_t query, const size_t shown[SHOWN], float clicks[SHOWN]) {
  for (size_t i = 0; i < SHOWN; i++) {
    float looks = random_float(&user->clicks_state), chance = random_float(&user->clicks_state);
    float wanted = is_relevant(user, query, user->documents[shown[i]]) ? 1.0f - NOISE : NOISE / 2.0f;
    clicks[i] = looks < 1.0f / sqrtf((float)(i + 1)) && chance < wanted ? 1.0f : 0.0f;
  }
}

// The discount of a place that counts from 0.
static double discount(size_t place) { return 1.0 / log2((double)(place + 2)); }

double ndcg(const simulation *user, size_t query, const size_t shown[SHOWN]) {
  size_t total = relevant_count(user, query);
  double gain = 0.0, ideal = 0.0;
  for (size_t i = 0; i < SHOWN; i++) {
    if (i < total) ideal += discount(i);
    if (is_relevant(user, query, user->documents[shown[i]])) gain += discount(i);
  }
  return gain / ideal;
}
