// A tokenizer from the vocabulary inside a GGUF file: what is there becomes the parts of a tokenizer.json.
// Source: ggml docs/gguf.md (tokenizer.ggml.*); llama.cpp src/llama-vocab.cpp for what each kind of vocabulary means.
#include <algorithm>
#include <unordered_map>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "tokenizers/auto/backend.h"
#include "tokenizers/auto/gguf_pre.h"
#include "tokenizers/auto/merges.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/pipeline/bpe_source.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/pipeline/template.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

constexpr int kUnknown = 2, kControl = 3, kUserDefined = 4;  // of tokenizer.ggml.token_type

using Merges = std::vector<std::pair<std::string_view, std::string_view>>;

Result<Merges> read_merges(const GgufVocabularyView& v) {
  Merges out;
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
  if (v.tokens.empty()) return Status(Code::bad_input, "tokenizer.ggml.tokens is empty or absent");
  const auto same_length = [&](std::string_view name, size_t size) -> Status {
    if (size == 0 || size == v.tokens.size()) return {};
    return Status(Code::bad_input,
                  cat("tokenizer.ggml.", name, " has ", size, " entries for ", v.tokens.size(), " tokens"));
  };
  TRY(same_length("token_type", v.token_types.size()));
  TRY(same_length("scores", v.scores.size()));
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

int type_of(const GgufVocabularyView& v, size_t id) {
  return v.token_types.empty() ? 1 : v.token_types[id];
}

// One kind of vocabulary: the parts beside the model, and the model.
struct Kind {
  Json normalizer, pre_tokenizer, decoder;
  std::unique_ptr<Model> model;
  bool add_bos = false, add_eos = false;  // when the file does not say
  std::optional<int64_t> bos, eos;        // what stands at the begin and the end
};

Result<std::unique_ptr<Model>> bpe(const GgufVocabularyView& v, const Merges& merges, BpeOptions options) {
  std::vector<VocabularyRow> rows;
  rows.reserve(v.tokens.size());
  for (const auto token : v.tokens) rows.push_back({token, static_cast<int64_t>(rows.size())});
  auto vocabulary = TRY(Vocabulary::make(rows, OneText::both_ids_keep_it));
  auto model = make_bpe(std::move(vocabulary), merges, std::move(options));
  if (!model.ok()) return std::move(model).status().with("tokenizer.ggml");
  return model;
}

std::string unknown_token(const GgufVocabularyView& v) {
  if (v.unk && *v.unk >= 0 && *v.unk < static_cast<int64_t>(v.tokens.size()))
    return std::string(v.tokens[static_cast<size_t>(*v.unk)]);
  for (size_t i = 0; i < v.tokens.size(); ++i)
    if (type_of(v, i) == kUnknown) return std::string(v.tokens[i]);
  return {};
}

Result<Kind> byte_level(const GgufVocabularyView& v) {
  const std::string_view name = v.model == "gemma4" ? "gemma4" : v.pre.empty() ? "default" : v.pre;
  const auto* pre = find_gguf_pre(name);
  if (pre == nullptr) {
    return Status(Code::unsupported, cat("tokenizer.ggml.pre '", name, "' is not known (", known_gguf_pres(),
                                         "): put a tokenizer.json beside the file"));
  }
  Kind out;
  const auto merges = TRY(read_merges(v));
  BpeOptions options{.ignore_merges = pre->ignore_merges};
  if (pre->underlines) {
    options = {.unk_token = unknown_token(v), .fuse_unk = true, .byte_fallback = true};
    out.normalizer = part::replace(" ", part::kUnderline);
    out.decoder = part::byte_fallback_decoder(/*strip=*/false);
  } else {
    out.decoder = part::byte_level(true);
    if (pre->nfc) out.normalizer = part::typed("NFC");
  }
  out.model = TRY(bpe(v, merges, std::move(options)));
  out.pre_tokenizer = gguf_pre_tokenizer(*pre);
  out.add_bos = pre->add_bos;
  out.bos = v.bos;
  out.eos = v.eos;
  return out;
}

// SentencePiece BPE: the pair whose piece has the best score is merged first; what is no piece becomes its bytes.
Result<Kind> sentencepiece_bpe(const GgufVocabularyView& v) {
  if (v.scores.empty()) return Status(Code::bad_input, "tokenizer.ggml.scores is absent");
  Kind out;
  const auto merges = merges_of_scores(v.tokens, v.scores);
  out.model = TRY(bpe(v, merges, {.unk_token = unknown_token(v), .fuse_unk = true, .byte_fallback = true}));
  const bool prefix = v.add_space_prefix.value_or(true);
  // Each text between special tokens gets the space, also one that begins with spaces.
  Json::Array steps;
  if (prefix) steps.push_back(part::typed("Prepend", {{"prepend", part::kUnderline}}));
  steps.push_back(part::replace(" ", part::kUnderline));
  out.normalizer = part::normalizers(std::move(steps));
  out.decoder = part::byte_fallback_decoder(/*strip=*/prefix);
  out.add_bos = true;
  out.bos = v.bos.value_or(1);
  out.eos = v.eos.value_or(2);
  return out;
}

// The file spells beginnings of words with "▁" and the rest without "##".
Result<Kind> word_piece(const GgufVocabularyView& v) {
  Json::Object vocab;
  vocab.reserve(v.tokens.size());
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    const auto token = v.tokens[i];
    std::string text(token);
    if (type_of(v, i) != kControl && type_of(v, i) != kUnknown)
      text =
          token.starts_with(part::kUnderline) ? std::string(token.substr(part::kUnderline.size())) : cat("##", token);
    vocab.push_back({std::move(text), static_cast<int64_t>(i)});
  }
  auto unk = unknown_token(v);
  const Json model = part::typed("WordPiece", {{"unk_token", unk.empty() ? "[UNK]" : unk},
                                               {"continuing_subword_prefix", "##"},
                                               {"max_input_chars_per_word", 100},
                                               {"vocab", std::move(vocab)}});
  Kind out;
  out.model = TRY(build_model({model, "tokenizer.ggml"}));
  out.normalizer =
      part::typed("BertNormalizer",
                  {{"clean_text", true}, {"handle_chinese_chars", true}, {"strip_accents", true}, {"lowercase", true}});
  out.pre_tokenizer = part::typed("BertPreTokenizer");
  out.decoder = part::typed("WordPiece", {{"prefix", "##"}, {"cleanup", true}});
  out.add_bos = out.add_eos = true;
  out.bos = v.cls ? v.cls : v.bos ? v.bos : std::optional<int64_t>(101);
  out.eos = v.sep.value_or(102);
  return out;
}

