#include "transformers/save_pretrained.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "safetensors/flax_file.h"
#include "safetensors/gguf.h"
#include "safetensors/shards.h"
#include "safetensors/tf_file.h"
#include "safetensors/torch_file.h"
#include "tensor/half.h"
#include "tensor/linear_kernels.h"
#include "transformers/auto.h"
#include "transformers/gguf_checkpoint.h"
#include "transformers/gguf_export.h"
#include "transformers/gguf_tensors.h"
#include "transformers/quantized_weights.h"
#include "transformers/text_model.h"
#include "transformers/tf_checkpoint.h"

namespace hearth {
namespace {

constexpr uint64_t kSideFileMax = 256u << 20;

bool is_floating(DType dtype) {
  return is_block_type(dtype) || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

/// A tensor on its way, and the bytes made for it, if any.
struct Entry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
  DType saved = DType::f32;  ///< what it is written as

  int64_t elements() const {
    int64_t out = 1;
    for (const auto d : shape) out *= d;
    return out;
  }
  int64_t saved_bytes() const { return elements() * block_bytes(saved); }
};

Result<std::string> converted(const Entry& entry) {
  const auto count = static_cast<size_t>(entry.elements());
  std::vector<float> values(count);
  auto status = kernels::dequantize(entry.dtype, entry.data, values);
  if (!status.ok()) return std::move(status).with(entry.name);
  std::string out(count * static_cast<size_t>(block_bytes(entry.saved)), '\0');
  if (entry.saved == DType::f32) {
    std::memcpy(out.data(), values.data(), out.size());
    return out;
  }
  for (size_t i = 0; i < count; ++i) {
    const uint16_t half = entry.saved == DType::bf16 ? to_bf16(values[i]) : to_f16(values[i]);
    std::memcpy(out.data() + i * sizeof half, &half, sizeof half);
  }
  return out;
}

/// One file. Only what changes its type is copied, and freed again.
Status write_weights(const std::string& path, WeightFormat format, std::span<const Entry* const> entries) {
  std::vector<std::string> made;
  made.reserve(entries.size());
  std::vector<SafetensorsEntryView> views;
  for (const auto* entry : entries) {
    auto data = entry->data;
    if (entry->saved != entry->dtype) data = std::as_bytes(std::span(made.emplace_back(TRY(converted(*entry)))));
    views.push_back({entry->name, entry->saved, entry->shape, data});
  }
  if (format == WeightFormat::torch) return write_torch_file(path, views);
  const std::pair<std::string, std::string> metadata[] = {{"format", "pt"}};  // transformers refuses files without it
  return write_safetensors(path, views, metadata);
}

bool is_weight_file(std::string_view name) {
  for (const auto ending :
       {".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx", ".ot", ".index.json"})
    if (name.ends_with(ending)) return true;
  return false;
}

/// The small files beside the weights: tokenizer, generation configuration, card.
Status copy_side_files(const std::string& from, const std::string& to) {
  for (const auto& name : TRY(list_folder(from))) {
    const auto path = path_join(from, name);
    if (name.starts_with('.') || name == "config.json" || is_weight_file(name) || is_folder(path)) continue;
    TRY(write_file(path_join(to, name), TRY(read_file(path, kSideFileMax))));
  }
  return {};
}

/// The folders of sentence-transformers' modules ("1_Pooling", "2_Dense"), with the weights of their layers.
Status copy_module_folders(const std::string& from, const std::string& to) {
  const auto list = path_join(from, "modules.json");
  if (!exists(list)) return {};
  const auto modules = TRY(Json::parse(TRY(read_file(list, kSideFileMax))));
  for (const auto& module : modules.array()) {
    const auto folder = module["path"].as_string();
    const auto path = path_join(from, folder);
    if (folder.empty() || contains(folder, "/") || contains(folder, "..") || !is_folder(path)) continue;
    TRY(make_folders(path_join(to, folder)));
    for (const auto& name : TRY(list_folder(path)))
      if (!is_folder(path_join(path, name)))
        TRY(write_file(path_join(path_join(to, folder), name), TRY(read_file(path_join(path, name), kSideFileMax))));
  }
  return {};
}

/// The head's matrix where it is the embeddings' over again: its name in the file, or none.
Result<std::string> tied_name(const Json& config_json) {
  const auto config = TRY(Config::from_json(config_json));
  const auto* family = TRY(family_of(config.model_type));
  const bool is_tied = config.tie_word_embeddings && family->output_embeddings;
  return is_tied ? cat(family->output_embeddings, ".weight") : std::string();
}

/// A file of flax or TensorFlow, or the index of the latter's shards, where it is named or a folder has no other
/// weights; else empty.
std::string foreign_path(const std::string& from) {
  if (from.ends_with(".msgpack") || from.ends_with(".h5") || from.ends_with(".h5.index.json")) return from;
  if (!is_folder(from)) return {};
  for (const auto better :
       {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (exists(path_join(from, better))) return {};
  for (const auto known : {"flax_model.msgpack", "tf_model.h5", "tf_model.h5.index.json"})
    if (auto path = path_join(from, known); exists(path)) return path;
  return {};
}

struct Checkpoint {
  std::shared_ptr<const Weights> weights;
  std::vector<MappedFile> foreign_files;  // in place of weights
  WeightIndex foreign = {};
  std::vector<WeightSource> sources;  // of a GGUF file: keep what the entries view
  std::vector<Entry> entries;
  Json config;
  bool is_gguf = false;
};

/// The tensors of foreign_path's file, or of all shards that it names.
Status read_foreign(const std::string& path, Checkpoint& out) {
  auto parts = path.ends_with(".index.json") ? TRY(shard_paths(path)) : std::vector{path};
  for (const auto& part : parts) {
    const auto bytes = out.foreign_files.emplace_back(TRY(MappedFile::open(part))).bytes();
    auto index = path.ends_with(".msgpack") ? read_flax_file(bytes) : read_tf_file(bytes);
    if (!index.ok()) return std::move(index).status().with(part);
    std::ranges::move(index->tensors, std::back_inserter(out.foreign.tensors));
    std::ranges::move(index->strings, std::back_inserter(out.foreign.strings));
  }
  if (path.ends_with(".msgpack")) return {};
  auto named = name_tf_tensors(out.foreign, out.config);
  return named.ok() ? Status() : std::move(named).with(path);
}

/// The numbers that the parts of a quantized checkpoint stand for, and a configuration without a word of them.
Status dequantize(Checkpoint& checkpoint) {
  for (const auto* tensor : checkpoint.weights->tensors())
    checkpoint.sources.push_back({.name = tensor->name,
                                  .dtype = tensor->dtype,
                                  .shape = Shape(tensor->shape),
                                  .data = tensor->data,
                                  .owner = checkpoint.weights,
                                  .file = checkpoint.weights});
  TRY(unpack_quantized(checkpoint.sources, checkpoint.config, Numerics::exact));
  for (auto& source : checkpoint.sources) {
    if (!source.encoded) continue;
    auto numbers = source.encoded->decode();
    if (!numbers.ok()) return std::move(numbers).status().with(source.name);
    source.take(*std::move(numbers));
  }
  std::erase_if(checkpoint.config.object(), [](const Json::Member& member) {
    return member.first == "quantization_config" || member.first == "compression_config";
  });
  return {};
}

/// `as_numbers`: what a library quantized is dequantized, as it is where a type is asked for.
Result<Checkpoint> open_checkpoint(const std::string& from, const SaveOptions& options, bool needs_config,
                                   bool as_numbers = false) {
  Checkpoint out;
  const auto foreign = foreign_path(from);
  const auto config_path = path_join(model_folder(from), "config.json");
  const auto read_config = [&]() -> Status {
    if (needs_config || exists(config_path)) out.config = TRY(Json::parse(TRY(read_file(config_path, kSideFileMax))));
    return {};
  };
  if (!foreign.empty()) {
    TRY(read_config());
    TRY(read_foreign(foreign, out));
  } else {
    out.weights = TRY(Weights::open(from));
    out.is_gguf = out.weights->front().format() == WeightFormat::gguf;
  }
  if (out.weights && !out.is_gguf) TRY(read_config());
  const bool is_quantized =
      out.config["quantization_config"].is_object() || out.config["compression_config"].is_object();
  const bool is_dequantized = out.weights && !out.is_gguf && is_quantized && (as_numbers || options.dtype);
  if (is_dequantized) TRY(dequantize(out));
  if (out.is_gguf) {
    out.config = TRY(gguf_config(*out.weights));
    out.sources = TRY(gguf_sources(out.weights, out.config));
  }
  if (out.is_gguf || is_dequantized) {
    for (const auto& s : out.sources)
      out.entries.push_back({s.name, s.dtype, {s.shape.begin(), s.shape.end()}, s.data, s.dtype});
  } else {
    const auto add = [&out](const WeightTensorView& t) {
      out.entries.push_back({t.name, t.dtype, t.shape, t.data, t.dtype});
    };
    for (const auto& tensor : out.foreign.tensors) add(tensor);
    if (out.weights)
      for (const auto* tensor : out.weights->tensors()) add(*tensor);
  }
  // A family that is not known here is written as it lies; its tied copies stay.
  if (const auto tied = tied_name(out.config); tied.ok() && !tied->empty())
    std::erase_if(out.entries, [&](const Entry& e) { return e.name == *tied; });
  for (auto& entry : out.entries) {
    if (!is_floating(entry.dtype)) continue;
    if (is_block_type(entry.dtype)) entry.saved = DType::f32;
    if (options.dtype) entry.saved = *options.dtype;
  }
  return out;
}

/// The weights in as many files as they need, and an index where that is more than one.
Status write_shards(const std::string& to, const Checkpoint& checkpoint, const SaveOptions& options) {
  const bool is_torch = options.format == WeightFormat::torch;
  const std::string stem = is_torch ? "pytorch_model" : "model", ending = is_torch ? ".bin" : ".safetensors";
  std::vector<std::vector<const Entry*>> shards(1);
  int64_t held = 0, total = 0;
  for (const auto& entry : checkpoint.entries) {
    if (held > 0 && held + entry.saved_bytes() > options.max_shard_bytes) {
      shards.emplace_back();
      held = 0;
    }
    shards.back().push_back(&entry);
    held += entry.saved_bytes();
    total += entry.saved_bytes();
  }
  if (shards.size() == 1) return write_weights(path_join(to, stem + ending), options.format, shards.front());
  std::map<std::string, std::string> map;
  for (size_t i = 0; i < shards.size(); ++i) {
    char part[64];
    std::snprintf(part, sizeof part, "-%05zu-of-%05zu", i + 1, shards.size());
    const auto name = cat(stem, part, ending);
    TRY(write_weights(path_join(to, name), options.format, shards[i]));
    for (const auto* entry : shards[i]) map.emplace(entry->name, name);
  }
  JsonWriter index;
  index.begin_object().key("metadata").begin_object().field("total_size", total).end();
  index.key("weight_map").begin_object();
  for (const auto& [tensor, file] : map) index.field(tensor, file);
  index.end().end();
  return write_file(path_join(to, cat(stem, ending, ".index.json")), index.take());
}

/// llama.cpp keeps these in f32 whatever the rest is: vectors, routers, tables of positions.
/// Source: llama.cpp conversion/base.py prepare_tensors.
bool is_kept_in_f32(const Entry& entry) {
  for (const auto name : {"ffn_gate_inp.", "position_embd.", "token_types.", "attn_rel_b."})
    if (contains(entry.name, name)) return true;
  return entry.shape.size() == 1;
}

/// general.file_type: what most matrices are.
uint32_t file_type_of(std::span<const Entry> entries) {
  for (const auto& entry : entries)
    if (!is_kept_in_f32(entry)) return entry.saved == DType::f16 ? 1 : entry.saved == DType::bf16 ? 32 : 0;
  return 0;
}

Status write_gguf_model(const std::string& from, const std::string& to, const SaveOptions& options) {
  auto checkpoint = TRY(open_checkpoint(from, options, /*needs_config=*/true, /*as_numbers=*/true));
  if (checkpoint.is_gguf) return {Code::unsupported, "a GGUF file is not written over again as one"};
  const auto config = TRY(Config::from_json(checkpoint.config));
  auto metadata = TRY(gguf_metadata(config, model_folder(from)));
  std::vector<WeightSource> sources;
  for (const auto& entry : checkpoint.entries)
    sources.push_back(
        {.name = entry.name, .dtype = entry.dtype, .shape = Shape(entry.shape), .data = entry.data, .owner = {}});
  auto tensors = TRY(gguf_tensors(sources, config.raw));
  for (auto& tensor : TRY(gguf_rope_tensors(config))) tensors.push_back(std::move(tensor));
  std::vector<Entry> entries;
  for (const auto& t : tensors) {
    auto& entry = entries.emplace_back(Entry{t.name, t.dtype, {t.shape.begin(), t.shape.end()}, t.data, t.dtype});
    if (options.dtype && is_floating(entry.dtype)) entry.saved = *options.dtype;
    if (is_floating(entry.dtype) && is_kept_in_f32(entry)) entry.saved = DType::f32;
  }
  metadata.push_back({"general.file_type", file_type_of(entries)});
  std::vector<std::string> made;
  made.reserve(entries.size());
  std::vector<SafetensorsEntryView> views;
  for (const auto& entry : entries) {
    auto data = entry.data;
    if (entry.saved != entry.dtype) data = std::as_bytes(std::span(made.emplace_back(TRY(converted(entry)))));
    views.push_back({entry.name, entry.saved, entry.shape, data});
  }
  return write_gguf(to, metadata, views);
}

}  // namespace

Status save_pretrained(const std::string& from, const std::string& to, const SaveOptions& options) {
  if (to.ends_with(".gguf")) return write_gguf_model(from, to, options);
  if (options.format == WeightFormat::gguf)
    return {Code::bad_input, "a GGUF file is one file: name it, with .gguf at its end"};
  for (const auto ending : {".safetensors", ".bin", ".pt", ".pth"}) {
    if (!to.ends_with(ending) || is_folder(to)) continue;
    const auto checkpoint = TRY(open_checkpoint(from, options, /*needs_config=*/false));
    std::vector<const Entry*> entries;
    for (const auto& entry : checkpoint.entries) entries.push_back(&entry);
    return write_weights(to, to.ends_with(".safetensors") ? WeightFormat::safetensors : WeightFormat::torch, entries);
  }
  if (exists(to) && (!is_folder(to) || !TRY(list_folder(to)).empty()))
    return {Code::bad_input, cat(to, " is there already, and is no empty folder")};
  auto checkpoint = TRY(open_checkpoint(from, options, /*needs_config=*/true));
  TRY(make_folders(to));
  if (options.dtype || checkpoint.is_gguf) {
    const auto dtype = options.dtype.value_or(DType::f32);
    const std::string name = dtype == DType::bf16 ? "bfloat16" : dtype == DType::f16 ? "float16" : "float32";
    for (const auto key : {"dtype", "torch_dtype"})
      if (checkpoint.config.find(key) || std::string_view(key) == "dtype") checkpoint.config.set(key, name);
  }
  TRY(write_shards(to, checkpoint, options));
  TRY(write_file(path_join(to, "config.json"), checkpoint.config.dump() + "\n"));
  if (checkpoint.is_gguf) return {};
  TRY(copy_side_files(model_folder(from), to));
  return copy_module_folders(model_folder(from), to);
}

}  // namespace hearth
