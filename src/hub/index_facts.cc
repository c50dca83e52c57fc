// Tags, links and facts of a revision, as the Hub derives them.
// Source: the Hub's documentation (model cards, dataset cards, Spaces' configuration); huggingface.js packages/tasks
// (libraries, default widget inputs); huggingface_hub 2.4.0 _eval_results.py; hub-docs eval_results.yaml.
#include "hub/index_facts.h"

#include <algorithm>

#include "base/text.h"
#include "hub/card.h"
#include "hub/tasks.h"

namespace hearth::hub {
namespace {

constexpr size_t kTagsMax = 500, kTagLengthMax = 200;
constexpr size_t kLinksMax = 200, kCodeFilesMax = 20, kEvalFilesMax = 100;
constexpr size_t kDescriptionMax = 800, kCitationMax = 8000;

/// A string, or the strings of a list.
std::vector<std::string> strings(const Json& value) {
  std::vector<std::string> out;
  if (value.is_string()) out.emplace_back(value.as_string());
  for (const auto& item : value.array())
    if (item.is_string()) out.emplace_back(item.as_string());
  return out;
}

class TagList {
 public:
  void add(std::string_view tag) {
    if (tag.empty() || tag.size() > kTagLengthMax || tags_.size() >= kTagsMax) return;
    if (std::find(tags_.begin(), tags_.end(), tag) == tags_.end()) tags_.emplace_back(tag);
  }
  void add_all(const Json& value, std::string_view prefix = "") {
    for (const auto& text : strings(value)) add(cat(prefix, text));
  }
  std::vector<std::string> take() { return std::move(tags_); }

