#include "server/tokenizer_cache.h"

#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/content.h"
#include "tokenizers/auto_tokenizer.h"

namespace hearth::server {
namespace {

constexpr uint64_t kGgufHeadMax = 64u << 20;
constexpr int64_t kRootMax = 10'000;

using Entries = std::vector<hub::TreeEntry>;

// What a tokenizer is made of; without a vocabulary tekken.json or the first GGUF file, alone.
Entries sources(std::span<const hub::TreeEntry> root) {
  Entries out;
  const hub::TreeEntry *tekken = nullptr, *gguf = nullptr;
  bool has_vocabulary = false;
  for (const auto& entry : root) {
    if (entry.is_folder) continue;
    if (gguf == nullptr && entry.path.ends_with(".gguf")) gguf = &entry;
    if (entry.path == "tekken.json") tekken = &entry;
    if (AutoTokenizer::is_read(entry.path)) out.push_back(entry);
    has_vocabulary |= AutoTokenizer::is_vocabulary(entry.path);
  }
  if (has_vocabulary) return out;
  const auto* alone = tekken != nullptr ? tekken : gguf;
  return alone == nullptr ? Entries() : Entries{*alone};
}

Status place(const hub::Hub& hub, const hub::Repo& repo, const hub::TreeEntry& entry, const std::string& path,
             uint64_t bytes_max) {
  const bool is_gguf = entry.path.ends_with(".gguf");
  if (!is_gguf && entry.size_bytes > bytes_max) {
    return Status(Code::too_large,
                  cat(entry.path, " has ", entry.size_bytes, " bytes, the limit of a tokenizer's file is ", bytes_max));
  }
  if (!entry.lfs) return write_file(path, TRY(hub::read_blob(hub, repo, entry.oid)));
  const auto stored = hub.blobs().local_path(entry.lfs->sha256);
  if (stored.ok()) {
    const auto target = TRY(absolute_path(*stored));
    return ::symlink(target.c_str(), path.c_str()) == 0 ? Status() : errno_status("cannot link", path);
  }
  if (stored.status().code() != Code::not_found) return stored.status().clone();
  TRY(write_file(path, TRY(hub::read_content(hub, entry.lfs->sha256, 0, is_gguf ? kGgufHeadMax : UINT64_MAX))));
  // A GGUF file's weights are a hole: nobody reads them, but its header is checked against the file's size.
  if (is_gguf && ::truncate(path.c_str(), static_cast<off_t>(entry.size_bytes)) != 0)
    return errno_status("cannot lengthen", path);
  return {};
}

Result<Tokenizer> read_tokenizer(const hub::Repo& repo, const Entries& files, const std::string& folder) {
  if (files[0].path.ends_with(".gguf") || files[0].path == "tekken.json")
    return Tokenizer::from_path(path_join(folder, files[0].path));
  const auto tokenizer = TRY(AutoTokenizer::from_pretrained(folder, {.name_or_path = repo.full_name()}));
  return tokenizer.backend_tokenizer();
}

// The folder is nobody's business.
Status without_folder(const Status& status, const std::string& folder, const hub::Repo& repo) {
  auto text = replace_all(std::string(status.message()), folder + "/", "");
  return Status(status.code(), replace_all(text, folder, repo.full_name()));
}

}  // namespace

TokenizerCache::TokenizerCache(std::string folder, TokenizerLimits limits)
    : folder_(std::move(folder)), limits_(limits) {
  static_cast<void>(remove_all(folder_));  // what a killed process left; nothing is read from it
  turn_.push(0);
}

bool TokenizerCache::has_tokenizer(std::span<const hub::TreeEntry> root) {
  return !sources(root).empty();
}

size_t TokenizerCache::size() const {
  return kept_.with([](const auto& kept) { return kept.size(); });
}

std::optional<Tokenizer> TokenizerCache::recall(const std::string& key) {
  return kept_.with([&](auto& kept) -> std::optional<Tokenizer> {
    const auto it = std::find_if(kept.begin(), kept.end(), [&](const auto& k) { return k.key == key; });
    if (it == kept.end()) return std::nullopt;
    kept.splice(kept.begin(), kept, it);
    return it->tokenizer;
  });
}

void TokenizerCache::keep(const std::string& key, const Tokenizer& tokenizer) {
  std::list<Kept> gone;  // freed outside the lock
  kept_.with([&](auto& kept) {
    kept.push_front({key, tokenizer});
    int64_t entries = 0;
    size_t count = 0;
    for (auto it = kept.begin(); it != kept.end(); ++count) {
      entries += it->tokenizer.vocab_size();
      const auto next = std::next(it);
      if (count >= limits_.tokenizers || entries > limits_.entries) gone.splice(gone.end(), kept, it);
      it = next;
    }
  });
}

Result<Tokenizer> TokenizerCache::find(const Request& rq, const hub::Repo& repo, std::string_view revision) {
  const auto root = TRY(hub::list_tree(rq.hub(), repo, revision, {.limit = kRootMax}));
  const auto files = sources(root.entries);
  if (files.empty()) {
    return Status(
        Code::entry_not_found,
        cat(repo.full_name(), " has no tokenizer at ", root.commit,
            ": no tokenizer.json, no vocabulary that transformers reads, no tekken.json and no GGUF file in its root"));
  }
  auto key = cat(repo.id);
  for (const auto& file : files) key += cat(" ", file.path, "=", file.etag());
  if (auto known = recall(key)) return *std::move(known);

  if (waiting_.fetch_add(1) >= limits_.waiting) {
    --waiting_;
    return Status(Code::busy, "several tokenizers are being read at this moment: try again");
  }
  const auto turn = turn_.pop(rq.stop());
  --waiting_;
  if (!turn) return Status(Code::cancelled, "the request has ended");
  struct GiveBack {
    BoundedQueue<int>& turn;
    ~GiveBack() { turn.push(0); }
  } const give_back{turn_};
  if (auto known = recall(key)) return *std::move(known);  // who came before wanted the same

  const auto folder = path_join(folder_, rq.id());
  TRY(make_folders(folder));
  struct Remove {
    const std::string& folder;
    ~Remove() {
      if (const auto removed = remove_all(folder); !removed.ok()) log(LogLevel::warning, "server", removed.message());
    }
  } const remove{folder};
  for (const auto& file : files) TRY(place(rq.hub(), repo, file, path_join(folder, file.path), limits_.file_bytes));
  const auto made = read_tokenizer(repo, files, folder);
  if (!made.ok()) return without_folder(made.status(), folder, repo);
  keep(key, *made);
  return *made;
}

}  // namespace hearth::server
