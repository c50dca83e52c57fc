#include "tokenizers/auto/vocabulary_files.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/files.h"
#include "base/text.h"
#include "base/unicode.h"
#include "tokenizers/auto/merges.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/auto/sentencepiece.h"
#include "tokenizers/auto/single_file.h"
#include "tokenizers/auto/tiktoken.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

constexpr uint64_t kFileMax = 256u << 20;

std::string_view without_line_end(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

// Rust's trim_end: Unicode white space.
std::string_view trim_end(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (text[begin] & 0xC0) == 0x80) --begin;
    size_t at = begin;
    if (!unicode::is(utf8_next(text, at), unicode::space)) break;
    text = text.substr(0, begin);
  }
  return text;
}

// A token a line, its number the id. Source: tokenizers models/wordpiece/mod.rs read_file.
Result<Json> read_vocab_txt(const std::string& path) {
  const auto text = TRY(read_file(path, kFileMax));
  if (!is_utf8(text)) return Status(Code::bad_input, cat(path, ": is not UTF-8"));
  std::string_view rest = text;
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  std::vector<std::string_view> lines = split(rest, '\n');
  // Of equal lines the last counts, as in a map.
  Json::Object out;
  out.reserve(lines.size());
  for (const auto line : lines) out.push_back({std::string(trim_end(line)), static_cast<int64_t>(out.size())});
  return Json(std::move(out));
}

// Source: tokenizers models/bpe/model.rs read_file.
Result<Json> read_merges_txt(const std::string& path) {
  const auto text = TRY(read_file(path, kFileMax));
  if (!is_utf8(text)) return Status(Code::bad_input, cat(path, ": is not UTF-8"));
  std::string_view rest = text;
  if (rest.ends_with('\n')) rest.remove_suffix(1);
  Json::Array out;
  size_t number = 0;
  for (const auto raw : split(rest, '\n')) {
    ++number;
    const auto line = without_line_end(raw);
    if (line.starts_with("#version")) continue;
    const auto words = split(line, ' ');
    if (words.size() != 2)
      return Status(Code::bad_input, cat(path, ": line ", number, " is not two tokens with a space"));
    out.push_back(Json::Array{words[0], words[1]});
  }
  return Json(std::move(out));
}

Result<Json> read_vocab_json(const std::string& path) {
  const auto text = TRY(read_file(path, kFileMax));
  auto json = Json::parse(text);
  if (!json.ok()) return std::move(json).status().with(path);
  if (!json->is_object()) return Status(Code::bad_input, cat(path, ": must be an object of token to id"));
  return json;
}

// A class without code of its own. Source: SpmConverter.build_tokenizer_from_spm_proto.
Status build_plain(Loading& l, const SentencePieceModel& model) {
  auto& b = l.backend;
  if (l.vocab.is_object()) {
    TRY(l.set_bpe({.unk_token = model.unk_piece, .fuse_unk = true, .byte_fallback = model.byte_fallback}));
  } else {
    TRY(l.set_unigram(model.unk_id, model.byte_fallback));
  }
  Json::Array steps;
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  steps.push_back(part::replace(" ", part::kUnderline));
  b.normalizer = part::normalizers(std::move(steps));
  b.decoder = model.byte_fallback ? part::byte_fallback_decoder(/*strip=*/false)
                                  : part::decoders({part::replace(part::kUnderline, " ")});
  const auto set_default = [&](std::string_view name, int64_t id, std::string_view piece) {
    if (id >= 0 && l.kwargs.find(name) == nullptr) l.kwargs.set(name, piece);
  };
  set_default("bos_token", model.bos_id, model.bos_piece);
  set_default("eos_token", model.eos_id, model.eos_piece);
  set_default("unk_token", model.unk_id, model.unk_piece);
  return {};
}

