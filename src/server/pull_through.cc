#include "server/pull_through.h"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/events.h"
#include "hub/history.h"
#include "hub/lock.h"
#include "hub/push.h"
#include "hub/tree.h"
#include "hub/xet.h"

namespace hearth::server {
namespace {

constexpr int64_t kRulesAge_ms = 2'000;
constexpr int64_t kUnknownRevision_ms = 5'000;  // an unknown revision does not ask the upstream more often
constexpr size_t kMissesMax = 100'000;
constexpr int kAttempts = 4;
constexpr std::string_view kNoId = "0000000000000000000000000000000000000000";

std::string key_of(const hub::RepoId& id) {
  return to_lower_ascii(cat(hub::kind_plural(id.kind), "/", id.full()));
}

std::map<std::string, std::string> targets(const hub::Refs& refs) {
  std::map<std::string, std::string> out;
  for (const auto* list : {&refs.branches, &refs.tags, &refs.converts, &refs.pull_requests})
    for (const auto& ref : *list) out[ref.ref] = ref.target;
  return out;
}

std::vector<hub::RefUpdate> differences(const std::map<std::string, std::string>& before,
                                        const std::map<std::string, std::string>& after) {
  std::vector<hub::RefUpdate> out;
  for (const auto& [ref, target] : after) {
    const auto old = before.find(ref);
    if (old == before.end() || old->second != target)
      out.push_back({old == before.end() ? std::string(kNoId) : old->second, target, ref});
  }
  for (const auto& [ref, target] : before)
    if (!after.count(ref)) out.push_back({target, std::string(kNoId), ref});
  return out;
}

Status check_size(const hub::Upstream& upstream, const hub::Mirror& mirror, int64_t size_bytes) {
  if (upstream.repo_max_bytes == 0 || size_bytes <= upstream.repo_max_bytes) return {};
  return Status(Code::forbidden,
                cat(mirror.remote, " at ", mirror.url, " has ", human_size(static_cast<uint64_t>(size_bytes)),
                    ", and this hub takes repositories of at most ",
                    human_size(static_cast<uint64_t>(upstream.repo_max_bytes)), " from there"));
}

}  // namespace

struct PullThrough::State {
  explicit State(size_t transfers) : threads(transfers) {}
  struct Rules {
    int64_t read_ms = 0;
    std::vector<hub::Upstream> upstreams;
    bool mirrors = false;
  };
  Guarded<Rules> rules{};
  Guarded<std::map<std::string, int64_t>> misses{};  // until when, by key_of
  Guarded<std::map<std::string, int64_t>> down{};    // until when, by address
  std::atomic<int> waiting = 0;
  std::mutex pulling_mutex;
  std::condition_variable_any pulled;
  std::set<std::string> pulling;  // by key_of
  Guarded<std::map<std::string, std::weak_ptr<GrowingFile>>> arriving{};
  TransferThreads threads;  // last: its jobs use what is above
};

PullThrough::PullThrough(hub::Hub& hub, PullOptions options)
    : hub_(hub), options_(options), state_(std::make_unique<State>(options.transfers_max)) {}
PullThrough::~PullThrough() = default;

Result<hub::Repo> PullThrough::look(const hub::RepoId& id, Result<hub::Repo> found, std::string_view revision,
                                    bool is_anonymous, const std::stop_token& stop) {
  if (!hub::has_git(id.kind)) return found;
  auto rules = state_->rules.with([](auto& r) { return r; });
  if (monotonic_ms() - rules.read_ms > kRulesAge_ms || rules.read_ms == 0) {
    rules.upstreams = TRY(hub::list_upstreams(hub_));
    rules.mirrors = TRY(hub_.db().query_one("SELECT 1 FROM mirrors LIMIT 1")).has_value();
    rules.read_ms = monotonic_ms();
    state_->rules.with([&](auto& r) { r = rules; });
  }
  if (found.ok()) {
    if (!rules.mirrors && rules.upstreams.empty()) return found;
    auto mirror = TRY(hub::mirror_of(hub_, *found));
    if (!mirror || !mirror->by_readers()) return found;
    if (!mirror->ready) return pull(*std::move(mirror), stop);
    const auto age_ms = now_ms() - mirror->checked_ms;
    const bool unknown =
        !revision.empty() && age_ms > kUnknownRevision_ms && !hub::resolve_revision(hub_, *found, revision).ok();
    if (age_ms < options_.fresh_ms && !unknown) return found;
    const auto status = refresh(*mirror, *found, stop);
    if (!status.ok()) log(LogLevel::warning, "upstream", cat(found->full_name(), " as it was: ", status.message()));
    return hub_.repo(id);
  }
  if (found.status().code() != Code::repo_not_found || rules.upstreams.empty()) return found;
  if (is_anonymous && !options_.anonymous) return found;
  if (!hub::check_name(id.owner).ok() || !hub::check_name(id.name).ok()) return found;
  const auto key = key_of(id);
  const bool missed = state_->misses.with([&](auto& misses) {
    const auto miss = misses.find(key);
    return miss != misses.end() && miss->second > monotonic_ms();
  });
  if (missed) return found;
  for (const auto& upstream : rules.upstreams) {
    if (!upstream.owner.empty() && !equals_ignore_case(upstream.owner, id.owner)) continue;
    auto pulled = pull({.id = id, .url = upstream.url, .remote = id.full(), .token = upstream.token}, stop);
    if (pulled.ok()) return pulled;
    const auto code = pulled.status().code();
    if (code != Code::repo_not_found && code != Code::conflict) {
      log(LogLevel::warning, "upstream", cat(id.full(), ": ", pulled.status().message()));
      return pulled;
    }
  }
  state_->misses.with([&](auto& misses) {
    if (misses.size() >= kMissesMax) misses.clear();
    misses[key] = monotonic_ms() + options_.miss_ms;
  });
  return found;
}

Status PullThrough::check_write(const hub::Repo& repo) {
  const auto mirror = TRY(hub::mirror_of(hub_, repo));
  if (!mirror) return {};
  return Status(Code::forbidden, cat(repo.full_name(), " is a copy of ", mirror->url, "/", hub::kind_prefix(repo.kind),
                                     mirror->remote, ": commit there"));
}

// One request fetches a repository, the others of the same wait for it.
Result<hub::Repo> PullThrough::pull(hub::Mirror mirror, const std::stop_token& stop, bool may_be_renamed) {
  const auto key = key_of(mirror.id);
  const bool down = state_->down.with([&](auto& all) { return all[mirror.url] > monotonic_ms(); });
  if (down)
    return Status(Code::unavailable, cat(mirror.url, " could not be reached a moment ago, and ", mirror.id.full(),
                                         " is not here yet: try again later"));
  if (++state_->waiting > options_.waiting_max) {
    --state_->waiting;
    return Status(Code::busy, "several repositories are being fetched already: try again in a moment");
  }
  std::shared_ptr<void> place(nullptr, [this](void*) { --state_->waiting; });
  {
    std::unique_lock lock(state_->pulling_mutex);
    if (!state_->pulled.wait(lock, stop, [&] { return !state_->pulling.count(key); }))
      return Status(Code::cancelled, "the client left");
    state_->pulling.insert(key);
  }
  std::shared_ptr<void> turn(nullptr, [&](void*) {
    std::lock_guard lock(state_->pulling_mutex);
    state_->pulling.erase(key);
    state_->pulled.notify_all();
  });
  if (const auto present = TRY(hub::find_mirror(hub_, mirror.id))) {  // another request may have brought it
    if (present->ready) return hub_.repo(mirror.id);
    mirror = *present;
  }
  const auto described = TRY(describe(mirror, stop));
  const bool same_name = equals_ignore_case(mirror.remote, mirror.id.full());
  if (!equals_ignore_case(described.full_name, mirror.remote)) {
    log(LogLevel::info, "upstream", cat(mirror.remote, " is called ", described.full_name, " at ", mirror.url));
    if (mirror.by_readers() && same_name && mirror.repo_id == 0) {
      if (!may_be_renamed) return Status(Code::repo_not_found, cat(mirror.url, " calls ", mirror.remote, " otherwise"));
      turn.reset();
      place.reset();
      return pull_renamed(mirror, described, stop);
    }
  } else if (same_name) {
    mirror.id = TRY(hub::parse_repo_id(mirror.id.kind, described.full_name));  // as it is spelt there
  }
  mirror.remote = described.full_name;
  if (const auto upstream = TRY(hub::upstream_of(hub_, mirror))) {
    auto fits = check_size(*upstream, mirror, described.used_bytes);
    if (!fits.ok() && described.is_private) return Status(Code::repo_not_found, std::string(fits.message()));
    TRY(std::move(fits));
    if (mirror.repo_id == 0) TRY(hub::ensure_upstream_owner(hub_, *upstream, mirror.id.owner));
  }
  TRY(hub::plan_mirror(hub_, mirror));
  // Private until all is there: nobody sees half a repository.
  auto repo = hub_.repo(mirror.id);
  if (!repo.ok() && repo.status().code() == Code::repo_not_found)
    repo = hub_.create_repo(
        {.id = mirror.id, .is_private = true, .sdk = described.sdk.empty() ? "static" : described.sdk});
  if (!repo.ok()) return repo;
  mirror.repo_id = repo->id;
  TRY(hub::save_mirror(hub_, mirror));
  TRY(fetch(mirror, *repo));
  TRY(hub_.update_settings(*repo, {.is_private = described.is_private, .gated = described.gated}));
  mirror.ready = true;
  TRY(hub::save_mirror(hub_, mirror));
  state_->rules.with([](auto& rules) { rules.mirrors = true; });
  log(LogLevel::info, "upstream", cat(mirror.id.full(), " came from ", mirror.url));
  return hub_.repo(mirror.id);
}

// The repository under the name that the upstream has for it now; the asked one leads there from now on.
Result<hub::Repo> PullThrough::pull_renamed(const hub::Mirror& mirror, const RemoteRepo& described,
                                            const std::stop_token& stop) {
  const hub::Mirror renamed{.id = TRY(hub::parse_repo_id(mirror.id.kind, described.full_name)),
                            .url = mirror.url,
                            .remote = described.full_name,
                            .token = mirror.token};
  const auto kept_out = [&](std::string_view why) {
    return Status(Code::repo_not_found,
                  cat(mirror.remote, " is called ", described.full_name, " at ", mirror.url, ", and ", why));
  };
  if (!TRY(hub::upstream_of(hub_, renamed))) return kept_out("nothing of that owner comes from there");
  auto repo = hub_.repo(renamed.id);
  if (repo.ok()) {
    const auto present = TRY(hub::mirror_of(hub_, *repo));
    if (!present || present->url != mirror.url || !equals_ignore_case(present->remote, renamed.remote))
      return kept_out("here another repository has that name");
  } else {
    repo = pull(renamed, stop, /*may_be_renamed=*/false);
    if (!repo.ok()) return repo;
  }
  TRY(hub::note_renamed(hub_, mirror.id, *repo));
  return repo;
}

Result<RemoteRepo> PullThrough::describe(const hub::Mirror& mirror, const std::stop_token& stop) {
  auto out = remote_repo(mirror, stop);
  if (!out.ok() && out.status().code() == Code::unavailable)
    state_->down.with([&](auto& all) { all[mirror.url] = monotonic_ms() + options_.down_ms; });
  return out;
}

Status PullThrough::refresh(hub::Mirror& mirror, const hub::Repo& repo, const std::stop_token& stop) {
  const bool down = state_->down.with([&](auto& all) { return all[mirror.url] > monotonic_ms(); });
  if (down && mirror.ready) return {};  // as it was
  if (down) return Status(Code::unavailable, cat(mirror.url, " could not be reached a moment ago"));
  const auto described = describe(mirror, stop);
  if (!described.ok()) {
    mirror.checked_ms = now_ms();
    mirror.error = described.status().message();
    const auto code = described.status().code();
    mirror.gone = code == Code::repo_not_found || code == Code::forbidden;
    TRY(hub::save_mirror(hub_, mirror));
    return described.status().clone();
  }
  mirror.gone = false;
  if (const auto followed = follow(mirror, repo, *described); !followed.ok())
    log(LogLevel::warning, "upstream", cat(repo.full_name(), ": ", followed.message()));
  return fetch(mirror, repo);
}

// Name and visibility as the remote has them by now.
Status PullThrough::follow(hub::Mirror& mirror, const hub::Repo& repo, const RemoteRepo& described) {
  if (mirror.by_readers() && (repo.is_private != described.is_private || repo.gated != described.gated))
    TRY(hub_.update_settings(repo, {.is_private = described.is_private, .gated = described.gated}));
  if (equals_ignore_case(described.full_name, mirror.remote)) return {};
  log(LogLevel::info, "upstream", cat(mirror.remote, " is called ", described.full_name, " at ", mirror.url));
  const bool same_name = equals_ignore_case(mirror.remote, mirror.id.full());
  mirror.remote = described.full_name;
  TRY(hub::save_mirror(hub_, mirror));
  if (!mirror.by_readers() || !same_name) return {};
  // Here too, so that both hubs call it the same; the old name leads to the new one.
  auto renamed = mirror;
  renamed.id = TRY(hub::parse_repo_id(mirror.id.kind, described.full_name));
  const auto upstream = TRY(hub::upstream_of(hub_, renamed));
  if (!upstream)
    return Status(Code::conflict,
                  cat("keeps its name here: nothing of ", renamed.id.owner, " comes from ", mirror.url));
  TRY(hub::ensure_upstream_owner(hub_, *upstream, renamed.id.owner));
  TRY(hub_.move_repo(repo, renamed.id));
  TRY(hub::rename_mirror(hub_, mirror, renamed.id));
  mirror.id = renamed.id;
  return {};
}

// The remote's refs, here.
Status PullThrough::fetch(hub::Mirror& mirror, const hub::Repo& repo) {
  const auto begun_ms = now_ms();
  const auto before = targets(TRY(hub::list_refs(hub_, repo)));
  Status status;
  {
    const auto lock = TRY(hub::lock_repository(hub_, repo));
    status = fetch_commits(mirror, hub_.git_folder(repo));
  }
  mirror.checked_ms = now_ms();
  mirror.error = status.ok() ? "" : status.message();
  if (!status.ok()) state_->down.with([&](auto& all) { all[mirror.url] = monotonic_ms() + options_.down_ms; });
  TRY(hub::save_mirror(hub_, mirror));
  TRY(std::move(status));
  const auto updates = differences(before, targets(TRY(hub::list_refs(hub_, repo))));
  return updates.empty() ? Status() : hub::after_push(hub_, repo, "", updates, begun_ms);
}

Status PullThrough::check_lost(const hub::Repo& repo) {
  const auto mirror = TRY(hub::mirror_of(hub_, repo));
  if (!mirror || !mirror->gone) return {};
  return Status(Code::entry_not_found,
                cat("this file of ", mirror->remote, " never came here, and ", mirror->url,
                    " has the repository no more (or keeps it from this hub); what came before is still served"));
}

Result<bool> PullThrough::may_hold(const hub::Repo& repo, std::string_view sha256) {
  const auto mirror = TRY(hub::mirror_of(hub_, repo));
  if (!mirror || mirror->gone) return false;
  return !TRY(hub::is_linked(hub_, repo, sha256));
}

Result<std::shared_ptr<GrowingFile>> PullThrough::object(const hub::Repo& repo, const std::string& sha256,
                                                         uint64_t size_bytes, bool is_anonymous) {
  const auto mirror = TRY(hub::mirror_of(hub_, repo));
  if (!mirror || TRY(hub::is_linked(hub_, repo, sha256))) return std::shared_ptr<GrowingFile>();
  if (is_anonymous && !options_.anonymous)
    return Status(Code::unauthenticated,
                  cat("this file lies at ", mirror->url, " and comes here when somebody who is signed in asks for it"));
  if (const auto upstream = TRY(hub::upstream_of(hub_, *mirror)); upstream && upstream->repo_max_bytes > 0) {
    const auto row =
        TRY(hub_.db().query_one("SELECT coalesce(sum(size_bytes), 0) FROM repo_objects WHERE repo_id = $1", {repo.id}));
    const auto prefix = cat(repo.id, "/");
    const auto arriving = state_->arriving.with([&](auto& all) {
      uint64_t sum = 0;
      for (const auto& [key, weak] : all)
        if (const auto file = weak.lock(); file && key.starts_with(prefix) && file->sha256() != sha256)
          sum += file->size_bytes();
      return sum;
    });
    TRY(check_size(*upstream, *mirror, (*row)[0].integer() + static_cast<int64_t>(arriving + size_bytes)));
  }
  return transfer(*mirror, repo, sha256, size_bytes);
}

Result<std::shared_ptr<GrowingFile>> PullThrough::transfer(const hub::Mirror& mirror, const hub::Repo& repo,
                                                           const std::string& sha256, uint64_t size_bytes) {
  const auto key = cat(repo.id, "/", sha256);
  bool mine = false;
  auto file = state_->arriving.with([&](auto& all) {
    std::erase_if(all, [](const auto& pair) { return pair.second.expired(); });
    auto present = all[key].lock();
    if (present) return present;
    mine = true;
    present = std::make_shared<GrowingFile>(path_join(hub_.blobs().incoming(), cat("pull-", random_token(16))), sha256,
                                            size_bytes, state_->threads);
    all[key] = present;
    return present;
  });
  if (!mine) return file;
  auto forget = [this, key] { state_->arriving.with([&](auto& all) { all.erase(key); }); };
  if (auto begun = file->begin(); !begun.ok()) {
    file->close(begun);
    forget();
    return begun;
  }
  auto job = [this, file, mirror, repo, forget](const std::stop_token& stop) {
    Status status;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      Status refused;
      status = fetch_object(
          mirror, file->sha256(), file->size_bytes(), file->received(),
          [&](std::string_view bytes) {
            refused = file->append(bytes);
            return refused.ok();
          },
          stop);
      if (!refused.ok()) status = std::move(refused);
      if (status.ok() || status.code() != Code::unavailable || file->received() == file->size_bytes()) break;
    }
    if (status.ok()) status = file->finish();
    // The readers hold the descriptor: taking the file away under its temporary name does not disturb them.
    if (status.ok()) status = keep(repo, *file);
    if (!status.ok()) {
      ::unlink(file->path().c_str());
      log(LogLevel::warning, "upstream", cat(repo.full_name(), " ", file->sha256(), ": ", status.message()));
    }
    file->close(status);
    forget();
  };
  if (!state_->threads.run(std::move(job))) {
    const Status busy(Code::busy, "many files are on their way to this hub already: try again in a moment");
    file->close(busy);
    ::unlink(file->path().c_str());
    forget();
    return busy.clone();
  }
  return file;
}

