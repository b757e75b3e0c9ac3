// The companions of an adapter for C++17: a ring and a memory of lists, a holdback, an explorer. micro_lora.hpp includes it.
#ifndef MICRO_LORA_COMPANIONS_HPP
#define MICRO_LORA_COMPANIONS_HPP

#ifndef MICRO_LORA_HPP
#error "micro_lora_companions.hpp: expected to be included by micro_lora.hpp, got included alone"
#endif

namespace micro_lora {

// A ring of the last lists, see mlora_replay_learn, for adapters with the sizes and the model_id of the one given to
// init.
class Replay {
 public:
  template <class Words>
  [[nodiscard]] mlora_status init(const BasicAdapter<Words> &adapter, std::uint32_t list,
                                  std::uint32_t capacity) {
    mlora_config config;
    std::size_t bytes = 0;
    mlora_status status = adapter.config(config);
    if (status != MLORA_OK) return status;
    status = mlora_replay_size(config.in_features, config.out_features, list, capacity, &bytes);
    if (status != MLORA_OK) return status;
    std::vector<std::uint32_t> fresh(bytes / sizeof(std::uint32_t));
    mlora_replay *handle = nullptr;
    status = mlora_replay_init(fresh.data(), bytes, adapter.handle(), list, capacity, &handle);
    if (status == MLORA_OK) words_ = std::move(fresh);
    return status;
  }

  mlora_replay *handle() { return reinterpret_cast<mlora_replay *>(words_.data()); }
  const mlora_replay *handle() const { return reinterpret_cast<const mlora_replay *>(words_.data()); }

  template <class Words>
  [[nodiscard]] mlora_status learn(BasicAdapter<Words> &adapter, const Sample &sample, Input candidates,
                                   Input weights, float temperature = MLORA_TEMPERATURE,
                                   float learning_rate = MLORA_LEARNING_RATE,
                                   mlora_receipt *receipt = nullptr) {
    return mlora_replay_learn(handle(), adapter.handle(), &sample, candidates.data, candidates.size,
                              weights.data, weights.size, temperature, learning_rate, receipt);
  }
  [[nodiscard]] mlora_status push(const Sample &sample, Input candidates, Input weights,
                                  float temperature = MLORA_TEMPERATURE) {
    return mlora_replay_push(handle(), &sample, candidates.data, candidates.size, weights.data, weights.size,
                             temperature);
  }
  template <class Words>
  [[nodiscard]] mlora_status rehearse(BasicAdapter<Words> &adapter, std::uint32_t times,
                                      float learning_rate = MLORA_LEARNING_RATE,
                                      std::uint32_t *taken = nullptr) {
    std::uint32_t steps = 0;
    const mlora_status status =
        mlora_replay_rehearse(handle(), adapter.handle(), learning_rate, times, &steps);
    if (taken) *taken = steps;
    return status;
  }
  [[nodiscard]] mlora_status len(std::uint32_t &lists) const { return mlora_replay_len(handle(), &lists); }
  [[nodiscard]] mlora_status clear() { return mlora_replay_clear(handle()); }

  // Resizes the output itself. On an error `json` may have another size.
  [[nodiscard]] mlora_status save_json(std::string &json) {
    std::size_t len = 0;
    mlora_status status = mlora_replay_json_max(handle(), &len);
    if (status != MLORA_OK) return status;
    json.resize(len);
    status = mlora_replay_save_json(handle(), json.data(), json.size(), &len);
    if (status == MLORA_OK) json.resize(len);
    return status;
  }
  [[nodiscard]] mlora_status load_json(const std::string &json) {
    return mlora_replay_load_json(handle(), json.data(), json.size());
  }

