#include "transformers/gguf_tensors.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "tensor/linear_kernels.h"
#include "tensor/params.h"
#include "transformers/gguf_names.h"

namespace hearth {
namespace {

/// Where a name stands: "blk.3.attn_q.weight" is {the stack of "blk", "3", "attn_q", "weight"}; outside of layers the
/// stack is null.
struct Place {
  const GgufStack* stack = nullptr;
  std::string_view layer = {}, part = {}, leaf = {};
};

Place place_of(const GgufLayout& layout, std::string_view name, std::string_view GgufStack::*prefix) {
  Place out;
  for (const auto& stack : layout.stacks) {
    const auto begin = stack.*prefix;
    if (!name.starts_with(begin) || name.substr(begin.size()).find('.') != 0) continue;
    const auto rest = name.substr(begin.size() + 1);
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos || !parse_int(rest.substr(0, dot))) continue;
    out = {.stack = &stack, .layer = rest.substr(0, dot)};
    name = rest.substr(dot + 1);
    break;
  }
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  out.part = name.substr(0, dot);
  out.leaf = name.substr(dot + 1);
  return out;
}

/// The other side's name of a part; empty when there is none.
std::string_view theirs_of(std::span<const GgufPair> pairs, std::string_view ours) {
  for (const auto& pair : pairs)
    if (pair.second == ours) return pair.first;
  return {};
}
std::string_view ours_of(std::span<const GgufPair> pairs, std::string_view theirs) {
  for (const auto& pair : pairs)
    if (pair.first == theirs) return pair.second;
  return {};
}

/// One name of GGUF for a name here, where both tables have one: the parts' own wins, and hides its namesake.
std::string_view part_of_ours(const GgufStack& stack, std::string_view ours) {
  if (const auto found = theirs_of(stack.parts, ours); !found.empty()) return found;
  const auto found = theirs_of(stack.others, ours);
  return ours_of(stack.parts, found).empty() ? found : std::string_view();
}
std::string_view part_of_theirs(const GgufStack& stack, std::string_view theirs) {
  const auto found = ours_of(stack.parts, theirs);
  return found.empty() ? ours_of(stack.others, theirs) : found;
}

Status misshaped(const WeightSource& source, std::string_view wanted) {
  return {Code::bad_input, cat(source.name, " is ", source.shape.text(), ", not ", wanted)};
}

WeightSource with_data(const WeightSource& source, std::shared_ptr<std::vector<std::byte>> buffer) {
  auto out = source;
  out.take(std::move(buffer));
  return out;
}

/// Any type as f32.
Result<WeightSource> as_f32(const WeightSource& source) {
  if (source.dtype == DType::f32) return source;
  std::vector<float> values(static_cast<size_t>(source.shape.numel()));
  auto status = kernels::dequantize(source.dtype, source.data, values);
  if (!status.ok()) return std::move(status).with(source.name);
  auto buffer = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(float));
  std::memcpy(buffer->data(), values.data(), buffer->size());
  auto out = with_data(source, std::move(buffer));
  out.dtype = DType::f32;
  return out;
}

/// A norm's weight and `step`.
Result<WeightSource> plus(const WeightSource& source, float step) {
  const auto plain = TRY(as_f32(source));
  auto buffer = std::make_shared<std::vector<std::byte>>(plain.data.begin(), plain.data.end());
  for (size_t i = 0; i + sizeof(float) <= buffer->size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, buffer->data() + i, sizeof value);
    value += step;
    std::memcpy(buffer->data() + i, &value, sizeof value);
  }
  return with_data(plain, std::move(buffer));
}

