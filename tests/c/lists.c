// The memory of lists: what it learns, attributes to a list, and forgets.
#include <stdlib.h>

#include "check.h"

#define LISTS 6
#define DOCUMENTS 5

static uint32_t room[MLORA_SIZE(FEATURES, FEATURES, RANK, 0) / 4];
static uint32_t slab[MLORA_MEMORY_SIZE(FEATURES, FEATURES, CANDIDATES, LISTS, MLORA_STORED_INT8, MLORA_STORED_BY_ID, 0) / 4];
static char text[MLORA_MEMORY_JSON_MAX(FEATURES, FEATURES, CANDIDATES, LISTS, MLORA_STORED_INT8, MLORA_STORED_BY_ID, 0)];
static mlora *lora;
static mlora_memory *lists;

// Unit vectors, and how the callback answers for them.
static float library[DOCUMENTS][FEATURES] = {{1}, {0, 1}, {0, 0, 0.6f, 0.8f}, {0, 0, 0.8f, 0.6f}, {0.6f, 0.8f}};
static const uint32_t IDS[CANDIDATES] = {0, 1, 2}, OTHERS[CANDIDATES] = {4, 3, 2};
static const float CLICKS[CANDIDATES] = {0, 1, 0};
static const float QUERY[FEATURES] = {0.6f, 0.0f, 0.8f}, SECOND[FEATURES] = {0.8f, 0.0f, 0.6f};

typedef struct {
  int answer;  // to every question, if it is not 0
  mlora_status within;
} host;

static int find(void *context, int kind, uint32_t id, float *out, size_t len) {
  const host *asked = context;
  if (asked != NULL && asked->answer != 0) return asked->answer;
  if (kind == MLORA_VECTOR_QUERY) {
    memcpy(out, id == 1 ? QUERY : SECOND, len * sizeof *out);
    return MLORA_FOUND;
  }
  if (id >= DOCUMENTS) return MLORA_GONE;
  memcpy(out, library[id], len * sizeof *out);
  return MLORA_FOUND;
}

static void make_both(void) {
  lora = make_dual(room, sizeof room, 0);
  const mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(CANDIDATES, LISTS);
  ACCEPT(mlora_memory_init(slab, sizeof slab, lora, &layout, &lists));
}

static uint32_t learn(mlora_memory *memory, mlora *adapter, const float *query, const uint32_t *ids) {
  const mlora_sample sample = MLORA_SAMPLE(query, FEATURES);
  const mlora_clicks clicks = MLORA_CLICKS_ON_IDS(ids, CLICKS, CANDIDATES);
  mlora_memory_receipt receipt;
  ACCEPT(mlora_memory_learn(memory, adapter, &sample, &clicks, MLORA_LEARNING_RATE, find, NULL, &receipt));
  CHECK(receipt.outcome == MLORA_APPLIED && receipt.left_behind == 0);
  return receipt.number;
}

// All of a memory except its scratch memory.
static void watch_lists(void) {
  const size_t scratch = 13 + FEATURES + (CANDIDATES + 1) * FEATURES;
  watch(slab, 13 * sizeof *slab);
  watch(slab + scratch, sizeof slab - scratch * sizeof *slab);
}

