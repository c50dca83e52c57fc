// BERT and its kin: WordPiece over BertNormalizer and BertPreTokenizer.
// Source: transformers 5.23.0 models/{bert,distilbert,convbert,dpr,funnel,mpnet,splinter,layoutlmv2}/tokenization_*.py.
#include "tokenizers/auto/part_json.h"
#include "tokenizers/classes_registry.h"

namespace hearth::tokenizers::classes {

namespace {

Status build(Loading& l) {
  TRY(l.set_wordpiece());
  const auto& accents = l.kwargs["strip_accents"];
  l.backend.normalizer =
      part::typed("BertNormalizer", {{"clean_text", l.flag("clean_text", true)},
                                     {"handle_chinese_chars", l.flag("tokenize_chinese_chars", true)},
                                     {"strip_accents", accents.is_bool() ? accents : Json()},
                                     {"lowercase", l.flag("do_lower_case", true)}});
  l.backend.pre_tokenizer = part::typed("BertPreTokenizer");
  l.backend.decoder = part::typed("WordPiece", {{"prefix", l.text("wordpieces_prefix", "##")}, {"cleanup", true}});
  return {};
}

Status finish(Loading& l) {
  return l.set_template("cls_token $A sep_token", "cls_token $A sep_token $B:1 sep_token:1");
}

// The first token has the type 2.
Status finish_funnel(Loading& l) {
  return l.set_template("cls_token:2 $A sep_token", "cls_token:2 $A sep_token $B:1 sep_token:1");
}

Status build_mpnet(Loading& l) {
  for (const auto name : {"bos_token", "eos_token", "sep_token", "cls_token", "unk_token", "pad_token"})
    l.wrap(name, {});
  l.wrap("mask_token", {.lstrip = true});
  return build(l);
}

Status finish_mpnet(Loading& l) {
  return l.set_cls_sep("RobertaProcessing", "cls_token", "sep_token",
                       {{"trim_offsets", true}, {"add_prefix_space", false}});
}

// A question is closed by its own token and a full stop, on the side that is not padded.
Status finish_splinter(Loading& l) {
  return l.set_template("cls_token $A sep_token", l.padding_side == Side::right
                                                      ? "cls_token $A question_token . sep_token $B:1 sep_token:1"
                                                      : "cls_token $A sep_token $B:1 question_token . sep_token:1");
}

constexpr std::string_view kTokens =
    "unk_token=[UNK] sep_token=[SEP] pad_token=[PAD] cls_token=[CLS] mask_token=[MASK]";
constexpr std::string_view kNames = "input_ids token_type_ids attention_mask";

constexpr TokenizerClass kRows[] = {
    {"BertTokenizer", "WordPiece", kTokens, build, finish, true, kNames, Side::right, "vocab.txt"},
    {.name = "DistilBertTokenizer",
     .model = "WordPiece",
     .tokens = kTokens,
     .build = build,
     .finish = finish,
     .vocab_file = "vocab.txt"},
    {"ConvBertTokenizer", "WordPiece", kTokens, build, finish, false, kNames, Side::right, "vocab.txt"},
    {"DPRContextEncoderTokenizer", "WordPiece", kTokens, build, finish, true, kNames, Side::right, "vocab.txt"},
    {"DPRQuestionEncoderTokenizer", "WordPiece", kTokens, build, finish, true, kNames, Side::right, "vocab.txt"},
    {.name = "FunnelTokenizer",
     .model = "WordPiece",
     .tokens = "unk_token=<unk> sep_token=<sep> pad_token=<pad> cls_token=<cls> mask_token=<mask> bos_token=<s> "
               "eos_token=</s>",
     .build = build,
     .finish = finish_funnel,
     .vocab_file = "vocab.txt"},
    {.name = "MPNetTokenizer",
     .model = "WordPiece",
     .tokens =
         "bos_token=<s> eos_token=</s> sep_token=</s> cls_token=<s> unk_token=[UNK] pad_token=<pad> mask_token=<mask>",
     .build = build_mpnet,
     .finish = finish_mpnet,
     .vocab_file = "vocab.txt"},
    {.name = "SplinterTokenizer",
     .model = "WordPiece",
     .tokens =
         "unk_token=[UNK] sep_token=[SEP] pad_token=[PAD] cls_token=[CLS] mask_token=[MASK] question_token=[QUESTION]",
     .build = build,
     .finish = finish_splinter,
     .vocab_file = "vocab.txt"},
    {"LayoutLMv2Tokenizer", "WordPiece", kTokens, build, finish, true, "input_ids attention_mask token_type_ids",
     Side::right, "vocab.txt"},
};

}  // namespace

extern constinit const TokenizerClasses bert_entry{kRows};

}  // namespace hearth::tokenizers::classes
