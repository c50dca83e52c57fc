#include "hub/scans.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/scan/pickle.h"
#include "hub/scan/secrets.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kRules = "1";  // raised when the built-in scans find more
constexpr uint64_t kTextMax = 1u << 20;
constexpr size_t kRowsAtOnce = 100;
constexpr uint64_t kSettingsMax = 64u << 20;

bool may_be_pickle(std::string_view path) {
  const auto lower = to_lower_ascii(path);
  for (const std::string_view suffix : {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".data"})
    if (lower.ends_with(suffix)) return true;
  return false;
}

// A file's bytes where they can be mapped or read.
struct Content {
  std::optional<LocalContent> file;
  std::optional<MappedFile> mapped;
  std::string owned;
  std::string_view text() const { return mapped ? mapped->text() : std::string_view(owned); }
};

Result<Content> open_content(const Hub& hub, const Repo& repo, const TreeEntry& file, bool whole) {
  Content out;
  const bool here = file.lfs && hub.blobs().is_local() && TRY(hub.blobs().has(file.lfs->sha256));
  if (file.lfs && !whole && !here) {
    // Not fetched or put together for its first bytes alone, which tell that it is no pickle.
    out.owned = TRY(read_content(hub, file.lfs->sha256, 0, kTextMax + 1));
  } else if (file.lfs) {
    out.file.emplace(TRY(LocalContent::open(hub, file.lfs->sha256)));
    out.mapped = TRY(MappedFile::open(out.file->path()));
  } else {
    out.owned = TRY(read_blob(hub, repo, file.oid));
  }
  return out;
}

Json pickle_json(const scan::PickleScan& found) {
  Json::Array imports;
  for (const auto& import : found.imports)
    imports.emplace_back(Json::Object{{"module", utf8_replace_errors(import.module)},
                                      {"name", utf8_replace_errors(import.name)},
                                      {"safety", scan::safety_name(import.safety)}});
  return Json::Object{{"status", found.safety() == scan::Safety::dangerous    ? "unsafe"
                                 : found.safety() == scan::Safety::suspicious ? "suspicious"
                                                                              : "safe"},
                      {"highestSafetyLevel", scan::safety_name(found.safety())},
                      {"isCut", found.is_cut},
                      {"imports", std::move(imports)}};
}

std::vector<std::string> virus_names(std::string_view output) {
  std::vector<std::string> out;
  if (const auto parsed = Json::parse(output); parsed.ok()) {
    for (const auto& name : (*parsed)["names"].array())
      if (name.is_string()) out.emplace_back(name.as_string());
  } else {
    for (const auto line : split(output, '\n'))
      if (const auto colon = line.rfind(": "); trim(line).ends_with(" FOUND") && colon != std::string_view::npos) {
        const auto name = trim(trim(line.substr(colon + 2)));
        out.emplace_back(name.substr(0, name.size() - 6));
      }
  }
  if (out.empty()) out.emplace_back("unnamed");
  return out;
}

// Asks the outside scanner; the file's path replaces {path}.
Result<std::vector<std::string>> ask_scanner(const Hub& hub, const ScanSettings& settings, const Content& content) {
  auto path = content.file ? content.file->path() : std::string();
  TempFolder folder;
  if (path.empty()) {
    path = path_join(folder.path(), "file");
    TRY(write_file(path, content.text(), 0600));
  }
  ProcessOptions process;
  process.arguments = {"timeout", cat(settings.timeout_s)};
  for (const auto& word : settings.command) process.arguments.push_back(replace_all(word, "{path}", path));
  process.folder = hub.folder();
  const auto done = TRY(run_process(process));
  if (done.exit_status == 0) return std::vector<std::string>();
  if (done.exit_status == 1) return virus_names(done.out);
  return Status(Code::unavailable, cat("the scanner ", settings.command[0], " ended with ", done.exit_status, ": ",
                                       printable(std::string_view(done.err).substr(0, 300))));
}

