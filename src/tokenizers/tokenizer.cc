#include "tokenizers/tokenizer.h"

#include "base/encoding.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/pipeline/serde_numbers.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

constexpr uint64_t kFileMax = 256u << 20;

Result<std::vector<AddedToken>> read_added_tokens(const ConfigView& config) {
  std::vector<AddedToken> out;
  if (config.json().is_null()) return out;
  for (const auto& row : TRY(config.elements())) {
    out.push_back(TRY(read_added_token(row)));
    TRY(row.integer("id", 0, INT32_MAX));
  }
  return out;
}

// `truncation` and `padding` of the file are a caller's settings of yesterday: like transformers, nobody applies them
// unasked.
Result<std::shared_ptr<Tokenizer::Parts>> parts_of_json(std::string_view text) {
  Json json = TRY(Json::parse(text));
  if (!json.is_object()) return ConfigView(json, "").bad("a tokenizer.json is an object");
  read_scores_as_serde(json);
  const ConfigView root(json, "");
  auto parts = std::make_shared<Tokenizer::Parts>();
  if (root.has("normalizer")) parts->normalizer = TRY(build_normalizer(root["normalizer"]));
  if (root.has("pre_tokenizer")) parts->pre_tokenizer = TRY(build_pretokenizer(root["pre_tokenizer"]));
  if (root.has("post_processor")) parts->post_processor = TRY(build_postprocessor(root["post_processor"]));
  if (root.has("decoder")) parts->decoder = TRY(build_decoder(root["decoder"]));
  parts->model = TRY(build_model(root["model"]));
  auto added = TRY(read_added_tokens(root["added_tokens"]));
  parts->added = AddedTokens::make(std::move(added), *parts->model, parts->normalizer.get());
  parts->finish();
  return parts;
}

// "</s>", or {"content": "</s>", ...}.
std::optional<TokenId> role(const Json& json, const Tokenizer::Parts& parts) {
  const auto content = (json.is_object() ? json["content"] : json).as_string();
  if (content.empty()) return std::nullopt;
  if (const auto* token = parts.added.find(content)) return token->id;
  const auto id = parts.model->token_to_id(content);
  return id < 0 ? std::nullopt : std::optional(id);
}

// One template, or a list of {"name", "template"} of which "default" is the one.
std::string default_template(const Json& json) {
  for (const auto& row : json.array())
    if (row["name"].as_string() == "default") return std::string(row["template"].as_string());
  return std::string(json.as_string());
}

}  // namespace

void Tokenizer::Parts::finish() {
  // Raw bytes pass from ByteLevel to the model, which then never sees the byte alphabet.
  if (pre_tokenizer && pre_tokenizer->leave_bytes(true) && !model->take_bytes()) pre_tokenizer->leave_bytes(false);
  if (pre_tokenizer && model->takes_text()) find_pieces = pre_tokenizer->find_pieces();
  find_token_bytes();
}

void Tokenizer::Parts::finish_with_words_of(const Parts& other) {
  pre_tokenizer = other.pre_tokenizer;
  model = other.model;
  find_pieces = other.find_pieces;
  find_token_bytes();
}

void Tokenizer::Parts::find_token_bytes() {
  const int64_t end = vocab_end();
  token_bytes_begin.assign(1, 0);
  for (TokenId id = 0; decoder && id < end; ++id) {
    if (const auto text = decoded_token(id)) {
      const auto bytes = decoder->token_bytes(*text);
      if (!bytes) break;
      token_bytes += *bytes;
    }
    token_bytes_begin.push_back(static_cast<uint32_t>(token_bytes.size()));
  }
  if (static_cast<int64_t>(token_bytes_begin.size()) != end + 1) {
    token_bytes.clear();
    token_bytes_begin.clear();
  }
}

int64_t Tokenizer::Parts::vocab_end() const {
  return std::max(model->ids_end(), added.ids_end());
}

