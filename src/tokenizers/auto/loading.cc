#include "tokenizers/auto/loading.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "tokenizers/auto/part_json.h"

namespace hearth::tokenizers {

namespace {

constexpr std::string_view kNamed[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                       "pad_token", "cls_token", "mask_token"};

bool is_named(std::string_view key) {
  return std::find(std::begin(kNamed), std::end(kNamed), key) != std::end(kNamed);
}

// A str or {"__type": "AddedToken", ...}; nothing for other values.
Result<std::optional<TokenValue>> token_value(const Json& json, std::string_view name) {
  TokenValue out;
  if (json.is_string()) {
    out.token.content = std::string(json.as_string());
    return std::optional(std::move(out));
  }
  if (json["__type"].as_string() != "AddedToken") return std::optional<TokenValue>();
  out.token = TRY(read_added_token({json, std::string(name)}));
  out.is_text = false;
  return std::optional(std::move(out));
}

Json or_null(std::optional<std::string_view> text) {
  return text ? Json(*text) : Json();
}

Json sequence_item(std::string_view id, int64_t type_id) {
  return Json::Object{{"Sequence", Json::Object{{"id", id}, {"type_id", type_id}}}};
}

Json special_item(std::string_view token, int64_t type_id) {
  return Json::Object{{"SpecialToken", Json::Object{{"id", token}, {"type_id", type_id}}}};
}

// Collects the special tokens of a TemplateProcessing while its pieces are made.
struct TemplateBuilder {
  const Loading& loading;
  Json::Object special_tokens;

  Status add_token(Json::Array& pieces, const std::string& text, int64_t type_id) {
    const auto id = loading.id_of(text);
    if (!id) {
      return Status(Code::bad_input, cat(loading.type->name, " puts '", text.substr(0, 80),
                                         "' around texts, but the vocabulary has neither it nor an unknown token"));
    }
    pieces.push_back(special_item(text, type_id));
    for (const auto& known : special_tokens)
      if (known.first == text) return {};
    special_tokens.push_back(
        {text, Json::Object{{"id", text}, {"ids", Json::Array{Json(*id)}}, {"tokens", Json::Array{Json(text)}}}});
    return {};
  }

  Result<Json::Array> pieces(std::string_view words) {
    Json::Array out;
    for (auto word : split(words, ' ')) {
      if (word.empty()) continue;
      int64_t type_id = 0;
      const auto colon = word.rfind(':');
      if (colon != word.npos && colon + 2 == word.size() && word[colon + 1] >= '0' && word[colon + 1] <= '9') {
        type_id = word[colon + 1] - '0';
        word = word.substr(0, colon);
      }
      if (word == "$A" || word == "$B") {
        out.push_back(sequence_item(word.substr(1), type_id));
        continue;
      }
      std::string text(word);
      if (word.ends_with("_token")) text = loading.token(word).value_or("None");
      TRY(add_token(out, text, type_id));
    }
    return out;
  }

