// Byte-level BPE: GPT-2, RoBERTa and those that differ from them in a normalizer, an expression or a template.
// Source: transformers 5.23.0 models/{gpt2,roberta,blenderbot,codegen,cohere,deberta,gpt_neox,layoutlmv3,luke,nougat,
// qwen2,qwen3_5,whisper}/tokenization_*.py.
#include "base/text.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/classes_registry.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers::classes {

namespace {

Status set_bpe(Loading& l) {
  return l.set_bpe({.continuing_subword_prefix = "", .end_of_word_suffix = ""});
}

Status byte_level(Loading& l, bool add_prefix_space) {
  TRY(set_bpe(l));
  l.backend.pre_tokenizer = part::byte_level(add_prefix_space);
  l.backend.decoder = part::byte_level(true);
  return {};
}

Status build_gpt2(Loading& l) {
  return byte_level(l, l.flag("add_prefix_space", false));
}

Status build_roberta(Loading& l) {
  return byte_level(l, l.flag("add_prefix_space", false));
}

Status finish_roberta(Loading& l) {
  return l.set_cls_sep(
      "RobertaProcessing", "cls_token", "sep_token",
      {{"trim_offsets", l.flag("trim_offsets", true)}, {"add_prefix_space", l.flag("add_prefix_space", false)}});
}

Status build_layoutlmv3(Loading& l) {
  return byte_level(l, l.flag("add_prefix_space", true));
}

Status finish_layoutlmv3(Loading& l) {
  return l.set_cls_sep("RobertaProcessing", "cls_token", "sep_token",
                       {{"trim_offsets", true}, {"add_prefix_space", l.flag("add_prefix_space", true)}});
}

Status build_blenderbot(Loading& l) {
  l.wrap("mask_token", {.lstrip = true});
  return byte_level(l, l.flag("add_prefix_space", true));
}

Status build_codegen(Loading& l) {
  TRY(byte_level(l, l.flag("add_prefix_space", false)));
  l.backend.post_processor = part::byte_level(true, true, false);
  if (l.flag("return_token_type_ids", false)) l.model_input_names.emplace_back("token_type_ids");
  return {};
}

Status build_cohere(Loading& l) {
  const bool add_prefix_space = l.flag("add_prefix_space", false);
  TRY(set_bpe(l));
  l.backend.normalizer = part::typed("NFC");
  l.backend.pre_tokenizer = part::pre_tokenizers({part::digits(true), part::byte_level(add_prefix_space)});
  l.backend.decoder = part::byte_level(add_prefix_space);
  return {};
}

// CohereTokenizer calls _post_init: all its special tokens, as plain as Python makes them of a str.
Status finish_cohere(Loading& l) {
  std::vector<AddedToken> tokens;
  const auto add = [&](const TokenValue& value) {
    tokens.push_back(value.token);
    if (value.is_text) tokens.back().normalized = false;
    tokens.back().special = true;
  };
  for (const auto& row : l.special_tokens) add(row.second);
  for (const auto& value : l.extra_special_tokens) add(value);
  l.backend.add_tokens(tokens);
  return {};
}

Status finish_deberta(Loading& l) {
  return l.set_template("cls_token $A sep_token", "cls_token $A sep_token sep_token $B sep_token");
}

Status build_gpt_neox(Loading& l) {
  TRY(set_bpe(l));
  l.backend.normalizer = part::typed("NFC");
  l.backend.pre_tokenizer = part::byte_level(l.flag("add_prefix_space", false), true, l.flag("trim_offsets", true));
  l.backend.decoder = part::byte_level(true);
  return {};
}

Status finish_gpt_neox(Loading& l) {
  return l.update_post_processor();
}

Status build_nougat(Loading& l) {
  TRY(set_bpe(l));
  l.backend.normalizer = part::typed("NFKC");
  // The class passes its expression as a plain string: it is looked for letter by letter.
  l.backend.pre_tokenizer = part::pre_tokenizers(
      {part::split_string("SPL1T-TH1S-Pl3A5E", "Removed"), part::digits(true),
       part::split_string(R"re([\(\)\[\]\{\}]|([!\"#\$%\&'\*\+,\-\./:;<=>\?\\\^_`\|\~])\1*)re", "Isolated"),
       part::split_string("\n", "Isolated"), part::byte_level(false)});
  l.backend.decoder = part::byte_level(true);
  return {};
}

Status finish_nougat(Loading& l) {
  return l.set_template("bos_token $A eos_token", "$A $B:1");
}

Status qwen(Loading& l, std::string_view pattern) {
  TRY(set_bpe(l));
  l.backend.normalizer = part::typed("NFC");
  l.backend.pre_tokenizer = part::pre_tokenizers(
      {part::split_regex(pattern), part::byte_level(l.flag("add_prefix_space", false), /*use_regex=*/false)});
  l.backend.decoder = part::byte_level(true);
  return {};
}

Status build_qwen2(Loading& l) {
  return qwen(l, kQwen2Pattern);
}

Status build_qwen35(Loading& l) {
  return qwen(l, kQwen35Pattern);
}

Status finish_qwen2(Loading& l) {
  std::vector<AddedToken> tokens;
  const auto add = [&](const TokenValue& value) {
    tokens.push_back({.content = value.token.content, .special = true});
  };
  for (const auto& row : l.special_tokens) add(row.second);
  for (const auto& value : l.extra_special_tokens) add(value);
  l.backend.add_tokens(tokens);
  return {};
}

Status build_whisper(Loading& l) {
  for (const auto name : {"bos_token", "eos_token", "unk_token"}) l.wrap(name, {.special = true});
  return byte_level(l, l.flag("add_prefix_space", false));
}

// The languages in the order of their tokens, each code with its names.
constexpr std::string_view kLanguages =
    "en:english zh:chinese:mandarin de:german es:spanish:castilian ru:russian ko:korean fr:french ja:japanese "
    "pt:portuguese tr:turkish "
    "pl:polish ca:catalan:valencian nl:dutch:flemish ar:arabic sv:swedish it:italian id:indonesian hi:hindi fi:finnish "
    "vi:vietnamese "
    "he:hebrew uk:ukrainian el:greek ms:malay cs:czech ro:romanian:moldavian:moldovan da:danish hu:hungarian ta:tamil "
    "no:norwegian "
    "th:thai ur:urdu hr:croatian bg:bulgarian lt:lithuanian la:latin mi:maori ml:malayalam cy:welsh sk:slovak "
    "te:telugu "
    "fa:persian lv:latvian bn:bengali sr:serbian az:azerbaijani sl:slovenian kn:kannada et:estonian mk:macedonian "
    "br:breton "
    "eu:basque is:icelandic hy:armenian ne:nepali mn:mongolian bs:bosnian kk:kazakh sq:albanian sw:swahili gl:galician "
    "mr:marathi pa:punjabi:panjabi si:sinhala:sinhalese km:khmer sn:shona yo:yoruba so:somali af:afrikaans oc:occitan "
    "ka:georgian "
    "be:belarusian tg:tajik sd:sindhi gu:gujarati am:amharic yi:yiddish lo:lao uz:uzbek fo:faroese "
    "ht:haitian_creole:haitian "
    "ps:pashto:pushto tk:turkmen nn:nynorsk mt:maltese sa:sanskrit lb:luxembourgish:letzeburgesch my:myanmar:burmese "
    "bo:tibetan "
    "tl:tagalog mg:malagasy as:assamese tt:tatar haw:hawaiian ln:lingala ha:hausa ba:bashkir jw:javanese su:sundanese "
    "yue:cantonese";

std::optional<int> language_index(std::string_view name) {
  const std::string wanted = replace_all(to_lower_ascii(name), " ", "_");
  int index = 0;
  for (const auto row : split(kLanguages, ' ')) {
    for (const auto word : split(row, ':'))
      if (word == wanted) return index;
    ++index;
  }
  return std::nullopt;
}

// <|startoftranscript|>, the language and the task if they are set, <|notimestamps|>.
Status finish_whisper(Loading& l) {
  std::vector<std::string> prefix;
  const auto add = [&](std::string_view text) -> Status {
    const auto id = l.id_of(text);
    if (!id) return Status(Code::bad_input, cat("the Whisper vocabulary has no ", text));
    prefix.push_back(l.backend.id_to_token(*id).value_or(""));
    return {};
  };
  TRY(add("<|startoftranscript|>"));
  if (const auto language = l.text("language"); !language.empty()) {
    const auto index = language_index(language);
    if (!index) return Status(Code::bad_input, cat("language '", language, "' is not one of Whisper's"));
    const auto start = l.id_of("<|startoftranscript|>");
    const auto token = l.backend.id_to_token(*start + 1 + *index);
    if (!token) return Status(Code::bad_input, cat("the Whisper vocabulary has no token for '", language, "'"));
    prefix.push_back(*token);
  }
  if (const auto task = l.text("task"); !task.empty()) {
    if (task != "transcribe" && task != "translate")
      return Status(Code::bad_input, cat("task '", task, "' is not known (transcribe, translate)"));
    TRY(add(cat("<|", task, "|>")));
  }
  if (!l.flag("predict_timestamps", false)) TRY(add("<|notimestamps|>"));
  return l.set_template(prefix, {l.token("eos_token").value_or("")}, /*suffix_type_of_pair=*/"1", /*second_type=*/"1");
}

constexpr std::string_view kGpt2 = "unk_token=<|endoftext|> bos_token=<|endoftext|> eos_token=<|endoftext|> pad_token=";
constexpr std::string_view kQwen = "unk_token=<|endoftext|> bos_token= eos_token=<|endoftext|> pad_token=<|endoftext|>";
constexpr std::string_view kRoberta =
    "bos_token=<s> eos_token=</s> sep_token=</s> cls_token=<s> unk_token=<unk> pad_token=<pad> mask_token=<mask>";
constexpr std::string_view kNames = "input_ids attention_mask", kVocab = "vocab.json", kMerges = "merges.txt";

constexpr TokenizerClass kRows[] = {
    {"GPT2Tokenizer", "BPE", kGpt2, build_gpt2, nullptr, true, kNames, Side::right, kVocab, kMerges},
    {"RobertaTokenizer", "BPE", kRoberta, build_roberta, finish_roberta, true, kNames, Side::right, kVocab, kMerges},
    {"LayoutLMv3Tokenizer", "BPE", kRoberta, build_layoutlmv3, finish_layoutlmv3, true, "input_ids attention_mask bbox",
     Side::right, kVocab, kMerges},
    {"BlenderbotTokenizer", "BPE", kRoberta, build_blenderbot, nullptr, true, kNames, Side::right, kVocab, kMerges},
    {"CodeGenTokenizer", "BPE", kGpt2, build_codegen, nullptr, true, kNames, Side::right, kVocab, kMerges},
    {"CohereTokenizer", "BPE",
     "unk_token=<UNK> bos_token=<BOS_TOKEN> eos_token=<|END_OF_TURN_TOKEN|> pad_token=<PAD> cls_token=<CLS> "
     "sep_token=<SEP> mask_token=<MASK_TOKEN>",
     build_cohere, finish_cohere, true, kNames, Side::left, kVocab, kMerges},
    {"DebertaTokenizer", "BPE",
     "bos_token=[CLS] eos_token=[SEP] sep_token=[SEP] cls_token=[CLS] unk_token=[UNK] pad_token=[PAD] "
     "mask_token=[MASK]",
     build_gpt2, finish_deberta, true, "input_ids attention_mask token_type_ids", Side::right, kVocab, kMerges},
    {"GPTNeoXTokenizer", "BPE",
     "unk_token=<|endoftext|> bos_token=<|endoftext|> eos_token=<|endoftext|> pad_token=<|padding|>", build_gpt_neox,
     finish_gpt_neox, true, kNames, Side::right, kVocab, kMerges},
    {"NougatTokenizer", "BPE", "unk_token=<unk> bos_token=<s> eos_token=</s> pad_token=<pad>", build_nougat,
     finish_nougat, true, kNames, Side::right, kVocab, kMerges},
    {"Qwen2Tokenizer", "BPE", kQwen, build_qwen2, finish_qwen2, true, kNames, Side::right, kVocab, kMerges},
    {"Qwen3_5Tokenizer", "BPE", kQwen, build_qwen35, nullptr, true, kNames, Side::right, "tokenizer.model"},
    {"WhisperTokenizer", "BPE", "unk_token=<|endoftext|> bos_token=<|endoftext|> eos_token=<|endoftext|>",
     build_whisper, finish_whisper, true, kNames, Side::right, kVocab, kMerges},
};

}  // namespace

extern constinit const TokenizerClasses byte_level_entry{kRows};

}  // namespace hearth::tokenizers::classes
