// /api/papers and /api/daily_papers: what the hub's repositories cite, and who cites it. A paper's "day" is the one on
// which the first repository that cites it was made.
// Source: huggingface_hub 2.4.0 HfApi.list_papers, paper_info, list_daily_papers, hf_api.py PaperInfo. Differs: titles,
// authors, abstracts and dates of publication are not known here, so that those keys are absent.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/collections.h"
#include "hub/index.h"
#include "hub/papers.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 50, kPageMax = 100, kPagesMax = 1'000'000, kLinked = 20;
constexpr int64_t kDay_ms = int64_t{24} * 3600 * 1000;

Json paper_json(const hub::Paper& paper) {
  return Json::Object{
      {"id", paper.id},
      {"paper", Json::Object{{"id", paper.id}, {"upvotes", 0}}},
      {"submittedOnDailyAt", iso_time(paper.first_ms)},
      {"numComments", 0},
      {"submittedBy", Json::Object{{"user", paper.submitter}, {"fullname", paper.submitter}, {"avatarUrl", ""}}}};
}

Response papers_json(const std::vector<hub::Paper>& papers) {
  Json::Array out;
  for (const auto& paper : papers) out.push_back(paper_json(paper));
  return json_response(Json(std::move(out)));
}

Result<Response> search(Request& rq) {
  hub::PaperQuery query{.search = std::string(rq.query("q")), .submitter = {}};
  query.limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPageMax)), 1);
  return papers_json(TRY(hub::list_papers(rq.hub(), rq.caller(), query)));
}

// The days of a date (2025-10-29), an ISO week (2025-W44) or a month (2025-10).
Status set_days(const Request& rq, hub::PaperQuery& query) {
  const auto bad = [](std::string_view name, std::string_view text) {
    return Status(Code::bad_input, cat(name, " '", text.substr(0, 40), "' is not a date of the calendar"));
  };
  const auto midnight = [](std::string_view day) -> Result<int64_t> {
    const auto at = TRY(parse_iso_time(cat(day, "T00:00:00Z")));
    // Month 13 and the like count on into later days.
    if (!iso_time(at).starts_with(day)) return Status(Code::bad_input, "no such day");
    return at;
  };
  if (const auto date = rq.query("date"); !date.empty()) {
    const auto from = midnight(date);
    if (!from.ok()) return bad("date", date);
    query.from_ms = *from;
    query.to_ms = *from + kDay_ms;
  } else if (const auto month = rq.query("month"); !month.empty()) {
    const auto from = midnight(cat(month, "-01"));
    if (!from.ok()) return bad("month", month);
    query.from_ms = *from;
    // 31 days later is in the next month; its first day ends this one.
    query.to_ms = TRY(midnight(cat(iso_time(*from + 31 * kDay_ms).substr(0, 7), "-01")));
  } else if (const auto week = rq.query("week"); !week.empty()) {
    const auto number = week.size() == 8 && week.substr(4, 2) == "-W" ? parse_int(week.substr(6)).value_or(0) : 0;
    const auto fourth = midnight(cat(week.substr(0, 4), "-01-04"));  // always in week 1
    if (number < 1 || number > 53 || !fourth.ok()) return bad("week", week);
    const auto weekday = (*fourth / kDay_ms + 3) % 7;  // 1970-01-01 was a Thursday; 0 is Monday
    query.from_ms = *fourth - weekday * kDay_ms + (number - 1) * 7 * kDay_ms;
    query.to_ms = query.from_ms + 7 * kDay_ms;
  }
  return {};
}

Result<Response> daily(Request& rq) {
  hub::PaperQuery query{.search = {}, .submitter = std::string(rq.query("submitter"))};
  TRY(set_days(rq, query));
  const auto sort = rq.query("sort", "publishedAt");
  if (sort != "publishedAt" && sort != "trending")
    return Status(Code::bad_input, cat("sort '", sort.substr(0, 40), "' is not known (publishedAt, trending)"));
  query.by_citations = sort == "trending";
  query.limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPageMax)), 1);
  query.skip = TRY(rq.query_int("p", 0, kPagesMax)) * query.limit;
  return papers_json(TRY(hub::list_papers(rq.hub(), rq.caller(), query)));
}

// How many repositories of a kind cite the paper, and the first of them.
Status add_linked(const Request& rq, const std::string& id, hub::RepoKind kind, std::string_view linked,
                  std::string_view total, Json& out) {
  hub::RepoQuery query;
  query.kind = kind;
  query.tags = {cat("arxiv:", id)};
  query.limit = 1000;
  const auto page = TRY(hub::list_repos(rq.hub(), rq.caller(), query));
  Json::Array items;
  for (const auto& item : page.items)
    if (static_cast<int64_t>(items.size()) < kLinked) items.push_back(repo_json(item.repo, item.index));
  out.set(linked, std::move(items));
  out.set(total, page.items.size());
  return {};
}

Result<Response> info(Request& rq) {
  const auto& id = rq.arg("paper");
  hub::PaperQuery query{.search = id, .submitter = {}, .limit = kPagesMax};
  const auto found = TRY(hub::list_papers(rq.hub(), rq.caller(), query));
  const auto paper = std::find_if(found.begin(), found.end(), [&](const auto& one) { return one.id == id; });
  if (!hub::is_arxiv_id(id) || paper == found.end())
    return Status(Code::not_found, cat("no repository here cites paper '", id.substr(0, 60), "'"));
  auto out = paper_json(*paper);
  out.set("upvotes", 0);
  TRY(add_linked(rq, id, hub::RepoKind::model, "linkedModels", "numTotalModels", out));
  TRY(add_linked(rq, id, hub::RepoKind::dataset, "linkedDatasets", "numTotalDatasets", out));
  TRY(add_linked(rq, id, hub::RepoKind::space, "linkedSpaces", "numTotalSpaces", out));
  return json_response(out);
}

constexpr Route kRoutes[] = {{"GET", "/api/papers/search", Access::open, search},
                             {"GET", "/api/papers/{paper}", Access::open, info},
                             {"GET", "/api/daily_papers", Access::open, daily}};

}  // namespace
extern constinit const Routes papers_entry{kRoutes};
}  // namespace hearth::server::routes
