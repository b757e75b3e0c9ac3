// A simulated user: their searches, taste and clicks. It draws the same random numbers as the Rust crate `lab` and adds
// in the same order, so that both see the same user.
#ifndef SIMULATION_H
#define SIMULATION_H

#include <stddef.h>
#include <stdint.h>

#include "debian.h"

#define SHOWN 10

typedef struct {
  const char *interface;
  // Packages that can be found, queries to learn on (in the order of this round), queries held out.
  size_t documents[PACKAGES], train[PACKAGES], order[PACKAGES], held_out[PACKAGES];
  size_t documents_count, train_count, order_count, held_out_count;
  uint64_t clicks_state;
} simulation;

// A user who looks for programs of one purpose and likes one interface. The caller must free it.
simulation *new_simulation(const char *interface, uint64_t seed);

size_t next_query(simulation *user);

// The ten documents nearest to a vector, best first, as indices of user->documents.
void rank(const simulation *user, const float *vector, size_t shown[SHOWN]);

// 1 for every result clicked: more at the top, with noise.
void click(simulation *user, size_t query, const size_t shown[SHOWN], float clicks[SHOWN]);

double ndcg(const simulation *user, size_t query, const size_t shown[SHOWN]);

#endif
