// Personal search in front of an index of hnswlib. The index is built once, for everybody. The person's taste is
// learned on the side of the query: the corrected query goes to the index unchanged.
//
//     personal            20,000 documents
//     personal --quick    2,000
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <hnswlib/hnswlib.h>
#include <micro_lora.hpp>
#include <vector>

namespace {

constexpr std::size_t kFeatures = 384;
constexpr std::size_t kShown = 10;
constexpr std::uint32_t kSubjects = 50, kTastes = 8, kClicks = 30, kLiked = 3;
using Vector = std::vector<float>;
using Ids = std::vector<std::uint32_t>;

void require(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "expected %s\n", what);
  std::exit(1);
}

void require(mlora_status status) { require(status == MLORA_OK, mlora_status_message(status)); }

void to_unit(Vector &vector) {
  float squares = 0;
  for (float value : vector) squares += value * value;
  for (float &value : vector) value /= std::sqrt(squares);
}

// A random direction, always the same for the same seed.
Vector direction(std::uint32_t seed) {
  Vector vector(kFeatures);
  std::uint32_t state = seed * 2654435761u;
  for (float &value : vector) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
  }
  to_unit(vector);
  return vector;
}

Vector mix(std::uint32_t subject, std::uint32_t taste, float strength, std::uint32_t noise) {
  const Vector a = direction(1000000 + subject), b = direction(2000000 + taste), c = direction(noise);
  Vector sum(kFeatures);
  for (std::size_t i = 0; i < kFeatures; i++) sum[i] = a[i] + strength * b[i] + 0.8f * c[i];
  to_unit(sum);
  return sum;
}

std::uint32_t taste_of(std::uint32_t id) { return id / kSubjects % kTastes; }
// A document about a subject, with a part of one of the tastes.
Vector document(std::uint32_t id) { return mix(id % kSubjects, taste_of(id), 0.4f, 3000000 + id); }
Vector query_about(std::uint32_t subject) { return mix(subject, 0, 0.0f, 9000000 + subject); }

class Index {
 public:
  explicit Index(std::uint32_t count) : graph_(&space_, count, 16, 200) {
    for (std::uint32_t id = 0; id < count; id++) {
      rows_.push_back(document(id));
      graph_.addPoint(rows_.back().data(), id);
    }
    graph_.setEf(64);
  }

  const Vector &row(std::uint32_t id) const { return rows_[id]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(rows_.size()); }

  // Best first.
  Ids nearest(const Vector &query) {
    auto queue = graph_.searchKnn(query.data(), kShown);
    Ids ids(queue.size());
    for (auto place = ids.rbegin(); place != ids.rend(); ++place, queue.pop())
      *place = static_cast<std::uint32_t>(queue.top().second);
    return ids;
  }

  // The same without the graph.
  Ids truly_nearest(const Vector &query) const {
    std::vector<std::pair<float, std::uint32_t>> scored;
    for (std::uint32_t id = 0; id < size(); id++) {
      float dot = 0;
      for (std::size_t i = 0; i < kFeatures; i++) dot += rows_[id][i] * query[i];
      scored.emplace_back(-dot, id);
    }
    std::partial_sort(scored.begin(), scored.begin() + kShown, scored.end());
    Ids ids;
    for (std::size_t i = 0; i < kShown; i++) ids.push_back(scored[i].second);
    return ids;
  }

 private:
  hnswlib::InnerProductSpace space_{kFeatures};
  hnswlib::HierarchicalNSW<float> graph_;
  std::vector<Vector> rows_;
};

// The memory of lists keeps ids, and asks for the vectors.
int find(void *context, int kind, std::uint32_t id, float *out, std::size_t len) {
  const Index &index = *static_cast<const Index *>(context);
  if (kind != MLORA_VECTOR_DOCUMENT || id >= index.size()) return MLORA_GONE;
  std::memcpy(out, index.row(id).data(), len * sizeof *out);
  return MLORA_FOUND;
}

struct Person {
  micro_lora::Adapter lora;
  micro_lora::Memory memory;

  explicit Person(Index &index) {
    require(lora.init(MLORA_CONFIG(kFeatures, kFeatures, 4)));
    require(memory.init(lora, MLORA_MEMORY_LAYOUT(kShown, 64), find, &index));
  }

  Vector corrected(Vector query) const {
    require(lora.apply_residual(query));
    return query;
  }

  // Opens the results that suit their taste.
  void search_and_click(Index &index, std::uint32_t subject) {
    const Vector query = query_about(subject);
    const Ids shown = index.nearest(corrected(query));
    std::vector<float> clicks;
    for (std::uint32_t id : shown) clicks.push_back(taste_of(id) == kLiked ? 1.0f : 0.0f);
    require(memory.learn(lora, micro_lora::Sample(query), micro_lora::Clicks(shown, clicks)));
  }
};

struct Found {
  double recall = 0, liked = 0, microseconds = 0;
};

// Measures searches for subjects that were never learned from: means, and the median time with the correction.
template <class Correct>
Found measure(Index &index, Correct correct) {
  Found found;
  std::vector<double> times;
  const double searches = kSubjects - kClicks;
  for (std::uint32_t subject = kClicks; subject < kSubjects; subject++) {
    const Vector frozen = query_about(subject);
    Vector query;
    Ids ids;
    for (int turn = 0; turn < 5; turn++) {
      const auto start = std::chrono::steady_clock::now();
      query = correct(frozen);
      ids = index.nearest(query);
      times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
    for (std::uint32_t id : index.truly_nearest(query)) found.recall += std::count(ids.begin(), ids.end(), id);
    for (std::uint32_t id : ids) found.liked += taste_of(id) == kLiked;
  }
  std::sort(times.begin(), times.end());
  return {found.recall / searches / kShown, found.liked / searches, times[times.size() / 2]};
}

void print(const char *name, const Found &found) {
  std::printf("%-16s recall@10 %.3f, %.1f of ten to the person's taste, %.0f us a search\n", name, found.recall,
              found.liked, found.microseconds);
}

}  // namespace

int main(int argc, char **argv) {
  const bool is_quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  Index index(is_quick ? 2000 : 20000);
  Person person(index);
  const Found frozen = measure(index, [](Vector query) { return query; });
  for (std::uint32_t subject = 0; subject < kClicks; subject++) person.search_and_click(index, subject);
  const Found corrected = measure(index, [&](Vector query) { return person.corrected(std::move(query)); });

  std::printf("%u documents, indexed once; %u searches of one person\n", index.size(), kClicks);
  print("frozen query", frozen);
  print("corrected query", corrected);
  require(corrected.liked > frozen.liked + 1, "one more of ten to the person's taste");
  require(corrected.recall > frozen.recall - 0.05, "the index to find what is nearest to a corrected query as well");
  return 0;
}
