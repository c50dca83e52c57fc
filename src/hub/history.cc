#include "hub/history.h"

#include "base/clock.h"
#include "base/text.h"
#include "hub/events.h"
#include "hub/git/durable.h"
#include "hub/git/objects.h"
#include "hub/git/reference_lock.h"
#include "hub/git/snapshot.h"
#include "hub/lock.h"
#include "hub/protection.h"
#include "hub/push.h"

namespace hearth::hub {
namespace {

Status unknown(std::string_view what, std::string_view name) {
  return Status(Code::revision_not_found, cat("Invalid rev id: there is no ", what, " '", name.substr(0, 200), "'"));
}

// In the words of the Hub now, and those that clients before 1.0 wait for.
std::string exists_already(std::string_view ref) {
  return cat("Reference already exists: Reference ", ref, " already exists");
}

// A reference's value, empty when it does not exist: of an annotated tag, the tag's own.
std::string value_of(git_repository* repository, const std::string& ref) {
  git_oid id;
  return git_reference_name_to_id(&id, repository, ref.c_str()) == 0 ? git::hex(id) : std::string();
}

// git keeps 'a' and 'a/b' as a file and a folder of one name, so there is only one of them.
Status check_place(git_repository* repository, std::string_view folder, std::string_view name) {
  const auto taken = [&](std::string_view other) {
    return Status(Code::conflict, cat("Reference already exists: ", folder, other.substr(0, 200),
                                      " exists, so there cannot be ", folder, name.substr(0, 200)));
  };
  for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/', slash + 1))
    if (const auto above = name.substr(0, slash); !value_of(repository, cat(folder, above)).empty())
      return taken(above);
  git_reference_iterator* made = nullptr;
  if (const int r = git_reference_iterator_glob_new(&made, repository, cat(folder, name, "/*").c_str()); r != 0)
    return git::failure(r, "references");
  const git::ReferenceIteratorPtr below(made);
  const char* found = nullptr;
  return git_reference_next_name(&found, below.get()) == 0 ? taken(std::string_view(found).substr(folder.size()))
                                                           : Status();
}

void note_moved(const Hub& hub, const Repo& repo, const User& by, RefUpdate update) {
  if (update.old_id != update.new_id) note_moved_refs(hub, repo, by.name, std::span(&update, 1));
}

CommitInfo describe(git_commit* commit) {
  const char* title = git_commit_summary(commit);
  const char* body = git_commit_body(commit);
  return {.id = git::hex(*git_commit_id(commit)),
          .title = title ? title : "",
          .message = body ? body : "",
          .author = git_commit_author(commit)->name,
          .date_ms = git_commit_time(commit) * 1000};
}

}  // namespace

Result<CommitPage> list_commits(const Hub& hub, const Repo& repo, std::string_view revision, int64_t skip,
                                int64_t limit) {
  const auto repository = TRY(git::open(hub, repo));
  const auto begin = TRY(git::resolve(repository.get(), revision));
  git_revwalk* made = nullptr;
  if (const int r = git_revwalk_new(&made, repository.get()); r != 0) return git::failure(r, "history");
  const git::RevwalkPtr walk(made);
  git_revwalk_sorting(walk.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
  if (const int r = git_revwalk_push(walk.get(), &begin); r != 0) return git::failure(r, "history");
  CommitPage out;
  git_oid id;
  for (; git_revwalk_next(&id, walk.get()) == 0; ++out.total) {
    if (out.total < skip || out.total >= skip + limit) continue;
    out.commits.push_back(describe(TRY(git::commit(repository.get(), id)).get()));
  }
  return out;
}

Result<Refs> list_refs(const Hub& hub, const Repo& repo) {
  const auto repository = TRY(git::open(hub, repo));
  git_reference_iterator* made = nullptr;
  if (const int r = git_reference_iterator_new(&made, repository.get()); r != 0) return git::failure(r, "references");
  const git::ReferenceIteratorPtr iterator(made);
  Refs out;
  const std::pair<std::string_view, std::vector<RefInfo>*> folders[] = {{"refs/heads/", &out.branches},
                                                                        {"refs/tags/", &out.tags},
                                                                        {"refs/convert/", &out.converts},
                                                                        {"refs/pr/", &out.pull_requests}};
  const char* name = nullptr;
  while (git_reference_next_name(&name, iterator.get()) == 0) {
    const std::string_view ref(name);
    for (const auto& [folder, list] : folders) {
      if (!ref.starts_with(folder)) continue;
      auto target = git::resolve(repository.get(), ref);
      if (target.ok()) list->push_back({std::string(ref.substr(folder.size())), std::string(ref), git::hex(*target)});
    }
  }
  return out;
}

Result<std::string> head(const Hub& hub, const Repo& repo) {
  return resolve_revision(hub, repo, "refs/heads/main");
}

Status create_branch(const Hub& hub, const Repo& repo, const Caller& by, std::string_view name,
                     const NewBranch& wanted) {
  if (name.starts_with("refs/"))
    return Status(Code::bad_input, cat("Invalid reference for a branch: ", name.substr(0, 200)));
  TRY(check_ref_name(name));
  const auto lock = TRY(lock_repository(hub, repo));
  const auto begun_ms = now_ms();
  const auto repository = TRY(git::open(hub, repo));
  const auto ref = cat("refs/heads/", name);
  TRY(check_place(repository.get(), "refs/heads/", name));
  git_oid target;
  if (wanted.empty) {
    git::ObjectBatch batch;
    target = batch.add(GIT_OBJECT_COMMIT, git::commit_text(batch.add(GIT_OBJECT_TREE, ""), nullptr, by.user->name,
                                                           author_email(*by.user), now_ms() / 1000, "initial commit"));
    TRY(batch.write(repository.get()));
  } else {
    target = TRY(git::resolve(repository.get(), wanted.start.empty() ? "main" : wanted.start));
  }
  const auto former = git::resolve(repository.get(), ref);
  const bool overwrite = wanted.overwrite && name != "main";
  if (!former.ok() || overwrite)
    TRY(check_ref_change(TRY(protected_branches(hub, repo)), by, repo, {.ref = ref, .rewrites = former.ok()}));
  git_reference* made = nullptr;
  const int r = TRY(git::write_reference(hub.git_folder(repo), ref, [&] {
    return git_reference_create(&made, repository.get(), ref.c_str(), &target, overwrite, "create branch");
  }));
  if (r == GIT_EEXISTS) return Status(Code::conflict, exists_already(ref));
  if (r != 0) return git::failure(r, cat("branch '", name, "'"));
  git_reference_free(made);
  TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  note_moved(hub, repo, *by.user, {former.ok() ? git::hex(*former) : std::string(), git::hex(target), ref});
  return {};
}

Status delete_branch(const Hub& hub, const Repo& repo, const Caller& by, std::string_view name) {
  if (!check_ref_name(name).ok()) return unknown("branch", name);
  const auto lock = TRY(lock_repository(hub, repo));
  const auto begun_ms = now_ms();
  const auto repository = TRY(git::open(hub, repo));
  const auto ref = cat("refs/heads/", name);
  const auto former = value_of(repository.get(), ref);
  if (former.empty()) return unknown("branch", name);
  TRY(check_ref_change(TRY(protected_branches(hub, repo)), by, repo, {.ref = ref, .deletes = true}));
  TRY(git::remove_reference(hub.git_folder(repo), ref));
  TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  note_moved(hub, repo, *by.user, {former, {}, ref});
  return {};
}

Status create_tag(const Hub& hub, const Repo& repo, const User& by, std::string_view name, std::string_view revision,
                  std::string_view message) {
  const auto lock = TRY(lock_repository(hub, repo));
  const auto begun_ms = now_ms();
  const auto repository = TRY(git::open(hub, repo));
  const auto target = TRY(git::resolve(repository.get(), revision.empty() ? "main" : revision));
  TRY(check_ref_name(name));
  const std::string tag(name);
  const auto ref = cat("refs/tags/", tag);
  TRY(check_place(repository.get(), "refs/tags/", name));
  git_object* found = nullptr;
  if (const int r = git_object_lookup(&found, repository.get(), &target, GIT_OBJECT_COMMIT); r != 0)
    return git::failure(r, "commit");
  const git::ObjectPtr object(found);
  git_signature* signed_by = nullptr;
  if (const int r = git_signature_new(&signed_by, by.name.c_str(), author_email(by).c_str(), now_ms() / 1000, 0);
      r != 0)
    return git::failure(r, "signature");
  const git::SignaturePtr signature(signed_by);
  const std::string text(message);
  git_oid made;
  const int r = TRY(git::write_reference(hub.git_folder(repo), ref, [&] {
    return text.empty()
               ? git_tag_create_lightweight(&made, repository.get(), tag.c_str(), object.get(), /*force=*/0)
               : git_tag_create(&made, repository.get(), tag.c_str(), object.get(), signature.get(), text.c_str(), 0);
  }));
  if (r == GIT_EEXISTS) return Status(Code::conflict, exists_already(ref));
  if (r != 0) return git::failure(r, cat("tag '", name, "'"));
  TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  note_moved(hub, repo, by, {{}, git::hex(made), ref});
  return {};
}

Status delete_tag(const Hub& hub, const Repo& repo, const User& by, std::string_view name) {
  if (!check_ref_name(name).ok()) return unknown("tag", name);
  const auto lock = TRY(lock_repository(hub, repo));
  const auto begun_ms = now_ms();
  const auto repository = TRY(git::open(hub, repo));
  const auto ref = cat("refs/tags/", name);
  const auto former = value_of(repository.get(), ref);
  if (former.empty()) return unknown("tag", name);
  TRY(git::remove_reference(hub.git_folder(repo), ref));
  TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  note_moved(hub, repo, by, {former, {}, ref});
  return {};
}

}  // namespace hearth::hub