  Json take(Json::Array single, Json::Array pair) {
    return part::typed(
        "TemplateProcessing",
        {{"single", std::move(single)}, {"pair", std::move(pair)}, {"special_tokens", std::move(special_tokens)}});
  }
};

}  // namespace

bool Loading::flag(std::string_view name, bool otherwise) const {
  const auto& value = kwargs[name];
  return value.is_null() ? otherwise : value.as_bool(otherwise);
}

std::string_view Loading::text(std::string_view name, std::string_view otherwise) const {
  return kwargs[name].as_string(otherwise);
}

std::string Loading::argument(std::string_view name) const {
  const auto& value = kwargs[name];
  return std::string(value.is_object() ? value["content"].as_string() : value.as_string());
}

std::string Loading::argument(std::string_view name, std::string_view otherwise) const {
  auto text = argument(name);
  return text.empty() ? std::string(otherwise) : text;
}

void Loading::enclose_pieces(size_t skip, const std::vector<std::string>& before,
                             const std::vector<std::string>& after) {
  Json::Array pieces = std::move(vocab.array()), out;
  out.reserve(before.size() + pieces.size() + after.size());
  for (const auto& token : before) out.push_back(Json::Array{token, 0.0});
  for (size_t i = skip; i < pieces.size(); ++i) out.push_back(std::move(pieces[i]));
  for (const auto& token : after) out.push_back(Json::Array{token, 0.0});
  vocab = Json(std::move(out));
}

void Loading::wrap(std::string_view name, AddedToken flags) {
  if (!kwargs[name].is_string()) return;
  flags.content = std::string(kwargs[name].as_string());
  Json token = added_token_json(flags);
  token.set("__type", "AddedToken");
  kwargs.set(name, std::move(token));
}

Status Loading::set_bpe(const BpeConfig& config) {
  rebuilt = true;
  if (vocab.is_array()) {  // a Unigram list: each piece is known by its place
    Json::Object ids;
    for (auto& row : vocab.array())
      ids.push_back({std::string(row.is_array() && row.size() > 0 ? row.array()[0].as_string() : row.as_string()),
                     static_cast<int64_t>(ids.size())});
    vocab = Json(std::move(ids));
  }
  if (!vocab.is_object()) vocab = Json(Json::Object{});
  if (!merges.is_array()) merges = Json(Json::Array{});
  return backend.set_model(part::typed("BPE", {{"dropout", nullptr},
                                               {"unk_token", config.unk_token},
                                               {"continuing_subword_prefix", or_null(config.continuing_subword_prefix)},
                                               {"end_of_word_suffix", or_null(config.end_of_word_suffix)},
                                               {"fuse_unk", config.fuse_unk},
                                               {"byte_fallback", config.byte_fallback},
                                               {"ignore_merges", config.ignore_merges},
                                               {"vocab", std::move(vocab)},
                                               {"merges", std::move(merges)}}));
}

Status Loading::set_wordpiece() {
  rebuilt = true;
  if (!vocab.is_object())
    return Status(Code::bad_input, cat(type->name, " needs a WordPiece vocabulary (an object of token to id)"));
  return backend.set_model(part::typed("WordPiece", {{"unk_token", argument("unk_token")},
                                                     {"continuing_subword_prefix", "##"},
                                                     {"max_input_chars_per_word", 100},
                                                     {"vocab", std::move(vocab)}}));
}

Status Loading::set_unigram(int64_t unk_id, bool byte_fallback) {
  rebuilt = true;
  if (!vocab.is_array())
    return Status(Code::bad_input, cat(type->name, " needs a Unigram vocabulary (a list of pieces with scores)"));
  return backend.set_model(
      part::typed("Unigram", {{"unk_id", unk_id}, {"vocab", std::move(vocab)}, {"byte_fallback", byte_fallback}}));
}

int64_t Loading::unigram_index(std::string_view token, int64_t otherwise, bool only_with_score_zero) const {
  int64_t index = 0;
  for (const auto& row : vocab.array()) {
    const auto& pair = row.array();
    if (pair.size() == 2 && pair[0].as_string() == token &&
        (!only_with_score_zero || (pair[1].is_int() ? pair[1].as_int() == 0 : pair[1].as_double() == 0)))
      return index;
    ++index;
  }
  return otherwise;
}

std::optional<std::string> Loading::token(std::string_view name) const {
  for (const auto& [key, value] : special_tokens)
    if (key == name) return value.token.content;
  return std::nullopt;
}

std::optional<TokenId> Loading::id_of(std::string_view text) const {
  if (const auto id = backend.token_to_id(text)) return id;
  const auto unk = token("unk_token");
  return unk && *unk != text ? backend.token_to_id(*unk) : std::nullopt;
}

Status Loading::set_template(std::string_view single, std::string_view pair) {
  TemplateBuilder builder{*this, {}};
  auto one = TRY(builder.pieces(single));
  auto two = TRY(builder.pieces(pair));
  backend.post_processor = builder.take(std::move(one), std::move(two));
  return {};
}

Status Loading::set_template(const std::vector<std::string>& prefix, const std::vector<std::string>& suffix,
                             std::string_view suffix_type_of_pair, std::string_view second_type) {
  TemplateBuilder builder{*this, {}};
  const int64_t suffix_type = suffix_type_of_pair[0] - '0', text_type = second_type[0] - '0';
  Json::Array single, pair;
  for (const auto& token : prefix) TRY(builder.add_token(single, token, 0));
  for (const auto& token : prefix) TRY(builder.add_token(pair, token, 0));
  single.push_back(sequence_item("A", 0));
  pair.push_back(sequence_item("A", 0));
  pair.push_back(sequence_item("B", text_type));
  for (const auto& token : suffix) TRY(builder.add_token(single, token, 0));
  for (const auto& token : suffix) TRY(builder.add_token(pair, token, suffix_type));
  backend.post_processor = builder.take(std::move(single), std::move(pair));
  return {};
}

Status Loading::set_cls_sep(std::string_view kind, std::string_view cls, std::string_view sep, Json::Object more) {
  const auto pair = [&](std::string_view name) -> Result<std::pair<std::string, int64_t>> {
    const auto text = token(name).value_or("");
    const auto id = id_of(text);
    if (!id) return Status(Code::bad_input, cat(type->name, ": ", name, " '", text, "' is not in the vocabulary"));
    return std::pair<std::string, int64_t>(text, *id);
  };
  const auto first = TRY(pair(cls)), last = TRY(pair(sep));
  backend.post_processor = part::cls_sep(kind, last, first, std::move(more));
  return {};
}

Status Loading::update_post_processor() {
  add_bos_token = add_bos_token && token("bos_token");
  add_eos_token = add_eos_token && token("eos_token");
  std::string single, pair;
  for (const char* sequence : {"A", "B"}) {
    const char* type_id = *sequence == 'A' ? ":0" : ":1";
    if (add_bos_token) pair += cat(" bos_token", type_id);
    pair += cat(" $", sequence, type_id);
    if (add_eos_token) pair += cat(" eos_token", type_id);
    if (single.empty()) single = pair;
  }
  return set_template(single, pair);
}

// As the base class sorts its keyword arguments into named tokens, tokens of this model, and extra ones.
Status Loading::read_special_tokens() {
  if (kwargs.find("additional_special_tokens") != nullptr && kwargs.find("extra_special_tokens") == nullptr)
    kwargs.set("extra_special_tokens", kwargs["additional_special_tokens"]);
  std::vector<std::pair<std::string, TokenValue>> named, own;
  const auto put = [](auto& list, std::string_view key, TokenValue value) {
    for (auto& [known, old] : list)
      if (known == key) return void(old = std::move(value));
    list.emplace_back(key, std::move(value));
  };
  const auto& extra = kwargs["extra_special_tokens"];
  for (const auto& row : extra.array()) {
    auto value = TRY(token_value(row, "extra_special_tokens"));
    if (!value) return Status(Code::bad_input, "extra_special_tokens: each must be a string or an AddedToken");
    extra_special_tokens.push_back(*std::move(value));
  }
  for (const auto& [key, json] : kwargs.object()) {
    auto value = TRY(token_value(json, key));
    if (!value) continue;
    if (is_named(key)) {
      put(named, key, *std::move(value));
    } else if (key.ends_with("_token")) {
      put(own, key, *std::move(value));
    }
  }
  for (const auto* more : {&extra, &kwargs["model_specific_special_tokens"]}) {
    for (const auto& [key, json] : more->object()) {
      auto value = TRY(token_value(json, key));
      if (!value) return Status(Code::bad_input, cat("special token '", key, "' must be a string or an AddedToken"));
      put(own, key, *std::move(value));
    }
  }
  for (const auto key : kNamed)
    for (auto& [known, value] : named)
      if (known == key) special_tokens.emplace_back(known, std::move(value));
  for (auto& row : own) special_tokens.push_back(std::move(row));
  return {};
}

Status Loading::read_arguments() {
  TRY(read_special_tokens());
  for (const auto& [key, side] :
       {std::pair{"padding_side", &padding_side}, std::pair{"truncation_side", &truncation_side}}) {
    const auto value = text(key);
    if (value.empty()) continue;
    if (value != "left" && value != "right")
      return Status(Code::bad_input, cat(key, " '", value, "' is not known (left, right)"));
    *side = value == "left" ? Side::left : Side::right;
  }
  return {};
}

Status Loading::init_base() {
  if (truncation.is_object() && kwargs.find("truncation_side") == nullptr)
    kwargs.set("truncation_side", to_lower_ascii(truncation["direction"].as_string("Right")));
  if (padding.is_object()) {
    if (kwargs.find("pad_token") == nullptr) kwargs.set("pad_token", padding["pad_token"]);
    if (kwargs.find("padding_side") == nullptr)
      kwargs.set("padding_side", to_lower_ascii(padding["direction"].as_string("Right")));
  }
  const bool explicit_flags = kwargs.find("add_bos_token") != nullptr || kwargs.find("add_eos_token") != nullptr;
  add_bos_token = flag("add_bos_token", false);
  add_eos_token = flag("add_eos_token", false);
  if (!file_post_processor.is_null()) backend.post_processor = file_post_processor;
  bool update = explicit_flags || backend.post_processor.is_null();

  TRY(read_arguments());

  // Tokens that the configuration has and the backend lacks, or has with other flags.
  std::vector<AddedToken> add;
  for (const auto& token : added_tokens) {
    const auto* known = backend.find_added(token.content);
    if (known == nullptr || !same_token(*known, token)) add.push_back(token);
  }
  std::unordered_set<std::string> adding;
  for (const auto& token : add) adding.insert(token.content);
  const auto add_value = [&](const TokenValue& value) {
    if (backend.find_added(value.token.content) != nullptr || !adding.insert(value.token.content).second) return;
    add.push_back(value.is_text ? AddedToken{.content = value.token.content, .special = true} : value.token);
  };
  for (const auto& row : special_tokens) add_value(row.second);
  for (const auto& value : extra_special_tokens) add_value(value);
  for (auto& token : add)
    for (const auto& row : special_tokens) token.special |= row.second.token.content == token.content;
  backend.add_tokens(add);

  update = update || backend.post_processor.is_null();
  return update ? update_post_processor() : Status();
}

}  // namespace hearth::tokenizers