/// The last two dimensions turned, of elements that are not in blocks.
Result<WeightSource> turned(const WeightSource& source) {
  const auto plain = is_block_type(source.dtype) ? TRY(as_f32(source)) : source;
  const auto rank = plain.shape.size();
  const auto rows = static_cast<size_t>(plain.shape[rank - 2]), cols = static_cast<size_t>(plain.shape[rank - 1]);
  const auto width = static_cast<size_t>(block_bytes(plain.dtype));
  auto buffer = std::make_shared<std::vector<std::byte>>(plain.data.size());
  const size_t matrix = rows * cols * width;
  for (size_t begin = 0; matrix > 0 && begin < buffer->size(); begin += matrix)
    for (size_t row = 0; row < rows; ++row)
      for (size_t col = 0; col < cols; ++col)
        std::memcpy(buffer->data() + begin + (col * rows + row) * width,
                    plain.data.data() + begin + (row * cols + col) * width, width);
  auto out = with_data(plain, std::move(buffer));
  std::swap(out.shape[rank - 2], out.shape[rank - 1]);
  return out;
}

// ---- the order of rows ----

struct Heads {
  int64_t queries = 0, keys = 0;
};

Heads heads_of(const Json& config, const GgufLayout& layout) {
  const auto heads = config["num_attention_heads"].as_int();
  if (layout.architecture == "falcon") {
    if (config["new_decoder_architecture"].as_bool(false)) return {heads, config["num_kv_heads"].as_int(heads)};
    return {heads, config["multi_query"].as_bool(true) ? 1 : heads};
  }
  return {heads, config["num_key_value_heads"].as_int(heads)};
}

/// Rows of each head from halves (i, i + head_dim / 2) to the pairs (2i, 2i + 1) of GGUF's llama.
std::vector<RowRange> pairs_of_halves(int64_t heads, int64_t head_dim) {
  std::vector<RowRange> out;
  for (int64_t begin = 0; begin < heads * head_dim; begin += head_dim)
    for (int64_t i = 0; i < head_dim / 2; ++i) {
      out.push_back({begin + i, 1});
      out.push_back({begin + i + head_dim / 2, 1});
    }
  return out;
}

enum class Direction { to_gguf, from_gguf };

Result<WeightSource> permuted(const WeightSource& source, int64_t heads, Direction direction) {
  const auto rows = source.shape.size() > 0 ? source.shape[0] : 0;
  if (rows == 0 || heads <= 0 || rows % (2 * heads) != 0)
    return Status(Code::bad_input, cat(source.name, " has ", rows, " rows, which ", heads, " heads cannot share"));
  const auto head_dim = rows / heads;
  return rows_of(source, direction == Direction::to_gguf ? pairs_of_halves(heads, head_dim)
                                                         : halves_of_pairs(0, heads, head_dim, head_dim));
}

/// Q, K and V of a matrix: a checkpoint has the queries, the key and the value of each key's group together.
Result<WeightSource> regrouped(const WeightSource& source, const Heads& heads, Direction direction) {
  const auto rows = source.shape.size() > 0 ? source.shape[0] : 0;
  const auto parts = heads.queries + 2 * heads.keys;
  if (rows == 0 || heads.keys <= 0 || heads.queries % heads.keys != 0 || rows % parts != 0)
    return Status(Code::bad_input, cat(source.name, " has ", rows, " rows, which ", heads.queries, " queries, ",
                                       heads.keys, " keys and as many values cannot share"));
  const auto head_dim = rows / parts, group = heads.queries / heads.keys;
  std::vector<RowRange> out;
  if (direction == Direction::from_gguf) {
    for (int64_t i = 0; i < heads.keys; ++i) {
      out.push_back({i * group * head_dim, group * head_dim});
      out.push_back({(heads.queries + i) * head_dim, head_dim});
      out.push_back({(heads.queries + heads.keys + i) * head_dim, head_dim});
    }
    return rows_of(source, out);
  }
  const auto all = [&](int64_t first, int64_t count) {
    for (int64_t i = 0; i < heads.keys; ++i) out.push_back({(i * (group + 2) + first) * head_dim, count * head_dim});
  };
  all(0, group);
  all(group, 1);
  all(group + 1, 1);
  return rows_of(source, out);
}

