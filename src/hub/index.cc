#include "hub/index.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/card.h"
#include "hub/git/snapshot.h"
#include "hub/index_rows.h"
#include "hub/weights.h"

namespace hearth::hub {
namespace {

constexpr size_t kFilesMax = 100'000;
constexpr uint64_t kCardMax = 4u << 20, kConfigMax = 4u << 20;
constexpr uint64_t kHeaderMax = 32u << 20;  // of a weight file that is not on this machine
constexpr size_t kTagsMax = 500, kTagLengthMax = 200;
constexpr int kRefreshTries = 5;

class Reader {
 public:
  Reader(const Hub& hub, const git::Snapshot& at, std::vector<TreeEntry> files)
      : hub_(hub), at_(at), files_(std::move(files)) {}

  const TreeEntry* find(std::string_view path) const {
    for (const auto& file : files_)
      if (file.path == path) return &file;
    return nullptr;
  }
  bool has_suffix(std::string_view suffix) const {
    return std::any_of(files_.begin(), files_.end(), [&](const auto& f) { return f.path.ends_with(suffix); });
  }
  /// A small file's text, or empty when absent, big or unreadable.
  std::string text(std::string_view path, uint64_t max_bytes) const {
    const auto* file = find(path);
    if (!file || file->lfs) return {};
    auto id = git::parse_oid(file->oid);
    return id.ok() ? git::read_blob(at_.odb.get(), *id, max_bytes).value_or("") : "";
  }
  Json json(std::string_view path) const { return Json::parse(text(path, kConfigMax)).value_or(Json()); }
  const std::vector<TreeEntry>& files() const { return files_; }
  /// The weight files, opened where they lie: big ones in the store, small ones from git.
  WeightSource weights(const TreeEntry& file) const {
    if (file.lfs && hub_.blobs().is_local())
      return {.path = hub_.blobs().local_path(file.lfs->sha256).value_or(""), .bytes = {}};
    if (file.lfs) return {.path = {}, .bytes = hub_.blobs().read(file.lfs->sha256, 0, kHeaderMax).value_or("")};
    auto id = git::parse_oid(file.oid);
    return {.path = {}, .bytes = id.ok() ? git::read_blob(at_.odb.get(), *id, 16u << 20).value_or("") : ""};
  }