static void what_moved_a_document_is_told(void) {
  make_both();
  CHECK(learn(lists, lora, QUERY, IDS) == 1);
  CHECK(learn(lists, lora, SECOND, OTHERS) == 2);
  uint32_t len = 0, numbers[2], made = 0;
  ACCEPT(mlora_memory_len(lists, &len));
  CHECK(len == 2);
  ACCEPT(mlora_memory_settle(lists, lora, 8, find, NULL, &made));
  CHECK(made == 8);
  float shares[3 * CANDIDATES], delta[FEATURES], guard = 0;
  ACCEPT(mlora_memory_why(lists, lora, QUERY, FEATURES, library[0], CANDIDATES * FEATURES, numbers, 2, shares,
                          3 * CANDIDATES, find, NULL));
  CHECK(numbers[0] == 1 && numbers[1] == 2);
  ACCEPT(mlora_apply(lora, QUERY, FEATURES, delta, FEATURES, &guard));
  CHECK(guard == 1.0f && shares[1] > 0.0f);
  for (size_t i = 0; i < CANDIDATES; i++) {
    const float sum = shares[i] + shares[CANDIDATES + i] + shares[2 * CANDIDATES + i];
    CHECK(near(sum, dot(delta, library[i])));
    CHECK(near(shares[2 * CANDIDATES + i], 0.0f));  // nothing was left behind
  }
  watch_lists();
  REFUSE(MLORA_ERROR_LENGTH, mlora_memory_why(lists, lora, QUERY, FEATURES, library[0], FEATURES, numbers, 1, shares, 3, find, NULL));
  REFUSE(MLORA_ERROR_LENGTH, mlora_memory_why(lists, lora, QUERY, FEATURES, library[0], FEATURES, numbers, 2, shares, 2, find, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_memory_why(lists, lora, QUERY, FEATURES, shares, FEATURES, numbers, 2, shares, 3, find, NULL));
  watch_nothing();
}

static void what_is_forgotten_is_gone(void) {
  make_both();
  uint32_t outcome = 9, forgotten = 9, others = 9;
  float delta[FEATURES];
  const uint32_t first = learn(lists, lora, QUERY, IDS);
  ACCEPT(mlora_memory_forget(lists, lora, first, find, NULL, &outcome));
  CHECK(outcome == MLORA_FORGOTTEN);
  ACCEPT(mlora_apply(lora, QUERY, FEATURES, delta, FEATURES, NULL));
  for (size_t i = 0; i < FEATURES; i++) CHECK(near(delta[i], 0.0f));
  ACCEPT(mlora_memory_forget(lists, lora, first, find, NULL, &outcome));
  CHECK(outcome == MLORA_NOT_REMEMBERED);

  // Document 2 was in both.
  (void)learn(lists, lora, QUERY, IDS);
  (void)learn(lists, lora, SECOND, OTHERS);
  ACCEPT(mlora_memory_forget_document(lists, lora, 9, find, NULL, &forgotten, &others));
  CHECK(forgotten == 0 && others == 0);
  ACCEPT(mlora_memory_forget_document(lists, lora, 2, find, NULL, &forgotten, &others));
  CHECK(forgotten == 2 && others == 0);
  ACCEPT(mlora_apply(lora, QUERY, FEATURES, delta, FEATURES, NULL));
  for (size_t i = 0; i < FEATURES; i++) CHECK(near(delta[i], 0.0f));

  // A list that cannot be read now stays; a list with a vector that is gone is left behind.
  host failing = {MLORA_FAILED, MLORA_OK}, empty = {MLORA_GONE, MLORA_OK};
  uint32_t number = learn(lists, lora, QUERY, IDS);
  ACCEPT(mlora_memory_forget(lists, lora, number, find, &failing, &outcome));
  CHECK(outcome == MLORA_NOT_READ);
  ACCEPT(mlora_memory_forget(lists, lora, number, find, &empty, &outcome));
  CHECK(outcome == MLORA_LEFT_BEHIND);
  (void)learn(lists, lora, QUERY, IDS);
  ACCEPT(mlora_memory_clear(lists));
  ACCEPT(mlora_memory_len(lists, &number));
  CHECK(number == 0);
}

static void a_saved_memory_goes_on_with_the_same_bits(void) {
  make_both();
  for (int i = 0; i < 4; i++) (void)learn(lists, lora, i % 2 ? QUERY : SECOND, i % 2 ? IDS : OTHERS);
  static char json[MLORA_JSON_MAX(FEATURES, FEATURES, RANK)];
  static uint32_t other_room[sizeof room / 4], other_slab[sizeof slab / 4], copy_room[sizeof room / 4], copy_slab[sizeof slab / 4];
  size_t len = 0, most = 0, json_len = 0;
  ACCEPT(mlora_memory_json_max(lists, &most));
  CHECK(most == sizeof text);
  ACCEPT(mlora_memory_save_json(lists, text, sizeof text, &len));
  CHECK(len < most);
  ACCEPT(mlora_save_json(lora, json, sizeof json, &json_len));
  mlora *twin = make_dual(other_room, sizeof other_room, 0);
  mlora_memory *again = NULL;
  const mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(CANDIDATES, LISTS);
  ACCEPT(mlora_memory_init(other_slab, sizeof other_slab, twin, &layout, &again));
  ACCEPT(mlora_load_json(twin, json, json_len));
  ACCEPT(mlora_memory_load_json(again, text, len));
  memcpy(copy_room, room, sizeof room);
  memcpy(copy_slab, slab, sizeof slab);
  (void)learn(lists, lora, QUERY, IDS);
  CHECK(learn(again, twin, QUERY, IDS) == 5);
  CHECK(learn((mlora_memory *)(void *)copy_slab, (mlora *)(void *)copy_room, QUERY, IDS) == 5);
  CHECK(memcmp(copy_room, room, sizeof room) == 0 && memcmp(copy_slab, slab, sizeof slab) == 0);
  float delta[FEATURES], same[FEATURES];
  ACCEPT(mlora_apply(lora, SECOND, FEATURES, delta, FEATURES, NULL));
  ACCEPT(mlora_apply(twin, SECOND, FEATURES, same, FEATURES, NULL));
  CHECK(memcmp(delta, same, sizeof delta) == 0);

  watch_lists();
  watch(text, sizeof text);
  REFUSE(MLORA_ERROR_BUFFER, mlora_memory_save_json(lists, text, 10, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_memory_save_json(lists, (char *)slab, 8, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_memory_load_json(lists, (char *)slab, 8));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_memory_load_json(lists, text, len / 2));
  REFUSE(MLORA_ERROR_FORMAT, mlora_memory_load_json(lists, json, json_len));
  watch_nothing();
}

static void another_model_learns_all_of_it_again(void) {
  make_both();
  (void)learn(lists, lora, QUERY, IDS);
  (void)learn(lists, lora, SECOND, OTHERS);
  static uint32_t next_room[sizeof room / 4];
  mlora *next = make_dual(next_room, sizeof next_room, 7);
  uint32_t learned = 0, made = 0;
  host failing = {MLORA_FAILED, MLORA_OK};
  watch_lists();
  watch(next_room, sizeof next_room);
  REFUSE(MLORA_ERROR_MISMATCH, mlora_memory_settle(lists, next, 1, find, NULL, &made));
  REFUSE(MLORA_ERROR_MISSING, mlora_memory_relearn(lists, next, find, &failing, &learned));
  watch_nothing();
  for (size_t i = 0; i < DOCUMENTS; i++) {  // the new model's vectors
    const float first = library[i][0];
    library[i][0] = library[i][5];
    library[i][5] = first;
  }
  ACCEPT(mlora_memory_relearn(lists, next, find, NULL, &learned));
  CHECK(learned == 2);
  ACCEPT(mlora_memory_settle(lists, next, 2, find, NULL, &made));
  CHECK(made == 2);
  REFUSE(MLORA_ERROR_MISMATCH, mlora_memory_settle(lists, lora, 1, find, NULL, &made));
  float delta[FEATURES];
  ACCEPT(mlora_apply(next, QUERY, FEATURES, delta, FEATURES, NULL));
  CHECK(dot(delta, library[1]) > dot(delta, library[0]));
  for (size_t i = 0; i < DOCUMENTS; i++) {
    library[i][0] = library[i][5];
    library[i][5] = 0;
  }
}

// A callback that tries every call that could invalidate the memory in use.
static int meddle(void *context, int kind, uint32_t id, float *out, size_t len) {
  host *asked = context;
  float delta[FEATURES];
  uint32_t number = 0;
  asked->within = mlora_memory_clear(lists);
  if (asked->within == MLORA_ERROR_BUSY) asked->within = mlora_memory_len(lists, &number);
  if (asked->within == MLORA_ERROR_BUSY) asked->within = mlora_memory_settle(lists, lora, 1, find, NULL, &number);
  if (asked->within == MLORA_ERROR_BUSY) asked->within = mlora_apply(lora, QUERY, FEATURES, delta, FEATURES, NULL);
  if (asked->within == MLORA_ERROR_BUSY) asked->within = mlora_reset(lora);
  if (asked->within == MLORA_ERROR_BUSY) asked->within = mlora_close(lora);
  return find(NULL, kind, id, out, len);
}

static void a_callback_cannot_break_anything(void) {
  make_both();
  static uint32_t quiet_room[sizeof room / 4], quiet_slab[sizeof slab / 4];
  (void)learn(lists, lora, QUERY, IDS);
  memcpy(quiet_room, room, sizeof room);
  memcpy(quiet_slab, slab, sizeof slab);
  host meddling = {0, MLORA_OK};
  uint32_t made = 0;
  ACCEPT(mlora_memory_settle(lists, lora, 3, meddle, &meddling, &made));
  CHECK(meddling.within == MLORA_ERROR_BUSY && made == 3);
  ACCEPT(mlora_memory_settle((mlora_memory *)(void *)quiet_slab, (mlora *)(void *)quiet_room, 3, find, NULL, &made));
  CHECK(memcmp(quiet_room, room, sizeof room) == 0 && memcmp(quiet_slab, slab, sizeof slab) == 0);
  REFUSE(MLORA_ERROR_BUSY, meddling.within);  // counted as seen
}

static void what_does_not_fit_is_refused(void) {
  make_both();
  (void)learn(lists, lora, QUERY, IDS);
  const mlora_sample sample = MLORA_SAMPLE(QUERY, FEATURES);
  const mlora_clicks good = MLORA_CLICKS_ON_IDS(IDS, CLICKS, CANDIDATES);
  host failing = {MLORA_FAILED, MLORA_OK}, empty = {MLORA_GONE, MLORA_OK}, odd = {77, MLORA_OK};
  size_t bytes = 0;
  uint32_t number = 0;
  watch_lists();
  watch(room, sizeof room);
  mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(CANDIDATES, LISTS);
#define REFUSE_LAYOUT(field, value) \
  do { \
    mlora_memory_layout bad = layout; \
    bad.field = (value); \
    REFUSE(MLORA_ERROR_COUNT, mlora_memory_size(FEATURES, FEATURES, &bad, &bytes)); \
  } while (0)
  // Each size is in its range, and all of them together are more than can be counted.
  mlora_memory_layout large = MLORA_MEMORY_LAYOUT(64, 65536);
  large.documents = MLORA_STORED_F32;
  REFUSE(MLORA_ERROR_COUNT, mlora_memory_size(1048576, 1048576, &large, &bytes));
  REFUSE_LAYOUT(list, 1);
  REFUSE_LAYOUT(list, 65);
  REFUSE_LAYOUT(capacity, 0);
  REFUSE_LAYOUT(queries, 3);
  REFUSE_LAYOUT(documents, 9);
  REFUSE_LAYOUT(scores, 2);
  REFUSE(MLORA_ERROR_MEMORY, mlora_memory_init(slab, sizeof slab - 4, lora, &layout, &lists));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_memory_init(room, sizeof room, lora, &(mlora_memory_layout)MLORA_MEMORY_LAYOUT(2, 1), &lists));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_memory_len((mlora_memory *)(void *)((char *)slab + 1), &number));
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_memory_len((mlora_memory *)(void *)room, &number));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_memory_len(lists, slab + 5));
#define REFUSE_LEARN(status, from, vectors, context) \
  REFUSE(status, mlora_memory_learn(lists, lora, &sample, from, 0.01f, vectors, context, NULL))
  REFUSE_LEARN(MLORA_ERROR_MISSING, &good, find, &failing);
  REFUSE_LEARN(MLORA_ERROR_MISSING, &good, find, &empty);
  REFUSE_LEARN(MLORA_ERROR_MISSING, &good, find, &odd);
  REFUSE_LEARN(MLORA_ERROR_NULL, &good, NULL, NULL);
  const uint32_t unknown[CANDIDATES] = {0, 1, 99};
  mlora_clicks bad = MLORA_CLICKS_ON_IDS(unknown, CLICKS, CANDIDATES);
  REFUSE_LEARN(MLORA_ERROR_MISSING, &bad, find, NULL);
  bad = good;
  bad.ids_len = 1;
  REFUSE_LEARN(MLORA_ERROR_COUNT, &bad, find, NULL);
  bad = good;
  bad.weights_len = 2;
  REFUSE_LEARN(MLORA_ERROR_LENGTH, &bad, find, NULL);
  bad = good;
  bad.temperature = 0;
  REFUSE_LEARN(MLORA_ERROR_OUT_OF_RANGE, &bad, find, NULL);
  bad = good;
  bad.scores = CLICKS;
  bad.scores_len = CANDIDATES;
  REFUSE_LEARN(MLORA_ERROR_COUNT, &bad, find, NULL);
  bad = good;
  bad.has_query_id = 2;
  REFUSE_LEARN(MLORA_ERROR_COUNT, &bad, find, NULL);
  bad = good;
  bad.ids = slab + 20;
  REFUSE_LEARN(MLORA_ERROR_OVERLAP, &bad, find, NULL);
  watch_nothing();

  // Nothing is lost when the program cannot read: the list stays.
  uint32_t made = 9;
  ACCEPT(mlora_memory_settle(lists, lora, 2, find, &failing, &made));
  CHECK(made == 0);
  ACCEPT(mlora_memory_len(lists, &number));
  CHECK(number == 1);

  uint32_t broken[sizeof slab / 4];
  memcpy(broken, slab, sizeof slab);
  broken[1] += 1;
  REFUSE(MLORA_ERROR_ABI, mlora_memory_len((mlora_memory *)(void *)broken, &number));
  memcpy(broken, slab, sizeof slab);
  memset(broken + 4, 0xFF, 16);
  REFUSE(MLORA_ERROR_CORRUPT, mlora_memory_clear((mlora_memory *)(void *)broken));
  // Invalid positions are not followed: len, then oldest and turn.
  memcpy(broken, slab, sizeof slab);
  broken[9] = UINT32_MAX;
  REFUSE(MLORA_ERROR_CORRUPT, mlora_memory_len((mlora_memory *)(void *)broken, &number));
  memcpy(broken, slab, sizeof slab);
  memset(broken + 10, 0xFF, 8);
  ACCEPT(mlora_memory_settle((mlora_memory *)(void *)broken, lora, 3, find, NULL, &made));

  adapter plain;
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.step = MLORA_STEP_SGD;
  ACCEPT(mlora_init(plain.memory, sizeof plain.memory, &config, MLORA_ABI_VERSION, &plain.lora));
  REFUSE(MLORA_ERROR_UNSUPPORTED, mlora_memory_learn(lists, plain.lora, &sample, &good, 0.01f, find, NULL, NULL));
}

