// train_new_from_iterator: a tokenizer like another, trained on other texts.
// Source: transformers 5.23.0 tokenization_utils_tokenizers.py (train_new_from_iterator).
#include <algorithm>

#include "base/text.h"
#include "tokenizers/auto/loading.h"
#include "tokenizers/auto/state.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

using Renamed = std::vector<std::pair<std::string, std::string>>;

std::string renamed(const Renamed& map, std::string_view text) {
  for (const auto& [from, to] : map)
    if (from == text) return to;
  return std::string(text);
}

void rename_text(const Renamed& map, Json& json) {
  if (json.is_string()) json = Json(renamed(map, json.as_string()));
}

Json* member(Json& json, std::string_view key) {
  for (auto& [name, value] : json.object())
    if (name == key) return &value;
  return nullptr;
}

// The tokens that a post-processor puts around texts; their ids follow when the vocabulary is known.
void rename_in_processor(const Renamed& map, Json& processor) {
  for (const auto role : {"cls", "sep"})
    if (auto* pair = member(processor, role); pair != nullptr && pair->size() > 0) rename_text(map, pair->array()[0]);
  if (auto* special = member(processor, "special_tokens"))
    for (auto& row : special->object())
      if (auto* tokens = member(row.second, "tokens"))
        for (auto& token : tokens->array()) rename_text(map, token);
  if (auto* steps = member(processor, "processors"))
    for (auto& step : steps->array()) rename_in_processor(map, step);
}

void rename_all(const Renamed& map, Json& json) {
  if (auto* tokens = member(json, "added_tokens"))
    for (auto& row : tokens->array())
      if (auto* content = member(row, "content")) rename_text(map, *content);
  if (auto* processor = member(json, "post_processor")) rename_in_processor(map, *processor);
  auto* model = member(json, "model");
  if (model == nullptr) return;
  if (auto* unk = member(*model, "unk_token")) rename_text(map, *unk);
  auto* vocab = member(*model, "vocab");
  const auto unk_id = (*model)["unk_id"].as_int(-1);
  if (vocab != nullptr && vocab->is_array() && unk_id >= 0 && static_cast<size_t>(unk_id) < vocab->size()) {
    auto& row = vocab->array()[static_cast<size_t>(unk_id)];
    if (row.size() > 0) rename_text(map, row.array()[0]);
  }
}

Json typed_token(const AddedToken& token) {
  Json out = added_token_json(token);
  out.set("__type", "AddedToken");
  return out;
}

}  // namespace

Result<PreTrainedTokenizer> PreTrainedTokenizer::train_new_from_iterator(const NextText& next, int64_t vocab_size,
                                                                         const TrainNewOptions& options,
                                                                         std::stop_token stop) const {
  const auto& s = *state_;
  if (s.json.empty()) {
    return Status(Code::unsupported,
                  cat(s.class_name, " tokenizes in Python code, which is not trained: train a SentencePiece model"));
  }
  const auto& map = options.special_tokens_map;
  auto untrained = [&]() -> Result<UntrainedTokenizer> {
    Json json = TRY(Json::parse(s.json));
    rename_all(map, json);
    return untrained_like(json.dump());
  }();
  if (!untrained.ok()) return std::move(untrained).status();
  std::visit(
      [&](auto& trainer) {
        trainer.vocab_size = vocab_size;
        for (const auto& token : options.new_special_tokens) trainer.special_tokens.push_back(token);
      },
      untrained->trainer);
  if (options.change_trainer) options.change_trainer(untrained->trainer);
  auto training = options.training;
  training.renew_post_processor = true;
  const auto trained = TRY(train_from_iterator(untrained->json, untrained->trainer, next, training, std::move(stop)));
  Json json = TRY(Json::parse(trained.json));

  Loading l;
  l.type = find_tokenizer_class(s.class_name);
  VERIFY(l.type != nullptr, "the class was loaded before");
  l.kwargs = s.config;
  l.added_tokens = s.added_tokens;
  l.model_input_names = s.model_input_names;
  l.padding_side = s.padding_side;
  l.truncation_side = s.truncation_side;
  l.pad_token_type_id = s.pad_token_type_id;
  for (const auto& [name, text] : s.special_tokens_map) {
    auto token = l.kwargs[name];
    if (auto* content = token.is_object() ? member(token, "content") : nullptr) {
      *content = Json(renamed(map, text));
      token.set("special", true);
    } else {
      token = Json(renamed(map, text));
    }
    l.kwargs.set(name, std::move(token));
  }
  if (!s.extra_special_tokens.empty() || !options.new_special_tokens.empty()) {
    Json::Array extra = l.kwargs["extra_special_tokens"].array();
    if (extra.empty())
      for (const auto& text : s.extra_special_tokens) extra.emplace_back(text);
    for (auto token : options.new_special_tokens) {
      token.special = true;
      extra.push_back(typed_token(token));
    }
    l.kwargs.set("extra_special_tokens", std::move(extra));
  }
  auto& b = l.backend;
  b.normalizer = json["normalizer"];
  b.pre_tokenizer = json["pre_tokenizer"];
  b.post_processor = json["post_processor"];
  b.decoder = json["decoder"];
  auto* model = member(json, "model");
  TRY(b.set_model(model == nullptr ? Json() : std::move(*model)));
  TRY(b.add_tokens_of_file({json["added_tokens"], "added_tokens"}));
  TRY(l.init_base());
  if (l.type->finish != nullptr) TRY(l.type->finish(l));
  return finish_loading(l);
}

}  // namespace hearth
