// MicroLoRA for C++17: classes over micro_lora.h that own the memory and pass the lengths.
//
// They have no virtual functions and only call the C functions, whose comments apply here too. They throw only
// std::bad_alloc, when a std::vector or std::string gets no memory; then nothing has changed except the size of an
// output.
//
//     micro_lora::Adapter lora;                            // in a std::vector
//     mlora_status status = lora.init(MLORA_CONFIG(384, 384, 4));
//     micro_lora::FixedAdapter<384, 384, 4> in_place;      // in a std::array, without allocation
//
// A copy of an adapter is independent of it: keep a copy as a snapshot, and assign it to undo.
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

// A pointer with a length, made from anything that has data() and size(), or from an array. T: float, const float, or
// std::uint32_t for the host's own numbers of results.
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

// As "MLORA_ERROR_LENGTH".
inline const char *name(mlora_status status) {
  return mlora_status_name(static_cast<std::int32_t>(status));
}

inline const char *message(mlora_status status) {
  return mlora_status_message(static_cast<std::int32_t>(status));
}

// The setting that init would refuse, as "alpha: expected 0.000001 to 1000000"; nullptr if nothing is wrong.
inline const char *problem(const mlora_config &config) {
  const char *found = nullptr;
  const mlora_status status = mlora_config_problem(&config, &found);
  return status == MLORA_OK ? found : message(status);
}

// Calls visit(mlora_status, const mlora_module &) for each module of an adapter_model.safetensors: the status is
// MLORA_OK, or MLORA_ERROR_UNSUPPORTED for a module that is not a pair of matrices. Returns what is wrong with the
// file, or MLORA_OK.
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
    // On an error an adapter that exists already stays as it is.
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
  [[nodiscard]] mlora_status predictions(mlora_predictions &predictions) const {
    return mlora_get_predictions(handle(), &predictions);
  }

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

  // What merging adds to the model's own bias (mlora_merged_bias), and the adapter's bias itself.
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

  // Unlike the C function it resizes the output itself. On an error `json` may have another size.
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

  // The two files of PEFT; these functions resize the output, too.
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
  // With an empty adapter_config the settings come from the file's metadata.
  [[nodiscard]] mlora_status load_safetensors(const std::vector<std::uint8_t> &file,
                                              const std::string &module,
                                              const std::string &adapter_config = {}) {
    const char *config = adapter_config.empty() ? nullptr : adapter_config.data();
    return mlora_load_safetensors(handle(), file.data(), file.size(), module.data(), module.size(), config,
                                  adapter_config.size());
  }
  // A module of any rank up to 64, reduced to the rank of this adapter.
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
  // mlora_init refuses a config that does not fit the std::array.
  template <class Fixed>
  static void make_room(Fixed &, std::size_t) {}
  static void make_room(std::vector<std::uint32_t> &words, std::size_t count) { words.assign(count, 0); }

  Words words_{};
};

// Sizes known at run time.
using Adapter = BasicAdapter<std::vector<std::uint32_t>>;

// Sizes known at compile time; init takes a config with the same sizes.
template <std::uint32_t in_features, std::uint32_t out_features, std::uint32_t rank, std::uint32_t flags = 0>
using FixedAdapter =
    BasicAdapter<std::array<std::uint32_t, MLORA_SIZE(in_features, out_features, rank, flags) / 4>>;

}  // namespace micro_lora

#include "micro_lora_companions.hpp"

#endif  // C++17
#endif