// The whole file came: stored, unless its chunks are, and the repository's.
Status PullThrough::keep(const hub::Repo& repo, const GrowingFile& file) {
  const auto& sha256 = file.sha256();
  if (TRY(hub::has_content(hub_, sha256))) {
    ::unlink(file.path().c_str());
    TRY(hub::touch_content(hub_, sha256));
  } else {
    TRY(hub_.blobs().adopt(file.path(), store::ObjectName(sha256), file.size_bytes()));
  }
  TRY(hub_.link_object(repo, sha256));
  return hub::record_event(
      hub_.db(),
      {.kind = "repo.objects", .repo_id = repo.id, .data = Json::Object{{"objects", Json::Array{Json(sha256)}}}});
}

Status PullThrough::copy(hub::Mirror mirror, const std::stop_token& stop) {
  auto found = hub_.repo(mirror.id);
  if (!found.ok() || !mirror.ready) {
    found = pull(mirror, stop);
    if (!found.ok()) return std::move(found).status();
    if (const auto fresh = TRY(hub::find_mirror(hub_, mirror.id))) mirror = *fresh;
  } else {
    TRY(refresh(mirror, *found, stop));
  }
  const auto repo = *std::move(found);
  std::set<std::string> seen;
  const auto refs = TRY(hub::list_refs(hub_, repo));
  for (const auto* list : {&refs.branches, &refs.tags})
    for (const auto& ref : *list)
      for (const auto& entry : TRY(hub::list_files(hub_, repo, ref.ref))) {
        if (!entry.lfs || !seen.insert(entry.lfs->sha256).second) continue;
        if (TRY(hub::is_linked(hub_, repo, entry.lfs->sha256))) continue;
        if (stop.stop_requested()) return Status(Code::cancelled, "stopped; what came stays");
        const auto file = TRY(transfer(mirror, repo, entry.lfs->sha256, entry.lfs->size_bytes));
        TRY(file->wait(stop));
      }
  return {};
}

}  // namespace hearth::server
