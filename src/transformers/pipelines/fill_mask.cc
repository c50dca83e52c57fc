// fill-mask: the likeliest words for each mask token of a text.
// Source: transformers 5.23.0 pipelines/fill_mask.py.
#include <algorithm>

#include "base/text.h"
#include "transformers/pipeline_parts.h"

namespace hearth::transformers::pipelines {
namespace {

class FillMask final : public Pipeline {
 public:
  FillMask(TextReader reader, TokenId mask)
      : reader_(std::move(reader)), mask_(mask), pad_(reader_.special_id("pad_token")) {}
  const PreTrainedModel& model() const override { return *reader_.model; }

 private:
  /// A token of the vocabulary is itself, any other text the first token that it becomes. Sorted, each once.
  Result<std::vector<TokenId>> target_ids(const std::vector<std::string>& targets) const {
    std::vector<TokenId> out;
    for (const auto& target : targets) {
      if (const auto id = reader_.tokenizer.backend_tokenizer().token_to_id(target)) {
        out.push_back(*id);
        continue;
      }
      const CallOptions first{.add_special_tokens = false, .truncation = Truncate::longest_first, .max_length = 1};
      const auto ids = TRY(reader_.tokenizer.encode(target, first));
      if (!ids.empty()) out.push_back(ids.front());
    }
    std::ranges::sort(out);
    const auto repeated = std::ranges::unique(out);
    out.erase(repeated.begin(), repeated.end());
    if (out.empty()) return Status(Code::bad_input, "none of the targets is a word of the model's vocabulary");
    return out;
  }

  /// The likeliest tokens for the mask at `place`; `targets`: among these, or empty for all.
  Json fill(const std::vector<TokenId>& ids, size_t place, std::span<const float> logits,
            const std::vector<TokenId>& targets, int64_t top_k, bool has_one_mask) const {
    std::vector<float> scores(logits.begin(), logits.end());
    softmax_in_place(scores);
    if (!targets.empty()) {
      std::vector<float> kept;
      for (const auto id : targets) kept.push_back(scores[static_cast<size_t>(id)]);
      scores = std::move(kept);
    }
    Json::Array out;
    for (const auto i : top_of(scores, top_k)) {
      const auto token = targets.empty() ? static_cast<TokenId>(i) : targets[i];
      auto filled = ids;
      filled[place] = token;
      if (pad_) std::erase(filled, *pad_);
      out.push_back(Json::Object{{"score", double{scores[i]}},
                                 {"token", token},
                                 {"token_str", reader_.tokenizer.decode({&token, 1})},
                                 // Other masks of the text stay visible.
                                 {"sequence", reader_.tokenizer.decode(filled, /*skip_special_tokens=*/has_one_mask)}});
    }
    return out;
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto top_k = parameters.integer("top_k", 5, 1);
    const auto* has_targets = parameters.find("targets");
    const auto named = parameters.texts("targets", "a text or a list of texts");
    const auto call = nested_tokenizer_options(parameters, "tokenizer_kwargs");
    auto passes = pass_options(parameters, stop);
    passes.rows_max = 1024;  // each row has a number for each word of the vocabulary
    TRY(parameters.finish());
    std::vector<TokenId> targets;
    if (has_targets && !has_targets->is_null()) targets = TRY(target_ids(named));
    const auto vocab_size = model().config().vocab_size;
    for (const auto id : targets)
      if (id >= vocab_size)
        return Status(Code::bad_input, cat("a target has the id ", id, "; the model has ", vocab_size));
    const auto asked = TRY(PipelineInputs::texts(inputs));
    std::vector<EncodeInput> texts;
    for (const auto* item : asked.items) texts.push_back({.text = {.text = item->as_string()}});
    const auto encodings = TRY(reader_.tokenizer(texts, call)).encodings;
    for (const auto& encoding : encodings)
      if (std::ranges::find(encoding.ids, mask_) == encoding.ids.end())
        return Status(Code::bad_input, cat("no mask token (", *reader_.tokenizer.special_token("mask_token"),
                                           ") in the input: put it where a word is missing"));
    Json::Array out(texts.size());
    const auto judge = [&](size_t i, std::span<const std::span<const float>> values) {
      const auto& ids = encodings[i].ids;
      const auto width = values[0].size() / ids.size();
      const bool has_one_mask = std::ranges::count(ids, mask_) == 1;
      Json::Array masks;
      for (size_t place = 0; place < ids.size(); ++place)
        if (ids[place] == mask_)
          masks.push_back(fill(ids, place, values[0].subspan(place * width, width), targets, top_k, has_one_mask));
      out[i] = has_one_mask ? std::move(masks.front()) : Json(std::move(masks));
    };
    TRY(reader_.run(encodings, passes, {&ModelOutput::logits}, judge));
    return out.size() == 1 ? std::move(out.front()) : Json(std::move(out));
  }

  TextReader reader_;
  TokenId mask_;
  std::optional<TokenId> pad_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  auto reader = TRY(TextReader::from(Task::masked_lm, path, options));
  const auto mask = reader.special_id("mask_token");
  if (!mask) return Status(Code::bad_input, cat(path, ": the tokenizer has no mask_token, which fill-mask asks for"));
  return std::make_unique<FillMask>(std::move(reader), *mask);
}

}  // namespace

extern constinit const PipelineTask fill_mask_entry{.tasks = {"fill-mask"}, .heads = {Task::masked_lm}, .build = build};

}  // namespace hearth::transformers::pipelines