Result<FileScan> scan_file(const Hub& hub, const Repo& repo, const TreeEntry& file, const ScanSettings& settings) {
  const auto content = TRY(open_content(hub, repo, file, may_be_pickle(file.path) || !settings.command.empty()));
  const auto text = content.text();
  const auto bytes = std::as_bytes(std::span(text));
  FileScan out{.status = "safe", .found = Json::Object()};
  const auto worse = [&](std::string_view status) {
    if (status == "unsafe" || out.status == "safe") out.status = status;
  };

  std::vector<std::string> viruses;
  const auto sha256 = file.lfs ? file.lfs->sha256 : sha256_hex(text);
  if (const auto bad = settings.bad_hashes.find(sha256); bad != settings.bad_hashes.end())
    viruses.push_back(bad->second);
  if (!settings.command.empty())
    for (auto& name : TRY(ask_scanner(hub, settings, content))) viruses.push_back(std::move(name));
  Json names;
  if (!viruses.empty()) {
    worse("unsafe");
    names = Json::Array(viruses.begin(), viruses.end());
  }
  out.found.set("avScan", Json::Object{{"status", viruses.empty() ? "safe" : "unsafe"},
                                       {"virusFound", !viruses.empty()},
                                       {"virusNames", std::move(names)}});

  Json pickle;
  if (may_be_pickle(file.path) || scan::is_pickle(bytes)) {
    if (const auto found = scan::scan_pickle(bytes);
        found.ok() && (!found->imports.empty() || may_be_pickle(file.path))) {
      if (found->safety() == scan::Safety::dangerous) worse("unsafe");
      if (found->safety() == scan::Safety::suspicious) worse("suspicious");
      pickle = pickle_json(*found);
    }
  }
  out.found.set("pickleImportScan", std::move(pickle));

  Json secrets;
  if (text.size() <= kTextMax && is_utf8(text)) {
    Json::Array list;
    for (const auto& secret : scan::find_secrets(text))
      list.emplace_back(Json::Object{{"kind", secret.kind}, {"line", secret.line}});
    if (!list.empty()) {
      worse("suspicious");
      secrets = Json::Object{{"secretsFound", std::move(list)}};
    }
  }
  out.found.set("secretsScan", std::move(secrets));
  return out;
}

Status store_scan(store::Db& db, std::string_view content, const FileScan& scan, std::string_view version) {
  TRY(
      db.execute("INSERT INTO file_scans (content, version, status, found, scanned_ms) VALUES ($1, $2, $3, $4, $5) ON "
                 "CONFLICT (content) DO UPDATE SET version = excluded.version, status = excluded.status, found = "
                 "excluded.found, scanned_ms = excluded.scanned_ms",
                 {content, version, scan.status, scan.found.dump(), now_ms()}));
  return {};
}

// (status, found, version) of the contents that were scanned.
struct Stored {
  FileScan scan;
  std::string version;
};
Result<std::map<std::string, Stored>> load_scans(const Hub& hub, const std::vector<TreeEntry>& files) {
  std::map<std::string, Stored> out;
  for (size_t at = 0; at < files.size(); at += kRowsAtOnce) {
    std::string places;
    std::vector<store::Value> contents;
    for (size_t i = at; i < std::min(at + kRowsAtOnce, files.size()); ++i) {
      if (files[i].is_folder) continue;
      contents.emplace_back(files[i].etag());
      places += cat(places.empty() ? "$" : ", $", contents.size());
    }
    if (contents.empty()) continue;
    for (const auto& row : TRY(hub.db().query(
             cat("SELECT content, status, found, version FROM file_scans WHERE content IN (", places, ")"), contents)))
      out[row[0].text()] = {{row[1].text(), Json::parse(row[2].text()).value_or(Json::Object())}, row[3].text()};
  }
  return out;
}

}  // namespace

std::string ScanSettings::version() const {
  std::string all(kRules);
  for (const auto& word : command) all += cat("\n", word);
  for (const auto& [hash, name] : bad_hashes) all += cat("\n", hash, " ", name);
  return all == kRules ? std::string(kRules) : cat(kRules, "-", sha256_hex(all).substr(0, 16));
}

