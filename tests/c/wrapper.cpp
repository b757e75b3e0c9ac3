// Every function of the C++ wrapper, copies as snapshots, and errors without an adapter.
#include "micro_lora.hpp"

#include <cstdio>
#include <cstring>

static int failed = 0;

#define CHECK(condition) \
  do { \
    if (condition) break; \
    failed += 1; \
    std::printf("%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
  } while (0)

static const float ROWS[] = {1, 0, 0, 0, /* and */ 0, 1, 0, 0};
static const std::vector<float> X = {0.5f, 0.5f, 0.5f, 0.5f};
static const float FIRST[] = {1, 0, 0, 0}, SECOND[] = {0, 1, 0, 0};

template <class Adapter>
static void walk(Adapter &lora) {
  std::array<float, 4> delta{};
  std::vector<float> weight(16), merged(16), moved = X;
  mlora_stats stats;
  mlora_config config = MLORA_CONFIG(4, 4, 2);
  config.step = MLORA_STEP_SCALED_GRADIENT_V2;
  CHECK(lora.apply(X, delta) == MLORA_ERROR_NULL || lora.apply(X, delta) == MLORA_ERROR_NOT_INITIALISED);
  CHECK(lora.init(config) == MLORA_OK);
  const Adapter fresh = lora;

  const micro_lora::Sample sample(X), based(X, X, 0.5f);
  const float weights[] = {0.0f, 1.0f};
  mlora_receipt receipt;
  for (int i = 0; i < 20; i++) {
    CHECK(lora.adapt_choice(sample, ROWS, 1) == MLORA_OK);
    CHECK(lora.apply_updates() == MLORA_OK);
  }
  CHECK(lora.adapt_gradient(sample, SECOND, &receipt) == MLORA_OK);
  CHECK(receipt.outcome == MLORA_APPLIED);
  mlora_batch_receipt batch;
  CHECK(lora.adapt_gradients(ROWS, ROWS, &batch) == MLORA_OK && batch.applied == 2 && batch.skipped == 0);
  CHECK(lora.adapt_listwise(based, ROWS, weights) == MLORA_OK);
  CHECK(lora.adapt_target(sample, SECOND) == MLORA_OK);
  CHECK(lora.adapt_attract_repel(sample, SECOND, FIRST) == MLORA_OK);
  CHECK(lora.adapt_quality(sample, 0.9f) == MLORA_OK);
  CHECK(lora.stats(stats) == MLORA_OK && stats.pending == 7 && stats.updates == 20);
  CHECK(lora.into_dual() == MLORA_ERROR_COUNT);  // events are pending
  CHECK(lora.discard_pending() == MLORA_OK);
  CHECK(lora.apply_updates(0.01f, &receipt) == MLORA_OK);
  CHECK(receipt.outcome == MLORA_SKIPPED_NO_PENDING);

  CHECK(lora.apply(X, delta) == MLORA_OK && delta[1] > delta[0]);
  CHECK(lora.apply_residual(moved) == MLORA_OK && moved[1] == X[1] + delta[1]);
  std::array<float, 4> again{};
  CHECK(lora.apply_batch(X, again) == MLORA_OK && again == delta);
  CHECK(lora.delta_weight(weight) == MLORA_OK && weight[4] > 0.0f);
  CHECK(lora.merge(weight, merged) == MLORA_OK && merged[4] == weight[4] + weight[4]);
  config.seed = 7;
  CHECK(lora.config(config) == MLORA_OK && config.seed == 0 && config.rank == 2);

  // Save, go back to the snapshot, load.
  std::string json;
  CHECK(lora.save_json(json) == MLORA_OK && json.front() == '{' && json.back() == '}');
  lora = fresh;
  CHECK(lora.apply(X, again) == MLORA_OK && again[1] == 0.0f);
  CHECK(lora.load_json(json) == MLORA_OK);
  CHECK(lora.apply(X, again) == MLORA_OK && again == delta);

  std::vector<std::uint8_t> file;
  std::string peft;
  CHECK(lora.save_safetensors("head", file) == MLORA_OK && file.size() > 8 && file[8] == '{');
  CHECK(lora.save_adapter_config("head", "", peft) == MLORA_OK && peft.find("head") != std::string::npos);
  CHECK(peft.find("some/model") == std::string::npos);
  CHECK(lora.save_adapter_config("head", "some/model", peft) == MLORA_OK);
  CHECK(peft.find("some/model") != std::string::npos);
  lora = fresh;
  CHECK(lora.load_safetensors(file, "tail") == MLORA_ERROR_MISSING);
  CHECK(lora.load_safetensors(file, "head", "{") == MLORA_ERROR_SYNTAX);
  CHECK(lora.load_safetensors(file, "head", peft) == MLORA_OK);
  CHECK(lora.apply(X, again) == MLORA_OK && again == delta);

  // Refused settings do not change what was learned.
  config.alpha = -1.0f;
  CHECK(lora.init(config) == MLORA_ERROR_OUT_OF_RANGE);
  CHECK(lora.apply(std::vector<float>(X.begin(), X.end()), again) == MLORA_OK && again == delta);

  const float *a = nullptr, *b = nullptr;
  CHECK(lora.weights(a, b) == MLORA_OK);
  const std::vector<float> kept_a(a, a + 8), kept_b(b, b + 8);
  CHECK(lora.reset() == MLORA_OK);
  CHECK(lora.set_weights(kept_a, kept_b) == MLORA_OK);
  CHECK(lora.apply(X, again) == MLORA_OK && again == delta);
  CHECK(lora.pull_towards(kept_a, std::vector<float>(8), 0.5f) == MLORA_OK);
  CHECK(lora.apply(X, again) == MLORA_OK && again[1] > 0.0f && again[1] < delta[1]);
  CHECK(lora.set_strength(0.0f) == MLORA_OK);
  CHECK(lora.apply(X, again) == MLORA_OK && again[1] == 0.0f);
}

static void walk_a_ring() {
  micro_lora::Adapter lora;
  micro_lora::Replay ring, other;
  std::uint32_t len = 9;
  CHECK(ring.len(len) == MLORA_ERROR_NULL);
  mlora_config config = MLORA_CONFIG(4, 4, 2);
  config.step = MLORA_STEP_SCALED_GRADIENT_V2;
  CHECK(lora.init(config) == MLORA_OK);
  CHECK(ring.init(lora, 1, 8) == MLORA_ERROR_COUNT);
  CHECK(ring.init(lora, 2, 8) == MLORA_OK && other.init(lora, 2, 8) == MLORA_OK);
  const micro_lora::Sample sample(X);
  const float clicks[] = {0.0f, 1.0f};
  for (int i = 0; i < 3; i++) CHECK(ring.learn(lora, sample, ROWS, clicks) == MLORA_OK);
  std::string json;
  CHECK(ring.save_json(json) == MLORA_OK && json.back() == '}');
  CHECK(other.load_json(json) == MLORA_OK && other.len(len) == MLORA_OK && len == 3);
  CHECK(ring.clear() == MLORA_OK && ring.len(len) == MLORA_OK && len == 0);

  std::array<float, 4> before{}, after{};
  std::uint32_t taken = 9;
  CHECK(ring.rehearse(lora, 8, 0.01f, &taken) == MLORA_OK && taken == 0);
  CHECK(ring.push(sample, ROWS, std::vector<float>(3)) == MLORA_ERROR_LENGTH);
  CHECK(ring.push(sample, ROWS, clicks) == MLORA_OK && ring.len(len) == MLORA_OK && len == 1);
  CHECK(lora.apply(X, before) == MLORA_OK);
  CHECK(ring.rehearse(lora, 8) == MLORA_OK && lora.apply(X, after) == MLORA_OK && after[1] > before[1]);
  CHECK(ring.rehearse(lora, 3, 0.01f, &taken) == MLORA_OK && taken == 3);
  CHECK(ring.rehearse(lora, 1, -1.0f) == MLORA_ERROR_OUT_OF_RANGE);
}

static int find_row(void *, int, std::uint32_t id, float *out, std::size_t len) {
  if (id > 1) return MLORA_GONE;
  std::memcpy(out, ROWS + 4 * id, len * sizeof *out);
  return MLORA_FOUND;
}

static void walk_a_memory() {
  micro_lora::Adapter lora;
  micro_lora::Memory memory, other;
  std::uint32_t len = 9, made = 9, others = 9;
  mlora_config config = MLORA_CONFIG(4, 4, 2);
  config.step = MLORA_STEP_DUAL;
  CHECK(memory.len(len) == MLORA_ERROR_NULL);
  CHECK(lora.init(config) == MLORA_OK);
  mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(2, 8);
  CHECK(memory.init(lora, MLORA_MEMORY_LAYOUT(1, 8)) == MLORA_ERROR_COUNT);
  CHECK(memory.init(lora, layout, find_row) == MLORA_OK);
  const micro_lora::Sample query(X);
  const std::uint32_t ids[] = {0, 1};
  const float clicks[] = {0.0f, 1.0f};
  mlora_memory_receipt receipt;
  CHECK(memory.learn(lora, query, micro_lora::Clicks(ids, clicks), 0.01f, &receipt) == MLORA_OK);
  CHECK(receipt.outcome == MLORA_APPLIED && receipt.number == 1);
  CHECK(memory.learn(lora, query, micro_lora::Clicks(ids, clicks).thumb(0, 0.0f).query(5)) == MLORA_OK);
  CHECK(memory.settle(lora, 4, &made) == MLORA_OK && made == 4);
  std::vector<std::uint32_t> numbers;
  std::vector<float> shares;
  CHECK(memory.why(lora, X, ROWS, numbers, shares) == MLORA_OK && numbers.size() == 2 && shares.size() == 6);
  CHECK(numbers[0] == 1 && shares[1] > 0.0f && shares[0] < 0.0f);
  std::array<float, 4> delta{}, merged{};
  const float *bias = nullptr;
  CHECK(lora.apply(X, delta) == MLORA_OK && delta[1] > 0.0f);
  CHECK(lora.merged_bias(merged) == MLORA_OK && lora.bias(bias) == MLORA_OK && bias[1] > 0.0f);

  std::string json;
  CHECK(other.init(lora, layout, find_row) == MLORA_OK);
  CHECK(memory.save_json(json) == MLORA_OK && json.back() == '}');
  CHECK(other.load_json(json) == MLORA_OK && other.len(len) == MLORA_OK && len == 2);
  mlora_forgotten outcome = MLORA_NOT_READ;
  CHECK(memory.forget(lora, 1, outcome) == MLORA_OK && outcome == MLORA_FORGOTTEN);
  CHECK(memory.forget(lora, 1, outcome) == MLORA_OK && outcome == MLORA_NOT_REMEMBERED);
  CHECK(memory.forget_document(lora, 1, made, others) == MLORA_OK && made == 1 && others == 0);
  CHECK(lora.apply(X, delta) == MLORA_OK && delta[1] < 1e-5f && delta[1] > -1e-5f);
  CHECK(other.learn(lora, query, micro_lora::Clicks(ids, clicks).with_scores(clicks)) == MLORA_ERROR_COUNT);
  micro_lora::Memory third = other;
  third.find_with([](void *, int kind, std::uint32_t id, float *out, std::size_t size) -> int {
    if (kind == MLORA_VECTOR_DOCUMENT) return find_row(nullptr, kind, id, out, size);
    std::memcpy(out, X.data(), size * sizeof *out);
    return MLORA_FOUND;
  });
  CHECK(third.relearn(lora, made) == MLORA_OK && made == 2);
  CHECK(other.clear() == MLORA_OK && other.len(len) == MLORA_OK && len == 0);

  layout.documents = MLORA_STORED_F32;
  CHECK(other.init(lora, layout) == MLORA_OK && lora.reset() == MLORA_OK);
  CHECK(other.learn(lora, query, micro_lora::Clicks(micro_lora::Input(ROWS), clicks)) == MLORA_OK);
}

static void walk_a_holdback() {
  micro_lora::Holdback holdback;
  const micro_lora::Holdback unused;
  mlora_holdback_report report;
  // This user clicks document 9 alone, which the adapter puts first.
  const std::vector<std::uint32_t> base = {1, 2, 3, 9};
  const std::uint32_t adapted[] = {9, 1, 2, 3};
  std::array<std::uint32_t, 3> shown{};
  std::size_t count = 0;
  bool due = false, is_adapted = false;
  for (int i = 0; i < 60; i++) {
    CHECK(holdback.is_due(due) == MLORA_OK);
    if (!due) continue;
    CHECK(holdback.interleave(base, adapted, shown, count) == MLORA_OK && count == 3);
    std::array<float, 3> clicks{};
    for (std::size_t j = 0; j < count; j++) clicks[j] = shown[j] == 9 ? 1.0f : 0.0f;
    CHECK(holdback.record_clicks(clicks) == MLORA_OK);
  }
  CHECK(holdback.report(report) == MLORA_OK && report.applied == 1 && report.adapted > report.base);
  const std::uint32_t events = report.events;
  CHECK(holdback.record_clicks(std::vector<float>(2)) == MLORA_ERROR_LENGTH);

  std::string json;
  micro_lora::Holdback restored = unused;
  CHECK(unused.report(report) == MLORA_OK && report.events == 0);
  CHECK(holdback.save_json(json) == MLORA_OK && json.back() == '}');
  CHECK(restored.load_json(json.substr(1)) == MLORA_ERROR_SYNTAX);
  CHECK(restored.load_json(json) == MLORA_OK);
  int with = 0;
  for (int i = 0; i < 20; i++) {
    CHECK(restored.next(is_adapted) == MLORA_OK && restored.record(is_adapted ? 0.9f : 0.1f) == MLORA_OK);
    with += is_adapted ? 1 : 0;
  }
  CHECK(with > 0 && with < 20);
  CHECK(restored.record(2.0f) == MLORA_ERROR_OUT_OF_RANGE);
  CHECK(restored.report(report) == MLORA_OK && report.events == events + 20);
}

static void walk_an_explorer() {
  micro_lora::Adapter lora;
  micro_lora::Explore explore;
  std::array<float, 4> eps{}, delta{};
  std::array<float, 12> directions{};
  std::uint32_t found = 0;
  CHECK(lora.init(MLORA_CONFIG(4, 4, 2)) == MLORA_OK);
  CHECK(explore.draw(ROWS, eps) == MLORA_ERROR_NOT_INITIALISED);
  CHECK(explore.init(0.0f, 1) == MLORA_ERROR_OUT_OF_RANGE);
  CHECK(explore.init(0.2f, 7) == MLORA_OK);
  const float examples[] = {1, 0, 0, 0, /**/ 0, 1, 0, 0, /**/ 0, -1, 0, 0};
  CHECK(micro_lora::principal_directions(examples, 4, directions, found) == MLORA_OK && found == 2);
  CHECK(micro_lora::principal_directions(examples, 13, directions, found) == MLORA_ERROR_COUNT);
  const micro_lora::Sample sample(X);
  // The hidden quality: the larger the second value, the better.
  for (int i = 0; i < 200; i++) {
    CHECK(explore.draw(directions, eps) == MLORA_OK && lora.apply(X, delta) == MLORA_OK);
    const float plus = delta[1] + eps[1], minus = delta[1] - eps[1];
    CHECK(explore.adapt(lora, sample, eps, plus, minus) == MLORA_OK && lora.apply_updates() == MLORA_OK);
  }
  CHECK(lora.apply(X, delta) == MLORA_OK && delta[1] > 0.3f);
  const micro_lora::Explore snapshot = explore;
  std::array<float, 4> again{};
  CHECK(explore.draw(ROWS, eps) == MLORA_OK);
  explore = snapshot;
  CHECK(explore.draw(ROWS, again) == MLORA_OK && again == eps);
  CHECK(explore.adapt(lora, sample, std::vector<float>(4), 1.0f, 0.0f) == MLORA_ERROR_ZERO_NORM);
}

int main() {
  micro_lora::Adapter on_the_heap;
  walk(on_the_heap);
  micro_lora::FixedAdapter<4, 4, 2> in_place;
  walk(in_place);
  walk_a_ring();
  walk_a_memory();
  walk_a_holdback();
  walk_an_explorer();
  CHECK(in_place.init(MLORA_CONFIG(5, 4, 2)) == MLORA_ERROR_MEMORY);
  CHECK(on_the_heap.init(MLORA_CONFIG(5, 4, 9)) == MLORA_ERROR_COUNT);
  CHECK(std::strcmp(micro_lora::message(MLORA_OK), "ok") == 0);
  const mlora_config good = MLORA_CONFIG(5, 4, 2), bad = MLORA_CONFIG(5, 4, 9);
  CHECK(micro_lora::problem(good) == nullptr);
  CHECK(std::strcmp(micro_lora::problem(bad), "rank: expected 1 to 4") == 0);
  std::printf("micro_lora.hpp: %d expectations failed\n", failed);
  return failed == 0 ? 0 : 1;
}
