// The companions of an adapter: a ring of lists, a holdback, an explorer.
#include <stdlib.h>

#include "check.h"

#define LISTS 4

static adapter one;
static const mlora_sample SAMPLE = MLORA_SAMPLE(X, FEATURES);
static const float CLICKS[CANDIDATES] = {0, 1, 0};
static uint32_t memory[MLORA_REPLAY_SIZE(FEATURES, FEATURES, CANDIDATES, LISTS) / 4];
static mlora_replay *ring;
static char text[MLORA_REPLAY_JSON_MAX(FEATURES, FEATURES, CANDIDATES, LISTS)];
static const size_t ROWS_LEN = CANDIDATES * FEATURES;

static void make_both(void) {
  make(&one);
  ACCEPT(mlora_replay_init(memory, sizeof memory, one.lora, CANDIDATES, LISTS, &ring));
}

static mlora_status learn(mlora_replay *from, mlora *lora, const float *clicks, mlora_receipt *receipt) {
  return mlora_replay_learn(from, lora, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, clicks, CANDIDATES,
                            MLORA_TEMPERATURE, MLORA_LEARNING_RATE, receipt);
}

static float moved(const mlora *lora) {
  float delta[FEATURES];
  ACCEPT(mlora_apply(lora, X, FEATURES, delta, FEATURES, NULL));
  return delta[1];
}

static void a_ring_teaches_more_from_the_same_clicks(void) {
  adapter plain;
  make(&plain);
  make_both();
  for (int i = 0; i < 6; i++) {
    mlora_receipt receipt;
    ACCEPT(mlora_adapt_listwise(plain.lora, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, CLICKS, CANDIDATES,
                                MLORA_TEMPERATURE, NULL));
    ACCEPT(mlora_apply_updates(plain.lora, MLORA_LEARNING_RATE, NULL));
    ACCEPT(learn(ring, one.lora, CLICKS, &receipt));
    CHECK(receipt.outcome == MLORA_APPLIED && receipt.step_norm > 0.0f);
  }
  CHECK(moved(one.lora) > moved(plain.lora) && moved(plain.lora) > 0.0f);
  mlora_stats stats;
  ACCEPT(mlora_get_stats(one.lora, &stats));
  CHECK(stats.samples_seen == 6 && stats.updates == 6);
  uint32_t len = 0, taken = 0;
  ACCEPT(mlora_replay_len(ring, &len));
  CHECK(len == LISTS);
  ACCEPT(mlora_replay_rehearse(ring, one.lora, MLORA_LEARNING_RATE, 3, &taken));
  CHECK(taken == 3);

  const float nothing[CANDIDATES] = {0};
  mlora_receipt receipt;
  ACCEPT(mlora_replay_clear(ring));
  ACCEPT(learn(ring, one.lora, nothing, &receipt));
  CHECK(receipt.outcome == MLORA_SKIPPED_NOTHING_CHOSEN);
  ACCEPT(mlora_replay_len(ring, &len));
  CHECK(len == 0);
  ACCEPT(mlora_replay_push(ring, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, CLICKS, CANDIDATES, MLORA_TEMPERATURE));
  ACCEPT(mlora_replay_len(ring, &len));
  CHECK(len == 1);
}

static void a_ring_goes_on_from_a_copy_or_a_text(void) {
  make_both();
  for (int i = 0; i < 3; i++) ACCEPT(learn(ring, one.lora, CLICKS, NULL));
  size_t len = 0, most = 0, bytes = 0;
  ACCEPT(mlora_replay_json_max(ring, &most));
  CHECK(most == sizeof text);
  ACCEPT(mlora_replay_size(FEATURES, FEATURES, CANDIDATES, LISTS, &bytes));
  CHECK(bytes == sizeof memory);
  ACCEPT(mlora_replay_save_json(ring, text, sizeof text, &len));
  CHECK(len < most);

  static uint32_t loaded[sizeof memory / 4], copied[sizeof memory / 4];
  mlora_replay *other = NULL;
  ACCEPT(mlora_replay_init(loaded, sizeof loaded, one.lora, CANDIDATES, LISTS, &other));
  ACCEPT(mlora_replay_load_json(other, text, len));
  memcpy(copied, memory, sizeof memory);
  adapter twin = one, third = one;
  ACCEPT(learn(ring, one.lora, CLICKS, NULL));
  ACCEPT(learn(other, (mlora *)(void *)twin.memory, CLICKS, NULL));
  ACCEPT(learn((mlora_replay *)(void *)copied, (mlora *)(void *)third.memory, CLICKS, NULL));
  CHECK(memcmp(one.memory, twin.memory, sizeof one.memory) == 0);
  CHECK(memcmp(one.memory, third.memory, sizeof one.memory) == 0);
}

