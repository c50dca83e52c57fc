#include "safetensors/shards.h"

#include <algorithm>
#include <cstdio>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr std::string_view kNames[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                       "pytorch_model.bin.index.json"};
/// Weights that are read by `hearth convert` alone.
constexpr std::string_view kConvertible[] = {"tf_model.h5", "tf_model.h5.index.json", "flax_model.msgpack"};
constexpr std::string_view kIndexEnd = ".index.json";
constexpr uint64_t kIndexBytesMax = 100'000'000;
constexpr int64_t kSplitsMax = 99999;  // what five digits can count

/// The one weight file of a folder, or its index.
Result<std::string> choose(const std::string& folder) {
  for (const auto known : kNames)
    if (auto path = path_join(folder, known); exists(path)) return path;
  std::vector<std::string> found;
  for (auto& entry : TRY(list_folder(folder)))
    if (entry.ends_with(".gguf")) found.push_back(std::move(entry));
  // Of a split file the first part stands for all.
  std::erase_if(found,
                [](const std::string& entry) { return contains(entry, "-of-") && !contains(entry, "-00001-of-"); });
  if (found.empty()) {
    std::string help;
    for (const auto known : kConvertible)
      if (help.empty() && exists(path_join(folder, known)))
        help = cat("; it has ", known, ", which `hearth convert ", folder, " NEW_FOLDER` writes as safetensors");
    return Status(
        Code::not_found,
        cat(folder, " holds no model.safetensors, no pytorch_model.bin, no index of either and no .gguf file", help));
  }
  if (found.size() > 1)
    return Status(Code::bad_input, cat(folder, " holds several weight files, name one: ", join(found, ", ")));
  return path_join(folder, found.front());
}

/// The shards that an index names, each once, in the order of their names.
Result<std::vector<std::string>> shards_of(const Json& index) {
  const auto* map = index.find("weight_map");
  if (!map || !map->is_object()) return Status(Code::bad_input, "'weight_map' is no object");
  std::vector<std::string> out;
  for (const auto& [tensor, file] : map->object()) {
    const auto shard = file.as_string();
    if (shard.empty() || contains(shard, "/") || shard.starts_with("."))
      return Status(Code::bad_input, cat("'weight_map' gives '", tensor, "' the file ", file.dump().substr(0, 100),
                                         ", which is no name of a file beside the index"));
    if (out.empty() || out.back() != shard) out.emplace_back(shard);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.empty()) return Status(Code::bad_input, "'weight_map' is empty");
  return out;
}

/// The other parts of a split GGUF, given the first: `base-00002-of-00003.gguf` ...; none when it is not split.
Result<std::vector<std::string>> split_parts(const WeightFile& first) {
  const auto* count_value = first.find_metadata("split.count");
  const auto count = count_value ? count_value->integer().value_or(0) : 0;
  if (count <= 1) return std::vector<std::string>{};
  if (count > kSplitsMax) return Status(Code::bad_input, cat(first.path(), ": split.count is ", count));
  const auto part_end = [&](int64_t number) {
    char text[64];
    std::snprintf(text, sizeof text, "-%05ld-of-%05ld.gguf", static_cast<long>(number), static_cast<long>(count));
    return std::string(text);
  };
  if (!first.path().ends_with(part_end(1)))
    return Status(Code::bad_input,
                  cat(first.path(), " is one part of ", count, ": open the one that ends in ", part_end(1)));
  const auto base = first.path().substr(0, first.path().size() - part_end(1).size());
  std::vector<std::string> out;
  for (int64_t number = 2; number <= count; ++number) out.push_back(base + part_end(number));
  return out;
}

}  // namespace

Result<std::vector<std::string>> shard_paths(const std::string& index_path) {
  auto index = Json::parse(TRY(read_file(index_path, kIndexBytesMax)));
  if (!index.ok()) return std::move(index).status().with(index_path);
  auto out = shards_of(*index);
  if (!out.ok()) return std::move(out).status().with(index_path);
  for (auto& shard : *out) shard = path_join(path_parent(index_path), shard);
  return out;
}

Status Weights::add(std::shared_ptr<const WeightFile> file) {
  for (const auto& tensor : file->tensors()) {
    if (!by_name_.emplace(tensor.name, &tensor).second)
      return Status(Code::bad_input, cat(file->path(), ": tensor '", tensor.name, "' stands in another file too"));
    tensors_.push_back(&tensor);
  }
  files_.push_back(std::move(file));
  return {};
}

Result<std::shared_ptr<const Weights>> Weights::open(const std::string& asked) {
  const auto path = is_folder(asked) ? TRY(choose(asked)) : asked;
  auto out = std::make_shared<Weights>();
  if (!path.ends_with(kIndexEnd)) {
    TRY(out->add(TRY(WeightFile::open(path))));
    for (const auto& part : TRY(split_parts(out->front()))) TRY(out->add(TRY(WeightFile::open(part))));
    return std::shared_ptr<const Weights>(std::move(out));
  }

  auto index = Json::parse(TRY(read_file(path, kIndexBytesMax)));
  if (!index.ok()) return std::move(index).status().with(path);
  auto shards = shards_of(*index);
  if (!shards.ok()) return std::move(shards).status().with(path);
  for (const auto& shard : *shards) TRY(out->add(TRY(WeightFile::open(path_join(path_parent(path), shard)))));
  for (const auto& [tensor, file] : (*index)["weight_map"].object())
    if (!out->find(tensor))
      return Status(Code::bad_input, cat(path, ": tensor '", tensor, "' is not in ", file.as_string()));
  return std::shared_ptr<const Weights>(std::move(out));
}

const WeightTensorView* Weights::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

}  // namespace hearth
