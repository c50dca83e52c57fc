#include "hub/index.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/card.h"
#include "hub/catalog.h"
#include "hub/content.h"
#include "hub/full_text.h"
#include "hub/git/snapshot.h"
#include "hub/index_facts.h"
#include "hub/index_rows.h"
#include "hub/weights.h"

namespace hearth::hub {
namespace {

constexpr size_t kFilesMax = 100'000;
constexpr uint64_t kCardMax = 4u << 20, kConfigMax = 4u << 20;
constexpr uint64_t kHeaderMax = 32u << 20;  // of a weight file that is not on this machine
constexpr size_t kPathsWeighed = 1000;
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
      if (auto path = hub_.blobs().local_path(file.lfs->sha256); path.ok())
        return {.path = *std::move(path), .bytes = {}};
    if (file.lfs) return {.path = {}, .bytes = read_content(hub_, file.lfs->sha256, 0, kHeaderMax).value_or("")};
    auto id = git::parse_oid(file.oid);
    return {.path = {}, .bytes = id.ok() ? git::read_blob(at_.odb.get(), *id, 16u << 20).value_or("") : ""};
  }

 private:
  const Hub& hub_;
  const git::Snapshot& at_;
  std::vector<TreeEntry> files_;
};

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

Status store_index(store::Transaction& transaction, const Repo& repo, const RepoIndex& index) {
  const auto before = TRY(transaction.query_one("SELECT head FROM repo_index WHERE repo_id = $1", {repo.id}));
  if (before && (*before)[0].text() != index.head)
    TRY(transaction.execute("UPDATE repos SET modified_ms = $2 WHERE id = $1", {repo.id, now_ms()}));
  if (const auto sdk = index.card["sdk"].as_string(); repo.kind == RepoKind::space && !sdk.empty())
    TRY(transaction.execute("UPDATE repos SET sdk = $2 WHERE id = $1", {repo.id, sdk}));
  const auto list = [](const std::vector<std::string>& texts) {
    return Json(Json::Array(texts.begin(), texts.end())).dump();
  };
  TRY(transaction.execute(
      "INSERT INTO repo_index (repo_id, head, pipeline_tag, library_name, tags, card, config, safetensors, gguf, "
      "used_storage, facts, links, parameters, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
      "$13, $14) ON CONFLICT (repo_id) DO UPDATE SET head = excluded.head, pipeline_tag = excluded.pipeline_tag, "
      "library_name = excluded.library_name, tags = excluded.tags, card = excluded.card, config = excluded.config, "
      "safetensors = excluded.safetensors, gguf = excluded.gguf, used_storage = excluded.used_storage, "
      "facts = excluded.facts, links = excluded.links, parameters = excluded.parameters, version = excluded.version",
      {repo.id, index.head, index.pipeline_tag, index.library_name, list(index.tags), index.card.dump(),
       index.config.dump(), index.safetensors.dump(), index.gguf.dump(), index.used_storage_bytes, index.facts.dump(),
       list(index.links), index.parameters, kIndexVersion}));
  TRY(store_words(transaction, repo.id, index.words));
  return note_change(transaction, repo.id);
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
  out.facts = json(9);
  const auto links = json(10);
  for (const auto& link : links.array()) out.links.emplace_back(link.as_string());
  out.parameters = row[11].integer();
  return out;
}

Result<RepoIndex> read_index(const Hub& hub, const Repo& repo, std::string_view revision) {
  const auto at = TRY(git::snapshot(hub, repo, revision));
  const Reader files(hub, at, TRY(git::all_files(at, kFilesMax)));
  RepoIndex out;
  out.head = at.commit_id;
  for (const auto& file : files.files()) out.used_storage_bytes += static_cast<int64_t>(file.size_bytes);
  std::string body;
  if (auto card = parse_card(files.text("README.md", kCardMax)); card.ok()) {
    out.card = std::move(card->data);
    body = std::move(card->body);
  }
  if (repo.kind == RepoKind::model) {
    out.config = known_config(files);
    WeightSummary weights;
    for (const auto& file : files.files())
      if (WeightSummary::is_weight_file(file.path)) weights.add(files.weights(file));
    out.safetensors = weights.safetensors();
    out.gguf = weights.gguf();
    out.parameters = out.safetensors["total"].as_int(out.gguf["total"].as_int());
  }
  describe_index(repo,
                 {.files = files.files(),
                  .card_body = body,
                  .text = [&](std::string_view path) { return files.text(path, kConfigMax); }},
                 out);
  std::vector<std::string> paths;
  for (const auto& file : files.files())
    if (paths.size() < kPathsWeighed) paths.push_back(file.path);
  out.words = weigh_words(repo, body, out.tags, paths);
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
    if (!row || row->back().integer() != kIndexVersion) return std::optional<RepoIndex>();
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

}  // namespace hearth::hub