 private:
  std::vector<std::uint32_t> words_{};
};

// A list of results and what was clicked, see mlora_clicks: weights, or no weights and a thumb.
struct Clicks : mlora_clicks {
  Clicks(Ids ids_of_them, Input weights_of_them)
      : mlora_clicks{nullptr, 0, ids_of_them.data, ids_of_them.size, weights_of_them.data, weights_of_them.size,
                     nullptr, 0, 0, 1.0f, MLORA_TEMPERATURE, 0, 0} {}
  Clicks(Input values, Input weights_of_them)
      : mlora_clicks{values.data, values.size, nullptr, 0, weights_of_them.data, weights_of_them.size,
                     nullptr, 0, 0, 1.0f, MLORA_TEMPERATURE, 0, 0} {}
  // A thumb on one of them: quality 1 is up, 0 is down.
  Clicks &thumb(std::size_t document, float how_good) {
    weights = nullptr;
    weights_len = 0;
    chosen = document;
    quality = how_good;
    return *this;
  }
  Clicks &query(std::uint32_t id) {
    has_query_id = 1;
    query_id = id;
    return *this;
  }
  Clicks &with_scores(Input of_them) {
    scores = of_them.data;
    scores_len = of_them.size;
    return *this;
  }
};

// The lists that an adapter has learned by MLORA_STEP_DUAL, see mlora_memory_learn. A copy is a snapshot, and belongs
// to a copy of the adapter made at the same time.
class Memory {
 public:
  // vectors looks up what the layout keeps by id, and gets context; neither is needed if everything is kept by value.
  template <class Words>
  [[nodiscard]] mlora_status init(const BasicAdapter<Words> &adapter, const mlora_memory_layout &layout,
                                  mlora_vectors vectors = nullptr, void *context = nullptr) {
    mlora_config config;
    std::size_t bytes = 0;
    mlora_status status = adapter.config(config);
    if (status != MLORA_OK) return status;
    status = mlora_memory_size(config.in_features, config.out_features, &layout, &bytes);
    if (status != MLORA_OK) return status;
    std::vector<std::uint32_t> fresh(bytes / sizeof(std::uint32_t));
    mlora_memory *handle = nullptr;
    status = mlora_memory_init(fresh.data(), bytes, adapter.handle(), &layout, &handle);
    if (status != MLORA_OK) return status;
    words_ = std::move(fresh);
    find_with(vectors, context);
    return status;
  }

  // Sets another callback, for example with another model's vectors before relearn.
  void find_with(mlora_vectors vectors, void *context = nullptr) {
    vectors_ = vectors;
    context_ = context;
  }

  mlora_memory *handle() { return reinterpret_cast<mlora_memory *>(words_.data()); }
  const mlora_memory *handle() const { return reinterpret_cast<const mlora_memory *>(words_.data()); }

  template <class Words>
  [[nodiscard]] mlora_status learn(BasicAdapter<Words> &adapter, const Sample &query, const Clicks &clicks,
                                   float learning_rate = MLORA_LEARNING_RATE,
                                   mlora_memory_receipt *receipt = nullptr) {
    return mlora_memory_learn(handle(), adapter.handle(), &query, &clicks, learning_rate, vectors_, context_,
                              receipt);
  }
  template <class Words>
  [[nodiscard]] mlora_status settle(BasicAdapter<Words> &adapter, std::uint32_t visits,
                                    std::uint32_t *made = nullptr) {
    std::uint32_t done = 0;
    const mlora_status status =
        mlora_memory_settle(handle(), adapter.handle(), visits, vectors_, context_, &done);
    if (made) *made = done;
    return status;
  }
  // Resizes the outputs itself: numbers of the lists, the oldest first, and shares with n values for each list and n
  // for the rest.
  template <class Words>
  [[nodiscard]] mlora_status why(BasicAdapter<Words> &adapter, Input query, Input documents,
                                 std::vector<std::uint32_t> &numbers, std::vector<float> &shares) {
    mlora_config config;
    std::uint32_t lists = 0;
    mlora_status status = adapter.config(config);
    if (status == MLORA_OK) status = len(lists);
    if (status != MLORA_OK) return status;
    numbers.assign(lists, 0);
    shares.assign((static_cast<std::size_t>(lists) + 1) * (documents.size / config.out_features), 0.0f);
    return mlora_memory_why(handle(), adapter.handle(), query.data, query.size, documents.data, documents.size,
                            numbers.data(), numbers.size(), shares.data(), shares.size(), vectors_, context_);
  }
  template <class Words>
  [[nodiscard]] mlora_status forget(BasicAdapter<Words> &adapter, std::uint32_t number,
                                    mlora_forgotten &outcome) {
    std::uint32_t code = 0;
    const mlora_status status =
        mlora_memory_forget(handle(), adapter.handle(), number, vectors_, context_, &code);
    if (status == MLORA_OK) outcome = static_cast<mlora_forgotten>(code);
    return status;
  }
  template <class Words>
  [[nodiscard]] mlora_status forget_document(BasicAdapter<Words> &adapter, std::uint32_t id,
                                             std::uint32_t &forgotten, std::uint32_t &others) {
    return mlora_memory_forget_document(handle(), adapter.handle(), id, vectors_, context_, &forgotten, &others);
  }
  template <class Words>
  [[nodiscard]] mlora_status relearn(BasicAdapter<Words> &adapter, std::uint32_t &learned) {
    return mlora_memory_relearn(handle(), adapter.handle(), vectors_, context_, &learned);
  }
  [[nodiscard]] mlora_status len(std::uint32_t &lists) const { return mlora_memory_len(handle(), &lists); }
  [[nodiscard]] mlora_status clear() { return mlora_memory_clear(handle()); }

