// SentencePiece BPE without a normalizer of its own: LLaMA, Gemma, and what else merges pieces over "▁"; and the BPE of
// CLIP, HerBERT and GPT, whose words end in "</w>".
// Source: transformers 5.23.0
// models/{llama,code_llama,gemma,siglip2,tipsv2,clip,herbert,openai,esmc}/tokenization_*.py.
#include "tokenizers/auto/part_json.h"
#include "tokenizers/classes_registry.h"

namespace hearth::tokenizers::classes {

namespace {

Status build_llama(Loading& l) {
  const bool add_prefix_space = l.flag("add_prefix_space", true);
  TRY(l.set_bpe({.fuse_unk = true, .byte_fallback = true}));
  const char* scheme = !add_prefix_space ? "never" : l.flag("legacy", false) ? "always" : "first";
  l.backend.pre_tokenizer = part::metaspace(scheme, /*split=*/false);
  l.backend.decoder = part::byte_fallback_decoder(/*strip=*/add_prefix_space);
  return {};
}

Status build_code_llama(Loading& l) {
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .fuse_unk = true, .byte_fallback = true}));
  l.backend.pre_tokenizer = part::metaspace(l.flag("add_prefix_space", true) ? "first" : "never", /*split=*/false);
  l.backend.decoder = part::byte_fallback_decoder(/*strip=*/true);
  if (l.kwargs.find("add_bos_token") == nullptr) l.kwargs.set("add_bos_token", true);
  Json::Array tokens = l.kwargs["additional_special_tokens"].array();
  for (const auto name : {"prefix_token", "middle_token", "suffix_token", "eot_token", "fill_token"})
    if (!l.kwargs[name].is_null()) tokens.push_back(l.kwargs[name]);
  l.kwargs.set("additional_special_tokens", std::move(tokens));
  return {};
}

Status build_gemma(Loading& l) {
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .fuse_unk = true, .byte_fallback = true}));
  l.backend.normalizer = part::replace(" ", part::kUnderline);
  l.backend.pre_tokenizer = part::split_string(" ", "MergedWithPrevious");
  l.backend.decoder = part::byte_fallback_decoder(/*strip=*/false);
  return {};
}

Status finish_siglip2(Loading& l) {
  l.backend.normalizer = part::normalizers({part::typed("Lowercase"), l.backend.normalizer});
  return {};
}

Status build_tipsv2(Loading& l) {
  TRY(l.set_bpe({.fuse_unk = true, .byte_fallback = true}));
  Json::Array steps;
  if (l.flag("do_lower_case", true)) steps.push_back(part::typed("Lowercase"));
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  l.backend.normalizer = part::normalizers(std::move(steps));
  l.backend.pre_tokenizer = part::pre_tokenizers({part::typed("WhitespaceSplit"), part::metaspace("always")});
  l.backend.decoder = part::decoders({part::metaspace("always"), part::typed("ByteFallback"), part::typed("Fuse")});
  if (l.kwargs["model_max_length"].is_null()) l.kwargs.set("model_max_length", 64);
  return {};
}

Status build_clip(Loading& l) {
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .continuing_subword_prefix = "", .end_of_word_suffix = "</w>"}));
  l.backend.normalizer =
      part::normalizers({part::typed("NFC"), part::replace_regex(R"(\s+)", " "), part::typed("Lowercase")});
  constexpr std::string_view kPattern =
      R"re(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)re";
  l.backend.pre_tokenizer =
      part::pre_tokenizers({part::split_regex(kPattern, "Removed", /*invert=*/true), part::byte_level(false)});
  l.backend.decoder = part::byte_level(true);
  return {};
}

// RobertaProcessing with the end as `sep` and the start as `cls`.
Status finish_clip(Loading& l) {
  return l.set_cls_sep("RobertaProcessing", "bos_token", "eos_token",
                       {{"trim_offsets", false}, {"add_prefix_space", false}});
}

Status build_herbert(Loading& l) {
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .end_of_word_suffix = "</w>"}));
  l.backend.normalizer = part::typed(
      "BertNormalizer",
      {{"clean_text", true}, {"handle_chinese_chars", true}, {"strip_accents", false}, {"lowercase", false}});
  l.backend.pre_tokenizer = part::typed("BertPreTokenizer");
  l.backend.decoder = part::typed("BPEDecoder", {{"suffix", "</w>"}});
  return {};
}

// The class writes the ids 2 and 0 whatever the vocabulary says.
Status finish_herbert(Loading& l) {
  l.backend.post_processor =
      part::cls_sep("BertProcessing", {l.token("sep_token").value_or(""), 2}, {l.token("cls_token").value_or(""), 0});
  return {};
}

Status build_openai(Loading& l) {
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .continuing_subword_prefix = "", .end_of_word_suffix = "</w>"}));
  l.backend.normalizer = part::typed(
      "BertNormalizer",
      {{"clean_text", true}, {"handle_chinese_chars", true}, {"strip_accents", nullptr}, {"lowercase", true}});
  l.backend.pre_tokenizer = part::typed("BertPreTokenizer");
  l.backend.decoder = part::typed("BPEDecoder", {{"suffix", "</w>"}});
  return {};
}

constexpr std::string_view kGemma = "unk_token=<unk> bos_token=<bos> eos_token=<eos> pad_token=<pad> mask_token=<mask>";
constexpr std::string_view kNames = "input_ids attention_mask";

constexpr TokenizerClass kRows[] = {
    {"LlamaTokenizer", "BPE", "unk_token=<unk> bos_token=<s> eos_token=</s>", build_llama, nullptr, true, kNames,
     Side::left, "tokenizer.model"},
    {"CodeLlamaTokenizer", "BPE",
     "unk_token=<unk> bos_token=<s> eos_token=</s> prefix_token=▁<PRE> middle_token=▁<MID> suffix_token=▁<SUF> "
     "eot_token=▁<EOT> fill_token=<FILL_ME>",
     build_code_llama, nullptr, true, kNames, Side::left, "tokenizer.model"},
    {"GemmaTokenizer", "BPE", kGemma, build_gemma, nullptr, true, kNames, Side::left, "tokenizer.model"},
    {"Siglip2Tokenizer", "BPE", kGemma, build_gemma, finish_siglip2, true, kNames, Side::left, "tokenizer.model"},
    {"Tipsv2Tokenizer", "BPE", "unk_token=<unk> pad_token=<pad> bos_token= eos_token=", build_tipsv2, nullptr, true,
     kNames, Side::right, "tokenizer.model"},
    {"CLIPTokenizer", "BPE",
     "unk_token=<|endoftext|> bos_token=<|startoftext|> eos_token=<|endoftext|> pad_token=<|endoftext|>", build_clip,
     finish_clip, true, kNames, Side::right, "vocab.json", "merges.txt"},
    {"HerbertTokenizer", "BPE", "cls_token=<s> unk_token=<unk> pad_token=<pad> mask_token=<mask> sep_token=</s>",
     build_herbert, finish_herbert, true, kNames, Side::right, "vocab.json", "merges.txt"},
    {"OpenAIGPTTokenizer", "BPE", "unk_token=<unk>", build_openai, nullptr, true, kNames, Side::right, "vocab.json",
     "merges.txt"},
};

}  // namespace

extern constinit const TokenizerClasses llama_entry{kRows};

}  // namespace hearth::tokenizers::classes
