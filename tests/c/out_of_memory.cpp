// The C++ wrapper when memory runs out: each function that allocates is called with an operator new that fails at its
// first call, its second, and so on, until the function succeeds. A failing call must throw std::bad_alloc, change
// nothing and leak no memory; the successful one must give the usual result.
#include "micro_lora.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

static int failed = 0;

#define CHECK(condition) \
  do { \
    if (condition) break; \
    failed += 1; \
    std::printf("%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
  } while (0)

// Blocks that are allocated and not freed, and the number of calls that succeed before one fails; negative: none fails.
static long blocks = 0;
static long until_failure = -1;

void *operator new(std::size_t size) {
  if (until_failure == 0) throw std::bad_alloc();
  if (until_failure > 0) until_failure -= 1;
  void *block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  blocks += 1;
  return block;
}

void operator delete(void *block) noexcept {
  if (block == nullptr) return;
  blocks -= 1;
  std::free(block);
}

void operator delete(void *block, std::size_t) noexcept { operator delete(block); }

static long failures = 0;

// Calls `work` with a failure at each of its allocations. `state` returns all that a failure must not change.
template <class State, class Work>
static void exhaust(const char *name, State &&state, Work &&work) {
  for (long n = 0;; n++) {
    const auto before = state();
    const long blocks_before = blocks;
    bool threw = false;
    until_failure = n;
    try {
      work();
    } catch (const std::bad_alloc &) {
      threw = true;
    }
    const bool reached = until_failure == 0;
    until_failure = -1;
    if (!threw) {
      std::printf("%s: %ld allocations\n", name, n);
      CHECK(n > 0);
      return;
    }
    failures += 1;
    CHECK(reached);
    CHECK(blocks == blocks_before);
    CHECK(state() == before);
    if (n > 100) {
      CHECK(n <= 100);
      return;
    }
  }
}

static const float ROWS[] = {1, 0, 0, 0, /* and */ 0, 1, 0, 0};
static const float X[] = {0.5f, 0.5f, 0.5f, 0.5f};
static const float CLICKS[] = {0.0f, 1.0f};

template <class Owner>
static std::string saved(Owner &owner) {
  std::string json;
  if (owner.save_json(json) != MLORA_OK) json.clear();
  return json;
}

static mlora_config config_of(mlora_step step) {
  mlora_config config = MLORA_CONFIG(4, 4, 2);
  config.step = step;
  return config;
}

static void adapters() {
  micro_lora::Adapter lora, other;
  const mlora_config config = config_of(MLORA_STEP_SCALED_GRADIENT_V2), bad = MLORA_CONFIG(4, 4, 9);
  const auto state = [&] { return saved(lora); };
  exhaust("init", state, [&] { CHECK(lora.init(config) == MLORA_OK); });
  CHECK(lora.adapt_choice(micro_lora::Sample(X), ROWS, 1) == MLORA_OK && lora.apply_updates() == MLORA_OK);
  const std::string learned = saved(lora);

  // A second adapter in place of the first, and one that is refused.
  micro_lora::Adapter spare = lora;
  exhaust("init again", [&] { return saved(spare); }, [&] { CHECK(spare.init(config) == MLORA_OK); });
  CHECK(saved(spare) != learned);
  CHECK(spare.init(bad) == MLORA_ERROR_COUNT);

  exhaust("copy", state, [&] { const micro_lora::Adapter copy = lora; CHECK(copy.handle() != lora.handle()); });
  exhaust("assign", [&] { return saved(other) + saved(lora); }, [&] { other = lora; });
  CHECK(saved(other) == learned);

  std::string json, peft;
  std::vector<std::uint8_t> file;
  exhaust("save_json", state, [&] { CHECK(lora.save_json(json) == MLORA_OK); });
  CHECK(json == learned);
  const std::string module = "head", model = "some/model";
  exhaust("save_safetensors", state, [&] { CHECK(lora.save_safetensors(module, file) == MLORA_OK); });
  exhaust("save_adapter_config", state,
          [&] { CHECK(lora.save_adapter_config(module, model, peft) == MLORA_OK); });
  CHECK(other.reset() == MLORA_OK && other.load_safetensors(file, module, peft) == MLORA_OK);
}

// Allocates nothing.
static void fixed_adapters() {
  micro_lora::FixedAdapter<4, 4, 2> lora;
  std::array<float, 4> delta{};
  until_failure = 0;
  bool threw = false;
  try {
    CHECK(lora.init(config_of(MLORA_STEP_SCALED_GRADIENT_V2)) == MLORA_OK);
    CHECK(lora.adapt_choice(micro_lora::Sample(X), ROWS, 1) == MLORA_OK && lora.apply_updates() == MLORA_OK);
    const micro_lora::FixedAdapter<4, 4, 2> copy = lora;
    CHECK(copy.apply(X, delta) == MLORA_OK && delta[1] > delta[0]);
  } catch (const std::bad_alloc &) {
    threw = true;
  }
  until_failure = -1;
  CHECK(!threw);
}

static void rings() {
  micro_lora::Adapter lora;
  micro_lora::Replay ring, other;
  CHECK(lora.init(config_of(MLORA_STEP_SCALED_GRADIENT_V2)) == MLORA_OK);
  const auto state = [&] { return saved(lora) + saved(ring); };
  exhaust("Replay::init", state, [&] { CHECK(ring.init(lora, 2, 8) == MLORA_OK); });
  CHECK(ring.learn(lora, micro_lora::Sample(X), ROWS, CLICKS) == MLORA_OK);
  exhaust("Replay::init again", [&] { return saved(ring); }, [&] { CHECK(ring.init(lora, 2, 8) == MLORA_OK); });
  CHECK(ring.learn(lora, micro_lora::Sample(X), ROWS, CLICKS) == MLORA_OK);
  std::string json;
  exhaust("Replay::save_json", state, [&] { CHECK(ring.save_json(json) == MLORA_OK); });
  exhaust("Replay, assigned", [&] { return saved(other) + saved(ring); }, [&] { other = ring; });
  CHECK(saved(other) == json);
}

static void memories() {
  micro_lora::Adapter lora;
  micro_lora::Memory memory, other;
  mlora_memory_layout layout = MLORA_MEMORY_LAYOUT(2, 8);
  layout.documents = MLORA_STORED_F32;
  layout.queries = MLORA_STORED_F32;
  CHECK(lora.init(config_of(MLORA_STEP_DUAL)) == MLORA_OK);
  const auto state = [&] { return saved(lora) + saved(memory); };
  exhaust("Memory::init", state, [&] { CHECK(memory.init(lora, layout) == MLORA_OK); });
  const micro_lora::Sample query(X);
  const micro_lora::Clicks clicks(micro_lora::Input(ROWS), CLICKS);
  CHECK(memory.learn(lora, query, clicks) == MLORA_OK);
  exhaust("Memory, assigned", [&] { return saved(other) + saved(memory); }, [&] { other = memory; });
  CHECK(saved(other) == saved(memory) && !saved(other).empty());

  exhaust("Memory::why", state, [&] {
    std::vector<std::uint32_t> numbers;
    std::vector<float> shares;
    CHECK(memory.why(lora, X, ROWS, numbers, shares) == MLORA_OK);
    CHECK(numbers.size() == 1 && numbers[0] == 1 && shares.size() == 4 && shares[1] > shares[0]);
  });
  std::string json;
  exhaust("Memory::save_json", state, [&] { CHECK(memory.save_json(json) == MLORA_OK); });
  CHECK(memory.clear() == MLORA_OK && memory.load_json(json) == MLORA_OK && saved(memory) == json);
}

static void the_rest() {
  micro_lora::Holdback holdback;
  std::string json;
  exhaust("Holdback::save_json", [&] { return saved(holdback); },
          [&] { CHECK(holdback.save_json(json) == MLORA_OK); });
  CHECK(holdback.load_json(json) == MLORA_OK);

  const float examples[] = {1, 0, 0, 0, /**/ 0, 2, 0, 0, /**/ -1, 0, 0, 0};
  std::array<float, 4> directions{};
  std::uint32_t count = 9;
  exhaust("principal_directions", [&] { return count; }, [&] {
    CHECK(micro_lora::principal_directions(examples, 4, directions, count) == MLORA_OK);
  });
  CHECK(count == 1);
}

int main() {
  const long before = blocks;
  adapters();
  fixed_adapters();
  rings();
  memories();
  the_rest();
  CHECK(blocks == before);
  // Each of these allocates at least once.
  CHECK(failures >= 16);
  std::printf("micro_lora.hpp out of memory: %ld failures, %d expectations failed\n", failures, failed);
  return failed == 0 ? 0 : 1;
}
