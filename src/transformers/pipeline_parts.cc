#include "transformers/pipeline_parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"

namespace hearth {

// ---- parameters ----

const Json* PipelineParameters::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
  return json_.find(key);
}

const Json* PipelineParameters::value(std::string_view key) {
  const auto* out = find(key);
  return out && !out->is_null() ? out : nullptr;
}

void PipelineParameters::fail(std::string message) {
  if (status_.ok()) status_ = Status(Code::bad_input, std::move(message));
}

void PipelineParameters::wrong(std::string_view key, std::string_view wanted) {
  fail(cat("the parameter ", key, " is ", json_[key].dump(), ", not ", wanted));
}

int64_t PipelineParameters::integer(std::string_view key, int64_t otherwise, int64_t low) {
  const auto* found = value(key);
  if (!found) return otherwise;
  constexpr int64_t kMax = 1 << 30;
  if (!found->is_int() || found->as_int() < low || found->as_int() > kMax)
    wrong(key, cat("an integer of at least ", low));
  return found->as_int();
}

bool PipelineParameters::flag(std::string_view key, bool otherwise) {
  const auto* found = value(key);
  if (!found) return otherwise;
  if (!found->is_bool()) wrong(key, "true or false");
  return found->as_bool();
}

std::string PipelineParameters::text(std::string_view key, std::string_view otherwise) {
  const auto* found = value(key);
  if (!found) return std::string(otherwise);
  if (!found->is_string()) wrong(key, "a text");
  return std::string(found->as_string());
}

std::vector<std::string> PipelineParameters::texts(std::string_view key, std::string_view wanted) {
  std::vector<std::string> out;
  const auto* found = value(key);
  if (!found) return out;
  if (found->is_string()) return {std::string(found->as_string())};
  if (!found->is_array()) wrong(key, wanted);
  for (const auto& item : found->array()) {
    if (!item.is_string()) wrong(key, wanted);
    out.emplace_back(item.as_string());
  }
  return out;
}

std::string PipelineParameters::choice(std::string_view key, std::string_view otherwise,
                                       std::initializer_list<const char*> known) {
  const auto asked = to_lower_ascii(text(key, otherwise));
  if (asked == otherwise || std::ranges::any_of(known, [&](std::string_view one) { return one == asked; }))
    return asked;
  wrong(key, cat("one of ", join({known.begin(), known.end()}, ", ")));
  return std::string(otherwise);
}

Json PipelineParameters::rest() {
  Json out(Json::Object{});
  for (const auto& [key, item] : json_.object()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    out.set(key, item);
    known_.push_back(key);
  }
  return out;
}

Status PipelineParameters::finish() {
  for (const auto& [key, item] : json_.object())
    if (std::ranges::find(known_, key) == known_.end())
      fail(cat("the parameter '", key, "' is not known; there are: ", join(known_, ", ")));
  return std::move(status_);
}

CallOptions tokenizer_options(PipelineParameters& parameters) {
  CallOptions out{.add_special_tokens = parameters.flag("add_special_tokens", true)};
  if (const auto* truncation = parameters.find("truncation"); truncation && !truncation->is_null()) {
    const auto name = truncation->as_string();
    if (truncation->is_bool()) {
      out.truncation = truncation->as_bool() ? Truncate::longest_first : Truncate::do_not_truncate;
    } else if (name == "longest_first" || name == "only_first" || name == "only_second" || name == "do_not_truncate") {
      out.truncation = name == "longest_first" ? Truncate::longest_first
                       : name == "only_first"  ? Truncate::only_first
                       : name == "only_second" ? Truncate::only_second
                                               : Truncate::do_not_truncate;
    } else {
      parameters.fail(cat("the parameter truncation is ", truncation->dump(),
                          ", not true, false, longest_first, only_first, only_second or do_not_truncate"));
    }
  }
  if (const auto length = parameters.integer("max_length", 0, 1); length > 0) out.max_length = length;
  parameters.find("padding");
  return out;
}

CallOptions nested_tokenizer_options(PipelineParameters& parameters, std::string_view key,
                                     std::initializer_list<const char*> also) {
  Json own(Json::Object{});
  if (const auto* given = parameters.find(key); given && given->is_object())
    own = *given;
  else if (given && !given->is_null())
    parameters.fail(cat("the parameter ", key, " is ", given->dump(), ", not an object"));
  for (const auto* name : also) {
    const auto* beside = parameters.find(name);
    if (beside && own.find(name)) parameters.fail(cat("the parameter ", name, " is given twice, in ", key, " too"));
    if (beside) own.set(name, *beside);
  }
  PipelineParameters inner(own);
  const auto out = tokenizer_options(inner);
  if (const auto status = inner.finish(); !status.ok()) parameters.fail(cat(key, ": ", status.message()));
  return out;
}

// ---- inputs ----

Result<PipelineInputs> PipelineInputs::from(const Json& inputs) {
  PipelineInputs out{.items = {}, .is_list = inputs.is_array()};
  if (!out.is_list) out.items.push_back(&inputs);
  for (const auto& item : inputs.array()) out.items.push_back(&item);
  if (out.items.empty()) return Status(Code::bad_input, "an empty list of inputs");
  return out;
}

Result<PipelineInputs> PipelineInputs::texts(const Json& inputs, std::string_view what) {
  auto out = TRY(from(inputs));
  for (const auto* item : out.items)
    if (!item->is_string())
      return Status(Code::bad_input,
                    cat("the inputs are neither ", what, " nor a list of them: there is ", item->dump().substr(0, 80)));
  return out;
}

Json PipelineInputs::answer(Json::Array answers) const {
  return is_list ? Json(std::move(answers)) : std::move(answers.front());
}

// ---- passes ----

