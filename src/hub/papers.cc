#include "hub/papers.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kPrefix = "arxiv:";

// The papers among a repository's tags (a JSON list), each once.
std::set<std::string> cited_in(std::string_view tags) {
  std::set<std::string> out;
  const auto list = Json::parse(tags).value_or(Json());
  for (const auto& tag : list.array())
    if (const auto text = to_lower_ascii(tag.as_string()); text.starts_with(kPrefix))
      out.insert(text.substr(kPrefix.size()));
  return out;
}

}  // namespace

Result<std::vector<Paper>> list_papers(const Hub& hub, const Caller& caller, const PaperQuery& query) {
  // The first repository of each paper comes first, so that its owner is known without a second look.
  std::map<std::string, Paper> papers;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT repo_index.tags, repos.created_ms, owners.name FROM repo_index JOIN repos ON repos.id = "
               "repo_index.repo_id JOIN owners ON owners.id = repos.owner_id WHERE lower(repo_index.tags) LIKE "
               "'%\"arxiv:%' AND ",
               visible_condition(caller), " ORDER BY repos.created_ms, repos.id"),
           {}))) {
    for (const auto& id : cited_in(row[0].text())) {
      auto& paper = papers[id];
      if (paper.repos++ > 0) continue;
      paper.id = id;
      paper.first_ms = row[1].integer();
      paper.submitter = row[2].text();
    }
  }
  std::vector<Paper> out;
  for (auto& [id, paper] : papers)
    if (contains(id, to_lower_ascii(query.search)) && paper.first_ms >= query.from_ms && paper.first_ms < query.to_ms &&
        (query.submitter.empty() || equals_ignore_case(paper.submitter, query.submitter)))
      out.push_back(std::move(paper));
  std::stable_sort(out.begin(), out.end(), [&](const Paper& a, const Paper& b) {
    if (query.by_citations && a.repos != b.repos) return a.repos > b.repos;
    return a.first_ms > b.first_ms;
  });
  out.erase(out.begin(), out.begin() + std::min<int64_t>(query.skip, static_cast<int64_t>(out.size())));
  if (static_cast<int64_t>(out.size()) > query.limit) out.resize(static_cast<size_t>(query.limit));
  return out;
}

}  // namespace hearth::hub
