#include "tokenizers/auto/vocabulary_files.h"

#include "base/files.h"
#include "base/text.h"
#include "base/unicode.h"

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

}  // namespace

Status read_vocabulary_files(const std::string& folder, Loading& l) {
  const auto file = path_join(folder, l.type->vocab_file);
  const auto merges = path_join(folder, l.type->merges_file);
  if (l.type->vocab_file.ends_with(".txt") && exists(file)) {
    l.vocab = TRY(read_vocab_txt(file));
  } else if (l.type->vocab_file.ends_with(".json") && exists(file)) {
    l.vocab = TRY(read_vocab_json(file));
    if (exists(merges)) l.merges = TRY(read_merges_txt(merges));
  }
  return {};
}

}  // namespace hearth::tokenizers
