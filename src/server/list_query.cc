#include "server/list_query.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/services.h"

namespace hearth::server {
namespace {

constexpr int64_t kPage = 1000;

// What a local app runs: models with at least one tag of each group.
// Source: huggingface.js packages/tasks/src/local-apps.ts (displayOnModelPage).
struct App {
  std::string_view name, groups;  // tags of a group by `|`, groups by `,`
};
constexpr App kApps[] = {
    {"llama.cpp", "gguf"},
    {"ollama", "gguf"},
    {"lmstudio", "gguf|mlx"},
    {"jan", "gguf"},
    {"localai", "gguf"},
    {"node-llama-cpp", "gguf"},
    {"docker-model-runner", "gguf|safetensors,text-generation|image-text-to-text"},
    {"vllm", "safetensors|pytorch|gguf,text-generation|image-text-to-text"},
    {"sglang", "safetensors|pytorch|gguf,text-generation|image-text-to-text"},
    {"tgi", "text-generation-inference"},
    {"mlx-lm", "mlx,text-generation"},
    {"unsloth", "gguf|safetensors,text-generation|image-text-to-text"},
    {"diffusers", "diffusers"},
    {"drawthings", "diffusers"},
    {"comfyui", "diffusers|diffusion-single-file"},
};

std::vector<std::string> texts(const std::vector<std::string_view>& views) {
  std::vector<std::string> out;
  for (const auto view : views)
    if (!view.empty()) out.emplace_back(view);
  return out;
}

// "6B", "1.5K", "360000000"
std::optional<int64_t> parse_count(std::string_view text) {
  double unit = 1;
  if (!text.empty()) {
    switch (text.back()) {
      case 'k':
      case 'K':
        unit = 1e3;
        break;
      case 'm':
      case 'M':
        unit = 1e6;
        break;
      case 'b':
      case 'B':
        unit = 1e9;
        break;
      case 't':
      case 'T':
        unit = 1e12;
        break;
      default:
        break;
    }
    if (unit != 1) text.remove_suffix(1);
  }
  const auto number = parse_double(text);
  if (!number || *number < 0 || *number * unit > 9e18) return std::nullopt;
  return std::llround(*number * unit);
}

Status add_app(std::string_view name, hub::RepoQuery& query) {
  std::vector<std::string> known;
  for (const auto& app : kApps) {
    known.emplace_back(app.name);
    if (!equals_ignore_case(app.name, name)) continue;
    for (const auto group : split(app.groups, ',')) query.any_of.push_back(texts(split(group, '|')));
    return {};
  }
  return Status(Code::bad_input, cat("apps: '", name.substr(0, 100), "' is not known (", join(known, ", "), ")"));
}

// Engines of this hub serve these; no other provider is known here.
void only_served(const Request& rq, hub::RepoQuery& query) {
  std::vector<std::string> links;
  if (auto* engines = rq.services().endpoints)
    for (const auto& name : engines->architectures()) links.push_back(cat("architecture:", name));
  query.any_links.push_back(std::move(links));
}

}  // namespace

Result<std::pair<std::optional<int64_t>, std::optional<int64_t>>> parse_parameter_range(std::string_view text) {
  std::pair<std::optional<int64_t>, std::optional<int64_t>> out;
  for (const auto part : split(text, ',')) {
    auto& side = part.starts_with("max:") ? out.second : out.first;
    const auto count =
        part.starts_with("min:") || part.starts_with("max:") ? parse_count(part.substr(4)) : std::nullopt;
    if (!count)
      return Status(Code::bad_input, cat("num_parameters takes \"min:6B,max:128B\", not '", text.substr(0, 100), "'"));
    side = count;
  }
  return out;
}

Result<hub::RepoQuery> read_list_query(const Request& rq) {
  hub::RepoQuery out;
  out.kind = rq.kind();
  out.search = texts(rq.query_all("search"));
  out.author = rq.query("author");
  for (const auto filter : rq.query_all("filter"))
    for (const auto tag : split(filter, ','))
      if (!tag.empty()) out.tags.emplace_back(tag);
  out.pipeline_tag = rq.query("pipeline_tag");
  out.library = rq.query("library");
  for (const auto dataset : rq.query_all("trained_dataset"))
    if (!dataset.empty())
      out.tags.push_back(dataset.starts_with("dataset:") ? std::string(dataset) : cat("dataset:", dataset));
  for (const auto names : rq.query_all("apps"))
    for (const auto app : split(names, ','))
      if (!app.empty()) TRY(add_app(app, out));
  if (const auto gated = rq.query("gated"); !gated.empty()) out.gated = rq.query_flag("gated");
  if (const auto range = rq.query("num_parameters"); !range.empty())
    std::tie(out.parameters_min, out.parameters_max) = TRY(parse_parameter_range(range));
  if (const auto inference = rq.query("inference"); inference == "warm") {
    only_served(rq, out);
  } else if (!inference.empty()) {
    return Status(Code::bad_input, cat("inference takes warm, not '", inference.substr(0, 100), "'"));
  }
  if (const auto providers = rq.query_all("inference_provider"); !providers.empty()) {
    bool served = false;
    for (const auto names : providers)
      for (const auto name : split(names, ',')) served |= name == "all" || name == "hf-inference";
    if (served) {
      only_served(rq, out);
    } else {
      out.links.emplace_back("provider:none");  // nothing here has it
    }
  }
  // Of Spaces: the models and datasets that they use.
  for (const std::string_view name : {"models", "datasets"})
    for (const auto ids : rq.query_all(name))
      for (const auto id : split(ids, ','))
        if (!id.empty()) out.links.push_back(to_lower_ascii(cat(name, ":", id)));
  if (rq.query_flag("linked")) out.links.emplace_back("linked");
  if (const auto sdks = rq.query_all("sdk"); !sdks.empty()) out.any_of.push_back(texts(sdks));
  if (const auto sort = rq.query("sort"); !sort.empty()) out.sort = TRY(hub::parse_sort(sort));
  out.ascending = rq.query("direction") == "1";
  out.limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  out.cursor = rq.query("cursor");
  return out;
}

}  // namespace hearth::server
