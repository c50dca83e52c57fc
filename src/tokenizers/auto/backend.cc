#include "tokenizers/auto/backend.h"

#include <algorithm>

#include "tokenizers/pipeline/pipeline.h"

namespace hearth::tokenizers {

Status Backend::set_model(Json config) {
  model_config_ = std::move(config);
  model_ = TRY(build_model({model_config_, "model"}));
  model_json_.clear();
  forget_tokens();
  return {};
}

void Backend::set_model(std::shared_ptr<Model> model, std::string json) {
  model_config_ = {};
  model_json_ = std::move(json);
  model_ = std::move(model);
  forget_tokens();
}

void Backend::forget_tokens() {
  added_.clear();
  by_content_.clear();
  by_id_.clear();
  special_contents_.clear();
  new_count_ = 0;
}

void Backend::add_tokens(std::span<const AddedToken> tokens) {
  const int64_t size = model_->size();
  for (const auto& token : tokens) {
    if (token.content.empty()) continue;
    if (token.special) special_contents_.insert(token.content);
    if (const auto known = by_content_.find(token.content); known != by_content_.end()) {
      const TokenId id = added_[known->second].id;
      added_[known->second] = token;
      added_[known->second].id = id;
      continue;
    }
    AddedToken kept = token;
    kept.id = model_->token_to_id(token.content);
    if (kept.id < 0) kept.id = static_cast<TokenId>(size + new_count_++);
    by_content_[kept.content] = added_.size();
    by_id_[kept.id] = added_.size();
    added_.push_back(std::move(kept));
  }
}

Status Backend::add_tokens_of_file(const ConfigView& rows) {
  if (rows.json().is_null()) return {};
  std::vector<AddedToken> tokens;
  for (const auto& row : TRY(rows.elements())) tokens.push_back(TRY(read_added_token(row)));
  add_tokens(tokens);
  return {};
}

const AddedToken* Backend::find_added(std::string_view content) const {
  const auto it = by_content_.find(std::string(content));
  return it == by_content_.end() ? nullptr : &added_[it->second];
}

std::optional<TokenId> Backend::token_to_id(std::string_view token) const {
  if (const auto* added = find_added(token)) return added->id;
  const TokenId id = model_->token_to_id(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<std::string> Backend::id_to_token(TokenId id) const {
  if (const auto it = by_id_.find(id); it != by_id_.end()) return added_[it->second].content;
  const auto text = model_->id_to_token(id);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

int64_t Backend::vocab_size() const {
  int64_t out = model_->size();
  for (const auto& token : added_) out += model_->token_to_id(token.content) < 0;
  return out;
}

std::vector<AddedToken> Backend::tokens_to_find() const {
  auto tokens = added_;
  for (auto& token : tokens) token.special |= special_contents_.contains(token.content);
  return tokens;
}

std::string Backend::to_json(const Json& truncation, const Json& padding) const {
  auto by_id = added_;
  std::stable_sort(by_id.begin(), by_id.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  JsonWriter out;
  out.begin_object().field("version", "1.0").field("truncation", truncation).field("padding", padding);
  out.key("added_tokens").begin_array();
  for (const auto& token : by_id) {
    Json row = Json::Object{{"id", token.id}};
    const Json flags = added_token_json(token);
    for (const auto& [key, value] : flags.object()) row.set(key, value);
    out.value(row);
  }
  out.end();
  out.field("normalizer", normalizer).field("pre_tokenizer", pre_tokenizer);
  out.field("post_processor", post_processor).field("decoder", decoder);
  if (model_json_.empty()) {
    out.field("model", model_config_);
  } else {
    out.key("model").raw(model_json_);
  }
  return out.end().take();
}

Result<std::shared_ptr<Tokenizer::Parts>> Backend::take_parts() {
  auto parts = std::make_shared<Tokenizer::Parts>();
  if (!normalizer.is_null()) parts->normalizer = TRY(build_normalizer({normalizer, "normalizer"}));
  if (!pre_tokenizer.is_null()) parts->pre_tokenizer = TRY(build_pretokenizer({pre_tokenizer, "pre_tokenizer"}));
  if (!post_processor.is_null()) parts->post_processor = TRY(build_postprocessor({post_processor, "post_processor"}));
  if (!decoder.is_null()) parts->decoder = TRY(build_decoder({decoder, "decoder"}));
  parts->model = std::move(model_);
  parts->added = AddedTokens::make(tokens_to_find(), *parts->model, parts->normalizer.get());
  parts->finish();
  return parts;
}

}  // namespace hearth::tokenizers
