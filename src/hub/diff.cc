#include "hub/diff.h"

#include "base/text.h"
#include "hub/git/snapshot.h"

namespace hearth::hub {
namespace {

using DiffPtr = git::Owned<git_diff, git_diff_free>;

struct Printer {
  std::string text;
  size_t max_bytes;
  bool cut = false;

  static int line(const git_diff_delta*, const git_diff_hunk*, const git_diff_line* line, void* self) {
    auto& out = *static_cast<Printer*>(self);
    if (out.text.size() + line->content_len + 1 > out.max_bytes) {
      out.cut = true;
      return GIT_EUSER;
    }
    if (line->origin == GIT_DIFF_LINE_CONTEXT || line->origin == GIT_DIFF_LINE_ADDITION ||
        line->origin == GIT_DIFF_LINE_DELETION)
      out.text.push_back(line->origin);
    out.text.append(line->content, line->content_len);
    return 0;
  }
};

Status print(git_repository* repository, git_tree* from, git_tree* to, size_t max_bytes, DiffText& out) {
  git_diff* made = nullptr;
  git_diff_options options = GIT_DIFF_OPTIONS_INIT;
  options.max_size = 16 << 20;  // larger files are told as binary
  if (const int r = git_diff_tree_to_tree(&made, repository, from, to, &options); r != 0)
    return git::failure(r, "diff");
  const DiffPtr diff(made);
  if (const int r = git_diff_find_similar(diff.get(), nullptr); r != 0) return git::failure(r, "diff");
  Printer printer{.text = {}, .max_bytes = max_bytes};
  const int r = git_diff_print(diff.get(), GIT_DIFF_FORMAT_PATCH, &Printer::line, &printer);
  if (r != 0 && !printer.cut) return git::failure(r, "diff");
  out.text = std::move(printer.text);
  out.cut = printer.cut;
  return {};
}

}  // namespace

Result<DiffText> compare(const Hub& hub, const Repo& repo, std::string_view base, std::string_view head,
                         bool merge_base, size_t max_bytes) {
  const auto at = TRY(git::snapshot(hub, repo, head));
  auto from_id = TRY(git::resolve(at.repository.get(), base));
  if (merge_base) {
    git_oid common;
    const int r = git_merge_base(&common, at.repository.get(), &from_id, git_commit_id(at.commit.get()));
    if (r != 0 && r != GIT_ENOTFOUND) return git::failure(r, "merge base");
    if (r == 0) from_id = common;
  }
  const auto from = TRY(git::commit(at.repository.get(), from_id));
  const auto from_tree = TRY(git::tree(at.repository.get(), *git_commit_tree_id(from.get())));
  DiffText out{.base = git::hex(from_id), .head = at.commit_id, .text = {}};
  TRY(print(at.repository.get(), from_tree.get(), at.root.get(), max_bytes, out));
  return out;
}

Result<DiffText> commit_diff(const Hub& hub, const Repo& repo, std::string_view revision, size_t max_bytes) {
  const auto at = TRY(git::snapshot(hub, repo, revision));
  DiffText out{.base = {}, .head = at.commit_id, .text = {}};
  git::TreePtr from;
  if (git_commit_parentcount(at.commit.get()) > 0) {
    const auto parent = TRY(git::commit(at.repository.get(), *git_commit_parent_id(at.commit.get(), 0)));
    from = TRY(git::tree(at.repository.get(), *git_commit_tree_id(parent.get())));
    out.base = git::hex(*git_commit_id(parent.get()));
  }
  TRY(print(at.repository.get(), from.get(), at.root.get(), max_bytes, out));
  return out;
}

}  // namespace hearth::hub