Result<ScanSettings> read_scan_settings(const Hub& hub) {
  ScanSettings out;
  const auto text = hearth::read_file(path_join(hub.folder(), "scan.json"), kSettingsMax);
  if (!text.ok() && text.status().code() == Code::not_found) return out;
  if (!text.ok()) return text.status().clone();
  const auto json = Json::parse(*text);
  if (!json.ok()) return json.status().clone().with("scan.json");
  for (const auto& word : (*json)["command"].array()) out.command.emplace_back(word.as_string());
  out.timeout_s = std::clamp<int64_t>((*json)["timeout_s"].as_int(120), 1, 3600);
  if (const auto file = (*json)["bad_hashes"].as_string(); !file.empty()) {
    const auto lines =
        hearth::read_file(file.starts_with('/') ? std::string(file) : path_join(hub.folder(), file), kSettingsMax);
    if (!lines.ok()) return lines.status().clone().with("scan.json: bad_hashes");
    for (const auto raw : split(*lines, '\n')) {
      const auto line = trim(raw);
      const auto space = line.find(' ');
      const auto hash = to_lower_ascii(line.substr(0, space));
      if (!store::is_sha256(hash)) continue;
      out.bad_hashes[hash] = space == std::string_view::npos ? "known bad file" : std::string(trim(line.substr(space)));
    }
  }
  return out;
}

Result<std::map<std::string, FileScan>> stored_scans(const Hub& hub, const std::vector<TreeEntry>& files) {
  std::map<std::string, FileScan> out;
  for (auto& [content, stored] : TRY(load_scans(hub, files))) out[content] = std::move(stored.scan);
  return out;
}

Json file_security(const TreeEntry& file, const std::map<std::string, FileScan>& scans) {
  const auto found = scans.find(file.etag());
  if (found == scans.end())
    return Json::Object{{"status", "queued"}, {"avScan", nullptr}, {"pickleImportScan", nullptr}};
  Json out = Json::Object{{"status", found->second.status}};
  for (const auto& [name, value] : found->second.found.object()) out.set(name, value);
  return out;
}

Result<Json> repo_security(const Hub& hub, const Repo& repo, std::string_view revision) {
  const auto files = TRY(list_files(hub, repo, revision));
  const auto scans = TRY(stored_scans(hub, files));
  bool done = true;
  Json::Array issues;
  for (const auto& file : files) {
    const auto found = scans.find(file.etag());
    done &= found != scans.end();
    if (found != scans.end() && found->second.status != "safe")
      issues.emplace_back(Json::Object{{"path", file.path}, {"level", found->second.status}});
  }
  return Json(Json::Object{{"scansDone", done}, {"filesWithIssues", std::move(issues)}});
}

Status scan_repo(Hub& hub, const Repo& repo, std::stop_token stop) {
  const auto settings = TRY(read_scan_settings(hub));
  const auto version = settings.version();
  const auto files = TRY(list_files(hub, repo, "refs/heads/main"));
  const auto known = TRY(load_scans(hub, files));
  Status failed;
  for (const auto& file : files) {
    if (stop.stop_requested()) return Status(Code::cancelled, "the hub stops");
    const auto found = known.find(file.etag());
    if (found != known.end() && found->second.version == version) continue;
    const auto scan = scan_file(hub, repo, file, settings);
    // A file whose content is not here (only its pointer was pushed) stays queued; a scanner that fails is asked again.
    if (!scan.ok() && scan.status().code() == Code::unavailable) failed = scan.status().clone();
    if (!scan.ok()) continue;
    TRY(store_scan(hub.db(), file.etag(), *scan, version));
    if (scan->status != "safe")
      log(LogLevel::warning, "scan", cat(repo.full_name(), ": ", file.path, " is ", scan->status));
  }
  return failed;
}

}  // namespace hearth::hub