// Every layout on the heap with the size from the macro, so that valgrind sees an access one byte past the end.
static void every_layout_stays_within_its_memory(void) {
  const mlora_sample sample = MLORA_SAMPLE(QUERY, FEATURES);
  lora = make_dual(room, sizeof room, 0);
  for (uint32_t queries = 0; queries < 3; queries++) {
    for (uint32_t documents = 0; documents < 3; documents++) {
      for (uint32_t scores = 0; scores < 2; scores++) {
        const mlora_memory_layout layout = {CANDIDATES + 1, 3, queries, documents, scores};
        size_t bytes = 0, most = 0;
        ACCEPT(mlora_memory_size(7, 5, &layout, &bytes));
        CHECK(bytes == MLORA_MEMORY_SIZE(7, 5, CANDIDATES + 1, 3, queries, documents, scores));
        ACCEPT(mlora_memory_size(FEATURES, FEATURES, &layout, &bytes));
        CHECK(bytes == MLORA_MEMORY_SIZE(FEATURES, FEATURES, CANDIDATES + 1, 3, queries, documents, scores));
        void *heap = malloc(bytes);
        mlora_memory *tight = NULL;
        ACCEPT(mlora_reset(lora));
        ACCEPT(mlora_memory_init(heap, bytes, lora, &layout, &tight));
        ACCEPT(mlora_memory_json_max(tight, &most));
        CHECK(most == MLORA_MEMORY_JSON_MAX(FEATURES, FEATURES, CANDIDATES + 1, 3, queries, documents, scores));
        mlora_clicks clicks = MLORA_CLICKS(library[0], CANDIDATES * FEATURES, CLICKS, CANDIDATES);
        const mlora_clicks by_id = MLORA_CLICKS_ON_IDS(IDS, CLICKS, CANDIDATES);
        if (documents == MLORA_STORED_BY_ID) clicks = by_id;
        clicks.has_query_id = 1;
        clicks.query_id = 1;
        if (scores) {
          clicks.scores = CLICKS;
          clicks.scores_len = CANDIDATES;
        }
        const int asks = queries == MLORA_STORED_BY_ID || documents == MLORA_STORED_BY_ID;
        for (int i = 0; i < 5; i++) {
          if (i == 3) {  // a thumb down on the first document
            clicks.weights = NULL;
            clicks.weights_len = 0;
            clicks.quality = 0.0f;
          }
          mlora_memory_receipt receipt;
          ACCEPT(mlora_memory_learn(tight, lora, &sample, &clicks, MLORA_LEARNING_RATE, asks ? find : NULL, NULL,
                                    &receipt));
          CHECK(receipt.outcome == MLORA_APPLIED && receipt.number == (uint32_t)i + 1 && receipt.moved > 0.0f);
          CHECK(receipt.visits == 9);
        }
        free(heap);
      }
    }
  }
}

void test_lists(void) {
  what_moved_a_document_is_told();
  what_is_forgotten_is_gone();
  a_saved_memory_goes_on_with_the_same_bits();
  another_model_learns_all_of_it_again();
  a_callback_cannot_break_anything();
  what_does_not_fit_is_refused();
  every_layout_stays_within_its_memory();
}
