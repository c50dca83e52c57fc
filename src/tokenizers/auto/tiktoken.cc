#include "tokenizers/auto/tiktoken.h"

#include "base/encoding.h"
#include "base/text.h"
#include "tokenizers/auto/merges.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/pipeline/byte_alphabet.h"

namespace hearth::tokenizers {

Result<std::vector<std::pair<std::string, int64_t>>> read_tiktoken(std::string_view text) {
  std::vector<std::pair<std::string, int64_t>> out;
  size_t number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty()) continue;
    const auto space = line.find(' ');
    const auto rank = space == line.npos ? std::nullopt : parse_int(trim(line.substr(space)));
    if (!rank || *rank < 0 || *rank > INT32_MAX)
      return Status(Code::bad_input, cat("line ", number, " is not a token in base64 and a rank"));
    auto token = from_base64(line.substr(0, space));
    if (!token.ok()) return std::move(token).status().with(cat("line ", number));
    if (token->size() > 4096)
      return Status(Code::bad_input, cat("line ", number, ": a token of ", token->size(), " bytes"));
    out.emplace_back(*std::move(token), *rank);
  }
  if (out.empty()) return Status(Code::bad_input, "there are no tokens: this is no tiktoken file");
  return out;
}

Json tiktoken_model(const std::vector<std::pair<std::string, int64_t>>& ranks) {
  std::vector<std::pair<std::string_view, int64_t>> views;
  Json::Object vocab;
  vocab.reserve(ranks.size());
  for (const auto& [token, rank] : ranks) {
    views.emplace_back(token, rank);
    vocab.push_back({spell_bytes(token), rank});
  }
  Json::Array merges;
  for (const auto& [left, right] : merges_of_ranks(views))
    merges.push_back(Json::Array{spell_bytes(left), spell_bytes(right)});
  return part::typed("BPE", {{"ignore_merges", true}, {"vocab", std::move(vocab)}, {"merges", std::move(merges)}});
}

}  // namespace hearth::tokenizers