  // Resizes the output itself. On an error `json` may have another size.
  [[nodiscard]] mlora_status save_json(std::string &json) {
    std::size_t len = 0;
    mlora_status status = mlora_memory_json_max(handle(), &len);
    if (status != MLORA_OK) return status;
    json.resize(len);
    status = mlora_memory_save_json(handle(), json.data(), json.size(), &len);
    if (status == MLORA_OK) json.resize(len);
    return status;
  }
  [[nodiscard]] mlora_status load_json(const std::string &json) {
    return mlora_memory_load_json(handle(), json.data(), json.size());
  }

 private:
  std::vector<std::uint32_t> words_{};
  mlora_vectors vectors_ = nullptr;
  void *context_ = nullptr;
};

// Whether an adapter helps its user, see mlora_holdback_is_due. A copy is a snapshot.
class Holdback {
 public:
  // Its memory exists and is aligned, so init cannot fail.
  Holdback() { static_cast<void>(mlora_holdback_init(&holdback_)); }

  mlora_holdback *handle() { return &holdback_; }
  const mlora_holdback *handle() const { return &holdback_; }

  // For lists of results.
  [[nodiscard]] mlora_status is_due(bool &due) {
    std::uint32_t number = 0;
    const mlora_status status = mlora_holdback_is_due(&holdback_, &number);
    due = number != 0;
    return status;
  }
  [[nodiscard]] mlora_status interleave(Ids base, Ids adapted, Span<std::uint32_t> shown,
                                        std::size_t &count) {
    return mlora_holdback_interleave(&holdback_, base.data, base.size, adapted.data, adapted.size, shown.data,
                                     shown.size, &count);
  }
  [[nodiscard]] mlora_status record_clicks(Input clicks) {
    return mlora_holdback_record_clicks(&holdback_, clicks.data, clicks.size);
  }

  // For single answers.
  [[nodiscard]] mlora_status next(bool &adapted) {
    std::uint32_t number = 0;
    const mlora_status status = mlora_holdback_next(&holdback_, &number);
    adapted = number != 0;
    return status;
  }
  [[nodiscard]] mlora_status record(float quality) { return mlora_holdback_record(&holdback_, quality); }

  [[nodiscard]] mlora_status report(mlora_holdback_report &report) const {
    return mlora_holdback_get_report(&holdback_, &report);
  }

  // Resizes the output itself. On an error `json` may have another size.
  [[nodiscard]] mlora_status save_json(std::string &json) const {
    std::size_t len = 0;
    json.resize(MLORA_HOLDBACK_JSON_MAX);
    const mlora_status status = mlora_holdback_save_json(&holdback_, json.data(), json.size(), &len);
    if (status == MLORA_OK) json.resize(len);
    return status;
  }
  [[nodiscard]] mlora_status load_json(const std::string &json) {
    return mlora_holdback_load_json(&holdback_, json.data(), json.size());
  }

 private:
  mlora_holdback holdback_{};
};

// Learning where only a number is observed, see mlora_explore_draw. A copy is a snapshot.
class Explore {
 public:
  [[nodiscard]] mlora_status init(float radius, std::uint32_t seed) {
    return mlora_explore_init(&explore_, radius, seed);
  }

  mlora_explore *handle() { return &explore_; }
  const mlora_explore *handle() const { return &explore_; }

  [[nodiscard]] mlora_status draw(Input directions, Output eps) {
    return mlora_explore_draw(&explore_, directions.data, directions.size, eps.data, eps.size);
  }
  // eps is undefined afterwards.
  template <class Words>
  [[nodiscard]] mlora_status adapt(BasicAdapter<Words> &adapter, const Sample &sample, Output eps, float plus,
                                   float minus, mlora_receipt *receipt = nullptr) {
    return mlora_explore_adapt(&explore_, adapter.handle(), &sample, eps.data, eps.size, plus, minus,
                               receipt);
  }

 private:
  mlora_explore explore_{};
};

// mlora_principal_directions, with the scratch memory allocated here.
[[nodiscard]] inline mlora_status principal_directions(Input examples, std::uint32_t out_features,
                                                       Output directions, std::uint32_t &found) {
  // No direction fits: the C function would return the same error, but only after the allocation.
  if (out_features > directions.size) return MLORA_ERROR_COUNT;
  std::vector<float> scratch(2 * static_cast<std::size_t>(out_features));
  return mlora_principal_directions(examples.data, examples.size, out_features, directions.data,
                                    directions.size, scratch.data(), scratch.size(), &found);
}

}  // namespace micro_lora

#endif
