// What the tasks of pipelines/ share: their parameters, texts that pass a model in batches, scores and labels.
// Source: transformers 5.23.0 pipelines/base.py.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tokenizers/auto_tokenizer.h"
#include "transformers/auto.h"
#include "transformers/pipeline.h"

namespace hearth {

/// The keyword arguments of one call. Each reader remembers the first that is wrong, and that its key is known.
class PipelineParameters {
 public:
  /// A view: `json` (an object, or null) is the caller's.
  explicit PipelineParameters(const Json& json) : json_(json) {}

  /// The value, null ones too; nullptr for an absent one.
  const Json* find(std::string_view key);
  /// An integer of at least `low`; absent and null: `otherwise`.
  int64_t integer(std::string_view key, int64_t otherwise, int64_t low);
  bool flag(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  /// A text, or a list of texts; `wanted` names it in messages.
  std::vector<std::string> texts(std::string_view key, std::string_view wanted);
  /// One of `known`, in any case, as `known` spells it.
  std::string choice(std::string_view key, std::string_view otherwise, std::initializer_list<const char*> known);
  void fail(std::string message);
  /// The parameters that nobody has asked for, which then count as known.
  Json rest();
  /// bad_input with the first fault, or with a parameter that nobody asked for. Call it before any work.
  Status finish();

 private:
  const Json* value(std::string_view key);  // none for null
  void wrong(std::string_view key, std::string_view wanted);

  const Json& json_;
  std::vector<std::string> known_;
  Status status_;
};

/// The tokenizer's keyword arguments among the parameters: truncation, max_length, add_special_tokens; padding changes
/// no result and is accepted.
CallOptions tokenizer_options(PipelineParameters& parameters);
/// The same in an object of their own, `key`; those of `also` may stand beside it instead.
CallOptions nested_tokenizer_options(PipelineParameters& parameters, std::string_view key,
                                     std::initializer_list<const char*> also = {});

/// One input, or a list of inputs of which each has an answer.
struct PipelineInputs {
  std::vector<const Json*> items;  ///< views into the caller's JSON
  bool is_list = false;

  /// bad_input for an empty list.
  static Result<PipelineInputs> from(const Json& inputs);
  /// The same, each of them a text; `what` is the message's word for one.
  static Result<PipelineInputs> texts(const Json& inputs, std::string_view what = "a text");
  /// The answers in the form of the inputs: a list, or the only one.
  Json answer(Json::Array answers) const;
};

/// Which texts share a pass.
struct PassOptions {
  int64_t batch_size = 32;
  int64_t rows_max = 4096;  ///< tokens of one pass, but for a single text
  std::stop_token stop = {};
};
/// `batch_size` among the parameters, and `num_workers`, which changes nothing here.
PassOptions pass_options(PipelineParameters& parameters, std::stop_token stop);

/// A model with its tokenizer.
struct TextReader {
  std::shared_ptr<const PreTrainedModel> model;
  PreTrainedTokenizer tokenizer;

  static Result<TextReader> from(Task task, const std::string& path, const LoadOptions& options);

  /// Runs texts, those of about one length together; the results are those of each text alone. For each, calls
  /// on_text(its index, its rows of each tensor of `wanted`), in no order. bad_input on a text without tokens or with
  /// more than the model has positions for.
  using Wanted = Tensor ModelOutput::*;
  using OnText = std::function<void(size_t index, std::span<const std::span<const float>> values)>;
  Status run(std::span<const Encoding> texts, const PassOptions& options, std::initializer_list<Wanted> wanted,
             const OnText& on_text) const;
  /// id2label, or "LABEL_0" where the file has none.
  std::string label(size_t id) const;
  /// The id of "mask_token" and the like.
  std::optional<TokenId> special_id(std::string_view name) const;
};

/// Tokens that one text may have: those that there are positions for; nothing for models without such a limit.
std::optional<int64_t> text_length_max(const Config& config);

void softmax_in_place(std::span<float> values);
float sigmoid(float value);
/// The indices of the `count` largest values, or of all; largest first, equal ones in their order.
std::vector<size_t> top_of(std::span<const float> values, int64_t count);

}  // namespace hearth
