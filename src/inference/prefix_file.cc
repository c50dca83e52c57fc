#include "inference/prefix_file.h"

#include <sys/stat.h>

#include <cstring>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "safetensors/file.h"
#include "safetensors/safetensors.h"

namespace hearth::inference {
namespace {

constexpr std::string_view kFormat = "hearth prefix cache 1";

std::vector<int64_t> sizes_of(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

SafetensorsEntryView entry_of(std::string_view name, const std::vector<int32_t>& values) {
  return {name, DType::i32, {std::ssize(values)}, std::as_bytes(std::span(values))};
}

Result<std::vector<int32_t>> numbers(const WeightFile& file, std::string_view name) {
  const auto* tensor = file.find(name);
  if (!tensor || tensor->dtype != DType::i32 || tensor->shape.size() != 1)
    return Status(Code::bad_input, cat(file.path(), " has no list of whole numbers '", name, "'"));
  std::vector<int32_t> out(static_cast<size_t>(tensor->shape[0]));
  std::memcpy(out.data(), tensor->data.data(), tensor->data.size());
  return out;
}

bool says(const WeightFile& file, std::string_view key, std::string_view value) {
  const auto* found = file.find_metadata(key);
  return found != nullptr && found->is_string() && found->string() == value;
}

Status damaged(const WeightFile& file, std::string_view what) {
  return {Code::bad_input, cat(file.path(), " is damaged: ", what, "; remove it")};
}

}  // namespace

Result<std::string> model_identity(const std::string& path, const CausalLM& model) {
  Hasher hasher(HashKind::sha256);
  hasher.update(model.numerics_name());
  const auto names = is_folder(path) ? TRY(list_folder(path)) : std::vector<std::string>{""};
  for (const auto& name : names) {
    const auto file = name.empty() ? path : path_join(path, name);
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) return errno_status("cannot look at", file);
    if (!S_ISREG(facts.st_mode)) continue;
    hasher.update(cat(name, "\n", facts.st_size, " ", facts.st_mtim.tv_sec, ".", facts.st_mtim.tv_nsec, "\n"));
  }
  return hasher.hex();
}

Status save_prefixes(const std::string& path, std::string_view identity, const PrefixCache& cache) {
  const auto kept = cache.kept();
  std::vector<int32_t> ids, lengths, parents;
  std::vector<std::string> names;
  for (const auto& [parent, page_ids, page] : kept) {
    const auto& values = page->values();
    if (&values.backend() != &native_backend() || values.dtype() != DType::f32 || !values.is_contiguous())
      return {Code::unsupported, "a prefix cache is saved with the native backend and f32 caches alone"};
    ids.insert(ids.end(), page_ids.begin(), page_ids.end());
    lengths.push_back(static_cast<int32_t>(page_ids.size()));
    parents.push_back(static_cast<int32_t>(parent));
    names.push_back(cat("page.", names.size()));
  }
  std::vector<SafetensorsEntryView> entries{entry_of("ids", ids), entry_of("lengths", lengths),
                                            entry_of("parents", parents)};
  for (size_t i = 0; i < kept.size(); ++i) {
    const auto& values = kept[i].page->values();
    const std::span<const float> numbers(values.data<float>(), static_cast<size_t>(values.numel()));
    entries.push_back({names[i], DType::f32, sizes_of(values.shape()), std::as_bytes(numbers)});
  }
  const std::vector<std::pair<std::string, std::string>> metadata{{"format", std::string(kFormat)},
                                                                  {"identity", std::string(identity)}};
  const auto part = cat(path, ".part");
  TRY(write_safetensors(part, entries, metadata));
  return rename_path(part, path);
}

Status load_prefixes(const std::string& path, std::string_view identity, const Backend& backend, KvPool& pool,
                     PrefixCache& cache) {
  if (!exists(path) || &backend != &native_backend() || pool.dtype() != DType::f32) return {};
  const auto file = TRY(WeightFile::open(path));
  if (!says(*file, "format", kFormat) || !says(*file, "identity", identity)) return {};
  const auto ids = TRY(numbers(*file, "ids")), lengths = TRY(numbers(*file, "lengths")),
             parents = TRY(numbers(*file, "parents"));
  if (lengths.size() != parents.size()) return damaged(*file, "its lists are of different lengths");
  struct Path {
    std::vector<int32_t> ids;
    std::vector<std::shared_ptr<KvPage>> pages;
  };
  std::vector<Path> paths;
  size_t at = 0;
  for (size_t i = 0; i < lengths.size(); ++i) {
    const auto length = lengths[i], parent = parents[i];
    if (length < 1 || length > kKvPagePositions || static_cast<size_t>(length) > ids.size() - at || parent < -1 ||
        parent >= static_cast<int32_t>(i))
      return damaged(*file, cat("page ", i, " has ", length, " tokens behind page ", parent));
    Path path_here = parent < 0 ? Path() : paths[static_cast<size_t>(parent)];
    if (path_here.ids.size() % kKvPagePositions != 0) return damaged(*file, cat("page ", parent, " is not full"));
    const auto* stored = file->find(cat("page.", i));
    auto page = pool.take(backend);
    if (!page.ok()) break;  // the latest stay out: this memory is smaller than it was
    const auto& values = (*page)->values();
    if (!stored || stored->dtype != DType::f32 || stored->shape != sizes_of(values.shape()))
      return damaged(*file, cat("page ", i, " is not one of this model"));
    std::memcpy(values.data<float>(), stored->data.data(), stored->data.size());
    path_here.ids.insert(path_here.ids.end(), ids.begin() + static_cast<int64_t>(at),
                         ids.begin() + static_cast<int64_t>(at) + length);
    path_here.pages.push_back(*std::move(page));
    cache.insert(path_here.ids, path_here.pages);
    paths.push_back(std::move(path_here));
    at += static_cast<size_t>(length);
  }
  return {};
}

}  // namespace hearth::inference
