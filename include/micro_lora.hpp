// MicroLoRA for C++17: micro_lora.h with its memory owned and its lengths passed along.
//
// No exceptions, nothing virtual, nothing but calls of the C functions, whose comments hold here too:
//
//     micro_lora::Adapter lora;                            // in a std::vector
//     mlora_status status = lora.init(MLORA_CONFIG(384, 384, 4));
//     micro_lora::FixedAdapter<384, 384, 4> in_place;      // in a std::array, without allocation
//
// A copy of an adapter is an adapter of its own: keep one as a snapshot, assign it to undo.
#ifndef MICRO_LORA_HPP
#define MICRO_LORA_HPP

#if __cplusplus < 201703L && (!defined(_MSVC_LANG) || _MSVC_LANG < 201703L)
#error "micro_lora.hpp: expected C++17 or newer (-std=c++17), got an older one; micro_lora.h does with any"
#else

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "micro_lora.h"

namespace micro_lora {

// A pointer with a length, made of anything that has data() and size(), or of an array. T: float,
// const float, or std::uint32_t for the host's own numbers of results.
template <class T>
struct Span {
  T *data;
  std::size_t size;

  constexpr Span(T *first, std::size_t count) : data(first), size(count) {}
  template <std::size_t N>
  constexpr Span(T (&array)[N]) : data(array), size(N) {}
  template <class Container, class = std::enable_if_t<std::is_convertible_v<
                                 decltype(std::declval<Container &>().data()), T *>>>
  constexpr Span(Container &&container) : data(container.data()), size(container.size()) {}
};

using Input = Span<const float>;
using Output = Span<float>;
using Ids = Span<const std::uint32_t>;

// A sample of feedback, see mlora_sample.
struct Sample : mlora_sample {
  explicit Sample(Input values, float weight_of_it = 1.0f)
      : mlora_sample{values.data, values.size, nullptr, 0, weight_of_it} {}
  Sample(Input values, Input frozen_output, float weight_of_it = 1.0f)
      : mlora_sample{values.data, values.size, frozen_output.data, frozen_output.size, weight_of_it} {}
};

// "MLORA_ERROR_LENGTH", say.
inline const char *name(mlora_status status) {
  return mlora_status_name(static_cast<std::int32_t>(status));
}

inline const char *message(mlora_status status) {
  return mlora_status_message(static_cast<std::int32_t>(status));
}

// What init would refuse of a config, as "alpha: expected 0.000001 to 1000000"; nullptr if all is well.
inline const char *problem(const mlora_config &config) {
  const char *found = nullptr;
  const mlora_status status = mlora_config_problem(&config, &found);
  return status == MLORA_OK ? found : message(status);
}

// Calls visit(mlora_status, const mlora_module &) for each module of an adapter_model.safetensors: the status is
// MLORA_OK, or MLORA_ERROR_UNSUPPORTED for one that is no pair of matrices. Gives what is wrong with the file, or MLORA_OK.
template <class Visit>
mlora_status for_each_module(const std::vector<std::uint8_t> &file, Visit &&visit) {
  mlora_module_cursor cursor = MLORA_MODULE_CURSOR;
  for (;;) {
    mlora_module module = {};
    const mlora_status status = mlora_next_module(file.data(), file.size(), &cursor, &module);
    if (status == MLORA_ERROR_MISSING) return MLORA_OK;
    if (status != MLORA_OK && status != MLORA_ERROR_UNSUPPORTED) return status;
    visit(status, module);
  }
}

// An adapter in words of memory. Until init succeeds every function returns an error.
template <class Words>
class BasicAdapter {
 public:
  [[nodiscard]] mlora_status init(const mlora_config &config) {
    std::size_t bytes = 0;
    mlora_status status =
        mlora_size(config.in_features, config.out_features, config.rank, config.flags, &bytes);
    if (status != MLORA_OK) return status;
    // An adapter that is there already stays as it is if there is an error.
    Words fresh{};
    make_room(fresh, bytes / sizeof(std::uint32_t));
    mlora *handle = nullptr;
    status = mlora_init(fresh.data(), sizeof(std::uint32_t) * fresh.size(), &config, MLORA_ABI_VERSION,
                        &handle);
    if (status == MLORA_OK) words_ = std::move(fresh);
    return status;
  }

  // For functions that are not wrapped here. The adapter lies at the start of its memory.
  mlora *handle() { return reinterpret_cast<mlora *>(words_.data()); }
  const mlora *handle() const { return reinterpret_cast<const mlora *>(words_.data()); }

  [[nodiscard]] mlora_status config(mlora_config &config) const {
    config.struct_size = sizeof(mlora_config);
    return mlora_get_config(handle(), &config);
  }
  [[nodiscard]] mlora_status stats(mlora_stats &stats) const { return mlora_get_stats(handle(), &stats); }