// Source: TikTokenConverter and _convert_from_tiktoken: added tokens beyond the ranks keep their ids, gaps are filled.
Status take_tiktoken(Loading& l, const std::vector<std::pair<std::string, int64_t>>& ranks) {
  auto& b = l.backend;
  TRY(b.set_model(tiktoken_model(ranks)));
  l.rebuilt = true;
  b.pre_tokenizer =
      part::pre_tokenizers({part::split_regex(kLlama3Pattern), part::byte_level(false, /*use_regex=*/false)});
  b.decoder = part::byte_level(true);
  b.post_processor = part::byte_level(true, true, /*trim_offsets=*/false);
  std::vector<AddedToken> tokens;
  const auto add = [&](std::string content) { tokens.push_back({.content = std::move(content), .special = true}); };
  const auto base = static_cast<int64_t>(ranks.size());
  int64_t last = -1;
  for (const auto& [id, json] : l.kwargs["added_tokens_decoder"].object())
    last = std::max(last, parse_int(id).value_or(-1));
  if (last > base + 1'000'000)
    return Status(Code::bad_input, cat("added_tokens_decoder: the id ", last, " is far beyond the ranks"));
  for (int64_t id = base; id <= last; ++id) {
    const auto& json = l.kwargs["added_tokens_decoder"][cat(id)];
    add(json.is_object() ? std::string(json["content"].as_string()) : cat("<|reserved_token_", id, "|>"));
  }
  for (const auto& json : l.kwargs["extra_special_tokens"].array())
    add(std::string(json.is_object() ? json["content"].as_string() : json.as_string()));
  for (const auto& [name, json] : l.kwargs["extra_special_tokens"].object()) add(name);
  b.add_tokens(tokens);
  return {};
}

// The file that the class names, or one that every class takes.
std::string model_file(const std::string& folder, std::string_view name) {
  for (const std::string_view known : {std::string_view("tokenizer.model"), std::string_view("tiktoken.model"), name}) {
    if (!known.ends_with(".model")) continue;
    auto path = path_join(folder, known);
    if (exists(path)) return path;
  }
  return {};
}

}  // namespace

// Source: SentencePieceExtractor.extract.
Status take_sentencepiece(Loading& l, SentencePieceModel model) {
  const bool bpe = l.type->model == "BPE" || (l.type->model.empty() && model.model_type != 1);
  Json::Array added;
  for (const auto& piece : model.pieces) {
    if (piece.type != PieceType::control && piece.type != PieceType::user_defined) continue;
    Json json = added_token_json({.content = piece.text, .special = piece.type == PieceType::control});
    json.set("__type", "AddedToken");
    added.push_back(std::move(json));
  }
  l.kwargs.set("additional_special_tokens", std::move(added));
  if (!model.precompiled_charsmap.empty()) l.charsmap = Json(to_base64(model.precompiled_charsmap));
  if (bpe) {
    Json::Object vocab;
    std::vector<std::string_view> texts;
    for (const auto& piece : model.pieces) {
      vocab.push_back({piece.text, static_cast<int64_t>(texts.size())});
      texts.push_back(piece.text);
    }
    Json::Array merges;
    for (const auto& [left, right] : merges_of_ids(texts, {})) merges.push_back(Json::Array{left, right});
    l.vocab = Json(std::move(vocab));
    l.merges = Json(std::move(merges));
  } else {
    l.kwargs.set("unk_id", model.unk_id);
    Json::Array vocab;
    for (const auto& piece : model.pieces) vocab.push_back(Json::Array{piece.text, double{piece.score}});
    l.vocab = Json(std::move(vocab));
  }
  if (l.type->arrange != nullptr) l.type->arrange(l);
  return l.type->build == nullptr ? build_plain(l, model) : Status();
}

Status read_vocabulary_files(const std::string& folder, Loading& l) {
  const auto file = path_join(folder, l.type->vocab_file);
  const auto merges = path_join(folder, l.type->merges_file);
  if (l.type->vocab_file.ends_with(".txt") && exists(file)) {
    l.vocab = TRY(read_vocab_txt(file));
  } else if (l.type->vocab_file.ends_with(".json") && exists(file)) {
    l.vocab = TRY(read_vocab_json(file));
    if (exists(merges)) l.merges = TRY(read_merges_txt(merges));
  } else if (const auto path = model_file(folder, l.type->vocab_file); !path.empty()) {
    const auto bytes = TRY(read_file(path, kFileMax));
    auto ranks = read_tiktoken(bytes);
    // The words of a tiktoken file are no message, and a message is no list of words.
    if (ranks.ok()) return take_tiktoken(l, *ranks);
    auto model = SentencePieceModel::parse(bytes);
    if (!model.ok()) return std::move(model).status().with(path);
    return take_sentencepiece(l, *std::move(model));
  } else if (const auto tekken = path_join(folder, "tekken.json"); exists(tekken)) {
    auto backend = tekken_backend(TRY(read_file(tekken, kFileMax)));
    if (!backend.ok()) return std::move(backend).status().with(tekken);
    l.backend = *std::move(backend);
  }
  return {};
}

}  // namespace hearth::tokenizers
