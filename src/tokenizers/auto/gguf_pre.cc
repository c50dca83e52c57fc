#include "tokenizers/auto/gguf_pre.h"

#include <vector>

#include "base/text.h"
#include "tokenizers/auto/part_json.h"
#include "tokenizers/pipeline/scanners.h"

namespace hearth::tokenizers {

namespace {

constexpr std::string_view kGpt4o =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m)re"
    R"re(|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|)re"
    R"re('re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr std::string_view kTekken =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[)re"
    R"re(\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\)re"
    R"re(r\n]+|\s+(?!\S)|\s+)re";
constexpr std::string_view kDeepseek3 =
    R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{)re"
    R"re(S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr std::string_view kDeepseekLetters =
    R"re(\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x)re"
    R"re({2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{)re"
    R"re(3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F)re"
    R"re(5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-)re"
    R"re(\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{)re"
    R"re(1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4)re"
    R"re(}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\)re"
    R"re(x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A)re"
    R"re(}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{)re"
    R"re(2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69)re"
    R"re(B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-)re"
    R"re(\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104)re"
    R"re(FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+)re";
constexpr std::string_view kDeepseekPunctuation =
    R"re(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+)re";
constexpr std::string_view kHan = R"re([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)re";
constexpr std::string_view kYoutu =
    R"re([\x{AC00}-\x{D7A3}\x{3131}-\x{318E}]+|[\x{FF01}\x{2026}\x{201C}\x{201D}\x{2018}\x{2019}\x{2014}\)re"
    R"re(x{FF1A}\x{FF1B}\x{FF0C}\x{3001}-\x{303F}\x{FE30}-\x{FE4F}]+|[\x{3105}-\x{312F}]+|[\x{4E00}-\x{9F)re"
    R"re(A5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)re";
constexpr std::string_view kYoutuWords =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m)re"
    R"re(|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|)re"
    R"re('re|'ve|'m|'ll|'d)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr std::string_view kAfmoe =
    R"re([\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{8C48}-\x{FAFF}\x{3040}-\x{309F}\x{30A0}-\x{30FF}\x{FF65}-\)re"
    R"re(x{FF9F}\x{2F00}-\x{2FDF}\x{E40}-\x{E7F}\x{E80}-\x{EFF}\x{1780}-\x{17FF}\x{1000}-\x{109F}\x{AA60})re"
    R"re(-\x{AA7F}\x{A9E0}-\x{A9FF}\x{AC00}-\x{D7AF}\x{1100}-\x{11FF}]+)re";
constexpr std::string_view kPoro = R"re( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)re";
constexpr std::string_view kKimi =
    R"re([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M)re"
    R"re(}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[)re"
    R"re(^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s)re"
    R"re(\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr std::string_view kKanaHan = R"re([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)re";
constexpr std::string_view kSpark =
    R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{)re"
    R"re(S}]+|[\r\n]|\s+(?!\S)|\s+)re";
constexpr std::string_view kJais2 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\)re"
    R"re(r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\)re"
    R"re(S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1})re";
constexpr std::string_view kMinicpm5 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n])re"
    R"re(+|\s+(?!\S)|\s+)re";
constexpr std::string_view kBailing =
    R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?)re"
    R"re(!\S)|\s+)re";
constexpr std::string_view kSeedCoder =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+)re"
    R"re(|\s+(?!\S)|\s+)re";
constexpr std::string_view kUfakzeka =
    R"re([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr std::string_view kExaoneMoe =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{)re"
    R"re(L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)re";
constexpr std::string_view kThousands = R"re(\d{1,3}(?=(?:\d{3})*\b))re";

constexpr std::string_view kTriples = "[0-9][0-9][0-9]", kLines = R"([^\n]+|[\n]+)";

