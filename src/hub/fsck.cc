#include "hub/fsck.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <unordered_set>

#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/backup_files.h"
#include "hub/content.h"
#include "hub/lock.h"
#include "hub/named_contents.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

constexpr size_t kGitLinesMax = 20;  // of one repository: a broken disk says the same of every object
constexpr uint64_t kPiece = 1 << 20;

std::string name_of(const Repo& repo) {
  return cat(kind_name(repo.kind), " ", repo.full_name());
}

class Check {
 public:
  Check(Hub& hub, const FsckOptions& options) : hub_(hub), options_(options) {}

  Result<FsckReport> run() {
    const auto collection = TRY(lock_collection(hub_));
    TRY(read_rows());
    TRY(check_folders());
    std::vector<std::pair<Repo, std::set<std::string>>> named;
    for (const auto& repo : repos_) named.emplace_back(repo, TRY(check_repository(repo)));
    // After the names, so that what was uploaded and named meanwhile is there.
    TRY(list_stored());
    TRY(check_xet());
    for (const auto& [repo, contents] : named) TRY(check_contents(repo, contents));
    TRY(check_bucket_files());
    if (!options_.quick) TRY(check_bytes());
    report_.repos = static_cast<int64_t>(repos_.size());
    return std::move(report_);
  }

 private:
  void problem(std::string what, std::string where, std::string detail) {
    report_.problems.push_back({std::move(what), std::move(where), std::move(detail)});
  }
  void say(const std::string& what) const {
    if (options_.progress) options_.progress(what);
  }