 private:
  const Hub& hub_;
  const git::Snapshot& at_;
  std::vector<TreeEntry> files_;
};

/// A string, or the strings of a list.
std::vector<std::string> strings(const Json& value) {
  std::vector<std::string> out;
  if (value.is_string()) out.emplace_back(value.as_string());
  for (const auto& item : value.array())
    if (item.is_string()) out.emplace_back(item.as_string());
  return out;
}

// What the Hub shows of config.json and tokenizer_config.json.
Json known_config(const Reader& files) {
  const auto config = files.json("config.json");
  Json out = Json::Object();
  for (const std::string_view key : {"architectures", "model_type", "quantization_config", "auto_map"})
    if (const auto* value = config.find(key)) out.set(key, *value);
  const auto tokenizer = files.json("tokenizer_config.json");
  Json known = Json::Object();
  for (const std::string_view key :
       {"bos_token", "eos_token", "pad_token", "unk_token", "chat_template", "use_default_system_prompt"}) {
    const auto* value = tokenizer.find(key);
    if (!value || value->is_null()) continue;
    known.set(key, value->is_object() ? (*value)["content"] : *value);  // a token may be {"content": "<s>", ...}
  }
  if (auto separate = files.text("chat_template.jinja", kConfigMax); !separate.empty())
    known.set("chat_template", separate);
  if (known.size() != 0) out.set("tokenizer_config", known);
  return out.size() != 0 ? out : Json();
}

std::string library_of(const Reader& files, const RepoIndex& index) {
  if (const auto named = index.card["library_name"].as_string(); !named.empty()) return std::string(named);
  if (files.find("model_index.json")) return "diffusers";
  if (files.find("adapter_config.json")) return "peft";
  if (files.find("modules.json") || files.find("config_sentence_transformers.json")) return "sentence-transformers";
  if (index.config["architectures"].is_array() || index.config["model_type"].is_string()) return "transformers";
  if (files.has_suffix(".gguf")) return "gguf";
  return {};
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

std::vector<std::string> model_tags(const Reader& files, const RepoIndex& index) {
  TagList tags;
  tags.add(index.library_name);
  constexpr std::pair<std::string_view, std::string_view> formats[] = {
      {".safetensors", "safetensors"}, {".gguf", "gguf"}, {".onnx", "onnx"}, {"pytorch_model.bin", "pytorch"}};
  for (const auto& [suffix, tag] : formats)
    if (files.has_suffix(suffix)) tags.add(tag);
  tags.add(index.config["model_type"].as_string());
  tags.add(index.pipeline_tag);
  tags.add_all(index.card["tags"]);
  if (index.config["tokenizer_config"].find("chat_template") || index.gguf.find("chat_template"))
    tags.add("conversational");
  tags.add_all(index.card["language"]);
  tags.add_all(index.card["datasets"], "dataset:");
  tags.add_all(index.card["base_model"], "base_model:");
  const auto relation = index.card["base_model_relation"].as_string("finetune");
  tags.add_all(index.card["base_model"], cat("base_model:", relation, ":"));
  tags.add_all(index.card["license"], "license:");
  return tags.take();
}

std::vector<std::string> dataset_tags(const RepoIndex& index) {
  TagList tags;
  for (const std::string_view key : {"task_categories", "task_ids", "annotations_creators", "language_creators",
                                     "multilinguality", "source_datasets", "language", "license", "size_categories"})
    tags.add_all(index.card[key], cat(key, ":"));
  tags.add_all(index.card["tags"]);
  return tags.take();
}

Status store_index(store::Transaction& transaction, const Repo& repo, const RepoIndex& index) {
  const auto before = TRY(transaction.query_one("SELECT head FROM repo_index WHERE repo_id = $1", {repo.id}));
  if (before && (*before)[0].text() != index.head)
    TRY(transaction.execute("UPDATE repos SET modified_ms = $2 WHERE id = $1", {repo.id, now_ms()}));
  if (const auto sdk = index.card["sdk"].as_string(); repo.kind == RepoKind::space && !sdk.empty())
    TRY(transaction.execute("UPDATE repos SET sdk = $2 WHERE id = $1", {repo.id, sdk}));
  Json::Array tags(index.tags.begin(), index.tags.end());
  TRY(transaction.execute(
      "INSERT INTO repo_index (repo_id, head, pipeline_tag, library_name, tags, card, config, safetensors, gguf, "
      "used_storage) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (repo_id) DO UPDATE SET "
      "head = excluded.head, pipeline_tag = excluded.pipeline_tag, library_name = excluded.library_name, "
      "tags = excluded.tags, card = excluded.card, config = excluded.config, safetensors = excluded.safetensors, "
      "gguf = excluded.gguf, used_storage = excluded.used_storage",
      {repo.id, index.head, index.pipeline_tag, index.library_name, Json(std::move(tags)).dump(), index.card.dump(),
       index.config.dump(), index.safetensors.dump(), index.gguf.dump(), index.used_storage_bytes}));
  TRY(transaction.execute("DELETE FROM repo_tags WHERE repo_id = $1", {repo.id}));
  for (const auto& tag : index.tags)
    TRY(transaction.execute(
        "INSERT INTO repo_tags (tag, repo_id) VALUES ($1, $2) ON CONFLICT (tag, repo_id) DO NOTHING", {tag, repo.id}));
  return {};
}

}  // namespace

RepoIndex index_of(std::span<const store::Value> row) {
  RepoIndex out;
  const auto json = [&](size_t column) { return Json::parse(row[column].text()).value_or(Json()); };
  out.head = row[0].text();
  out.pipeline_tag = row[1].text();
  out.library_name = row[2].text();
  const auto tags = json(3);
  for (const auto& tag : tags.array()) out.tags.emplace_back(tag.as_string());
  out.card = json(4);
  out.config = json(5);
  out.safetensors = json(6);
  out.gguf = json(7);
  out.used_storage_bytes = row[8].integer();
  return out;
}

Result<RepoIndex> read_index(const Hub& hub, const Repo& repo, std::string_view revision) {
  const auto at = TRY(git::snapshot(hub, repo, revision));
  const Reader files(hub, at, TRY(git::all_files(at, kFilesMax)));
  RepoIndex out;
  out.head = at.commit_id;
  for (const auto& file : files.files()) out.used_storage_bytes += static_cast<int64_t>(file.size_bytes);
  if (auto card = parse_card(files.text("README.md", kCardMax)); card.ok()) out.card = std::move(card->data);
  if (repo.kind == RepoKind::model) {
    out.config = known_config(files);
    WeightSummary weights;
    for (const auto& file : files.files())
      if (WeightSummary::is_weight_file(file.path)) weights.add(files.weights(file));
    out.safetensors = weights.safetensors();
    out.gguf = weights.gguf();
    out.library_name = library_of(files, out);
    out.pipeline_tag = out.card["pipeline_tag"].as_string();
    if (out.pipeline_tag.empty()) out.pipeline_tag = transformers_info(out.config)["pipeline_tag"].as_string();
    if (out.pipeline_tag.empty() && out.gguf.find("chat_template")) out.pipeline_tag = "text-generation";
    out.tags = model_tags(files, out);
  } else if (repo.kind == RepoKind::dataset) {
    out.tags = dataset_tags(out);
  } else {
    TagList tags;
    tags.add(out.card["sdk"].as_string(repo.sdk));
    tags.add_all(out.card["tags"]);
    out.tags = tags.take();
  }
  return out;
}

Status refresh_index(Hub& hub, const Repo& repo) {
  // Reading the files happens outside the write lock; whoever finds that main moved meanwhile reads again, so that the
  // last writer's index is of the last head.
  for (int tries = 0; tries < kRefreshTries; ++tries) {
    const auto index = TRY(read_index(hub, repo, "refs/heads/main"));
    auto transaction = TRY(hub.db().begin());
    if (TRY(resolve_revision(hub, repo, "refs/heads/main")) != index.head) continue;
    TRY(store_index(transaction, repo, index));
    return transaction.commit();
  }
  return Status(Code::busy, cat("main of ", repo.full_name(), " moves faster than it can be indexed"));
}

Result<RepoIndex> main_index(Hub& hub, const Repo& repo) {
  const auto stored = [&]() -> Result<std::optional<RepoIndex>> {
    const auto row =
        TRY(hub.db().query_one(cat("SELECT ", kIndexColumns, " FROM repo_index WHERE repo_id = $1"), {repo.id}));
    if (!row) return std::optional<RepoIndex>();
    return std::optional<RepoIndex>(index_of(*row));
  };
  const auto head = TRY(resolve_revision(hub, repo, "refs/heads/main"));
  auto index = TRY(stored());
  if (index && index->head == head) return *std::move(index);
  TRY(refresh_index(hub, repo));
  index = TRY(stored());
  if (!index) return Status(Code::repo_not_found, "Repository not found");
  return *std::move(index);
}

Json transformers_info(const Json& config) {
  struct Row {
    std::string_view suffix, auto_model, pipeline_tag, processor;
  };
  // Source: transformers 5.23.0 models/auto/modeling_auto.py and the Hub's tasks.
  constexpr Row rows[] = {
      {"ForCausalLM", "AutoModelForCausalLM", "text-generation", "AutoTokenizer"},
      {"LMHeadModel", "AutoModelForCausalLM", "text-generation", "AutoTokenizer"},
      {"ForMaskedLM", "AutoModelForMaskedLM", "fill-mask", "AutoTokenizer"},
      {"ForSequenceClassification", "AutoModelForSequenceClassification", "text-classification", "AutoTokenizer"},
      {"ForTokenClassification", "AutoModelForTokenClassification", "token-classification", "AutoTokenizer"},
      {"ForQuestionAnswering", "AutoModelForQuestionAnswering", "question-answering", "AutoTokenizer"},
      {"ForSpeechSeq2Seq", "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition", "AutoProcessor"},
      {"ForCTC", "AutoModelForCTC", "automatic-speech-recognition", "AutoProcessor"},
      {"ForImageClassification", "AutoModelForImageClassification", "image-classification", "AutoImageProcessor"},
      {"ForObjectDetection", "AutoModelForObjectDetection", "object-detection", "AutoImageProcessor"},
      {"ForSemanticSegmentation", "AutoModelForSemanticSegmentation", "image-segmentation", "AutoImageProcessor"},
      {"ForAudioClassification", "AutoModelForAudioClassification", "audio-classification", "AutoFeatureExtractor"},
      {"Model", "AutoModel", "feature-extraction", "AutoTokenizer"},
  };
  constexpr std::string_view seq2seq_types[] = {"t5",     "mt5",     "bart",    "mbart",
                                                "marian", "pegasus", "m2m_100", "blenderbot"};
  const auto& architectures = config["architectures"].array();
  if (architectures.empty()) return {};
  const auto architecture = architectures[0].as_string();
  const auto describe = [](std::string_view auto_model, std::string_view task, std::string_view processor) {
    return Json(Json::Object{{"auto_model", auto_model}, {"pipeline_tag", task}, {"processor", processor}});
  };
  if (architecture.ends_with("ForConditionalGeneration")) {
    const auto type = config["model_type"].as_string();
    if (type == "whisper")
      return describe("AutoModelForSpeechSeq2Seq", "automatic-speech-recognition", "AutoProcessor");
    if (std::find(std::begin(seq2seq_types), std::end(seq2seq_types), type) != std::end(seq2seq_types))
      return describe("AutoModelForSeq2SeqLM", type == "marian" ? "translation" : "text2text-generation",
                      "AutoTokenizer");
    return describe("AutoModelForImageTextToText", "image-text-to-text", "AutoProcessor");
  }
  for (const auto& row : rows)
    if (architecture.ends_with(row.suffix)) return describe(row.auto_model, row.pipeline_tag, row.processor);
  return {};
}

}  // namespace hearth::hub
