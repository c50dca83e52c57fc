// GET .../compare/{base}..{head} (three dots: since they parted), GET .../commit/{rev}.diff: unified diffs as text.
// Source: the public Hub's API description (compare); GitHub's and the Hub's `.diff` addresses.
#include "base/text.h"
#include "hub/diff.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Response diff_response(const hub::DiffText& diff) {
  auto out = text_response(diff.text);
  out.headers.set("X-Repo-Commit", diff.head);
  if (diff.cut) out.headers.set("X-HF-Warning", "diff; The diff is cut: fetch the branches to see all of it");
  return out;
}

Result<Response> compare(Request& rq) {
  const std::string_view range = rq.arg("rev");
  const auto dots = range.find("..");
  if (dots == std::string_view::npos || dots == 0)
    return Status(Code::bad_input, cat("compare takes BASE..HEAD or BASE...HEAD, not '", range.substr(0, 200), "'"));
  const bool merge_base = range.substr(dots).starts_with("...");
  const auto head = range.substr(dots + (merge_base ? 3 : 2));
  return diff_response(
      TRY(hub::compare(rq.hub(), *TRY(rq.repo()), range.substr(0, dots), head.empty() ? "main" : head, merge_base)));
}

Result<Response> commit_diff(Request& rq) {
  std::string_view revision = rq.arg("rev");
  if (revision.ends_with(".diff")) revision.remove_suffix(5);
  return diff_response(TRY(hub::commit_diff(rq.hub(), *TRY(rq.repo()), revision)));
}

constexpr Route kRoutes[] = {
    {"GET", "/api/{kind}/{repo}/compare/{rev}", Access::content, compare},
    {"GET", "/api/{kind}/{repo}/commit/{rev}", Access::content, commit_diff},
};

}  // namespace
extern constinit const Routes repo_compare_entry{kRoutes};
}  // namespace hearth::server::routes