// ---- the expansion of latents (DeepSeek) ----

/// K's part [heads, rank, nope] and V's [heads, values, rank] as kv_b_proj: [heads * (nope + values), rank].
Result<WeightSource> joined(const WeightSource& k, const WeightSource& v) {
  if (k.shape.size() != 3 || v.shape.size() != 3 || k.shape[0] != v.shape[0] || k.shape[1] != v.shape[2])
    return misshaped(v, cat("what ", k.name, " (", k.shape.text(), ") goes with"));
  const auto keys = TRY(turned(TRY(as_f32(k)))), values = TRY(as_f32(v));
  const auto heads = static_cast<size_t>(k.shape[0]);
  const auto key_bytes = keys.data.size() / heads, value_bytes = values.data.size() / heads;
  auto buffer = std::make_shared<std::vector<std::byte>>();
  buffer->reserve(keys.data.size() + values.data.size());
  for (size_t i = 0; i < heads; ++i) {
    const auto key = keys.data.subspan(i * key_bytes, key_bytes);
    const auto value = values.data.subspan(i * value_bytes, value_bytes);
    buffer->insert(buffer->end(), key.begin(), key.end());
    buffer->insert(buffer->end(), value.begin(), value.end());
  }
  auto out = with_data(keys, std::move(buffer));
  out.shape = Shape{k.shape[0] * (k.shape[2] + v.shape[1]), k.shape[1]};
  return out;
}

/// The other way round.
Result<std::pair<WeightSource, WeightSource>> parted(const WeightSource& both, const Json& config) {
  const auto heads = config["num_attention_heads"].as_int(), nope = config["qk_nope_head_dim"].as_int(128),
             values = config["v_head_dim"].as_int(128);
  if (heads <= 0 || nope <= 0 || values <= 0 || both.shape.size() != 2 || both.shape[0] != heads * (nope + values))
    return misshaped(both, cat("[", heads, " * (", nope, " + ", values, "), rank]"));
  std::vector<RowRange> key_rows, value_rows;
  for (int64_t i = 0; i < heads; ++i) {
    key_rows.push_back({i * (nope + values), nope});
    value_rows.push_back({i * (nope + values) + nope, values});
  }
  auto k = TRY(rows_of(both, key_rows)), v = TRY(rows_of(both, value_rows));
  k.shape = Shape{heads, nope, both.shape[1]};
  v.shape = Shape{heads, values, both.shape[1]};
  return std::pair(TRY(turned(k)), std::move(v));
}

constexpr std::string_view kCorrection = "e_score_correction_bias", kCorrectionPart = "e_score_correction.bias";

/// "x.e_score_correction_bias" as "x.e_score_correction.bias": parts and leaves are told apart by the last dot.
std::string replaced_end(std::string_view name, std::string_view from, std::string_view to) {
  return name.ends_with(from) ? cat(name.substr(0, name.size() - from.size()), to) : std::string(name);
}

/// Reads one file's tensors.
class Reader {
 public:
  Reader(const GgufLayout& layout, const Json& config)
      : layout_(layout), config_(config), heads_(heads_of(config, layout)) {}