Result<Kind> unigram(const GgufVocabularyView& v) {
  if (v.scores.empty()) return Status(Code::bad_input, "tokenizer.ggml.scores is absent");
  Json::Array vocab;
  vocab.reserve(v.tokens.size());
  for (size_t i = 0; i < v.tokens.size(); ++i)
    vocab.push_back(Json::Array{v.tokens[i], static_cast<double>(v.scores[i])});
  const Json model =
      part::typed("Unigram", {{"unk_id", v.unk.value_or(2)}, {"vocab", std::move(vocab)}, {"byte_fallback", false}});
  Kind out;
  out.model = TRY(build_model({model, "tokenizer.ggml"}));
  if (!v.precompiled_charsmap.empty()) out.normalizer = part::precompiled(Json(to_base64(v.precompiled_charsmap)));
  const auto metaspace = part::metaspace(v.add_space_prefix.value_or(true) ? "always" : "never");
  out.pre_tokenizer = part::pre_tokenizers({part::typed("WhitespaceSplit"), metaspace});
  out.decoder = metaspace;
  out.add_eos = true;
  out.bos = v.bos;
  out.eos = v.eos.value_or(1);
  return out;
}

Result<Kind> read_kind(const GgufVocabularyView& v) {
  if (v.model == "gpt2" || v.model == "gemma4") return byte_level(v);
  if (v.model == "llama") return sentencepiece_bpe(v);
  if (v.model == "bert") return word_piece(v);
  if (v.model == "t5") return unigram(v);
  return Status(Code::unsupported,
                cat("tokenizer.ggml.model '", v.model,
                    "' is not known (gpt2, llama, gemma4, bert, t5): put a tokenizer.json beside the file"));
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const GgufVocabularyView& v) {
  TRY(check(v));
  auto kind = TRY(read_kind(v));
  auto parts = std::make_shared<Parts>();
  parts->model = std::move(kind.model);
  if (!kind.normalizer.is_null()) parts->normalizer = TRY(build_normalizer({kind.normalizer, "normalizer"}));
  if (!kind.pre_tokenizer.is_null())
    parts->pre_tokenizer = TRY(build_pretokenizer({kind.pre_tokenizer, "tokenizer.ggml.pre"}));
  parts->decoder = TRY(build_decoder({kind.decoder, "decoder"}));

  std::vector<AddedToken> added;
  for (size_t i = 0; i < v.tokens.size(); ++i) {
    const int type = type_of(v, i);
    if (type != kControl && type != kUserDefined && !(type == kUnknown && v.model == "bert")) continue;
    added.push_back({.content = std::string(v.tokens[i]), .special = type != kUserDefined});
  }
  parts->added = AddedTokens::make(std::move(added), *parts->model, parts->normalizer.get());
  parts->special_tokens = {.bos = TRY(role(v, "bos", v.bos)),
                           .eos = TRY(role(v, "eos", v.eos)),
                           .unk = TRY(role(v, "unknown", v.unk)),
                           .pad = TRY(role(v, "padding", v.pad))};
  const auto bos = TRY(role(v, "bos", kind.bos)), eos = TRY(role(v, "eos", kind.eos));
  // llama.cpp knows no pairs; transformers puts a second text behind the first in the same way, as its LLaMA does.
  std::vector<TemplateItem> single, pair;
  for (const size_t text : {0, 1}) {
    const auto type_id = static_cast<int32_t>(text);
    const bool again = text == 0 || v.model != "bert";  // BERT has one [CLS] for both
    if (v.add_bos.value_or(kind.add_bos) && bos && again) pair.push_back({*bos, type_id});
    pair.push_back({-1, type_id, text});
    if (v.add_eos.value_or(kind.add_eos) && eos) pair.push_back({*eos, type_id});
    if (text == 0) single = pair;
  }
  if (single.size() > 1) parts->post_processor = std::make_unique<Template>(std::move(single), std::move(pair));
  parts->chat_template = std::string(v.chat_template);
  parts->finish();
  return Tokenizer(std::move(parts));
}

}  // namespace hearth