  Status read_rows() {
    for (const auto& row : TRY(hub_.db().query(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners))))
      repos_.push_back(repo_of(row));
    for (const auto& row : TRY(hub_.db().query("SELECT repo_id FROM mirrors WHERE repo_id <> 0")))
      mirrors_.insert(row[0].integer());
    return {};
  }

  // Under the write lock nobody creates or deletes a repository.
  Status check_folders() {
    auto transaction = TRY(hub_.db().begin());
    std::set<std::string> known;
    for (const auto& row :
         TRY(transaction.query(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners, " ORDER BY repos.id")))) {
      const auto repo = repo_of(row);
      if (!has_git(repo.kind)) continue;
      const auto folder = cat(kind_plural(repo.kind), "/", repo.id, ".git");
      known.insert(folder);
      if (!is_folder(hub_.git_folder(repo))) problem("row", name_of(repo), cat("its folder ", folder, " is not there"));
    }
    for (const auto kind : kGitKinds)
      for (const auto& name : TRY(list_folder(path_join(hub_.repositories(), kind_plural(kind)))))
        if (const auto folder = path_join(kind_plural(kind), name); known.count(folder) == 0)
          problem("folder", folder, "no repository has it; the next start of the server removes it");
    return {};
  }

  // What the repository names.
  Result<std::set<std::string>> check_repository(const Repo& repo) {
    std::set<std::string> out;
    const auto folder = hub_.git_folder(repo);
    if (!has_git(repo.kind) || !is_folder(folder)) return out;
    say(name_of(repo));
    const auto packs = lock_packs(hub_, repo);
    if (!packs.ok()) return out;  // deleted meanwhile
    ProcessOptions git;
    git.arguments = {"git",  "-c",       "safe.directory=*", "-C",           folder,
                     "fsck", "--strict", "--no-dangling",    "--no-progress"};
    if (options_.quick) git.arguments.emplace_back("--connectivity-only");
    git.environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"};
    TempFolder scratch;
    const auto said = path_join(scratch.path(), "said");
    const auto fd = TRY(open_write(said));
    git.stdout_fd = git.stderr_fd = fd.get();
    auto process = TRY(Process::start(git));
    if (process.wait() != 0) add_git_lines(repo, TRY(MappedFile::open(said)).text());
    const auto status = add_named_contents(hub_, repo, out);
    if (!status.ok() && is_folder(folder))
      problem("git", name_of(repo), cat("its history cannot be read: ", status.message()));
    return out;
  }
  void add_git_lines(const Repo& repo, std::string_view lines) {
    size_t count = 0;
    for (const auto line : split(lines, '\n')) {
      if (trim(line).empty() || ++count > kGitLinesMax) continue;
      problem("git", name_of(repo), std::string(line));
    }
    if (count == 0) problem("git", name_of(repo), "git fsck failed without a word");
    if (count > kGitLinesMax) problem("git", name_of(repo), cat(count - kGitLinesMax, " lines more of git fsck"));
  }

  Status list_stored() {
    for (const auto kind : kObjectKinds)
      TRY(hub_.blobs().list(kind, [&](const store::ObjectInfo& object) {
        stored_.insert(object.name.text());
        return Status();
      }));
    for (const auto& row : TRY(hub_.db().query("SELECT sha256 FROM xet_files"))) xet_contents_.insert(row[0].text());
    report_.objects = static_cast<int64_t>(stored_.size());
    return {};
  }
  bool is_stored(std::string_view kind, const std::string& hash) const {
    return stored_.count(cat(kind, "/", hash)) != 0;
  }
  bool has(const std::string& sha256) const { return is_stored("sha256", sha256) || xet_contents_.count(sha256) != 0; }

  Status check_contents(const Repo& repo, const std::set<std::string>& named) {
    std::map<std::string, std::string> paths;
    for (const auto& row : TRY(hub_.db().query("SELECT sha256, path FROM repo_objects WHERE repo_id = $1", {repo.id})))
      paths[row[0].text()] = row[1].text();
    for (const auto& sha256 : named) {
      const auto linked = paths.find(sha256);
      if (linked == paths.end() && mirrors_.count(repo.id) != 0) continue;  // comes at its first read
      ++report_.contents;
      if (has(sha256)) continue;
      const auto path = linked == paths.end() ? std::string() : linked->second;
      problem("content", name_of(repo),
              cat("the file ", path, path.empty() ? "" : " ", "with SHA-256 ", sha256,
                  " is named by a commit and not stored"));
    }
    return {};
  }

  Status check_bucket_files() {
    for (const auto& row :
         TRY(hub_.db().query(cat("SELECT ", kRepoColumns,
                                 ", bucket_files.path, bucket_files.sha256 FROM bucket_files JOIN repos ON "
                                 "repos.id = bucket_files.repo_id JOIN owners ON owners.id = repos.owner_id WHERE "
                                 "bucket_files.size_bytes > 0")))) {
      ++report_.contents;
      const auto& sha256 = row[kRepoColumnCount + 1].text();
      if (!has(sha256))
        problem("bucket file", name_of(repo_of(row)),
                cat(row[kRepoColumnCount].text(), " with SHA-256 ", sha256, " is not stored"));
    }
    return {};
  }

  Status check_xet() {
    std::set<std::string> known, named;
    for (const auto& row : TRY(hub_.db().query("SELECT DISTINCT xorb_hash FROM xet_terms")))
      named.insert(row[0].text());
    for (const auto& row : TRY(hub_.db().query("SELECT hash, source_sha256 FROM xet_xorbs"))) {
      const auto &hash = row[0].text(), &source = row[1].text();
      known.insert(hash);
      if (source.empty()) {
        // An upload that was cut off leaves a row alone, which nothing names: the garbage collector's.
        if (named.count(hash) != 0 && !is_stored("xorbs", hash))
          TRY(miss_xorb(hash, cat("xorbs/", hash), "is not stored"));
        continue;
      }
      if (!is_stored("xorbtables", hash)) TRY(miss_xorb(hash, cat("xorbtables/", hash), "is not stored"));
      if (!is_stored("sha256", source))
        TRY(miss_xorb(hash, cat("sha256/", source), cat("is not stored, and the chunks of xorb ", hash, " lie in it")));
    }
    for (const auto& hash : named)
      if (known.count(hash) == 0) TRY(miss_xorb(hash, cat("xorbs/", hash), "has no row, and files have ranges of it"));
    return {};
  }
  // Files that have ranges of it cannot be put together.
  Status miss_xorb(const std::string& hash, std::string where, std::string detail) {
    problem("xorb", std::move(where), std::move(detail));
    for (const auto& row : TRY(hub_.db().query(
             "SELECT DISTINCT xet_files.sha256 FROM xet_terms JOIN xet_files ON xet_files.hash = xet_terms.file_hash "
             "WHERE xet_terms.xorb_hash = $1",
             {hash})))
      xet_contents_.erase(row[0].text());
    return {};
  }

  // Whole files as they are stored; the others as their chunks make them.
  Status check_bytes() {
    for (const auto& name : stored_)
      if (name.starts_with("sha256/")) {
        const auto object = store::ObjectName::parse(name);
        VERIFY(object, "names in the store are names");
        say(name);
        Hasher hasher(HashKind::sha256);
        const auto status = hub_.blobs().stream(*object, 0, UINT64_MAX, [&](std::string_view piece) {
          hasher.update(piece);
          return true;
        });
        judge(name, std::string(object->hash()), status, hasher);
      }
    // Of what lies in whole files altogether, those were read.
    for (const auto& row : TRY(hub_.db().query(
             "SELECT DISTINCT f.hash, f.sha256, f.size_bytes FROM xet_files f JOIN xet_terms t ON t.file_hash = f.hash "
             "JOIN xet_xorbs x ON x.hash = t.xorb_hash WHERE x.source_sha256 = ''"))) {
      const XetFile file{row[0].text(), row[1].text(), static_cast<uint64_t>(row[2].integer())};
      say(cat("xet ", file.hash));
      Hasher hasher(HashKind::sha256);
      const auto status = hash_file(file, hasher);
      judge(cat("xet ", file.hash), file.sha256, status, hasher);
    }
    return {};
  }
  Status hash_file(const XetFile& file, Hasher& hasher) const {
    const auto source = xet_pieces(hub_, file, 0, file.size_bytes);
    std::string buffer;
    for (;;) {
      const auto pieces = TRY(source->next({}));
      if (pieces.empty()) return {};
      for (const auto& piece : pieces) {
        if (!piece.file) hasher.update(piece.bytes);
        for (uint64_t done = 0; piece.file && done < piece.length;) {
          buffer.resize(std::min(kPiece, piece.length - done));
          const auto got =
              ::pread(piece.file->get(), buffer.data(), buffer.size(), static_cast<off_t>(piece.offset + done));
          if (got < 0 && errno == EINTR) continue;
          if (got < 0) return errno_status("cannot read", file.hash);
          if (got == 0) return Status(Code::io, "its chunks' file is cut short");
          hasher.update(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
          done += static_cast<uint64_t>(got);
        }
      }
    }
  }
  void judge(const std::string& name, const std::string& expected, const Status& read, Hasher& hasher) {
    if (!read.ok())
      problem("damaged", name, cat("cannot be read: ", read.message()));
    else if (const auto found = hasher.hex(); found != expected)
      problem("damaged", name, cat("its bytes have the SHA-256 ", found, " in place of ", expected));
  }

  Hub& hub_;
  const FsckOptions& options_;
  std::vector<Repo> repos_;
  std::set<int64_t> mirrors_;
  std::unordered_set<std::string> stored_, xet_contents_;
  FsckReport report_;
};

}  // namespace

Json FsckReport::json() const {
  Json::Array list;
  for (const auto& one : problems)
    list.emplace_back(Json::Object{{"what", one.what}, {"where", one.where}, {"detail", one.detail}});
  return Json::Object{{"repos", repos}, {"contents", contents}, {"objects", objects}, {"problems", std::move(list)}};
}

Result<FsckReport> check_hub(Hub& hub, const FsckOptions& options) {
  return Check(hub, options).run();
}

}  // namespace hearth::hub