  Status add(WeightSource source) {
    const std::string name = source.name;
    const auto place = place_of(layout_, name, &GgufStack::theirs);
    if (!place.stack) {
      if (const auto ours = ours_of(layout_.top, place.part); !ours.empty()) source.name = cat(ours, ".", place.leaf);
      if (layout_.norms_add_one && place.part.ends_with("norm")) source = TRY(plus(source, -1));
      out_.push_back(std::move(source));
      return {};
    }
    if (const auto ours = ours_of(layout_.experts, place.part); !ours.empty()) return add_experts(source, place, ours);
    // Files of 2024: "ffn_gate.3" for the fourth expert's.
    if (const auto dot = place.part.rfind('.'); dot != std::string_view::npos && !layout_.experts.empty())
      if (const auto ours = ours_of(layout_.experts, cat(place.part.substr(0, dot), "_exps")); !ours.empty()) {
        source.name = expert_name(place, place.part.substr(dot + 1), ours);
        out_.push_back(std::move(source));
        return {};
      }
    if (layout_.splits_kv_b && (place.part == "attn_k_b" || place.part == "attn_v_b")) return add_half(source, place);
    source = TRY(rearranged(std::move(source), place));
    if (const auto ours = part_of_theirs(*place.stack, place.part); !ours.empty())
      source.name = replaced_end(cat(place.stack->ours, ".", place.layer, ".", ours, ".", place.leaf), kCorrectionPart,
                                 kCorrection);
    out_.push_back(std::move(source));
    return {};
  }

  Result<std::vector<WeightSource>> take() {
    if (!halves_.empty())
      return Status(Code::bad_input, cat(halves_.begin()->second.name, " has no other half (attn_k_b, attn_v_b)"));
    return std::move(out_);
  }

 private:
  std::string expert_name(const Place& place, std::string_view index, std::string_view ours) const {
    return cat(place.stack->ours, ".", place.layer, ".", layout_.experts_path, ".", index, ".", ours, ".", place.leaf);
  }

  Status add_experts(const WeightSource& source, const Place& place, std::string_view ours) {
    const auto count = config_[layout_.expert_count].as_int();
    if (source.shape.size() != 3 || source.shape[0] != count || count <= 0)
      return misshaped(source, cat("[", count, ", outputs, inputs]: the metadata name ", count, " experts"));
    const auto bytes = source.data.size() / static_cast<size_t>(count);
    for (int64_t i = 0; i < count; ++i) {
      auto& one = out_.emplace_back(source);
      one.name = expert_name(place, std::to_string(i), ours);
      one.shape = Shape{source.shape[1], source.shape[2]};
      one.data = source.data.subspan(static_cast<size_t>(i) * bytes, bytes);
    }
    return {};
  }

  Status add_half(const WeightSource& source, const Place& place) {
    const std::string layer(place.layer);
    const auto found = halves_.find(layer);
    if (found == halves_.end()) {
      halves_.emplace(layer, source);
      return {};
    }
    const bool is_k = place.part == "attn_k_b";
    auto both = TRY(is_k ? joined(source, found->second) : joined(found->second, source));
    both.name = cat(place.stack->ours, ".", layer, ".", ours_of(place.stack->parts, "attn_kv_b"), ".weight");
    halves_.erase(found);
    out_.push_back(std::move(both));
    return {};
  }

  Result<WeightSource> rearranged(WeightSource source, const Place& place) const {
    if (layout_.permutes_rows && place.part == "attn_q") return permuted(source, heads_.queries, Direction::from_gguf);
    if (layout_.permutes_rows && place.part == "attn_k") return permuted(source, heads_.keys, Direction::from_gguf);
    if (layout_.groups_qkv && place.part == "attn_qkv") return regrouped(source, heads_, Direction::from_gguf);
    if (layout_.norms_add_one && place.part.ends_with("norm")) return plus(source, -1);
    if (layout_.transposes && source.shape.size() == 2) return turned(source);
    return source;
  }

  const GgufLayout& layout_;
  const Json& config_;
  Heads heads_;
  std::map<std::string, WeightSource> halves_;  // by layer
  std::vector<WeightSource> out_;
};

/// Tables that are made anew, and the copies of T5's embeddings.
bool is_left_out(const Json& config, std::string_view name) {
  const auto model_type = config["model_type"].as_string();
  if (model_type == "t5" || model_type == "mt5" || model_type == "umt5") {
    if (name == "lm_head.weight") return config["tie_word_embeddings"].as_bool(model_type != "mt5");
    if (name.ends_with("coder.embed_tokens.weight")) return true;
  }
  for (const auto ending : {".rotary_emb.inv_freq", ".attn.bias", ".attn.masked_bias", ".attention.bias",
                            ".attention.masked_bias", ".position_ids"})
    if (name.ends_with(ending)) return true;
  return false;
}

