#include "transformers/model_source.h"

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "huggingface_hub/endpoint.h"
#include "huggingface_hub/snapshot_download.h"

namespace hearth {
namespace {

/// "NAME:FILE" as its parts; the file is empty without a colon.
struct Parts {
  std::string name, file;
};
Parts split_file(std::string_view model) {
  const auto colon = model.rfind(':');
  if (colon == std::string_view::npos) return {std::string(model), {}};
  return {std::string(model.substr(0, colon)), std::string(model.substr(colon + 1))};
}

/// "1_Pooling/config.json": a file of a module that modules.json of sentence-transformers lists.
bool is_module_file(std::string_view path) {
  const auto slash = path.find('/'), underscore = path.find('_');
  const bool is_in_module = slash != path.npos && underscore < slash && parse_int(path.substr(0, underscore)) &&
                            !contains(path.substr(slash + 1), "/");
  return is_in_module && (path.ends_with(".json") || path.ends_with(".safetensors"));
}

/// The files to fetch of a repository that has `paths`.
Result<std::vector<std::string>> wanted_files(const Parts& model, const std::vector<std::string>& paths, ModelUse use) {
  std::vector<std::string> weights;
  for (const auto& path : paths)
    if (path.ends_with(".gguf")) weights.push_back(path);
  if (!model.file.empty()) {
    if (std::ranges::find(paths, model.file) != paths.end()) return std::vector{model.file};
    return Status(Code::entry_not_found, cat(model.name, " has no file ", model.file,
                                             weights.empty() ? "" : cat("; there are: ", join(weights, ", "))));
  }
  // PyTorch's files are taken where there are no safetensors: [name, what its shards end in].
  constexpr std::pair<std::string_view, std::string_view> kWhole[] = {{"model.safetensors", ".safetensors"},
                                                                      {"pytorch_model.bin", ".bin"},
                                                                      {"flax_model.msgpack", ".msgpack"},
                                                                      {"tf_model.h5", ".h5"}};
  std::string_view foreign;  // weights that are not loaded as they are
  // Configurations, templates, and what tokenizers without a tokenizer.json are made from.
  const auto is_beside = [](std::string_view path) {
    constexpr std::string_view kEndings[] = {".json", ".jinja", ".model", ".spm", ".txt"};
    return std::ranges::any_of(kEndings, [path](std::string_view ending) { return path.ends_with(ending); });
  };
  for (const auto& [name, ending] : kWhole) {
    const auto is_whole = [&](const std::string& path) { return path == name || path == cat(name, ".index.json"); };
    if (!std::ranges::any_of(paths, is_whole)) continue;
    if (use == ModelUse::load && (ending == ".msgpack" || ending == ".h5")) {
      foreign = name;
      continue;
    }
    const auto stem = name.substr(0, name.size() - ending.size());
    std::vector<std::string> out;
    for (const auto& path : paths)
      if (is_module_file(path) ||
          (!contains(path, "/") && (is_beside(path) || (path.starts_with(stem) && path.ends_with(ending)))))
        out.push_back(path);
    return out;
  }
  if (weights.size() == 1) return weights;
  if (weights.empty())
    return Status(Code::unsupported,
                  cat(model.name, " has no model.safetensors, no pytorch_model.bin and no GGUF file",
                      foreign.empty() ? ""
                                      : cat("; `hearth convert ", model.name, " FOLDER` writes its ", foreign,
                                            " as safetensors into a folder, which is loaded then")));
  return Status(Code::bad_input, cat(model.name, " has several weight files; name one: ", model.name, ":",
                                     join(weights, cat(", ", model.name, ":"))));
}

/// What the path of a snapshot's files is for the loader: its one GGUF file, or the folder.
std::string loadable(const std::string& folder, const std::vector<std::string>& files) {
  if (files.size() == 1 && files.front().ends_with(".gguf")) return path_join(folder, files.front());
  return folder;
}

}  // namespace

Result<std::string> resolve_model(std::string_view model, TransferObserver* observer, std::stop_token stop,
                                  ModelUse use) {
  if (exists(std::string(model))) return std::string(model);
  const auto parts = split_file(model);
  if (!parts.file.empty() && is_folder(parts.name)) {
    auto path = path_join(parts.name, parts.file);
    if (!exists(path)) return Status(Code::not_found, cat(parts.name, " has no file ", parts.file));
    return path;
  }
  const auto is_path = model.starts_with('/') || model.starts_with('.') || model.ends_with(".gguf");
  if (is_path && parts.file.empty()) return Status(Code::not_found, cat(model, ": there is no such file or folder"));
  const auto argument = TRY(parse_repo_argument(parts.name));
  const HfApi api;
  SnapshotOptions options;
  options.download.observer = observer;
  if (!argument.revision.empty()) options.download.revision = argument.revision;
  auto plan = plan_snapshot(api, argument.repo, options, stop);
  if (!plan.ok() || plan->files.empty()) {
    // The Hub did not answer: what the cache has of that revision, though it may lack files that are not needed here.
    const RepoCache cache(hf_hub_cache(), argument.repo);
    const auto commit = cache.commit_of(options.download.revision);
    const auto code = plan.status().code();
    const bool may_fall_back = plan.ok() || code == Code::unavailable || code == Code::not_found || code == Code::io;
    if (!may_fall_back || !commit || !is_folder(cache.snapshot(*commit))) {
      if (!plan.ok()) return std::move(plan).status();
      return Status(Code::not_found, cat(argument.repo.id, " has no files at ", options.download.revision));
    }
    const auto folder = cache.snapshot(*commit);
    const auto wanted = TRY(wanted_files({argument.repo.id, parts.file}, TRY(list_folder(folder)), use));
    return loadable(folder, wanted);
  }
  std::vector<std::string> paths;
  for (const auto& file : plan->files) paths.push_back(file.path);
  const auto wanted = TRY(wanted_files({argument.repo.id, parts.file}, paths, use));
  options.download.revision = plan->commit_hash;
  options.allow_patterns = wanted;
  const auto snapshot = TRY(snapshot_download(api, argument.repo, options, stop));
  return loadable(snapshot.folder, wanted);
}

}  // namespace hearth
