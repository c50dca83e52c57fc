// Translation models: a language's token stands beside each text. And Reformer, which is built like them.
// Source: transformers 5.23.0 models/{mbart,mbart50,nllb,reformer}/tokenization_*.py.
#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/classes_registry.h"

namespace hearth::tokenizers::classes {

namespace {

constexpr std::string_view kMBartLanguages =
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV "
    "my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN";
constexpr std::string_view kMBart50Languages =
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV "
    "my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID "
    "ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA "
    "ur_PK xh_ZA gl_ES sl_SI";
constexpr std::string_view kNllbLanguages =
    "ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn amh_Ethi apc_Arab arb_Arab "
    "ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn "
    "ban_Latn bel_Cyrl bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl "
    "cat_Latn ceb_Latn ces_Latn cjk_Latn ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn "
    "dzo_Tibt ell_Grek eng_Latn epo_Latn est_Latn eus_Latn ewe_Latn fao_Latn pes_Arab fij_Latn fin_Latn "
    "fon_Latn fra_Latn fur_Latn fuv_Latn gla_Latn gle_Latn glg_Latn grn_Latn guj_Gujr hat_Latn hau_Latn "
    "heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn ita_Latn "
    "jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda kas_Arab kas_Deva kat_Geor knc_Arab knc_Latn "
    "kaz_Cyrl kbp_Latn kea_Latn khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn kon_Latn kor_Hang kmr_Latn "
    "lao_Laoo lvs_Latn lij_Latn lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn lua_Latn lug_Latn "
    "luo_Latn lus_Latn mag_Deva mai_Deva mal_Mlym mar_Deva min_Latn mkd_Cyrl plt_Latn mlt_Latn mni_Beng "
    "khk_Cyrl mos_Latn mri_Latn zsm_Latn mya_Mymr nld_Latn nno_Latn nob_Latn npi_Deva nso_Latn nus_Latn "
    "nya_Latn oci_Latn gaz_Latn ory_Orya pag_Latn pan_Guru pap_Latn pol_Latn por_Latn prs_Arab pbt_Arab "
    "quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Beng scn_Latn shn_Mymr sin_Sinh slk_Latn "
    "slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn als_Latn srd_Latn srp_Cyrl ssw_Latn "
    "sun_Latn swe_Latn swh_Latn szl_Latn tam_Taml tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi "
    "taq_Latn taq_Tfng tpi_Latn tsn_Latn tso_Latn tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab "
    "ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn vie_Latn war_Latn wol_Latn xho_Latn ydd_Hebr yor_Latn "
    "yue_Hant zho_Hans zho_Hant zul_Latn";

Json::Array strings(std::string_view words) {
  Json::Array out;
  for (const auto word : split(words, ' ')) out.emplace_back(word);
  return out;
}

// The orders of pieces, from a SentencePiece file. Source: convert_slow_tokenizer.py, each converter's
// convert_from_spm.
void arrange_languages(Loading& l, std::string_view first, std::string_view languages) {
  std::vector<std::string> after;
  for (const auto code : split(languages, ' ')) after.emplace_back(code);
  after.push_back(l.argument("mask_token", "<mask>"));
  l.enclose_pieces(3,
                   {l.argument(first, "<s>"), l.argument("pad_token", "<pad>"), l.argument("eos_token", "</s>"),
                    l.argument("unk_token", "<unk>")},
                   after);
}

void arrange_mbart(Loading& l) {
  arrange_languages(l, "bos_token", kMBartLanguages);
}

void arrange_mbart50(Loading& l) {
  arrange_languages(l, "cls_token", kMBart50Languages);
}

// The special tokens first, then the pieces that are none of them.
void arrange_nllb(Loading& l) {
  Json::Object out;
  std::unordered_set<std::string> known;
  const auto add = [&](std::string token) {
    if (!known.insert(token).second) return;
    out.push_back({std::move(token), static_cast<int64_t>(out.size())});
  };
  add(l.argument("bos_token", "<s>"));
  add(l.argument("pad_token", "<pad>"));
  add(l.argument("eos_token", "</s>"));
  add(l.argument("unk_token", "<unk>"));
  for (const auto& [piece, id] : l.vocab.object()) add(piece);
  l.vocab = Json(std::move(out));
}

void metaspace(Loading& l, const char* scheme) {
  l.backend.pre_tokenizer = part::metaspace(scheme);
  l.backend.decoder = part::metaspace(scheme);
}

// The token under the id that a language has, which may be the unknown token.
Result<std::string> language_token(const Loading& l, std::string_view language) {
  const auto id = l.id_of(language);
  if (!id)
    return Status(Code::bad_input, cat(l.type->name, ": the language '", language, "' is not in the vocabulary"));
  return l.backend.id_to_token(*id).value_or("");
}

Status build_mbart(Loading& l) {
  l.wrap("mask_token", {.lstrip = true});
  Json::Array tokens = strings(kMBartLanguages);
  for (const auto& token : l.kwargs["additional_special_tokens"].array())
    if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
  l.kwargs.set("additional_special_tokens", std::move(tokens));
  TRY(l.set_unigram(3));
  l.backend.pre_tokenizer = part::pre_tokenizers({part::typed("WhitespaceSplit"), part::metaspace("always")});
  l.backend.decoder = part::metaspace("always");
  return {};
}

// The language of target texts; without one that of the source.
std::string_view target_language(const Loading& l, std::string_view otherwise) {
  return l.text("tgt_lang", l.text("src_lang", otherwise));
}

Status mbart(Loading& l, std::string_view name) {
  const auto language = TRY(language_token(l, name));
  return l.set_template(std::vector<std::string>(), {l.token("eos_token").value_or(""), language});
}

Status finish_mbart(Loading& l) {
  return mbart(l, l.text("src_lang", "en_XX"));
}

Status finish_mbart_target(Loading& l) {
  return mbart(l, target_language(l, "en_XX"));
}

Status build_mbart50(Loading& l) {
  l.wrap("mask_token", {.lstrip = true});
  bool has_languages = false;
  for (const auto& code : strings(kMBart50Languages)) has_languages |= l.unigram_index(code.as_string(), -1) >= 0;
  if (!has_languages && l.vocab.is_array()) {
    const auto row = [](std::string_view text) { return Json(Json::Array{text, 0.0}); };
    Json::Array rows{row(l.argument("cls_token")), row(l.argument("pad_token")), row(l.argument("eos_token")),
                     row(l.argument("unk_token"))};
    for (size_t i = 3; i < l.vocab.size(); ++i) rows.push_back(l.vocab.array()[i]);
    for (const auto& code : strings(kMBart50Languages)) rows.push_back(row(code.as_string()));
    rows.push_back(row(l.argument("mask_token")));
    l.vocab = Json(std::move(rows));
  }
  TRY(l.set_unigram(3));
  Json::Array steps;
  if (!l.charsmap.is_null()) steps.push_back(part::precompiled(l.charsmap));
  steps.push_back(part::replace_regex(" {2,}", " "));
  l.backend.normalizer = part::normalizers(std::move(steps));
  metaspace(l, "always");
  Json::Array tokens = l.kwargs["additional_special_tokens"].array();
  for (auto& code : strings(kMBart50Languages)) tokens.push_back(std::move(code));
  l.kwargs.set("additional_special_tokens", std::move(tokens));
  return {};
}

Status mbart50(Loading& l, std::string_view name) {
  const auto language = TRY(language_token(l, name));
  return l.set_template(std::vector<std::string>{language}, {l.token("eos_token").value_or("")});
}

Status finish_mbart50(Loading& l) {
  for (const auto& code : strings(kMBart50Languages)) {
    const auto same = [&](const TokenValue& value) { return value.token.content == code.as_string(); };
    if (std::any_of(l.extra_special_tokens.begin(), l.extra_special_tokens.end(), same)) continue;
    TokenValue value;
    value.token.content = std::string(code.as_string());
    value.token.special = true;
    value.is_text = false;
    l.extra_special_tokens.push_back(std::move(value));
  }
  return mbart50(l, l.text("src_lang", "en_XX"));
}

Status finish_mbart50_target(Loading& l) {
  return mbart50(l, target_language(l, "en_XX"));
}

Status build_nllb(Loading& l) {
  if (l.kwargs["extra_special_tokens"].is_null()) {
    const auto& given = l.kwargs["additional_special_tokens"];
    Json tokens = given.is_null() ? Json(strings(kNllbLanguages)) : given;
    l.kwargs.set("extra_special_tokens", std::move(tokens));
  }
  l.wrap("mask_token", {.special = true, .lstrip = true, .normalized = true});
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .fuse_unk = true}));
  if (!l.charsmap.is_null())
    l.backend.normalizer = part::normalizers({part::precompiled(l.charsmap), part::replace_regex(" {2,}", " ")});
  metaspace(l, "always");
  return {};
}