static void what_is_no_ring_or_does_not_fit_is_refused(void) {
  make_both();
  ACCEPT(learn(ring, one.lora, CLICKS, NULL));
  watch(memory, sizeof memory);
  watch(one.memory, sizeof one.memory);
  watch(text, sizeof text);
  size_t bytes = 0, len = 0;
  uint32_t number = 0;
  REFUSE(MLORA_ERROR_COUNT, mlora_replay_size(FEATURES, FEATURES, 1, LISTS, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_replay_size(FEATURES, FEATURES, 65, LISTS, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_replay_size(FEATURES, FEATURES, CANDIDATES, 0, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_replay_size(1u << 20, 1u << 20, 64, 65536, &bytes));
  REFUSE(MLORA_ERROR_COUNT, mlora_replay_init(memory, sizeof memory, one.lora, 1, LISTS, &ring));
  REFUSE(MLORA_ERROR_MEMORY,
         mlora_replay_init(memory, sizeof memory - 4, one.lora, CANDIDATES, LISTS, &ring));
  REFUSE(MLORA_ERROR_OVERLAP,
         mlora_replay_init(one.memory, sizeof one.memory, one.lora, 2, 1, &ring));
  char *odd = (char *)memory + 1;
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_replay_len((mlora_replay *)(void *)odd, &number));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_replay_len(ring, (uint32_t *)(void *)odd));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_len(ring, memory + 5));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_rehearse(ring, one.lora, 0.01f, 1, memory + 5));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_rehearse(ring, one.lora, 0.01f, 1, one.memory + 50));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_save_json(ring, (char *)memory, 8, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_load_json(ring, (char *)memory, 8));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_learn(ring, one.lora, &SAMPLE, (float *)(void *)(memory + 20),
                                                 ROWS_LEN, CLICKS, CANDIDATES, 0.1f, 0.01f, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_replay_learn(ring, one.lora, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, CLICKS,
                                                 CANDIDATES, 0.1f, 0.01f, (mlora_receipt *)(void *)memory));
  const mlora_sample within = MLORA_SAMPLE((float *)(void *)(memory + 20), FEATURES);
  REFUSE(MLORA_ERROR_OVERLAP,
         mlora_replay_push(ring, &within, CANDIDATE_ROWS, ROWS_LEN, CLICKS, CANDIDATES, 0.1f));
  REFUSE(MLORA_ERROR_COUNT, mlora_replay_push(ring, &SAMPLE, CANDIDATE_ROWS, FEATURES, CLICKS, 1, 0.1f));
  REFUSE(MLORA_ERROR_LENGTH, mlora_replay_push(ring, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, CLICKS, 2, 0.1f));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE,
         mlora_replay_push(ring, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, CLICKS, CANDIDATES, 0.0f));
  mlora_config config = MLORA_CONFIG(FEATURES, FEATURES, RANK);
  config.model_id = 5;
  adapter foreign_model;
  ACCEPT(mlora_init(foreign_model.memory, sizeof foreign_model.memory, &config, MLORA_ABI_VERSION,
                    &foreign_model.lora));
  REFUSE(MLORA_ERROR_MISMATCH, learn(ring, foreign_model.lora, CLICKS, NULL));
  REFUSE(MLORA_ERROR_MISMATCH, mlora_replay_rehearse(ring, foreign_model.lora, 0.01f, 1, &number));
  REFUSE(MLORA_ERROR_BUFFER, mlora_replay_save_json(ring, text, 10, &len));
  REFUSE(MLORA_ERROR_SYNTAX, mlora_replay_load_json(ring, "[]", 2));
  REFUSE(MLORA_ERROR_FORMAT, mlora_replay_load_json(ring, "{\"format\":\"micro-lora\"}", 23));
  CHECK(strstr(mlora_status_message(MLORA_ERROR_FORMAT), "micro-lora-replay") != NULL);
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_replay_len((mlora_replay *)(void *)one.memory, &number));
  watch_nothing();

  uint32_t foreign[sizeof memory / 4];
  memcpy(foreign, memory, sizeof memory);
  foreign[1] += 1;
  REFUSE(MLORA_ERROR_ABI, mlora_replay_len((mlora_replay *)(void *)foreign, &number));
  memcpy(foreign, memory, sizeof memory);
  memset(foreign + 4, 0xFF, 16);
  REFUSE(MLORA_ERROR_CORRUPT, mlora_replay_clear((mlora_replay *)(void *)foreign));
  // Invalid positions must not be followed.
  memcpy(foreign, memory, sizeof memory);
  memset(foreign + 8, 0xFF, 12);
  mlora_status status = mlora_replay_rehearse((mlora_replay *)(void *)foreign, one.lora, 0.01f, 9, &number);
  CHECK(status == MLORA_ERROR_OUT_OF_RANGE);  // an empty place has no temperature
  ACCEPT(mlora_replay_push((mlora_replay *)(void *)foreign, &SAMPLE, CANDIDATE_ROWS, ROWS_LEN, CLICKS,
                           CANDIDATES, 0.1f));
}