/// Writes one checkpoint's tensors.
class Writer {
 public:
  Writer(const GgufLayout& layout, const Json& config)
      : layout_(layout), config_(config), heads_(heads_of(config, layout)) {}

  Status add(WeightSource source) {
    if (is_left_out(config_, source.name)) return {};
    auto name = replaced_end(source.name, kCorrection, kCorrectionPart);
    if (name.starts_with("embed_out.")) name = cat("lm_head.", name.substr(name.find('.') + 1));
    auto place = place_of(layout_, name, &GgufStack::ours);
    if (!place.stack && theirs_of(layout_.top, place.part).empty()) {  // a stack that was saved alone has no prefix
      const auto first = layout_.top.front().second;
      name = cat(first.substr(0, first.find('.') + 1), name);
      place = place_of(layout_, name, &GgufStack::ours);
    }
    if (!place.stack) {
      const auto theirs = theirs_of(layout_.top, place.part);
      if (theirs.empty()) return nameless(source);
      if (layout_.norms_add_one && theirs.ends_with("norm")) source = TRY(plus(source, 1));
      return push(std::move(source), cat(theirs, ".", place.leaf));
    }
    // Layers behind the last guess tokens further ahead.
    if (parse_int(place.layer).value_or(0) >= config_["num_hidden_layers"].as_int() && layout_.splits_kv_b) return {};
    if (!layout_.experts.empty() && place.part.starts_with(layout_.experts_path) &&
        place.part.substr(layout_.experts_path.size()).starts_with('.'))
      return add_expert(std::move(source), place);
    const auto theirs = part_of_ours(*place.stack, place.part);
    if (theirs.empty()) return nameless(source);
    const auto begin = cat(place.stack->theirs, ".", place.layer, ".");
    if (layout_.splits_kv_b && theirs == "attn_kv_b") {
      auto [k, v] = TRY(parted(source, config_));
      TRY(push(std::move(k), cat(begin, "attn_k_b.weight")));
      return push(std::move(v), cat(begin, "attn_v_b.weight"));
    }
    return push(TRY(rearranged(std::move(source), theirs)), cat(begin, theirs, ".", place.leaf));
  }

  Result<std::vector<WeightSource>> take() {
    for (auto& [name, stack] : experts_) out_[stack.at] = TRY(stacked(name, stack.each));
    if (layout_.architecture == "t5") name_output();
    return std::move(out_);
  }

 private:
  struct Stack {
    size_t at = 0;  // in out_
    std::vector<std::optional<WeightSource>> each;
  };

  /// T5's output is scaled where there is no matrix for it: one that is the embeddings and not scaled is written out.
  void name_output() {
    const auto model_type = config_["model_type"].as_string();
    const bool is_tied = config_["tie_word_embeddings"].as_bool(model_type != "mt5");
    const bool is_scaled =
        model_type == "umt5" || config_["scale_decoder_outputs"].as_bool(model_type == "t5" && is_tied);
    const auto find = [this](std::string_view name) { return std::ranges::find(out_, name, &WeightSource::name); };
    const auto words = find("token_embd.weight");
    if (is_scaled || words == out_.end() || find("output.weight") != out_.end()) return;
    auto output = *words;
    output.name = "output.weight";
    out_.push_back(std::move(output));
  }

  static Status nameless(const WeightSource& source) {
    return {Code::unsupported, cat("tensor '", printable(source.name), "' has no name in GGUF")};
  }

  Status push(WeightSource source, std::string name) {
    source.name = std::move(name);
    out_.push_back(std::move(source));
    return {};
  }