PassOptions pass_options(PipelineParameters& parameters, std::stop_token stop) {
  PassOptions out{.stop = std::move(stop)};
  out.batch_size = parameters.integer("batch_size", out.batch_size, 1);
  parameters.find("num_workers");
  return out;
}

Result<TextReader> TextReader::from(Task task, const std::string& path, const LoadOptions& options) {
  auto tokenizer = TRY(AutoTokenizer::from_pretrained(model_folder(path)));
  return TextReader{.model = TRY(AutoModel::from_pretrained(task, path, options)), .tokenizer = std::move(tokenizer)};
}

namespace {

/// Positions that depend on the longest text of a batch, and decoders that read padding.
bool reads_neighbours(const Config& config) {
  const auto& rope = config.rope_parameters.rope_type;
  return config.raw["is_encoder_decoder"].as_bool(false) || rope == "dynamic" || rope == "longrope";
}

ModelInputs padded(std::span<const Encoding> texts, std::span<const size_t> indices, bool has_types) {
  ModelInputs out{.batch = static_cast<int64_t>(indices.size())};
  for (const auto i : indices) out.length = std::max(out.length, static_cast<int64_t>(texts[i].size()));
  const auto count = static_cast<size_t>(out.batch * out.length);
  out.input_ids.assign(count, 0);
  out.attention_mask.assign(count, 0);
  if (has_types) out.token_type_ids.assign(count, 0);
  auto begin = ptrdiff_t{0};
  for (const auto i : indices) {
    std::ranges::copy(texts[i].ids, out.input_ids.begin() + begin);
    std::fill_n(out.attention_mask.begin() + begin, texts[i].size(), 1);
    if (has_types) std::ranges::copy(texts[i].type_ids, out.token_type_ids.begin() + begin);
    begin += out.length;
  }
  return out;
}

Status check_lengths(std::span<const Encoding> texts, const Config& config) {
  const auto limit = text_length_max(config);
  for (const auto& text : texts) {
    if (text.size() == 0) return {Code::bad_input, "a text without any token"};
    if (limit && static_cast<int64_t>(text.size()) > *limit)
      return {Code::too_large, cat("a text has ", text.size(), " tokens; the model has positions for ", *limit)};
  }
  return {};
}

}  // namespace

Status TextReader::run(std::span<const Encoding> texts, const PassOptions& options,
                       std::initializer_list<Wanted> wanted, const OnText& on_text) const {
  TRY(check_lengths(texts, model->config()));
  const bool has_types =
      std::ranges::find(tokenizer.model_input_names(), "token_type_ids") != tokenizer.model_input_names().end();
  const bool only_equal = reads_neighbours(model->config());
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return texts[a].size() > texts[b].size(); });
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    if (options.stop.stop_requested()) return {Code::cancelled, "stopped"};
    const auto longest = texts[order[begin]].size();
    for (end = begin + 1; end < order.size(); ++end) {
      const auto count = static_cast<int64_t>(end - begin);
      if (count >= options.batch_size || (count + 1) * static_cast<int64_t>(longest) > options.rows_max) break;
      if (only_equal && texts[order[end]].size() != longest) break;
    }
    const auto indices = std::span(order).subspan(begin, end - begin);
    const auto made = TRY(model->forward(padded(texts, indices, has_types)));
    std::vector<std::vector<float>> values;
    for (const auto member : wanted) values.push_back(to_vector(contiguous(made.*member)));
    std::vector<size_t> at(values.size(), 0);
    size_t rows = 0;
    for (const auto i : indices) rows += texts[i].size();
    for (const auto i : indices) {
      std::vector<std::span<const float>> parts;
      size_t v = 0;
      for (const auto member : wanted) {
        const auto count = static_cast<size_t>((made.*member).size(0));
        const auto size = values[v].size() / count * (count == rows ? texts[i].size() : 1);
        parts.push_back(std::span<const float>(values[v]).subspan(at[v], size));
        at[v++] += size;
      }
      on_text(i, parts);
    }
  }
  return {};
}

std::string TextReader::label(size_t id) const {
  const auto& name = model->config().raw["id2label"][cat(id)];
  return name.is_string() ? std::string(name.as_string()) : cat("LABEL_", id);
}

std::optional<TokenId> TextReader::special_id(std::string_view name) const {
  const auto token = tokenizer.special_token(name);
  return token ? tokenizer.backend_tokenizer().token_to_id(*token) : std::nullopt;
}

std::optional<int64_t> text_length_max(const Config& config) {
  if (!config.raw["max_position_embeddings"].is_int()) return {};  // distances, not positions: T5
  constexpr std::string_view kAfterPadding[] = {"roberta", "xlm-roberta", "camembert", "mpnet"};
  const bool is_after = std::ranges::find(kAfterPadding, config.model_type) != std::end(kAfterPadding);
  return config.max_position_embeddings - (is_after ? config.pad_token_id.value_or(1) + 1 : 0);
}

// ---- scores ----

void softmax_in_place(std::span<float> values) {
  if (values.empty()) return;
  const float top = std::ranges::max(values);
  double sum = 0;
  for (auto& value : values) sum += value = std::exp(value - top);
  for (auto& value : values) value = static_cast<float>(value / sum);
}

float sigmoid(float value) {
  return 1 / (1 + std::exp(-value));
}

std::vector<size_t> top_of(std::span<const float> values, int64_t count) {
  std::vector<size_t> out(values.size());
  std::iota(out.begin(), out.end(), size_t{0});
  const auto kept = std::min(count, static_cast<int64_t>(out.size()));
  std::ranges::partial_sort(out, out.begin() + kept,
                            [&](size_t a, size_t b) { return values[a] != values[b] ? values[a] > values[b] : a < b; });
  out.resize(static_cast<size_t>(kept));
  return out;
}

}  // namespace hearth