// Finite, so that it is remembered, but its products are not.
static void a_list_that_overflows_is_passed_over(void) {
  make_both();
  float huge[CANDIDATES * FEATURES];
  for (size_t i = 0; i < ROWS_LEN; i++) huge[i] = 1e30f;
  const mlora_sample sample = MLORA_SAMPLE(huge, FEATURES);
  ACCEPT(mlora_replay_push(ring, &sample, huge, ROWS_LEN, CLICKS, CANDIDATES, MLORA_TEMPERATURE));
  uint32_t len = 0, taken = 9;
  ACCEPT(mlora_replay_rehearse(ring, one.lora, MLORA_LEARNING_RATE, 3, &taken));
  CHECK(taken == 0);
  ACCEPT(learn(ring, one.lora, CLICKS, NULL));
  ACCEPT(mlora_replay_len(ring, &len));
  CHECK(len == 2);
}

static void a_holdback_finds_out(void) {
  mlora_holdback hold, restored;
  mlora_holdback_report report, again;
  ACCEPT(mlora_holdback_init(&hold));
  // The user clicks document 9 alone, which the adapter puts first.
  const uint32_t base[] = {1, 2, 3, 9}, adapted[] = {9, 1, 2, 3};
  for (int i = 0; i < 60; i++) {
    uint32_t due = 0, shown[3];
    size_t count = 0;
    ACCEPT(mlora_holdback_is_due(&hold, &due));
    if (!due) continue;
    ACCEPT(mlora_holdback_interleave(&hold, base, 4, adapted, 4, shown, 3, &count));
    CHECK(count == 3);
    float clicks[3];
    for (int j = 0; j < 3; j++) clicks[j] = shown[j] == 9 ? 1.0f : 0.0f;
    ACCEPT(mlora_holdback_record_clicks(&hold, clicks, count));
  }
  ACCEPT(mlora_holdback_get_report(&hold, &report));
  CHECK(report.applied == 1 && report.adapted > report.base && report.lead > 2.0f && report.events >= 20);

  char json[MLORA_HOLDBACK_JSON_MAX];
  size_t len = 0;
  memset(&restored, 0, sizeof restored);
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_holdback_get_report(&restored, &again));
  ACCEPT(mlora_holdback_save_json(&hold, json, sizeof json, &len));
  ACCEPT(mlora_holdback_load_json(&restored, json, len));
  CHECK(memcmp(&hold, &restored, sizeof hold) == 0);

  uint32_t which = 9;
  for (int i = 0; i < 200; i++) {
    ACCEPT(mlora_holdback_next(&restored, &which));
    CHECK(which <= 1);
    ACCEPT(mlora_holdback_record(&restored, which ? 0.9f : 0.1f));
  }
  ACCEPT(mlora_holdback_get_report(&restored, &again));
  CHECK(again.applied == 1 && again.events == report.events + 200);

  watch(&hold, sizeof hold);
  const float bad[] = {2, 0, 0};
  mlora_holdback unused;
  ACCEPT(mlora_holdback_init(&unused));
  ACCEPT(mlora_holdback_record_clicks(&unused, bad, 0));
  ACCEPT(mlora_holdback_get_report(&unused, &again));
  CHECK(again.events == 0);
  uint32_t *inside = (uint32_t *)(void *)&hold;
  uint32_t shown[2];
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_holdback_record_clicks(&hold, bad, 3));
  REFUSE(MLORA_ERROR_LENGTH, mlora_holdback_record_clicks(&hold, bad, 2));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_holdback_record(&hold, -1.0f));
  REFUSE(MLORA_ERROR_COUNT, mlora_holdback_interleave(&hold, base, 4, adapted, 4, shown, 0, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_holdback_interleave(&hold, base, 4, adapted, 4, inside, 2, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_holdback_is_due(&hold, inside + 1));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_holdback_next(&hold, inside + 1));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_holdback_get_report(&hold, (mlora_holdback_report *)(void *)inside));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_holdback_save_json(&hold, (char *)inside, 8, &len));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_holdback_load_json(&hold, (char *)inside, 8));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_holdback_record((mlora_holdback *)(void *)((char *)inside + 2), 0.5f));
  REFUSE(MLORA_ERROR_BUFFER, mlora_holdback_save_json(&hold, json, 10, &len));
  REFUSE(MLORA_ERROR_FORMAT, mlora_holdback_load_json(&hold, "{\"format\":\"x\"}", 14));
  watch_nothing();
}