Status nllb(Loading& l, std::string_view name) {
  const std::string language(name), eos = l.token("eos_token").value_or("");
  if (l.flag("legacy_behaviour", false)) return l.set_template(std::vector<std::string>(), {eos, language});
  return l.set_template(std::vector<std::string>{language}, {eos});
}

Status finish_nllb(Loading& l) {
  return nllb(l, l.text("src_lang", "eng_Latn"));
}

Status finish_nllb_target(Loading& l) {
  return nllb(l, target_language(l, "eng_Latn"));
}

Status build_reformer(Loading& l) {
  TRY(l.set_bpe({.unk_token = l.argument("unk_token"), .fuse_unk = true}));
  if (!l.charsmap.is_null())
    l.backend.normalizer = part::normalizers({part::precompiled(l.charsmap), part::replace_regex(" {2,}", " ")});
  metaspace(l, "always");
  return {};
}

constexpr std::string_view kNames = "input_ids attention_mask", kModel = "sentencepiece.bpe.model";

constexpr TokenizerClass kRows[] = {
    {"MBartTokenizer", "Unigram",
     "bos_token=<s> eos_token=</s> sep_token=</s> cls_token=<s> unk_token=<unk> pad_token=<pad> mask_token=<mask>",
     build_mbart, finish_mbart, true, kNames, Side::right, kModel, "", arrange_mbart, finish_mbart_target},
    {"MBart50Tokenizer", "Unigram",
     "eos_token=</s> sep_token=</s> cls_token=<s> unk_token=<unk> pad_token=<pad> mask_token=<mask>", build_mbart50,
     finish_mbart50, true, kNames, Side::right, kModel, "", arrange_mbart50, finish_mbart50_target},
    {"NllbTokenizer", "BPE",
     "bos_token=<s> eos_token=</s> sep_token=</s> cls_token=<s> unk_token=<unk> pad_token=<pad> mask_token=<mask>",
     build_nllb, finish_nllb, true, kNames, Side::right, kModel, "", arrange_nllb, finish_nllb_target},
    {"ReformerTokenizer", "BPE", "eos_token=</s> unk_token=<unk>", build_reformer, nullptr, true, kNames, Side::right,
     "spiece.model"},
};

}  // namespace

extern constinit const TokenizerClasses translation_entry{kRows};

}  // namespace hearth::tokenizers::classes