  Status add_expert(WeightSource source, const Place& place) {
    const auto rest = place.part.substr(layout_.experts_path.size() + 1);
    const auto dot = rest.find('.');
    const auto index = dot == rest.npos ? -1 : parse_int(rest.substr(0, dot)).value_or(-1);
    const auto theirs = index >= 0 ? theirs_of(layout_.experts, rest.substr(dot + 1)) : std::string_view();
    const auto count = config_[layout_.expert_count].as_int();
    constexpr int64_t kExpertsMax = 1 << 16;
    if (theirs.empty() || index >= count || count > kExpertsMax) return nameless(source);
    auto& stack = experts_[cat(place.stack->theirs, ".", place.layer, ".", theirs, ".", place.leaf)];
    if (stack.each.empty()) {
      stack = {.at = out_.size(), .each = std::vector<std::optional<WeightSource>>(static_cast<size_t>(count))};
      out_.emplace_back();
    }
    stack.each[static_cast<size_t>(index)] = std::move(source);
    return {};
  }

  static Result<WeightSource> stacked(const std::string& name, const std::vector<std::optional<WeightSource>>& each) {
    auto buffer = std::make_shared<std::vector<std::byte>>();
    for (size_t i = 0; i < each.size(); ++i) {
      if (!each[i]) return Status(Code::bad_input, cat("expert ", i, " has no tensor for ", name));
      if (!each[0] || each[i]->shape.size() != 2 || !(each[i]->shape == each[0]->shape) ||
          each[i]->dtype != each[0]->dtype)
        return Status(Code::bad_input, cat(each[i]->name, " is not as the first expert's"));
      if (i == 0) buffer->reserve(each[0]->data.size() * each.size());
      buffer->insert(buffer->end(), each[i]->data.begin(), each[i]->data.end());
    }
    auto out = with_data(*each[0], std::move(buffer));
    out.name = name;
    out.shape = Shape{static_cast<int64_t>(each.size()), each[0]->shape[0], each[0]->shape[1]};
    return out;
  }

  Result<WeightSource> rearranged(WeightSource source, std::string_view theirs) const {
    if (layout_.permutes_rows && theirs == "attn_q") return permuted(source, heads_.queries, Direction::to_gguf);
    if (layout_.permutes_rows && theirs == "attn_k") return permuted(source, heads_.keys, Direction::to_gguf);
    if (layout_.groups_qkv && theirs == "attn_qkv") return regrouped(source, heads_, Direction::to_gguf);
    if (layout_.norms_add_one && theirs.ends_with("norm")) return plus(source, 1);
    if (layout_.transposes && source.shape.size() == 2) return turned(source);
    return source;
  }

  const GgufLayout& layout_;
  const Json& config_;
  Heads heads_;
  std::map<std::string, Stack> experts_;
  std::vector<WeightSource> out_;
};

}  // namespace

Result<std::vector<WeightSource>> gguf_sources(const std::shared_ptr<const Weights>& weights, const Json& config) {
  const auto* layout = gguf_layout(config);
  VERIFY(layout, "gguf_config gives families with a layout");
  Reader reader(*layout, config);
  for (const auto* tensor : weights->tensors()) {
    if (tensor->name.starts_with("rope_f")) continue;  // part of the configuration
    if (tensor->shape.size() > Shape::kDimensionsMax)
      return Status(Code::bad_input, cat(tensor->name, " has ", tensor->shape.size(), " dimensions"));
    TRY(reader.add({.name = tensor->name,
                    .dtype = tensor->dtype,
                    .shape = Shape(tensor->shape),
                    .data = tensor->data,
                    .owner = weights,
                    .file = weights}));
  }
  return reader.take();
}

Result<std::vector<WeightSource>> gguf_tensors(const std::vector<WeightSource>& sources, const Json& config) {
  const auto* layout = gguf_layout(config);
  VERIFY(layout, "gguf_metadata has refused families without a layout");
  Writer writer(*layout, config);
  for (const auto& source : sources) TRY(writer.add(source));
  return writer.take();
}

}  // namespace hearth