 private:
  std::vector<std::string> tags_;
};

bool has_file(const RevisionView& view, std::string_view path) {
  return std::any_of(view.files.begin(), view.files.end(), [&](const auto& f) { return f.path == path; });
}
bool has_suffix(const RevisionView& view, std::string_view suffix) {
  return std::any_of(view.files.begin(), view.files.end(), [&](const auto& f) { return f.path.ends_with(suffix); });
}
bool has_part(const RevisionView& view, std::string_view part) {
  return std::any_of(view.files.begin(), view.files.end(), [&](const auto& f) { return contains(f.path, part); });
}

std::string library_of(const RevisionView& view, const RepoIndex& index) {
  if (const auto named = index.card["library_name"].as_string(); !named.empty()) return std::string(named);
  if (has_file(view, "model_index.json")) return "diffusers";
  if (has_file(view, "adapter_config.json")) return "peft";
  if (has_file(view, "modules.json") || has_file(view, "config_sentence_transformers.json"))
    return "sentence-transformers";
  if (index.config["architectures"].is_array() || index.config["model_type"].is_string()) return "transformers";
  if (has_suffix(view, ".gguf")) return "gguf";
  return {};
}

// The pipeline class, task and quantization that model_index.json and config.json tell.
std::string pipeline_of(const RevisionView& view, const RepoIndex& index) {
  if (const auto named = index.card["pipeline_tag"].as_string(); !named.empty()) return std::string(named);
  if (index.library_name == "sentence-transformers") return "sentence-similarity";
  if (index.library_name == "diffusers") return "text-to-image";
  const auto known = transformers_info(index.config);
  if (const auto task = known["pipeline_tag"].as_string(); !task.empty()) return std::string(task);
  // Only a base that says so gives an adapter or a quantized file its task; a chat template speaks for itself.
  if (index.gguf.find("chat_template") || (!index.gguf.is_null() && has_suffix(view, ".gguf")))
    return "text-generation";
  return {};
}

void add_file_tags(const RevisionView& view, TagList& tags) {
  constexpr std::pair<std::string_view, std::string_view> suffixes[] = {
      {".safetensors", "safetensors"},    {".gguf", "gguf"},      {".onnx", "onnx"},     {"tf_model.h5", "tf"},
      {"flax_model.msgpack", "jax"},      {".mlmodel", "coreml"}, {".tflite", "tflite"}, {"rust_model.ot", "rust"},
      {"openvino_model.xml", "openvino"}, {".keras", "keras"},    {".joblib", "joblib"}, {".nemo", "nemo"}};
  for (const auto& [suffix, tag] : suffixes)
    if (has_suffix(view, suffix)) tags.add(tag);
  for (const auto& file : view.files) {
    const auto name = path_name(file.path);
    if (name.starts_with("pytorch_model") && name.ends_with(".bin")) tags.add("pytorch");
  }
  if (has_part(view, ".mlpackage/")) tags.add("coreml");
  if (has_part(view, "events.out.tfevents")) tags.add("tensorboard");
}

void add_quantization_tags(const RepoIndex& index, TagList& tags) {
  const auto& quantization = index.config["quantization_config"];
  if (!quantization.is_object()) return;
  auto bits = quantization["bits"].as_int();
  if (quantization["load_in_4bit"].as_bool() || quantization["_load_in_4bit"].as_bool()) bits = 4;
  if (quantization["load_in_8bit"].as_bool() || quantization["_load_in_8bit"].as_bool()) bits = 8;
  if (bits > 0) tags.add(cat(bits, "-bit"));
  tags.add(quantization["quant_method"].as_string());
}

std::vector<std::string> model_tags(const RevisionView& view, const RepoIndex& index) {
  TagList tags;
  tags.add(index.library_name);
  add_file_tags(view, tags);
  if (index.library_name == "diffusers") {
    const auto pipeline = Json::parse(view.text("model_index.json")).value_or(Json());
    if (const auto name = pipeline["_class_name"].as_string(); !name.empty()) tags.add(cat("diffusers:", name));
  }
  const auto model_type = index.config["model_type"].as_string();
  tags.add(model_type);
  tags.add(index.pipeline_tag);
  tags.add_all(index.card["tags"]);
  const bool conversational =
      index.config["tokenizer_config"].find("chat_template") || index.gguf.find("chat_template");
  if (conversational) tags.add("conversational");
  if (index.config.find("auto_map")) tags.add("custom_code");
  tags.add_all(index.card["language"]);
  tags.add_all(index.card["datasets"], "dataset:");
  for (const auto& id : arxiv_ids(view.card_body)) tags.add(cat("arxiv:", id));
  if (const auto base = strings(index.card["base_model"]); !base.empty()) {
    tags.add_all(index.card["base_model"], "base_model:");
    tags.add_all(index.card["base_model"], cat("base_model:", base_model_relation(index, view), ":"));
  }
  tags.add_all(index.card["license"], "license:");
  if (index.card["model-index"].is_array()) tags.add("model-index");
  if (index.card.find("co2_eq_emissions")) tags.add("co2_eq_emissions");
  if (index.facts["evalResults"].is_array()) tags.add("eval-results");
  add_quantization_tags(index, tags);
  constexpr std::string_view served[] = {"bloom", "cohere", "falcon",  "gemma",      "gemma2", "gpt2", "gpt_neox",
                                         "gptj",  "llama",  "mistral", "mixtral",    "mpt",    "opt",  "phi",
                                         "phi3",  "qwen2",  "qwen3",   "starcoder2", "t5"};
  const bool generates = index.pipeline_tag == "text-generation" || index.pipeline_tag == "text2text-generation";
  if (index.library_name == "transformers" && generates &&
      std::find(std::begin(served), std::end(served), model_type) != std::end(served))
    tags.add("text-generation-inference");
  const bool endpoint_library = index.library_name == "transformers" || index.library_name == "diffusers" ||
                                index.library_name == "sentence-transformers" || index.library_name == "gguf";
  if (endpoint_library && !index.pipeline_tag.empty()) tags.add("endpoints_compatible");
  tags.add("region:us");
  return tags.take();
}

// ---- datasets ----

struct DataFormat {
  std::string_view suffix, format, modality;
};
constexpr DataFormat kFormats[] = {
    {".parquet", "parquet", "text"},   {".csv", "csv", "text"},          {".tsv", "csv", "text"},
    {".jsonl", "json", "text"},        {".json", "json", "text"},        {".jsonl.gz", "json", "text"},
    {".arrow", "arrow", "text"},       {".txt", "text", "text"},         {".tar", "webdataset", ""},
    {".png", "imagefolder", "image"},  {".jpg", "imagefolder", "image"}, {".jpeg", "imagefolder", "image"},
    {".webp", "imagefolder", "image"}, {".wav", "audiofolder", "audio"}, {".mp3", "audiofolder", "audio"},
    {".flac", "audiofolder", "audio"}, {".mp4", "videofolder", "video"}, {".pdf", "pdffolder", "document"},
};

// The kind of file that most of a dataset is in.
const DataFormat* main_format(const RevisionView& view) {
  constexpr std::string_view not_data[] = {"dataset_infos.json", "dataset_info.json", "state.json", "metadata.json"};
  std::vector<int64_t> counts(std::size(kFormats));
  for (const auto& file : view.files) {
    const auto name = to_lower_ascii(path_name(file.path));
    if (name.starts_with('.') || std::find(std::begin(not_data), std::end(not_data), name) != std::end(not_data))
      continue;
    for (size_t i = 0; i < std::size(kFormats); ++i)
      if (name.ends_with(kFormats[i].suffix)) {
        ++counts[i];
        break;
      }
  }
  const auto most = std::max_element(counts.begin(), counts.end());
  return *most == 0 ? nullptr : &kFormats[most - counts.begin()];
}

void add_feature_modalities(const Json& feature, TagList& tags) {
  for (const auto& [key, value] : feature.object()) {
    const auto type = value.as_string();
    if (key == "dtype") {
      if (type == "string" || type == "large_string") tags.add("modality:text");
      if (type == "image") tags.add("modality:image");
      if (type == "audio") tags.add("modality:audio");
      if (type == "video") tags.add("modality:video");
      if (type.starts_with("int") || type.starts_with("float")) tags.add("modality:tabular");
    }
    add_feature_modalities(value, tags);
  }
  for (const auto& item : feature.array()) add_feature_modalities(item, tags);
}

// The rows that the card's dataset_info counts, over all splits and configurations; 0: it does not say.
int64_t rows_of(const Json& info) {
  int64_t out = 0;
  for (const auto& item : info.array()) out += rows_of(item);
  for (const auto& split : info["splits"].array()) out += std::max<int64_t>(split["num_examples"].as_int(), 0);
  return out;
}

std::string_view size_category(int64_t rows) {
  constexpr std::pair<int64_t, std::string_view> steps[] = {
      {1'000, "n<1K"},
      {10'000, "1K<n<10K"},
      {100'000, "10K<n<100K"},
      {1'000'000, "100K<n<1M"},
      {10'000'000, "1M<n<10M"},
      {100'000'000, "10M<n<100M"},
      {1'000'000'000, "100M<n<1B"},
      {10'000'000'000, "1B<n<10B"},
      {100'000'000'000, "10B<n<100B"},
      {1'000'000'000'000, "100B<n<1T"},
  };
  for (const auto& [limit, name] : steps)
    if (rows < limit) return name;
  return "n>1T";
}

std::vector<std::string> dataset_tags(const RevisionView& view, const RepoIndex& index) {
  TagList tags;
  for (const std::string_view key : {"task_categories", "task_ids", "annotations_creators", "language_creators",
                                     "multilinguality", "source_datasets", "language", "license", "size_categories"})
    tags.add_all(index.card[key], cat(key, ":"));
  if (const auto rows = rows_of(index.card["dataset_info"]); rows > 0 && strings(index.card["size_categories"]).empty())
    tags.add(cat("size_categories:", size_category(rows)));
  if (const auto* format = main_format(view)) {
    tags.add(cat("format:", format->format));
    TagList modalities;
    add_feature_modalities(index.card["dataset_info"], modalities);
    const auto found = modalities.take();
    for (const auto& modality : found) tags.add(modality);
    if (found.empty() && !format->modality.empty()) tags.add(cat("modality:", format->modality));
    tags.add("library:datasets");
    const auto name = format->format;
    if (name == "parquet" || name == "csv" || name == "json") {
      tags.add("library:pandas");
      tags.add("library:polars");
    }
    if (name == "webdataset") tags.add("library:webdataset");
    tags.add("library:mlcroissant");
  }
  for (const auto& id : arxiv_ids(view.card_body)) tags.add(cat("arxiv:", id));
  if (has_file(view, "eval.yaml")) tags.add("benchmark:official");
  tags.add("region:us");
  tags.add_all(index.card["tags"]);
  return tags.take();
}

// The first paragraph of a card that is neither heading, markup nor list: what the Hub shows as description.
std::string description_of(std::string_view body) {
  std::string out;
  bool fenced = false;
  for (const auto raw : split(body, '\n')) {
    const auto line = trim(raw);
    if (line.starts_with("```")) fenced = !fenced;
    const bool skip = fenced || line.starts_with('#') || line.starts_with('<') || line.starts_with('|') ||
                      line.starts_with("![") || line.starts_with("[!") || line.starts_with("```") ||
                      line.starts_with("---");
    if (skip || line.empty()) {
      if (!out.empty()) break;
      continue;
    }
    out += cat(out.empty() ? "" : " ", line);
    if (out.size() >= kDescriptionMax) break;
  }
  if (out.size() <= kDescriptionMax) return out;
  size_t end = kDescriptionMax;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
  return out.substr(0, end);
}

// The BibTeX of a card: its first fenced block that begins with an entry.
std::string citation_of(std::string_view body) {
  for (size_t at = body.find("```"); at != std::string_view::npos;) {
    const auto begin = body.find('\n', at);
    if (begin == std::string_view::npos) break;
    const auto end = body.find("```", begin);
    if (end == std::string_view::npos) break;
    const auto block = trim(body.substr(begin, end - begin));
    if (block.starts_with('@')) return std::string(block.substr(0, kCitationMax));
    at = body.find("```", end + 3);
  }
  return {};
}

// ---- facts of models ----

std::string mask_token(const RevisionView& view, const RepoIndex& index) {
  const auto tokenizer = Json::parse(view.text("tokenizer_config.json")).value_or(Json());
  const auto& token = tokenizer["mask_token"];
  if (token.is_string()) return std::string(token.as_string());
  if (token.is_object()) return std::string(token["content"].as_string());
  const auto type = index.config["model_type"].as_string();
  for (const std::string_view known : {"bert", "distilbert", "electra", "albert", "mpnet", "deberta", "deberta-v2"})
    if (type == known) return type == "mpnet" ? "<mask>" : "[MASK]";
  for (const std::string_view known : {"roberta", "xlm-roberta", "camembert", "bart", "longformer"})
    if (type == known) return "<mask>";
  return {};
}

// The entries of `.eval_results/*.yaml`; a file that breaks their rules is named with its error.
Json eval_results(const RevisionView& view) {
  Json::Array out;
  size_t files = 0;
  for (const auto& file : view.files) {
    if (!file.path.starts_with(".eval_results/") || !(file.path.ends_with(".yaml") || file.path.ends_with(".yml")))
      continue;
    if (++files > kEvalFilesMax) break;
    const auto refuse = [&](std::string_view why) {
      out.push_back(Json::Object{{"filename", file.path}, {"error", why}});
    };
    const auto data = parse_yaml(view.text(file.path));
    if (!data.ok() || !data->is_array()) {
      refuse(data.ok() ? "not a list of results" : data.status().message());
      continue;
    }
    for (const auto& entry : data->array()) {
      if (!entry["dataset"]["id"].is_string() || !entry["dataset"]["task_id"].is_string() || entry["value"].is_null()) {
        refuse("a result needs dataset.id, dataset.task_id and value");
        break;
      }
      out.push_back(Json::Object{{"filename", file.path}, {"verified", false}, {"data", entry}});
    }
  }
  return out.empty() ? Json() : Json(std::move(out));
}

// What a page's widget offers to try: the card's, else the task's.
Json widget_data(const RepoIndex& index, std::string_view mask) {
  if (const auto* widget = index.card.find("widget")) return *widget;
  auto out = default_widget(index.pipeline_tag);
  if (index.pipeline_tag == "fill-mask")
    for (auto& example : out.array())
      example.set("text",
                  replace_all(std::string(example["text"].as_string()), "<mask>", mask.empty() ? "<mask>" : mask));
  return out;
}

void describe_model(const RevisionView& view, RepoIndex& index) {
  index.library_name = library_of(view, index);
  index.pipeline_tag = pipeline_of(view, index);
  index.facts = Json::Object();
  auto mask = index.pipeline_tag == "fill-mask" ? mask_token(view, index) : std::string();
  if (auto results = eval_results(view); !results.is_null()) index.facts.set("evalResults", std::move(results));
  if (auto widget = widget_data(index, mask); !widget.is_null()) index.facts.set("widgetData", std::move(widget));
  if (!mask.empty()) index.facts.set("mask_token", std::move(mask));
  index.tags = model_tags(view, index);
  for (const auto& bases = strings(index.card["base_model"]); const auto& base : bases)
    if (index.links.size() < kLinksMax) index.links.push_back(cat("base:", base));
  for (const auto& result : index.facts["evalResults"].array())
    if (const auto id = result["data"]["dataset"]["id"].as_string(); !id.empty()) {
      auto link = cat("eval:", id);
      if (std::find(index.links.begin(), index.links.end(), link) == index.links.end())
        index.links.push_back(std::move(link));
    }
  const auto architecture = index.gguf["architecture"].as_string(index.config["model_type"].as_string());
  if (!architecture.empty()) index.links.push_back(cat("architecture:", architecture));
}

void describe_dataset(const RevisionView& view, RepoIndex& index) {
  index.tags = dataset_tags(view, index);
  index.facts = Json::Object();
  if (auto text = description_of(view.card_body); !text.empty()) index.facts.set("description", std::move(text));
  if (auto text = citation_of(view.card_body); !text.empty()) index.facts.set("citation", std::move(text));
  if (const auto* id = index.card.find("paperswithcode_id")) index.facts.set("paperswithcode_id", *id);
  int64_t bytes = 0;
  for (const auto& file : view.files)
    for (const auto& format : kFormats)
      if (file.path.ends_with(format.suffix)) {
        bytes += static_cast<int64_t>(file.size_bytes);
        break;
      }
  index.facts.set("mainSize", bytes);
}

// ---- Spaces ----

// `owner/name` between quotes, as from_pretrained, pipeline and load_dataset are given it.
void find_ids(std::string_view code, std::vector<std::string>& links) {
  for (size_t at = 0; at < code.size(); ++at) {
    const char quote = code[at];
    if (quote != '"' && quote != '\'') continue;
    const auto end = code.find_first_of("\"'\n", at + 1);
    if (end == std::string_view::npos) return;
    const auto text = code.substr(at + 1, end - at - 1);
    if (code[end] == quote && std::count(text.begin(), text.end(), '/') == 1 && links.size() < kLinksMax) {
      if (auto id = parse_repo_id(RepoKind::model, text); id.ok()) {
        const auto line = code.substr(0, at);
        const bool dataset = trim(line.substr(line.rfind('\n') + 1)).ends_with("load_dataset(");
        auto link = cat(dataset ? "datasets:" : "models:", text);
        if (std::find(links.begin(), links.end(), link) == links.end()) links.push_back(std::move(link));
      }
    }
    at = end;
  }
}

void describe_space(const Repo& repo, const RevisionView& view, RepoIndex& index) {
  TagList tags;
  tags.add(index.card["sdk"].as_string(repo.sdk));
  tags.add_all(index.card["tags"]);
  tags.add("region:us");
  index.tags = tags.take();
  std::vector<std::string> found;
  size_t files = 0;
  for (const auto& file : view.files)
    if (file.path.ends_with(".py") && ++files <= kCodeFilesMax) find_ids(view.text(file.path), found);
  for (const std::string_view kind : {"models", "datasets"}) {
    const auto named = strings(index.card[kind]);
    Json::Array ids;
    for (const auto& id : named) ids.emplace_back(id);
    if (named.empty())  // what the card does not say is read from the code
      for (const auto& link : found)
        if (link.starts_with(kind)) ids.emplace_back(link.substr(kind.size() + 1));
    for (const auto& id : ids)
      if (index.links.size() < kLinksMax) index.links.push_back(cat(kind, ":", id.as_string()));
    if (index.facts.is_null()) index.facts = Json::Object();
    index.facts.set(kind, std::move(ids));
  }
  if (!index.links.empty()) index.links.push_back("linked");
}

}  // namespace

std::vector<std::string> arxiv_ids(std::string_view text) {
  std::vector<std::string> out;
  const auto digits = [&](size_t at) {
    size_t n = 0;
    while (at + n < text.size() && text[at + n] >= '0' && text[at + n] <= '9') ++n;
    return n;
  };
  for (const std::string_view before :
       {"arxiv.org/abs/", "arxiv.org/pdf/", "arxiv.org/html/", "arxiv:", "arXiv:", "huggingface.co/papers/"}) {
    for (size_t at = text.find(before); at != std::string_view::npos; at = text.find(before, at + 1)) {
      auto begin = at + before.size();
      if (begin < text.size() && text[begin] == ' ') ++begin;
      const auto year = digits(begin);
      if (year != 4 || begin + 4 >= text.size() || text[begin + 4] != '.') continue;
      const auto number = digits(begin + 5);
      if (number != 4 && number != 5) continue;
      auto id = std::string(text.substr(begin, 5 + number));
      if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(std::move(id));
      if (out.size() >= 100) return out;
    }
  }
  return out;
}

std::string_view base_model_relation(const RepoIndex& index, const RevisionView& view) {
  const auto said = index.card["base_model_relation"].as_string();
  for (const std::string_view known : {"adapter", "merge", "quantized", "finetune"})
    if (said == known) return known;
  const auto tags = strings(index.card["tags"]);
  const auto tagged = [&](std::string_view tag) { return std::find(tags.begin(), tags.end(), tag) != tags.end(); };
  if (index.library_name == "peft" || index.library_name == "adapter-transformers" || tagged("lora") ||
      has_file(view, "adapter_config.json"))
    return "adapter";
  if (strings(index.card["base_model"]).size() > 1 || tagged("merge") || tagged("mergekit")) return "merge";
  if (has_suffix(view, ".gguf") || index.config["quantization_config"].is_object()) return "quantized";
  return "finetune";
}

void describe_index(const Repo& repo, const RevisionView& view, RepoIndex& index) {
  if (repo.kind == RepoKind::model) {
    describe_model(view, index);
  } else if (repo.kind == RepoKind::dataset) {
    describe_dataset(view, index);
  } else {
    describe_space(repo, view, index);
  }
}

}  // namespace hearth::hub