static void exploring_finds_the_way(void) {
  make(&one);
  float directions[2 * FEATURES], scratch[2 * FEATURES], eps[FEATURES], y[FEATURES];
  uint32_t found = 0;
  ACCEPT(mlora_principal_directions(CANDIDATE_ROWS, ROWS_LEN, FEATURES, directions, 2 * FEATURES, scratch,
                                    2 * FEATURES, &found));
  CHECK(found == 2);
  mlora_explore explore;
  memset(&explore, 0, sizeof explore);
  REFUSE(MLORA_ERROR_NOT_INITIALISED, mlora_explore_draw(&explore, directions, FEATURES, eps, FEATURES));
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_explore_init(&explore, 0.0f, 1));
  ACCEPT(mlora_explore_init(&explore, 0.2f, 7));
  // The hidden quality: the larger the second value, the better.
  for (int i = 0; i < 200; i++) {
    mlora_receipt receipt;
    ACCEPT(mlora_explore_draw(&explore, CANDIDATE_ROWS, ROWS_LEN, eps, FEATURES));
    ACCEPT(mlora_apply(one.lora, X, FEATURES, y, FEATURES, NULL));
    float plus = y[1] + eps[1], minus = y[1] - eps[1];
    ACCEPT(mlora_explore_adapt(&explore, one.lora, &SAMPLE, eps, FEATURES, plus, minus, &receipt));
    ACCEPT(mlora_apply_updates(one.lora, MLORA_LEARNING_RATE, NULL));
  }
  CHECK(moved(one.lora) > 0.5f);

  watch(&explore, sizeof explore);
  watch(one.memory, sizeof one.memory);
  ACCEPT(mlora_explore_draw(&(mlora_explore){{explore.words[0], explore.words[1], 0, 1}}, CANDIDATE_ROWS,
                            ROWS_LEN, eps, FEATURES));
  float nan = 0.0f;
  nan /= nan;
  REFUSE(MLORA_ERROR_NOT_FINITE, mlora_explore_adapt(&explore, one.lora, &SAMPLE, eps, FEATURES, nan, 0, NULL));
  REFUSE(MLORA_ERROR_OVERFLOW,
         mlora_explore_adapt(&explore, one.lora, &SAMPLE, eps, FEATURES, 1e20f, 0, NULL));
  REFUSE(MLORA_ERROR_COUNT, mlora_explore_draw(&explore, CANDIDATE_ROWS, 0, eps, FEATURES));
  float *inside = (float *)(void *)(one.memory + 50);
  REFUSE(MLORA_ERROR_OVERLAP, mlora_explore_draw(&explore, eps, FEATURES, eps, FEATURES));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_explore_adapt(&explore, one.lora, &SAMPLE, inside, FEATURES, 1, 0, NULL));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_principal_directions(directions, 2 * FEATURES, FEATURES, directions,
                                                         FEATURES, scratch, 2 * FEATURES, &found));
  REFUSE(MLORA_ERROR_MISALIGNED, mlora_explore_init((mlora_explore *)(void *)((char *)&explore + 1), 1, 1));
  // Invalid values of radius, spread and generator state, with NaN, -1 and zero.
  const uint32_t garbage[][2] = {{1, 0x7FC00000}, {1, 0}, {2, 0x7F800000}, {2, 0xBF800000}, {3, 0}};
  for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
    mlora_explore broken = explore;
    broken.words[garbage[i][0]] = garbage[i][1];
    REFUSE(MLORA_ERROR_CORRUPT, mlora_explore_draw(&broken, CANDIDATE_ROWS, ROWS_LEN, eps, FEATURES));
    REFUSE(MLORA_ERROR_CORRUPT,
           mlora_explore_adapt(&broken, one.lora, &SAMPLE, eps, FEATURES, 1, 0, NULL));
  }
  watch_nothing();
}