std::optional<std::string_view> Tokenizer::Parts::token(TokenId id) const {
  if (const auto text = model->id_to_token(id)) return text;
  const auto* token = added.find(id);
  return token == nullptr ? std::nullopt : std::optional<std::string_view>(token->content);
}

std::optional<std::string_view> Tokenizer::Parts::decoded_token(TokenId id) const {
  if (const auto* token = added.find(id)) return token->decoded;
  return model->id_to_token(id);
}

bool Tokenizer::Parts::is_skipped(TokenId id) const {
  return added.skips(id);
}

Result<Tokenizer> Tokenizer::from_json(std::string_view text) {
  return Tokenizer(TRY(parts_of_json(text)));
}

Result<Tokenizer> Tokenizer::from_file(const std::string& path) {
  const auto text = TRY(read_file(path, kFileMax));
  auto parts = parts_of_json(text);
  if (!parts.ok()) return std::move(parts).status().with(path);
  return Tokenizer(*std::move(parts));
}

Result<Tokenizer> Tokenizer::from_folder(const std::string& path) {
  const auto file = path_join(path, "tokenizer.json");
  const auto text = TRY(read_file(file, kFileMax));
  auto built = parts_of_json(text);
  if (!built.ok()) return std::move(built).status().with(file);
  auto& parts = **built;
  const auto config_file = path_join(path, "tokenizer_config.json");
  if (exists(config_file)) {
    const auto config_text = TRY(read_file(config_file, kFileMax));
    auto config = Json::parse(config_text);
    if (!config.ok()) return std::move(config).status().with(config_file);
    parts.special_tokens = {.bos = role((*config)["bos_token"], parts),
                            .eos = role((*config)["eos_token"], parts),
                            .unk = role((*config)["unk_token"], parts),
                            .pad = role((*config)["pad_token"], parts)};
    parts.chat_template = default_template((*config)["chat_template"]);
  }
  const auto template_file = path_join(path, "chat_template.jinja");
  if (exists(template_file)) parts.chat_template = TRY(read_file(template_file, kFileMax));
  return Tokenizer(*std::move(built));
}

std::string Tokenizer::decode(std::span<const TokenId> ids, DecodeOptions options) const {
  const auto& p = *parts_;
  if (!p.token_bytes_begin.empty()) {
    std::string bytes;
    for (const TokenId id : ids)
      if (!options.skip_special_tokens || !p.is_skipped(id)) bytes += p.bytes_of(id);
    return is_utf8(bytes) ? bytes : utf8_replace_errors(bytes);
  }
  std::vector<std::string> tokens;
  for (const TokenId id : ids) {
    const auto token = p.decoded_token(id);
    if (token && (!options.skip_special_tokens || !p.is_skipped(id))) tokens.emplace_back(*token);
  }
  if (!p.decoder) return join(tokens, " ");
  p.decoder->decode(tokens);
  return join(tokens, "");
}

std::optional<TokenId> Tokenizer::token_to_id(std::string_view token) const {
  if (const auto* added = parts_->added.find(token)) return added->id;
  const auto id = parts_->model->token_to_id(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<std::string_view> Tokenizer::id_to_token(TokenId id) const {
  return parts_->decoded_token(id);
}

std::optional<std::string> Tokenizer::token_bytes(TokenId id) const {
  if (const auto bytes = parts_->bytes_of(id); !bytes.empty()) return std::string(bytes);
  const auto text = id_to_token(id).value_or("");
  if (text.size() != 6 || !text.starts_with("<0x") || !text.ends_with('>')) return std::nullopt;
  const auto byte = from_hex(text.substr(3, 2));
  return byte.ok() ? std::optional(*byte) : std::nullopt;
}

int64_t Tokenizer::vocab_size() const {
  return parts_->vocab_end();
}

bool Tokenizer::is_special(TokenId id) const {
  const auto* token = parts_->added.find(id);
  return token != nullptr && token->special;
}

const SpecialTokens& Tokenizer::special_tokens() const {
  return parts_->special_tokens;
}

const std::string& Tokenizer::chat_template() const {
  return parts_->chat_template;
}

}  // namespace hearth
