// Source: tiktoken 0.14 tiktoken_ext/openai_public.py (patterns and special tokens of the named encodings);
// transformers 5.23.0 integrations/mistral/tokenizer.py (MistralConverter), tokenization_utils_tokenizers.py.
#include "tokenizers/auto/single_file.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/files.h"
#include "base/text.h"
#include "tokenizers/auto/loading.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/auto/sentencepiece.h"
#include "tokenizers/auto/tiktoken.h"
#include "tokenizers/auto/vocabulary_files.h"
#include "tokenizers/pipeline/byte_alphabet.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

constexpr uint64_t kFileMax = 256u << 20;
constexpr int64_t kSpecialMax = 100'000;

using Ranks = std::vector<std::pair<std::string, int64_t>>;

struct NamedToken {
  std::string text;
  int64_t id;
};

struct NamedEncoding {
  std::string_view name, pattern, special_tokens;  // "TEXT=ID TEXT=ID"
};

// The patterns of r50k and cl100k are written here as tokenizer.json files spell them: tiktoken's cut the same, with
// possessive quantifiers.
constexpr std::string_view kO200kPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr NamedEncoding kEncodings[] = {
    {"r50k_base", kGpt2Pattern, "<|endoftext|>=50256"},
    {"p50k_base", kGpt2Pattern, "<|endoftext|>=50256"},
    {"p50k_edit", kGpt2Pattern, "<|endoftext|>=50256 <|fim_prefix|>=50281 <|fim_middle|>=50282 <|fim_suffix|>=50283"},
    {"cl100k_base", kLlama3Pattern,
     "<|endoftext|>=100257 <|fim_prefix|>=100258 <|fim_middle|>=100259 <|fim_suffix|>=100260 <|endofprompt|>=100276"},
    {"o200k_base", kO200kPattern, "<|endoftext|>=199999 <|endofprompt|>=200018"},
};

// Byte-level BPE of ranks. The special tokens stand in the vocabulary, which keeps their ids whatever gaps there are.
Result<Backend> byte_level(const Ranks& ranks, std::string_view pattern, const std::vector<NamedToken>& tokens) {
  Json model = tiktoken_model(ranks);
  std::vector<AddedToken> added;
  Json vocab = model["vocab"];
  for (const auto& token : tokens) {
    const auto taken = std::find_if(ranks.begin(), ranks.end(), [&](const auto& r) { return r.second == token.id; });
    if (taken != ranks.end())
      return Status(Code::bad_input, cat("the id ", token.id, " of ", token.text, " is the rank of another token"));
    vocab.object().push_back({token.text, token.id});
    added.push_back({.content = token.text, .special = true});
  }
  model.set("vocab", std::move(vocab));
  Backend backend;
  TRY(backend.set_model(std::move(model)));
  backend.add_tokens(added);
  backend.pre_tokenizer =
      part::pre_tokenizers({part::split_regex(pattern), part::byte_level(false, /*use_regex=*/false)});
  backend.decoder = part::byte_level(true);
  backend.post_processor = part::byte_level(true, true, /*trim_offsets=*/false);
  return backend;
}

Result<Tokenizer> whole(Result<Backend> backend) {
  if (!backend.ok()) return std::move(backend).status();
  return Tokenizer(TRY(backend->take_parts()));
}

Result<Tokenizer> read_ranks(const Ranks& ranks, std::string_view name) {
  for (const auto& known : kEncodings) {
    if (!name.starts_with(known.name)) continue;
    std::vector<NamedToken> tokens;
    for (const auto word : split(known.special_tokens, ' ')) {
      const auto equals = word.rfind('=');
      tokens.push_back({std::string(word.substr(0, equals)), parse_int(word.substr(equals + 1)).value_or(0)});
    }
    return whole(byte_level(ranks, known.pattern, tokens));
  }
  return whole(byte_level(ranks, kLlama3Pattern, {}));
}

Result<Tokenizer> read_bytes(const std::string& path) {
  const auto bytes = TRY(read_file(path, kFileMax));
  if (path.ends_with(".json")) return read_tekken(bytes);
  const auto ranks = read_tiktoken(bytes);
  if (ranks.ok()) return read_ranks(*ranks, path_name(path));
  if (path.ends_with(".tiktoken")) return ranks.status().clone();
  Loading l;
  l.type = find_tokenizer_class("TokenizersBackend");
  l.kwargs = Json::Object{};
  TRY(take_sentencepiece(l, TRY(SentencePieceModel::parse(bytes))));
  TRY(l.init_base());
  SpecialTokens roles;
  for (const auto& [name, id] :
       {std::pair{"bos_token", &roles.bos}, std::pair{"eos_token", &roles.eos}, std::pair{"unk_token", &roles.unk}})
    if (const auto token = l.token(name)) *id = l.backend.token_to_id(*token);
  auto parts = TRY(l.backend.take_parts());
  parts->special_tokens = roles;
  return Tokenizer(std::move(parts));
}

}  // namespace

Result<Backend> tekken_backend(std::string_view text) {
  const Json json = TRY(Json::parse(text));
  const ConfigView root(json, "");
  const ConfigView config = root["config"];
  const auto pattern = TRY(config.string("pattern"));
  if (json["special_tokens"].is_null())
    return Status(Code::unsupported, "there are no special_tokens: the older form of tekken.json is not read");
  std::vector<NamedToken> tokens;
  for (const auto& row : TRY(root["special_tokens"].elements()))
    tokens.push_back({TRY(row.string("token_str")), TRY(row.integer("rank", 0, kSpecialMax))});
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].id != static_cast<int64_t>(i))
      return Status(Code::bad_input, cat("special_tokens: the ranks must be 0, 1, 2 ...; there is no ", i));
  const auto known = static_cast<int64_t>(tokens.size());
  const auto count = config["default_num_special_tokens"].json().as_int(known);
  if (count < known || count > kSpecialMax)
    return Status(Code::bad_input,
                  cat("config.default_num_special_tokens is ", count, ", outside ", known, " to ", kSpecialMax));
  for (int64_t i = known; i < count; ++i) tokens.push_back({cat("<SPECIAL_", i, ">"), i});
  const auto limit = config["default_vocab_size"].json().as_int(INT32_MAX) - count;
  Ranks ranks;
  for (const auto& row : TRY(root["vocab"].elements())) {
    if (static_cast<int64_t>(ranks.size()) >= limit) break;  // what the model was not trained with
    auto bytes = from_base64(TRY(row.string("token_bytes")));
    if (!bytes.ok()) return std::move(bytes).status().with(cat("vocab[", ranks.size(), "].token_bytes"));
    ranks.emplace_back(*std::move(bytes), count + static_cast<int64_t>(ranks.size()));
  }
  if (ranks.empty()) return Status(Code::bad_input, "vocab: there are no tokens");
  return byte_level(ranks, pattern, tokens);
}

Result<Tokenizer> read_tekken(std::string_view text) {
  return whole(tekken_backend(text));
}

bool is_single_file(std::string_view path) {
  const auto name = path_name(path);
  return name.ends_with(".model") || name.ends_with(".spm") || name.ends_with(".tiktoken") ||
         (contains(name, "tekken") && name.ends_with(".json"));
}

Result<Tokenizer> read_single_file(const std::string& path) {
  auto out = read_bytes(path);
  if (!out.ok()) return std::move(out).status().with(path);
  return out;
}

}  // namespace hearth::tokenizers
