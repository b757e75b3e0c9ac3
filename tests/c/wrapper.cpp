// The C++ wrapper: every function of it, copies as snapshots, and errors where there is no adapter.
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
  CHECK(lora.adapt_listwise(based, ROWS, weights) == MLORA_OK);
  CHECK(lora.adapt_target(sample, SECOND) == MLORA_OK);
  CHECK(lora.adapt_attract_repel(sample, SECOND, FIRST) == MLORA_OK);
  CHECK(lora.adapt_quality(sample, 0.9f) == MLORA_OK);
  CHECK(lora.stats(stats) == MLORA_OK && stats.pending == 5 && stats.updates == 20);
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

  // Settings that are refused cost nothing that was learned.
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
  CHECK(lora.init(MLORA_CONFIG(4, 4, 2)) == MLORA_OK);
  CHECK(ring.init(lora, 1, 8) == MLORA_ERROR_COUNT);
  CHECK(ring.init(lora, 2, 8) == MLORA_OK && other.init(lora, 2, 8) == MLORA_OK);
  const micro_lora::Sample sample(X);
  const float clicks[] = {0.0f, 1.0f};
  for (int i = 0; i < 3; i++) CHECK(ring.learn(lora, sample, ROWS, clicks) == MLORA_OK);
  std::string json;
  CHECK(ring.save_json(json) == MLORA_OK && json.back() == '}');
  CHECK(other.load_json(json) == MLORA_OK && other.len(len) == MLORA_OK && len == 3);
  CHECK(ring.clear() == MLORA_OK && ring.len(len) == MLORA_OK && len == 0);
}

int main() {
  micro_lora::Adapter on_the_heap;
  walk(on_the_heap);
  micro_lora::FixedAdapter<4, 4, 2> in_place;
  walk(in_place);
  walk_a_ring();
  CHECK(in_place.init(MLORA_CONFIG(5, 4, 2)) == MLORA_ERROR_MEMORY);
  CHECK(on_the_heap.init(MLORA_CONFIG(5, 4, 9)) == MLORA_ERROR_COUNT);
  CHECK(std::strcmp(micro_lora::message(MLORA_OK), "ok") == 0);
  std::printf("micro_lora.hpp: %d expectations failed\n", failed);
  return failed == 0 ? 0 : 1;
}