constexpr GgufPre kPres[] = {
    {.names = "gpt-2 default phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de jina-v1-en jina-v2-code roberta-bpe "
              "a.x-4.0 mellum modern-bert mpt olmo jais trillion granite-docling exaone4",
     .gpt2 = true},
    {.names = "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", .digits = true, .gpt2 = true},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     .patterns = {kLlama3Pattern},
     .ignore_merges = true,
     .add_bos = true},
    {.names = "dbrx smaug-bpe chatglm-bpe", .patterns = {kLlama3Pattern}},
    {.names = "glm4 glm5", .patterns = {kLlama3Pattern}, .ignore_merges = true},
    {.names = "minicpm5", .patterns = {R"(\p{N}{1,3})", kMinicpm5}, .ignore_merges = true},
    {.names = "jais-2", .patterns = {kJais2}},
    {.names = "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez", .patterns = {kQwen2Pattern}, .nfc = true},
    {.names = "stablelm2 hunyuan solar-open grok-2", .patterns = {kQwen2Pattern}},
    {.names = "laguna", .patterns = {kLines, kQwen2Pattern}},
    {.names = "qwen35", .patterns = {kQwen35Pattern}},
    {.names = "ufakzeka", .patterns = {kUfakzeka}},
    {.names = "gpt-4o llama4 kanana2 talkie minimax-m2", .patterns = {kGpt4o}},
    {.names = "granite-embed-multi-97m", .patterns = {kGpt4o}, .ignore_merges = true},
    {.names = "tiny_aya cohere2moe", .patterns = {kThousands, kGpt4o}},
    {.names = "tekken", .patterns = {kTekken}, .ignore_merges = true, .add_bos = true},
    {.names = "falcon", .patterns = {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Pattern, kTriples}},
    {.names = "deepseek-llm",
     .patterns = {"[\r\n]", kDeepseekLetters, kDeepseekPunctuation, R"(\s+$)", kHan, R"(\p{N}+)"}},
    {.names = "deepseek-coder", .patterns = {"[\r\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kHan, R"(\p{N})"}},
    {.names = "deepseek-v3 deepseek-r1 hunyuan-dense hy_v4 joyai-llm",
     .patterns = {R"(\p{N}{1,3})", kKanaHan, kDeepseek3}},
    {.names = "spark2_5", .patterns = {R"(\p{N}{1,3})", kKanaHan, kSpark, R"(\p{N})"}},
    {.names = "youtu", .patterns = {kYoutu, kYoutuWords}, .ignore_merges = true},
    {.names = "afmoe", .patterns = {kThousands, kAfmoe, kDeepseek3}},
    {.names = "kimi-k2", .patterns = {kKimi}},
    {.names = "poro-chat bloom gpt3-finnish", .patterns = {kPoro}},
    {.names = "viking", .patterns = {kPoro, R"(\p{N})"}},
    {.names = "chameleon",
     .patterns = {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", R"(([\t\n]|    |  ))", R"(\p{N})",
                  R"([\p{P}!-/:-@\[-`{-~])", kGpt2Pattern},
     .add_bos = true},
    {.names = "superbpe", .patterns = {R"(\p{N}+)", R"((?=(\d{3})+(?!\d)))"}},
    {.names = "bailingmoe bailingmoe2 llada-moe", .patterns = {kBailing}},
    {.names = "seed-coder", .patterns = {kSeedCoder}},
    {.names = "exaone-moe", .patterns = {kExaoneMoe}},
    {.names = "gemma4 granite-embed-multi-311m mmbert sarvam-moe", .patterns = {kLines}, .underlines = true},
};

}  // namespace

const GgufPre* find_gguf_pre(std::string_view name) {
  for (const auto& pre : kPres)
    for (const auto known : split(pre.names, ' '))
      if (known == name) return &pre;
  return nullptr;
}

std::string known_gguf_pres() {
  std::string out;
  for (const auto& row : kPres) out += cat(out.empty() ? "" : " ", row.names);
  return out;
}

std::string gguf_pre_of(const Json& pre_tokenizer, bool ignore_merges) {
  std::vector<std::string_view> patterns;
  bool digits = false, gpt2 = false;
  const auto read = [&](const Json& step) {
    const auto type = step["type"].as_string();
    if (type == "Split") patterns.push_back(step["pattern"]["Regex"].as_string());
    digits |= type == "Digits" && step["individual_digits"].as_bool(false);
    gpt2 |= type == "ByteLevel" && step["use_regex"].as_bool(true);
  };
  read(pre_tokenizer);
  for (const auto& step : pre_tokenizer["pretokenizers"].array()) read(step);
  const auto fits = [&](const GgufPre& pre) {
    std::vector<std::string_view> known;
    for (const auto pattern : pre.patterns)
      if (!pattern.empty()) known.push_back(pattern);
    return !pre.underlines && pre.digits == digits && pre.gpt2 == gpt2 && known == patterns;
  };
  const GgufPre* found = nullptr;
  for (const auto& pre : kPres)
    if (fits(pre) && (!found || (found->ignore_merges != ignore_merges && pre.ignore_merges == ignore_merges)))
      found = &pre;
  return found ? std::string(split(found->names, ' ').front()) : std::string();
}

Json gguf_pre_tokenizer(const GgufPre& pre) {
  Json::Array steps;
  if (pre.digits) steps.push_back(part::digits(true));
  for (const auto pattern : pre.patterns)
    if (!pattern.empty()) steps.push_back(part::split_regex(pattern));
  if (!pre.underlines) steps.push_back(part::byte_level(false, pre.gpt2));
  return part::pre_tokenizers(std::move(steps));
}

}  // namespace hearth::tokenizers
