// Software search that learns from clicks which kind of program its user prefers, in C.
//
// One of the users of `cargo run --release --example personalize`: a frozen model embeds the query and some 1,200
// package descriptions; this user wants command-line programs, but no query says so. An adapter sees ten results and
// the clicks, and takes one step per search. What it learned is measured on queries that it never saw. The program
// prints the same gain and ends with the same state as the same run in Rust.
//
//     cargo xtask c-install --prefix /usr/local
//     gcc -O2 -ffp-contract=off examples/c/*.c $(pkg-config --cflags --libs micro_lora) -lm
//     ./a.out examples/data
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debian.h"
#include "micro_lora.h"
#include "simulation.h"

#define RANK 4

static uint32_t memory[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
static mlora *lora;
static char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];

static void expect_ok(mlora_status status) {
  if (status == MLORA_OK) return;
  fprintf(stderr, "personalize: %s\n", mlora_status_message((int32_t)status));
  exit(1);
}

// Puts the ten best documents for the corrected query into `shown`.
static void search(const simulation *user, size_t query, size_t shown[SHOWN]) {
  float corrected[FEATURES];
  memcpy(corrected, embedding(query), sizeof corrected);
  expect_ok(mlora_apply_residual(lora, corrected, FEATURES, NULL));
  rank(user, corrected, shown);
}

// One event: search, clicks, learning.
static void serve(simulation *user, size_t query) {
  size_t shown[SHOWN];
  float clicks[SHOWN], results[SHOWN * FEATURES];
  search(user, query, shown);
  click(user, query, shown, clicks);
  for (size_t i = 0; i < SHOWN; i++) {
    memcpy(results + i * FEATURES, embedding(user->documents[shown[i]]), FEATURES * sizeof(float));
  }
  const mlora_sample sample = MLORA_SAMPLE(embedding(query), FEATURES);
  expect_ok(mlora_adapt_listwise(lora, &sample, results, SHOWN * FEATURES, clicks, SHOWN, MLORA_TEMPERATURE,
                                 NULL));
  expect_ok(mlora_apply_updates(lora, MLORA_LEARNING_RATE, NULL));
}

// Mean nDCG@10 over the held-out queries, with the adapter and without.
static void measure(const simulation *user, size_t events) {
  double base = 0.0, adapted = 0.0;
  for (size_t i = 0; i < user->held_out_count; i++) {
    size_t query = user->held_out[i], shown[SHOWN];
    rank(user, embedding(query), shown);
    base += ndcg(user, query, shown);
    search(user, query, shown);
    adapted += ndcg(user, query, shown);
  }
  base /= (double)user->held_out_count;
  adapted /= (double)user->held_out_count;
  printf("gain@%zu %+.6f (base %.6f)\n", events, adapted - base, base);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: personalize FOLDER, with debian.tsv and debian.i8 in it\n");
    return 2;
  }
  load_debian(argv[1]);
  simulation *user = new_simulation("commandline", 0);

  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  expect_ok(mlora_init(memory, sizeof memory, &config, MLORA_ABI_VERSION, &lora));
  for (size_t event = 1; event <= 400; event++) {
    serve(user, next_query(user));
    if (event == 100 || event == 200 || event == 400) measure(user, event);
  }

  size_t len = 0;
  expect_ok(mlora_save_json(lora, json, sizeof json, &len));
  printf("state: %zu bytes of JSON, crc32 %08x\n", len, (unsigned)crc32((const unsigned char *)json, len));
  free(user);
  return 0;
}
