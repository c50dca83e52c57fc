#include "tokenizers/gguf_vocabulary.h"

#include <algorithm>
#include <unordered_map>

#include "base/encoding.h"
#include "base/text.h"
#include "tokenizers/auto/gguf_pre.h"

namespace hearth {
namespace {

constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6;
constexpr int64_t kTokensMax = 10'000'000;

/// A part and those inside it, whatever it calls them.
std::vector<const Json*> steps_of(const Json& part) {
  std::vector<const Json*> out;
  for (const auto key : {"pretokenizers", "normalizers", "decoders"})
    for (const auto& step : part[key].array())
      for (const auto* inner : steps_of(step)) out.push_back(inner);
  if (out.empty() && part.is_object()) out.push_back(&part);
  return out;
}

const Json* find_step(const Json& part, std::string_view type) {
  for (const auto* step : steps_of(part))
    if ((*step)["type"].as_string() == type) return step;
  return nullptr;
}

/// merges, as "a b": files have them so or as pairs.
Result<std::vector<std::string>> read_merges(const Json& model) {
  std::vector<std::string> out;
  for (const auto& merge : model["merges"].array()) {
    if (merge.is_string() && contains(merge.as_string(), " ")) {
      out.emplace_back(merge.as_string());
    } else if (merge.is_array() && merge.size() == 2) {
      out.push_back(cat(merge.array()[0].as_string(), " ", merge.array()[1].as_string()));
    } else {
      return Status(Code::bad_input, "tokenizer.json: model.merges holds what is no merge");
    }
  }
  return out;
}

bool is_byte(std::string_view token) {
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with('>');
}

/// A vocabulary's tokens and ids: Unigram's is a list of tokens and scores, the others' an object.
std::vector<std::pair<std::string_view, Json>> rows_of(const Json& vocab) {
  std::vector<std::pair<std::string_view, Json>> out;
  for (const auto& [token, id] : vocab.object()) out.emplace_back(token, id);
  for (const auto& row : vocab.array())
    out.emplace_back(row.size() == 2 ? row.array()[0].as_string() : std::string_view(),
                     static_cast<int64_t>(out.size()));
  return out;
}

Status read_tokens(const Json& json, int64_t size, GgufVocabulary& out) {
  const auto add = [&](std::string_view token, const Json& id, int32_t type) -> Status {
    if (!id.is_int() || id.as_int() < 0 || id.as_int() >= kTokensMax)
      return {Code::bad_input, cat("tokenizer.json: the id of ", printable(token), " is ", id.dump())};
    const auto at = static_cast<size_t>(id.as_int());
    for (auto i = out.tokens.size(); i <= at; ++i) {
      out.tokens.push_back(cat("[PAD", i, "]"));
      out.token_types.push_back(kUnused);
    }
    out.tokens[at] = token;
    out.token_types[at] = type;
    return {};
  };
  const auto rows = rows_of(json["model"]["vocab"]);
  const auto unknown_id = static_cast<size_t>(json["model"]["unk_id"].as_int(-1));
  const auto unknown = unknown_id < rows.size() ? std::string(rows[unknown_id].first)
                                                : std::string(json["model"]["unk_token"].as_string());
  for (const auto& [token, id] : rows) TRY(add(token, id, is_byte(token) ? kByte : kNormal));
  for (const auto& token : json["added_tokens"].array()) {
    const auto text = token["content"].as_string();
    TRY(add(text, token["id"], text == unknown ? kUnknown : token["special"].as_bool(false) ? kControl : kUserDefined));
  }
  for (auto i = static_cast<int64_t>(out.tokens.size()); i < std::min(size, kTokensMax); ++i) {
    out.tokens.push_back(cat("[PAD", i, "]"));
    out.token_types.push_back(kUnused);
  }
  return {};
}

/// SentencePiece's Unigram. What is not in its list is never made, so its score is far below all.
Result<GgufVocabulary> unigram(const Json& json, int64_t size) {
  GgufVocabulary out{.model = "t5", .pre = "default"};
  TRY(read_tokens(json, size, out));
  constexpr float kNever = -10000;
  out.scores.assign(out.tokens.size(), kNever);
  size_t at = 0;
  for (const auto& row : json["model"]["vocab"].array()) {
    if (row.size() != 2 || !row.array()[1].is_number())
      return Status(Code::bad_input, "tokenizer.json: model.vocab holds what is no token with a score");
    const auto& score = row.array()[1];
    out.scores[at++] = static_cast<float>(score.as_double(static_cast<double>(score.as_int())));
  }
  for (const auto* step : steps_of(json["normalizer"])) {
    const auto type = (*step)["type"].as_string();
    if (type == "Precompiled") {
      const auto bytes = from_base64((*step)["precompiled_charsmap"].as_string());
      if (!bytes.ok()) return Status(Code::bad_input, "tokenizer.json: precompiled_charsmap is not base64");
      out.charsmap.assign(bytes->begin(), bytes->end());
    } else if (type != "Strip" && type != "Replace") {  // these two are remove_extra_whitespaces
      return Status(Code::unsupported, cat("a Unigram tokenizer that normalizes by ", type, " is not written to GGUF"));
    }
  }
  const auto* metaspace = find_step(json["pre_tokenizer"], "Metaspace");
  out.add_space_prefix = metaspace && (*metaspace)["prepend_scheme"].as_string("always") != "never";
  out.remove_extra_whitespaces = true;
  return out;
}

}  // namespace

Result<GgufVocabulary> gguf_vocabulary(const Json& json, int64_t size) {
  const auto& model = json["model"];
  if (model["type"].as_string() == "Unigram") return unigram(json, size);
  if (model["type"].as_string() != "BPE" && !model["merges"].is_array())
    return Status(Code::unsupported, cat("a tokenizer of kind ", model["type"].dump(),
                                         " is not written to GGUF, only BPE and Unigram are"));
  GgufVocabulary out;
  TRY(read_tokens(json, size, out));
  auto merges = TRY(read_merges(model));
  if (find_step(json["pre_tokenizer"], "ByteLevel")) {
    out.model = "gpt2";
    out.merges = std::move(merges);
    const auto pre = tokenizers::gguf_pre_of(json["pre_tokenizer"], model["ignore_merges"].as_bool(false));
    if (pre.empty())
      return Status(Code::unsupported,
                    "tokenizer.json cuts text in a way that has no name in GGUF (tokenizer.ggml.pre)");
    out.pre = pre;
    return out;
  }
  if (!model["byte_fallback"].as_bool(false))
    return Status(Code::unsupported, "a BPE tokenizer that is neither byte-level nor SentencePiece's is not written");
  out.model = "llama";
  const auto* metaspace = find_step(json["pre_tokenizer"], "Metaspace");
  out.add_space_prefix = metaspace ? (*metaspace)["prepend_scheme"].as_string() != "never"
                                   : find_step(json["normalizer"], "Prepend") != nullptr;
  // Earlier merges have better scores; a token that no merge makes is never made, so its score is the lowest.
  std::unordered_map<std::string_view, size_t> ids;
  for (size_t i = 0; i < out.tokens.size(); ++i) ids.emplace(out.tokens[i], i);
  out.scores.assign(out.tokens.size(), -static_cast<float>(merges.size()) - 1);
  for (size_t rank = merges.size(); rank-- > 0;) {
    std::string joined = merges[rank];
    joined.erase(joined.find(' '), 1);
    if (const auto found = ids.find(joined); found != ids.end()) out.scores[found->second] = -static_cast<float>(rank);
  }
  return out;
}

}  // namespace hearth