  [[nodiscard]] mlora_status apply(Input x, Output delta, float *guard = nullptr) const {
    return mlora_apply(handle(), x.data, x.size, delta.data, delta.size, guard);
  }
  [[nodiscard]] mlora_status apply_residual(Output x, float *guard = nullptr) const {
    return mlora_apply_residual(handle(), x.data, x.size, guard);
  }
  [[nodiscard]] mlora_status apply_batch(Input inputs, Output deltas) const {
    return mlora_apply_batch(handle(), inputs.data, inputs.size, deltas.data, deltas.size);
  }
  [[nodiscard]] mlora_status delta_weight(Output weight) const {
    return mlora_delta_weight(handle(), weight.data, weight.size);
  }
  [[nodiscard]] mlora_status merge(Input base, Output merged) const {
    return mlora_merge(handle(), base.data, base.size, merged.data, merged.size);
  }

  // What merging has to add to the model's own bias, and the bias itself, see mlora_merged_bias.
  [[nodiscard]] mlora_status merged_bias(Output bias) const {
    return mlora_merged_bias(handle(), bias.data, bias.size);
  }
  [[nodiscard]] mlora_status bias(const float *&bias) const { return mlora_bias(handle(), &bias); }

  [[nodiscard]] mlora_status adapt_gradient(const Sample &sample, Input grad_output,
                                            mlora_receipt *receipt = nullptr) {
    return mlora_adapt_gradient(handle(), &sample, grad_output.data, grad_output.size, receipt);
  }
  [[nodiscard]] mlora_status adapt_gradients(Input inputs, Input grad_outputs,
                                             mlora_batch_receipt *receipt = nullptr) {
    return mlora_adapt_gradients(handle(), inputs.data, inputs.size, grad_outputs.data, grad_outputs.size,
                                 receipt);
  }
  [[nodiscard]] mlora_status adapt_choice(const Sample &sample, Input candidates, std::size_t chosen,
                                          float quality = 1.0f,
                                          float temperature = MLORA_TEMPERATURE_CHOICE,
                                          mlora_receipt *receipt = nullptr) {
    return mlora_adapt_choice(handle(), &sample, candidates.data, candidates.size, chosen, quality,
                              temperature, receipt);
  }
  [[nodiscard]] mlora_status adapt_listwise(const Sample &sample, Input candidates, Input weights,
                                            float temperature = MLORA_TEMPERATURE,
                                            mlora_receipt *receipt = nullptr) {
    return mlora_adapt_listwise(handle(), &sample, candidates.data, candidates.size, weights.data,
                                weights.size, temperature, receipt);
  }
  [[nodiscard]] mlora_status adapt_target(const Sample &sample, Input target, float weight = 1.0f,
                                          mlora_receipt *receipt = nullptr) {
    return mlora_adapt_target(handle(), &sample, target.data, target.size, weight, receipt);
  }
  [[nodiscard]] mlora_status adapt_attract_repel(const Sample &sample, Input attract, Input repel,
                                                 mlora_receipt *receipt = nullptr) {
    return mlora_adapt_attract_repel(handle(), &sample, attract.data, attract.size, repel.data, repel.size,
                                     receipt);
  }
  [[nodiscard]] mlora_status adapt_quality(const Sample &sample, float quality,
                                           mlora_receipt *receipt = nullptr) {
    return mlora_adapt_quality(handle(), &sample, quality, receipt);
  }
  [[nodiscard]] mlora_status apply_updates(float learning_rate = MLORA_LEARNING_RATE,
                                           mlora_receipt *receipt = nullptr) {
    return mlora_apply_updates(handle(), learning_rate, receipt);
  }
  [[nodiscard]] mlora_status into_dual() { return mlora_into_dual(handle()); }
  [[nodiscard]] mlora_status discard_pending() { return mlora_discard_pending(handle()); }
  [[nodiscard]] mlora_status reset() { return mlora_reset(handle()); }
  [[nodiscard]] mlora_status set_strength(float strength) { return mlora_set_strength(handle(), strength); }

  [[nodiscard]] mlora_status weights(const float *&lora_a, const float *&lora_b) const {
    return mlora_get_weights(handle(), &lora_a, &lora_b);
  }
  [[nodiscard]] mlora_status pull_towards(Input lora_a, Input lora_b, float share) {
    return mlora_pull_towards(handle(), lora_a.data, lora_a.size, lora_b.data, lora_b.size, share);
  }
  [[nodiscard]] mlora_status set_weights(Input lora_a, Input lora_b) {
    return mlora_set_weights(handle(), lora_a.data, lora_a.size, lora_b.data, lora_b.size);
  }

