// Unigram: T5, ALBERT, XLM-RoBERTa and their kin.
// Source: transformers 5.23.0 models/{albert,barthez,big_bird,camembert,deberta_v2,fnet,lasr,layoutxlm,pegasus,rembert,
// t5,udop,videoprism,xglm,xlm_roberta,xlnet}/tokenization_*.py.
#include <algorithm>

#include "base/text.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/classes_registry.h"

namespace hearth::tokenizers::classes {

namespace {

const char* scheme(bool add_prefix_space) {
  return add_prefix_space ? "always" : "never";
}

void words_with_metaspace(Loading& l, const char* prepend) {
  l.backend.pre_tokenizer = part::pre_tokenizers({part::typed("WhitespaceSplit"), part::metaspace(prepend)});
  l.backend.decoder = part::metaspace(prepend);
}

void metaspace(Loading& l, const char* prepend) {
  l.backend.pre_tokenizer = part::metaspace(prepend);
  l.backend.decoder = part::metaspace(prepend);
}

void set_charsmap(Loading& l) {
  if (!l.charsmap.is_null()) l.backend.normalizer = part::precompiled(l.charsmap);
}

constexpr std::string_view kMaskLstrip = "mask_token";

Status build_albert(Loading& l) {
  TRY(l.set_unigram(1));
  Json::Array steps{part::replace("``", "\""), part::replace("''", "\"")};
  if (!l.flag("keep_accents", false)) {
    steps.push_back(part::typed("NFKD"));
    steps.push_back(part::typed("StripAccents"));
  }
  if (l.flag("do_lower_case", true)) steps.push_back(part::typed("Lowercase"));
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  l.backend.normalizer = part::normalizers(std::move(steps));
  words_with_metaspace(l, scheme(l.flag("add_prefix_space", true)));
  // Before the base class: a post-processor of tokenizer.json replaces it.
  return l.set_template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1");
}

Status build_barthez(Loading& l) {
  l.wrap(kMaskLstrip, {.lstrip = true});
  TRY(l.set_unigram(3));
  l.backend.normalizer = part::normalizers({part::replace_regex(R"(\s{2,}|[\n\r\t])", " "), part::typed("NFC"),
                                            part::strip(/*left=*/false, /*right=*/true)});
  metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status build_big_bird(Loading& l) {
  for (const auto name : {"bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token"})
    l.wrap(name, {});
  l.wrap(kMaskLstrip, {.lstrip = true});
  TRY(l.set_unigram(l.unigram_index(l.argument("unk_token"), 100, /*only_with_score_zero=*/true)));
  l.backend.normalizer = part::normalizers({part::strip(false, false), part::replace_regex(" {2,}", part::kUnderline)});
  metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status finish_cls_sep(Loading& l) {
  return l.set_template("cls_token $A sep_token", "cls_token $A sep_token $B:1 sep_token:1");
}

Status build_camembert(Loading& l) {
  l.wrap(kMaskLstrip, {.special = true, .lstrip = true});
  if (l.kwargs["additional_special_tokens"].is_null())
    l.kwargs.set("additional_special_tokens", Json::Array{"<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"});
  TRY(l.set_unigram(l.unigram_index(l.argument("unk_token"), 0)));
  set_charsmap(l);
  words_with_metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status finish_camembert(Loading& l) {
  return l.set_template("bos_token $A eos_token", "bos_token $A eos_token eos_token $B eos_token");
}

Status build_deberta_v2(Loading& l) {
  const auto& unk_id = l.kwargs["unk_id"];
  TRY(l.set_unigram(l.unigram_index(l.argument("unk_token"), unk_id.as_int(1), /*only_with_score_zero=*/true)));
  Json::Array steps;
  if (l.flag("do_lower_case", false)) steps.push_back(part::typed("Lowercase"));
  steps.push_back(part::replace_regex(R"(\s{2,}|[\n\r\t])", " "));
  steps.push_back(part::typed("NFC"));
  steps.push_back(part::strip(/*left=*/false, /*right=*/true));
  l.backend.normalizer = part::normalizers(std::move(steps));
  const char* prepend = l.flag("add_prefix_space", true) ? "always" : "first";
  Json::Array cuts;
  if (l.flag("split_by_punct", false)) cuts.push_back(part::typed("Punctuation", {{"behavior", "Isolated"}}));
  cuts.push_back(part::metaspace(prepend));
  l.backend.pre_tokenizer = part::pre_tokenizers(std::move(cuts));
  l.backend.decoder = part::metaspace(prepend);
  return {};
}

Status t5(Loading& l, int64_t unk_id) {
  const auto count = l.kwargs["extra_ids"].as_int(100);
  if (count < 0 || count > 100'000) return Status(Code::bad_input, cat("extra_ids ", count, " is outside 0 to 100000"));
  const auto extra = l.kwargs["additional_special_tokens"].array();
  int64_t given = 0;
  for (const auto& token : extra)
    given += contains(token.is_object() ? token["content"].as_string() : token.as_string(), "<extra_id_");
  if (given > 0 && count > 0 && count != given) {
    return Status(Code::bad_input,
                  cat("extra_ids is ", count, ", but additional_special_tokens has ", given, " of them"));
  }
  if (given == 0) {
    Json::Array tokens = extra;
    for (int64_t i = 0; i < count; ++i) tokens.emplace_back(cat("<extra_id_", i, ">"));
    l.kwargs.set("additional_special_tokens", std::move(tokens));
  }
  TRY(l.set_unigram(unk_id));
  set_charsmap(l);
  words_with_metaspace(l, "always");
  return {};
}

Status build_t5(Loading& l) {
  return t5(l, 2);
}

Status build_lasr(Loading& l) {
  return t5(l, 3);
}

// "</s>" in writing, with the id of whatever eos_token is.
Status finish_t5(Loading& l) {
  TRY(l.set_template("$A eos_token", "$A eos_token $B eos_token"));
  return {};
}

Status build_udop(Loading& l) {
  TRY(l.set_unigram(l.unigram_index(l.argument("unk_token"), 2)));
  words_with_metaspace(l, "always");
  return {};
}

Status build_layoutxlm(Loading& l) {
  l.wrap(kMaskLstrip, {.lstrip = true});
  TRY(l.set_unigram(3));
  l.backend.normalizer =
      part::normalizers({part::strip(/*left=*/false, /*right=*/true), part::replace_regex(" {2,}", part::kUnderline)});
  metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status finish_layoutxlm(Loading& l) {
  return l.set_template("cls_token $A sep_token", "cls_token $A sep_token sep_token $B sep_token");
}

Status build_pegasus(Loading& l) {
  const auto offset = l.kwargs["offset"].as_int(103);
  if (offset < 2 || offset > 100'000) return Status(Code::bad_input, cat("offset ", offset, " is outside 2 to 100000"));
  Json::Array tokens;
  const auto& given = l.kwargs["additional_special_tokens"].array();
  const bool has_sentence_mask = std::find(given.begin(), given.end(), l.kwargs["mask_token_sent"]) != given.end();
  if (!has_sentence_mask && !l.kwargs["mask_token_sent"].is_null()) tokens.push_back(l.kwargs["mask_token_sent"]);
  for (int64_t i = 2; i < offset; ++i) tokens.emplace_back(cat("<unk_", i, ">"));
  l.kwargs.set("additional_special_tokens", std::move(tokens));
  TRY(l.set_unigram(l.unigram_index(l.argument("unk_token"), 1, /*only_with_score_zero=*/true)));
  l.backend.normalizer =
      part::normalizers({l.charsmap.is_null() ? part::replace_regex(R"(\n)", " ") : part::precompiled(l.charsmap),
                         part::replace_regex(" {2,}", " ")});
  metaspace(l, "always");
  return {};
}

Status finish_pegasus(Loading& l) {
  return l.set_template("$A eos_token", "$A $B eos_token");
}

Status build_rembert(Loading& l) {
  TRY(l.set_unigram(2));
  Json::Array steps{part::replace("``", "\""), part::replace("''", "\""), part::replace_regex(" {2,}", " ")};
  if (!l.flag("keep_accents", true)) {
    steps.push_back(part::typed("NFKD"));
    steps.push_back(part::typed("StripAccents"));
  }
  if (l.flag("do_lower_case", false)) steps.push_back(part::typed("Lowercase"));
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  l.backend.normalizer = part::normalizers(std::move(steps));
  metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status build_xglm(Loading& l) {
  Json::Array tokens = l.kwargs["additional_special_tokens"].array();
  for (int i = 0; i < 7; ++i) {
    const Json word = cat("<madeupword", i, ">");
    if (std::find(tokens.begin(), tokens.end(), word) == tokens.end()) tokens.push_back(word);
  }
  l.kwargs.set("additional_special_tokens", std::move(tokens));
  TRY(l.set_unigram(3));
  Json::Array steps;
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  steps.push_back(part::replace_regex(" {2,}", " "));
  l.backend.normalizer = part::normalizers(std::move(steps));
  metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status finish_xglm(Loading& l) {
  return l.set_template("eos_token $A", "eos_token $A eos_token eos_token $B");
}

Status build_xlm_roberta(Loading& l) {
  TRY(l.set_unigram(3));
  set_charsmap(l);
  words_with_metaspace(l, scheme(l.flag("add_prefix_space", true)));
  return {};
}

Status build_xlnet(Loading& l) {
  if (l.kwargs["additional_special_tokens"].is_null())
    l.kwargs.set("additional_special_tokens", Json::Array{"<eop>", "<eod>"});
  l.wrap(kMaskLstrip, {.lstrip = true});
  TRY(l.set_unigram(l.kwargs["unk_id"].as_int(0)));
  Json::Array steps{part::replace("``", "\""), part::replace("''", "\""), part::typed("NFKD"),
                    part::typed("StripAccents")};
  if (l.flag("do_lower_case", false)) steps.push_back(part::typed("Lowercase"));
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  l.backend.normalizer = part::normalizers(std::move(steps));
  words_with_metaspace(l, "always");
  return {};
}

Status finish_xlnet(Loading& l) {
  return l.set_template("$A sep_token cls_token:2", "$A sep_token $B:1 sep_token:1 cls_token:2");
}

// The orders of pieces, from a SentencePiece file. Source: convert_slow_tokenizer.py, each converter's
// convert_from_spm.
void arrange_camembert(Loading& l) {
  l.enclose_pieces(
      1,
      {"<s>NOTUSED", l.argument("pad_token", "<pad>"), "</s>NOTUSED", l.argument("unk_token", "<unk>"), "<unk>NOTUSED"},
      {l.argument("mask_token", "<mask>")});
  l.vocab.array()[4].array()[1] = -100.0;
}

void arrange_xlm_roberta(Loading& l) {
  l.enclose_pieces(3,
                   {l.argument("bos_token", "<s>"), l.argument("pad_token", "<pad>"), l.argument("eos_token", "</s>"),
                    l.argument("unk_token", "<unk>")},
                   {l.argument("mask_token", "<mask>")});
}

void arrange_pegasus(Loading& l) {
  const auto mask = l.argument("mask_token", "<mask_1>"), sentence = l.argument("mask_token_sent", "<mask_2>");
  std::vector<std::string> before{l.argument("pad_token", "<pad>"), l.argument("eos_token", "</s>"), mask};
  if (sentence != mask) before.push_back(sentence);
  const size_t unused = before.size();
  for (int64_t i = 2; i < std::min<int64_t>(l.kwargs["offset"].as_int(103), 100'000); ++i)
    before.push_back(cat("<unk_", i, ">"));
  l.enclose_pieces(2, before);
  for (size_t i = unused; i < before.size(); ++i) l.vocab.array()[i].array()[1] = -100.0;
}

void arrange_t5(Loading& l) {
  std::vector<std::string> after;
  for (int64_t i = std::min<int64_t>(l.kwargs["extra_ids"].as_int(100), 100'000); i-- > 0;)
    after.push_back(cat("<extra_id_", i, ">"));
  l.enclose_pieces(0, {}, after);
}

constexpr std::string_view kAlbert =
    "bos_token=[CLS] eos_token=[SEP] unk_token=<unk> sep_token=[SEP] pad_token=<pad> cls_token=[CLS] mask_token=[MASK]";
constexpr std::string_view kRoberta =
    "bos_token=<s> eos_token=</s> sep_token=</s> cls_token=<s> unk_token=<unk> pad_token=<pad> mask_token=<mask>";
constexpr std::string_view kT5 = "eos_token=</s> unk_token=<unk> pad_token=<pad>";
constexpr std::string_view kNames = "input_ids attention_mask", kSpiece = "spiece.model",
                           kBpeModel = "sentencepiece.bpe.model";

constexpr TokenizerClass kRows[] = {
    {"AlbertTokenizer", "Unigram", kAlbert, build_albert, nullptr, true, kNames, Side::right, kSpiece},
    {"FNetTokenizer", "Unigram", kAlbert, build_albert, nullptr, false, "input_ids token_type_ids", Side::right,
     kSpiece},
    {"BarthezTokenizer", "Unigram", kRoberta, build_barthez, nullptr, true, kNames, Side::right, kBpeModel},
    {"BigBirdTokenizer", "Unigram",
     "unk_token=<unk> bos_token=<s> eos_token=</s> pad_token=<pad> sep_token=[SEP] mask_token=[MASK] cls_token=[CLS]",
     build_big_bird, finish_cls_sep, true, kNames, Side::right, kSpiece},
    {"CamembertTokenizer", "Unigram", kRoberta, build_camembert, finish_camembert, true, kNames, Side::right, kBpeModel,
     "", arrange_camembert},
    {"DebertaV2Tokenizer", "Unigram",
     "bos_token=[CLS] eos_token=[SEP] unk_token=[UNK] sep_token=[SEP] pad_token=[PAD] cls_token=[CLS] "
     "mask_token=[MASK]",
     build_deberta_v2, finish_cls_sep, true, "input_ids attention_mask token_type_ids", Side::right, "spm.model"},
    {"LayoutXLMTokenizer", "Unigram", kRoberta, build_layoutxlm, finish_layoutxlm, true, kNames, Side::right, kBpeModel,
     "", arrange_xlm_roberta},
    {"PegasusTokenizer", "Unigram",
     "pad_token=<pad> eos_token=</s> unk_token=<unk> mask_token=<mask_2> mask_token_sent=<mask_1>", build_pegasus,
     finish_pegasus, true, kNames, Side::right, kSpiece, "", arrange_pegasus},
    {"RemBertTokenizer", "Unigram", kAlbert, build_rembert, finish_cls_sep, true, kNames, Side::right,
     "sentencepiece.model"},
    {"T5Tokenizer", "Unigram", kT5, build_t5, finish_t5, true, kNames, Side::right, kSpiece, "", arrange_t5},
    {"VideoPrismTokenizer", "Unigram", kT5, build_t5, nullptr, true, kNames, Side::right, kSpiece, "", arrange_t5},
    {"LasrTokenizer", "Unigram", kT5, build_lasr, finish_t5, true, kNames, Side::right, kSpiece},
    {"UdopTokenizer", "Unigram", "eos_token=</s> sep_token=</s> unk_token=<unk> pad_token=<pad>", build_udop, finish_t5,
     true, kNames, Side::right, kSpiece},
    {"XGLMTokenizer", "Unigram",
     "bos_token=<s> eos_token=</s> sep_token=</s> cls_token=<s> unk_token=<unk> pad_token=<pad>", build_xglm,
     finish_xglm, true, kNames, Side::right, "sentencepiece.bpe.model"},
    {"XLMRobertaTokenizer", "Unigram", kRoberta, build_xlm_roberta, finish_camembert, true, kNames, Side::right,
     kBpeModel, "", arrange_xlm_roberta},
    {"XLNetTokenizer", "Unigram",
     "bos_token=<s> eos_token=</s> unk_token=<unk> sep_token=<sep> pad_token=<pad> cls_token=<cls> mask_token=<mask>",
     build_xlnet, finish_xlnet, true, kNames, Side::left, kSpiece},
};

}  // namespace

extern constinit const TokenizerClasses unigram_entry{kRows};

}  // namespace hearth::tokenizers::classes
