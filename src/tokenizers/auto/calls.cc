// What Python's tokenizer(...), decode, pad and the token look-ups do.
// Source: transformers 5.23.0 tokenization_utils_base.py (__call__, _get_padding_truncation_strategies),
// tokenization_utils_tokenizers.py (_encode_plus, _convert_encoding, _decode).
#include <algorithm>

#include "base/text.h"
#include "tokenizers/auto/state.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/python/python_text.h"

namespace hearth {

namespace {

template <class T, class F>
Json list(const std::vector<T>& values, size_t size, F to_json) {
  Json::Array out;
  out.reserve(size);
  for (size_t i = 0; i < size; ++i) out.push_back(to_json(values.empty() ? nullptr : &values[i]));
  return Json(std::move(out));
}

Json field(const BatchEncoding& batch, std::string_view key, size_t row) {
  const auto& e = batch.encodings[row];
  const size_t n = e.size();
  const auto number = [](int64_t otherwise) {
    return [otherwise](const auto* value) { return value == nullptr ? Json(otherwise) : Json(int64_t{*value}); };
  };
  if (key == "input_ids") return list(e.ids, n, number(0));
  if (key == "token_type_ids") return list(e.type_ids, n, number(0));
  if (key == "attention_mask") return list(e.attention_mask, n, number(1));
  if (key == "special_tokens_mask") return list(e.special_tokens_mask, n, number(0));
  if (key == "offset_mapping")
    return list(e.offsets, n, [](const TextSpan* s) {
      return Json(Json::Array{Json(s == nullptr ? 0 : s->begin), Json(s == nullptr ? 0 : s->end)});
    });
  if (key == "assistant_masks") return list(batch.assistant_masks[row], n, number(0));
  if (key == "length") return Json(static_cast<int64_t>(n));
  return Json(batch.overflow_to_sample_mapping[row]);
}

// What padding, cutting and the limit come to.
struct Strategies {
  PaddingStrategy padding;
  std::optional<TruncationStrategy> truncation;
  std::optional<int64_t> max_length;
};

Result<Strategies> strategies(const PreTrainedTokenizer::State& s, const CallOptions& o) {
  Strategies out{o.padding, std::nullopt, o.max_length};
  auto truncate = o.truncation;
  if (truncate == Truncate::unset && o.max_length && o.padding == PaddingStrategy::do_not_pad)
    truncate = Truncate::longest_first;
  if (truncate == Truncate::longest_first) out.truncation = TruncationStrategy::longest_first;
  if (truncate == Truncate::only_first) out.truncation = TruncationStrategy::only_first;
  if (truncate == Truncate::only_second) out.truncation = TruncationStrategy::only_second;
  if (!out.max_length) {
    if (out.padding == PaddingStrategy::max_length && !s.model_max_length) out.padding = PaddingStrategy::do_not_pad;
    if (out.truncation && !s.model_max_length) out.truncation.reset();
    if (out.padding == PaddingStrategy::max_length || out.truncation) out.max_length = s.model_max_length;
  }
  if (out.max_length && *out.max_length < 0) return Status(Code::bad_input, cat("max_length is ", *out.max_length));
  if (o.stride < 0) return Status(Code::bad_input, cat("stride is ", o.stride));
  if (o.pad_to_multiple_of && *o.pad_to_multiple_of < 1)
    return Status(Code::bad_input, cat("pad_to_multiple_of is ", *o.pad_to_multiple_of));
  if (out.truncation && out.padding != PaddingStrategy::do_not_pad && o.pad_to_multiple_of && out.max_length &&
      *out.max_length % *o.pad_to_multiple_of != 0) {
    return Status(Code::bad_input,
                  cat("Truncation and padding are both activated but truncation length (", *out.max_length,
                      ") is not a multiple of pad_to_multiple_of (", *o.pad_to_multiple_of, ")."));
  }
  return out;
}

std::string clean_up(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kSteps[] = {
      {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
      {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kSteps) text = replace_all(text, from, to);
  return text;
}

// Whisper's decode: without the prompt before <|startoftranscript|>, and without time stamps ("<|1.20|>").
std::span<const TokenId> without_prompt(std::span<const TokenId> ids, std::optional<TokenId> prompt,
                                        std::optional<TokenId> start) {
  if (ids.empty() || !prompt || ids[0] != *prompt) return ids;
  const auto at = start ? std::find(ids.begin(), ids.end(), *start) : ids.end();
  return ids.subspan(static_cast<size_t>(at - ids.begin()));
}

std::string without_time_stamps(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto digits = [&](size_t at) {
      size_t end = at;
      while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
      return end;
    };
    if (text.substr(i).starts_with("<|")) {
      const size_t dot = digits(i + 2), end = dot < text.size() && text[dot] == '.' ? digits(dot + 1) : 0;
      if (dot > i + 2 && end > dot + 1 && text.substr(end).starts_with("|>")) {
        i = end + 2;
        continue;
      }
    }
    out += text[i++];
  }
  return out;
}

}  // namespace

Json BatchEncoding::to_json(bool batched) const {
  Json::Object out;
  for (const auto& key : keys) {
    Json::Array rows;
    for (size_t i = 0; i < encodings.size(); ++i) rows.push_back(field(*this, key, i));
    // One text has no outer list; a length stays in its list of one.
    if (!batched && !rows.empty() && rows[0].is_array()) {
      out.push_back({key, std::move(rows[0])});
    } else {
      out.push_back({key, std::move(rows)});
    }
  }
  return Json(std::move(out));
}

Result<BatchEncoding> PreTrainedTokenizer::operator()(std::span<const EncodeInput> inputs, const CallOptions& o) const {
  const auto& s = *state_;
  const auto plan = TRY(strategies(s, o));
  const auto pad_id = s.tokenizer.special_tokens().pad;
  if (plan.padding != PaddingStrategy::do_not_pad && !pad_id) {
    return Status(
        Code::bad_input,
        "Asking to pad but the tokenizer does not have a padding token: set `pad_token` in tokenizer_config.json");
  }
  const bool is_python = s.json.empty();
  if (is_python && o.return_overflowing_tokens)
    return Status(Code::unsupported, cat(s.class_name, " keeps no overflowing tokens: cut the text beforehand"));
  EncodeOptions encode{.add_special_tokens = o.add_special_tokens,
                       .split_special_tokens = o.split_special_tokens.value_or(s.split_special_tokens),
                       .offsets = o.return_offsets_mapping ? OffsetUnit::characters : OffsetUnit::none};
  if (plan.truncation) {
    encode.truncation = Truncation{.max_length = static_cast<size_t>(*plan.max_length),
                                   .stride = static_cast<size_t>(o.stride),
                                   .strategy = *plan.truncation,
                                   .side = s.truncation_side,
                                   .is_lenient = is_python};
  }
  const auto& tokenizer = o.as_target && s.target ? *s.target : s.tokenizer;
  auto encodings = TRY(tokenizer.encode_batch(inputs, encode));
  if (plan.padding != PaddingStrategy::do_not_pad) {
    Padding padding{.length = std::nullopt,
                    .to_multiple_of = static_cast<size_t>(o.pad_to_multiple_of.value_or(0)),
                    .pad_id = *pad_id,
                    .pad_type_id = s.pad_token_type_id,
                    .pad_token = special_token("pad_token").value_or(""),
                    .side = o.padding_side.value_or(s.padding_side)};
    if (plan.padding == PaddingStrategy::max_length && plan.max_length)
      padding.length = static_cast<size_t>(*plan.max_length);
    pad(encodings, padding);
  }

  BatchEncoding out;
  const auto has = [&](std::string_view name) {
    return std::find(s.model_input_names.begin(), s.model_input_names.end(), name) != s.model_input_names.end();
  };
  out.keys.emplace_back("input_ids");
  if (o.return_token_type_ids.value_or(has("token_type_ids"))) out.keys.emplace_back("token_type_ids");
  if (o.return_attention_mask.value_or(has("attention_mask"))) out.keys.emplace_back("attention_mask");
  if (o.return_special_tokens_mask) out.keys.emplace_back("special_tokens_mask");
  if (o.return_offsets_mapping) out.keys.emplace_back("offset_mapping");
  if (o.return_length) out.keys.emplace_back("length");
  if (o.return_overflowing_tokens) out.keys.emplace_back("overflow_to_sample_mapping");
  for (size_t i = 0; i < encodings.size(); ++i) {
    auto overflowing = std::move(encodings[i].overflowing);
    encodings[i].overflowing.clear();
    out.encodings.push_back(std::move(encodings[i]));
    out.overflow_to_sample_mapping.push_back(static_cast<int64_t>(i));
    if (!o.return_overflowing_tokens) continue;
    for (auto& more : overflowing) {
      out.encodings.push_back(std::move(more));
      out.overflow_to_sample_mapping.push_back(static_cast<int64_t>(i));
    }
  }
  return out;
}

Result<std::vector<TokenId>> PreTrainedTokenizer::encode(std::string_view text, const CallOptions& options) const {
  const EncodeInput input{{.text = text}};
  auto batch = TRY((*this)(std::span(&input, 1), options));
  return std::move(batch.encodings[0].ids);
}

std::string PreTrainedTokenizer::decode(std::span<const TokenId> ids, bool skip_special_tokens,
                                        std::optional<bool> clean_up_tokenization_spaces) const {
  const auto& s = *state_;
  const bool whisper = s.class_name == "WhisperTokenizer";
  if (whisper && skip_special_tokens) {
    ids = without_prompt(ids, convert_tokens_to_ids("<|startofprev|>"), convert_tokens_to_ids("<|startoftranscript|>"));
  }
  auto text = s.tokenizer.decode(ids, {.skip_special_tokens = skip_special_tokens});
  // CLIPTokenizer wraps the decoder: the ends of words become spaces.
  if (s.class_name == "CLIPTokenizer") text = std::string(tokenizers::python::strip(replace_all(text, "</w>", " ")));
  const bool clean = clean_up_tokenization_spaces.value_or(s.clean_up_tokenization_spaces);
  if (clean && (s.model_type != "BPE" || s.clean_up_even_bpe)) text = clean_up(std::move(text));
  return whisper ? without_time_stamps(text) : text;
}

std::vector<std::string> PreTrainedTokenizer::batch_decode(std::span<const std::vector<TokenId>> sequences,
                                                           bool skip_special_tokens,
                                                           std::optional<bool> clean_up_tokenization_spaces) const {
  std::vector<std::string> out;
  out.reserve(sequences.size());
  for (const auto& ids : sequences) out.push_back(decode(ids, skip_special_tokens, clean_up_tokenization_spaces));
  return out;
}

std::string PreTrainedTokenizer::convert_tokens_to_string(std::vector<std::string> tokens) const {
  const auto& decoder = state_->tokenizer.parts().decoder;
  if (!decoder) return join(tokens, " ");
  decoder->decode(tokens);
  return join(tokens, "");
}

bool PreTrainedTokenizer::is_fast() const {
  return !state_->json.empty();
}

std::string PreTrainedTokenizer::continuing_subword_prefix() const {
  const auto member = [](std::string_view json, std::string_view name) -> std::string_view {
    const auto members = json_members(json);
    if (!members.ok()) return {};
    for (const auto& [key, value] : *members)
      if (key == name) return value;
    return {};
  };
  const auto text = member(member(state_->json, "model"), "continuing_subword_prefix");
  const auto parsed = Json::parse(text);
  return parsed.ok() ? std::string(parsed->as_string()) : std::string();
}

std::optional<TokenId> PreTrainedTokenizer::convert_tokens_to_ids(std::string_view token) const {
  if (const auto id = state_->tokenizer.token_to_id(token)) return id;
  const auto unk = special_token("unk_token");
  return unk ? state_->tokenizer.token_to_id(*unk) : std::nullopt;
}

std::optional<std::string> PreTrainedTokenizer::special_token(std::string_view name) const {
  for (const auto& [key, text] : state_->special_tokens_map)
    if (key == name) return text;
  return std::nullopt;
}

std::vector<std::string> PreTrainedTokenizer::all_special_tokens() const {
  std::vector<std::string> out;
  const auto add = [&](const std::string& text) {
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(text);
  };
  for (const auto& row : state_->special_tokens_map) add(row.second);
  for (const auto& text : state_->extra_special_tokens) add(text);
  return out;
}

const std::vector<std::pair<std::string, std::string>>& PreTrainedTokenizer::chat_templates() const {
  return state_->chat_templates;
}
const std::vector<std::pair<std::string, std::string>>& PreTrainedTokenizer::special_tokens_map() const {
  return state_->special_tokens_map;
}
const std::vector<std::string>& PreTrainedTokenizer::extra_special_tokens() const {
  return state_->extra_special_tokens;
}
const std::string& PreTrainedTokenizer::class_name() const {
  return state_->class_name;
}
const std::vector<std::string>& PreTrainedTokenizer::model_input_names() const {
  return state_->model_input_names;
}
std::optional<int64_t> PreTrainedTokenizer::model_max_length() const {
  return state_->model_max_length;
}
Side PreTrainedTokenizer::padding_side() const {
  return state_->padding_side;
}
Side PreTrainedTokenizer::truncation_side() const {
  return state_->truncation_side;
}
int32_t PreTrainedTokenizer::pad_token_type_id() const {
  return state_->pad_token_type_id;
}
bool PreTrainedTokenizer::split_special_tokens() const {
  return state_->split_special_tokens;
}
const Tokenizer& PreTrainedTokenizer::backend_tokenizer() const {
  return state_->tokenizer;
}

}  // namespace hearth
