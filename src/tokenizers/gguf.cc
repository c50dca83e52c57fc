// A tokenizer from the vocabulary inside a GGUF file: byte-level BPE, cut as `tokenizer.ggml.pre` says.
// Source: ggml docs/gguf.md (tokenizer.ggml.*); llama.cpp src/llama-vocab.cpp for the names of `pre`; the
// tokenizer.json of each model for how it really cuts.
#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "tokenizers/pipeline/bpe_source.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/pipeline/scanners.h"
#include "tokenizers/pipeline/template.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

// How one value of `pre` cuts: the steps before ByteLevel.
struct Pre {
  std::string_view names;             // separated by spaces
  std::string_view patterns[6] = {};  // each a Split that isolates
  bool digits = false;                // Digits, one by one, comes first
  bool gpt2 = false;                  // ByteLevel cuts by GPT-2's expression
  bool ignore_merges = false;
  bool add_bos = false;  // when the file does not say
  bool nfc = false;
};

constexpr std::string_view kHan = R"([一-龥ࠀ-一가-퟿]+)";
constexpr std::string_view kGpt4oPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepseek3Pattern =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// The formatter would break this string anew at each run.
// clang-format off
constexpr std::string_view kDeepseekLetters =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
// clang-format on

constexpr Pre kPres[] = {
    {.names = "gpt-2 default phi-2 jina-es jina-de mpt olmo roberta-bpe", .gpt2 = true},
    {.names = "smollm starcoder refact command-r codeshell exaone minerva-7b", .digits = true, .gpt2 = true},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral lfm2 dbrx smaug-bpe",
     .patterns = {kLlama3Pattern},
     .ignore_merges = true,
     .add_bos = true},
    {.names = "qwen2 stablelm2 megrez deepseek-r1-qwen", .patterns = {kQwen2Pattern}, .nfc = true},
    {.names = "qwen35", .patterns = {kQwen35Pattern}, .nfc = true},
    {.names = "gpt-4o llama4", .patterns = {kGpt4oPattern}, .ignore_merges = true},
    {.names = "tekken", .patterns = {kTekkenPattern}, .ignore_merges = true, .add_bos = true},
    {.names = "falcon", .patterns = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Pattern, "[0-9][0-9][0-9]"}},
    {.names = "deepseek-llm",
     .patterns = {"[\r\n]", kDeepseekLetters, R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)", R"(\s+$)", kHan, R"(\p{N}+)"}},
    {.names = "deepseek-coder", .patterns = {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kHan, R"(\p{N})"}},
    {.names = "deepseek-v3 deepseek-r1", .patterns = {R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+", kDeepseek3Pattern}},
};

const Pre* find_pre(std::string_view name) {
  for (const auto& pre : kPres)
    for (const auto known : split(pre.names, ' '))
      if (known == name) return &pre;
  return nullptr;
}

// The same as a tokenizer.json would have it, so that one builder serves both.
Json pre_tokenizer_json(const Pre& pre) {
  Json::Array steps;
  if (pre.digits) steps.push_back(Json::Object{{"type", "Digits"}, {"individual_digits", true}});
  for (const auto pattern : pre.patterns) {
    if (pattern.empty()) break;
    steps.push_back(Json::Object{
        {"type", "Split"}, {"pattern", Json::Object{{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  steps.push_back(Json::Object{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", pre.gpt2}});
  return Json::Object{{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

constexpr int kControl = 3, kUserDefined = 4;  // of tokenizer.ggml.token_type

Result<std::vector<std::pair<std::string_view, std::string_view>>> read_merges(const GgufVocabularyView& v) {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  out.reserve(v.merges.size());
  for (const auto merge : v.merges) {
    // A part may itself begin with a space in no byte-level vocabulary, so the first space parts the two.
    const auto space = merge.find(' ', 1);
    if (space == std::string_view::npos || !is_utf8(merge)) {
      return Status(Code::bad_input, cat("tokenizer.ggml.merges[", out.size(), "] is not two tokens with a space"));
    }
    out.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return out;
}

Status check(const GgufVocabularyView& v) {
  if (v.model != "gpt2") {
    return Status(Code::unsupported, cat("tokenizer.ggml.model is '", v.model,
                                         "': of the vocabularies in GGUF files, byte-level BPE ('gpt2') can be read; "
                                         "put a tokenizer.json beside the file"));
  }
  if (v.tokens.empty()) return Status(Code::bad_input, "tokenizer.ggml.tokens is empty or absent");
  if (!v.token_types.empty() && v.token_types.size() != v.tokens.size()) {
    return Status(Code::bad_input, cat("tokenizer.ggml.token_type has ", v.token_types.size(), " entries for ",
                                       v.tokens.size(), " tokens"));
  }
  for (size_t i = 0; i < v.tokens.size(); ++i)
    if (!is_utf8(v.tokens[i])) return Status(Code::bad_input, cat("tokenizer.ggml.tokens[", i, "] is not UTF-8"));
  return {};
}

Result<std::optional<TokenId>> role(const GgufVocabularyView& v, std::string_view name, std::optional<int64_t> id) {
  if (!id) return std::optional<TokenId>();
  if (*id < 0 || *id >= static_cast<int64_t>(v.tokens.size())) {
    return Status(Code::bad_input,
                  cat("tokenizer.ggml.", name, "_token_id is ", *id, ", but there are ", v.tokens.size(), " tokens"));
  }
  return std::optional(static_cast<TokenId>(*id));
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const GgufVocabularyView& v) {
  TRY(check(v));
  const auto* pre = find_pre(v.pre.empty() ? "default" : v.pre);
  if (pre == nullptr) {
    std::string known;
    for (const auto& row : kPres) known += cat(known.empty() ? "" : " ", row.names);
    return Status(Code::unsupported, cat("tokenizer.ggml.pre '", v.pre, "' is not known (", known,
                                         "): put a tokenizer.json beside the file"));
  }
  std::vector<VocabularyRow> rows;
  rows.reserve(v.tokens.size());
  for (const auto token : v.tokens) rows.push_back({token, static_cast<int64_t>(rows.size())});
  auto vocabulary = TRY(Vocabulary::make(rows, OneText::both_ids_keep_it));
  const auto merges = TRY(read_merges(v));

  auto parts = std::make_shared<Parts>();
  auto model = make_bpe(std::move(vocabulary), merges, {.ignore_merges = pre->ignore_merges});
  if (!model.ok()) return std::move(model).status().with("tokenizer.ggml");
  parts->model = *std::move(model);
  const Json steps = pre_tokenizer_json(*pre);
  parts->pre_tokenizer = TRY(build_pretokenizer({steps, "tokenizer.ggml.pre"}));
  const Json decoder = Json::Object{{"type", "ByteLevel"}}, nfc = Json::Object{{"type", "NFC"}};
  parts->decoder = TRY(build_decoder({decoder, "decoder"}));
  if (pre->nfc) parts->normalizer = TRY(build_normalizer({nfc, "normalizer"}));

  std::vector<AddedToken> added;
  for (size_t i = 0; i < v.token_types.size(); ++i) {
    const int type = v.token_types[i];
    if (type != kControl && type != kUserDefined) continue;
    AddedToken token;
    token.content = std::string(v.tokens[i]);
    token.special = type == kControl;
    added.push_back(std::move(token));
  }
  parts->added = AddedTokens::make(std::move(added), *parts->model, parts->normalizer.get());
  parts->special_tokens = {.bos = TRY(role(v, "bos", v.bos)),
                           .eos = TRY(role(v, "eos", v.eos)),
                           .unk = TRY(role(v, "unknown", v.unk)),
                           .pad = TRY(role(v, "padding", v.pad))};
  // llama.cpp knows no pairs; transformers puts a second text behind the first in the same way, as its LLaMA does.
  std::vector<TemplateItem> single, pair;
  for (const size_t text : {0, 1}) {
    const auto type_id = static_cast<int32_t>(text);
    if (v.add_bos.value_or(pre->add_bos) && parts->special_tokens.bos)
      pair.push_back({*parts->special_tokens.bos, type_id});
    pair.push_back({-1, type_id, text});
    if (v.add_eos.value_or(false) && parts->special_tokens.eos) pair.push_back({*parts->special_tokens.eos, type_id});
    if (text == 0) single = pair;
  }
  if (single.size() > 1) parts->post_processor = std::make_unique<Template>(std::move(single), std::move(pair));
  parts->chat_template = std::string(v.chat_template);
  parts->finish();
  return Tokenizer(std::move(parts));
}

}  // namespace hearth