  // Unlike the C function it makes the room itself. On an error `json` may have another size.
  [[nodiscard]] mlora_status save_json(std::string &json) const {
    std::size_t len = 0;
    mlora_status status = mlora_json_len(handle(), &len);
    if (status != MLORA_OK) return status;
    json.resize(len);
    return mlora_save_json(handle(), json.data(), json.size(), &len);
  }
  [[nodiscard]] mlora_status load_json(const char *json, std::size_t json_len) {
    return mlora_load_json(handle(), json, json_len);
  }
  [[nodiscard]] mlora_status load_json(const std::string &json) {
    return load_json(json.data(), json.size());
  }

  // The two files of PEFT; these make the room themselves, too.
  [[nodiscard]] mlora_status save_safetensors(const std::string &module,
                                              std::vector<std::uint8_t> &file) const {
    std::size_t len = 0;
    mlora_status status = mlora_safetensors_len(handle(), module.data(), module.size(), &len);
    if (status != MLORA_OK) return status;
    file.resize(len);
    return mlora_save_safetensors(handle(), module.data(), module.size(), file.data(), file.size(), &len);
  }
  [[nodiscard]] mlora_status save_adapter_config(const std::string &module, const std::string &base_model,
                                                 std::string &json) const {
    const char *base = base_model.empty() ? nullptr : base_model.data();
    std::size_t len = 0;
    mlora_status status = mlora_adapter_config_len(handle(), module.data(), module.size(), base,
                                                   base_model.size(), &len);
    if (status != MLORA_OK) return status;
    json.resize(len);
    return mlora_save_adapter_config(handle(), module.data(), module.size(), base, base_model.size(),
                                     json.data(), json.size(), &len);
  }
  // With an empty adapter_config the settings come from the file's own metadata.
  [[nodiscard]] mlora_status load_safetensors(const std::vector<std::uint8_t> &file,
                                              const std::string &module,
                                              const std::string &adapter_config = {}) {
    const char *config = adapter_config.empty() ? nullptr : adapter_config.data();
    return mlora_load_safetensors(handle(), file.data(), file.size(), module.data(), module.size(), config,
                                  adapter_config.size());
  }
  // Of any rank up to 64, at the rank of this adapter.
  [[nodiscard]] mlora_status load_safetensors_reduced(const std::vector<std::uint8_t> &file,
                                                      const std::string &module,
                                                      const std::string &adapter_config = {},
                                                      mlora_reduction *reduction = nullptr,
                                                      mlora_problem *problem = nullptr) {
    const char *config = adapter_config.empty() ? nullptr : adapter_config.data();
    return mlora_load_safetensors_reduced(handle(), file.data(), file.size(), module.data(), module.size(),
                                          config, adapter_config.size(), reduction, problem);
  }

 private:
  // What does not fit a std::array mlora_init refuses.
  template <class Fixed>
  static void make_room(Fixed &, std::size_t) {}
  static void make_room(std::vector<std::uint32_t> &words, std::size_t count) { words.assign(count, 0); }

  Words words_{};
};

// Sizes known at run time.
using Adapter = BasicAdapter<std::vector<std::uint32_t>>;

// Sizes known when the program is built; init takes a config of the same.
template <std::uint32_t in_features, std::uint32_t out_features, std::uint32_t rank, std::uint32_t flags = 0>
using FixedAdapter =
    BasicAdapter<std::array<std::uint32_t, MLORA_SIZE(in_features, out_features, rank, flags) / 4>>;

// A ring of the last lists, see mlora_replay_learn, for adapters of the sizes and the model_id of the one it
// is made for.
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

  // Makes the room itself. On an error `json` may have another size.
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

// The lists that an adapter has learned by MLORA_STEP_DUAL, see mlora_memory_learn. A copy is a snapshot, and goes with
// a copy of the adapter that was made at the same time.
class Memory {
 public:
  // vectors finds what the layout keeps by id, and gets context; neither is needed where all is kept by value.
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

  // From here on vectors come from elsewhere: of another model, say, to relearn.
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
  // Makes the room itself: numbers of the lists, the oldest first, and shares of n values for each and n for the rest.
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
                                    mlora_forgotten &forgotten) {
    std::uint32_t code = 0;
    const mlora_status status =
        mlora_memory_forget(handle(), adapter.handle(), number, vectors_, context_, &code);
    if (status == MLORA_OK) forgotten = static_cast<mlora_forgotten>(code);
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

  // Makes the room itself. On an error `json` may have another size.
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
  // Its memory is there and aligned: nothing that init could refuse.
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

  // Makes the room itself. On an error `json` may have another size.
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
  // eps is of no use afterwards.
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
  // Not one direction fits: the C function would say the same, but only after the allocation.
  if (out_features > directions.size) return MLORA_ERROR_COUNT;
  std::vector<float> scratch(2 * static_cast<std::size_t>(out_features));
  return mlora_principal_directions(examples.data, examples.size, out_features, directions.data,
                                    directions.size, scratch.data(), scratch.size(), &found);
}

}  // namespace micro_lora

#endif  // C++17
#endif