static void weights_are_pulled_back(void) {
  make_both();
  for (int i = 0; i < 9; i++) ACCEPT(learn(ring, one.lora, CLICKS, NULL));
  const float far = moved(one.lora);
  adapter fresh;
  make(&fresh);
  const float *a = NULL, *b = NULL, *own_a = NULL, *own_b = NULL;
  const size_t n = RANK * FEATURES;
  ACCEPT(mlora_get_weights(fresh.lora, &a, &b));
  ACCEPT(mlora_pull_towards(one.lora, a, n, b, n, 0.25f));
  CHECK(moved(one.lora) > 0.0f && moved(one.lora) < far);
  ACCEPT(mlora_pull_towards(one.lora, a, n, b, n, 1.0f));
  ACCEPT(mlora_get_weights(one.lora, &own_a, &own_b));
  CHECK(memcmp(a, own_a, n * sizeof *a) == 0 && memcmp(b, own_b, n * sizeof *b) == 0);
  REFUSE(MLORA_ERROR_OUT_OF_RANGE, mlora_pull_towards(one.lora, a, n, b, n, 2.0f));
  REFUSE(MLORA_ERROR_OVERLAP, mlora_pull_towards(one.lora, own_a, n, b, n, 0.5f));
}

// On the heap with the exact size, so that valgrind sees an access one byte past the end.
static void nothing_outside_the_ring_is_touched(void) {
  make(&one);
  const size_t bytes = MLORA_REPLAY_SIZE(FEATURES, FEATURES, CANDIDATES, 3);
  void *heap = malloc(bytes);
  mlora_replay *tight = NULL;
  ACCEPT(mlora_replay_init(heap, bytes, one.lora, CANDIDATES, 3, &tight));
  for (int i = 0; i < 5; i++) ACCEPT(learn(tight, one.lora, CLICKS, NULL));
  free(heap);
}

void test_companions(void) {
  a_ring_teaches_more_from_the_same_clicks();
  a_ring_goes_on_from_a_copy_or_a_text();
  what_is_no_ring_or_does_not_fit_is_refused();
  a_list_that_overflows_is_passed_over();
  a_holdback_finds_out();
  exploring_finds_the_way();
  weights_are_pulled_back();
  nothing_outside_the_ring_is_touched();
}
