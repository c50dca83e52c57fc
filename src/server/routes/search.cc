// GET /api/search/full-text, /api/quicksearch, /api/trending, /api/spaces/semantic-search: the site's searches, and
// huggingface_hub's for Spaces.
// Source: huggingface.co's own requests for the first three; huggingface_hub 2.4.0 HfApi.search_spaces,
// SpaceSearchResult.
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/full_text.h"
#include "hub/object_id.h"
#include "hub/tree.h"
#include "server/api_json.h"
#include "server/list_query.h"
#include "server/repo_properties.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr uint64_t kReadmeMax = 1u << 20;
constexpr int64_t kFullTextMax = 100, kQuickMax = 20, kTrendingMax = 50, kSpacesMax = 50;

Json pieces_json(const std::vector<hub::TextPiece>& pieces) {
  Json::Array out;
  for (const auto& piece : pieces)
    out.emplace_back(Json::Object{{"text", piece.text}, {"type", piece.is_match ? "highlight" : "text"}});
  return out;
}

Result<std::vector<hub::RepoKind>> kinds_asked(const Request& rq, std::initializer_list<hub::RepoKind> otherwise) {
  std::vector<hub::RepoKind> out;
  for (const auto names : rq.query_all("type"))
    for (const auto name : split(names, ','))
      if (name != "all" && name != "org" && name != "user" && !name.empty()) out.push_back(TRY(hub::parse_kind(name)));
  if (out.empty()) out = otherwise;
  return out;
}

// One hit: the README's part around the words, or the name alone where the words are only there or in file names.
Json hit_json(const Request& rq, const hub::TextHit& hit, const std::vector<std::string>& words) {
  const auto& repo = hit.repo;
  auto readable = hub::check_access(rq.caller(), repo, hub::Right::content).ok();
  const auto readme = readable ? hub::read_file(rq.hub(), repo, "main", "README.md", kReadmeMax)
                               : Result<std::string>(Status(Code::gated, "its files are not the caller's to read"));
  const auto text = readme.ok() ? hub::excerpt(*readme, words) : std::vector<hub::TextPiece>();
  return Json::Object{{"type", hub::kind_name(repo.kind)},
                      {"repoId", hub::object_id_of(repo.id)},
                      {"repoOwner", repo.owner},
                      {"repoName", repo.name},
                      {"isPrivate", repo.is_private},
                      {"likes", repo.likes},
                      {"updatedAt", iso_time(repo.modified_ms)},
                      {"isReadmeFile", !text.empty()},
                      {"fileName", text.empty() ? "" : "README.md"},
                      {"score", hit.score},
                      {"formatted", Json::Object{{"repoName", pieces_json(hub::mark_matches(repo.name, words))},
                                                 {"repoOwner", pieces_json(hub::mark_matches(repo.owner, words))},
                                                 {"fileContent", pieces_json(text)}}}};
}

Result<Response> full_text(Request& rq) {
  hub::TextQuery query;
  query.text = rq.query("q");
  query.skip = TRY(rq.query_int("skip", 0, 1000));
  query.limit = std::max<int64_t>(TRY(rq.query_int("limit", 20, kFullTextMax)), 1);
  if (const auto type = rq.query("type"); !type.empty() && type != "all") query.kind = TRY(hub::parse_kind(type));
  const auto found = TRY(hub::search_text(rq.hub(), rq.caller(), query));
  const auto words = hub::words_of(query.text);
  Json::Array hits;
  for (const auto& hit : found.hits) hits.push_back(hit_json(rq, hit, words));
  return json_response(Json(Json::Object{{"estimatedTotalHits", found.total},
                                         {"numHits", hits.size()},
                                         {"hits", std::move(hits)},
                                         {"query", query.text}}));
}

// As one types: the most trending repositories of each kind whose name has the words.
Result<Response> quicksearch(Request& rq) {
  Json out = Json::Object{{"q", rq.query("q")}};
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", 6, kQuickMax)), 1);
  for (const auto kind : TRY(kinds_asked(rq, {hub::RepoKind::model, hub::RepoKind::dataset, hub::RepoKind::space}))) {
    hub::RepoQuery query;
    query.kind = kind;
    if (const auto text = rq.query("q"); !text.empty()) query.search.emplace_back(text);
    query.limit = limit;
    query.details = false;
    const auto page = TRY(hub::list_repos(rq.hub(), rq.caller(), query));
    Json::Array items;
    for (const auto& item : page.items)
      items.emplace_back(Json::Object{{"_id", hub::object_id_of(item.repo.id)},
                                      {"id", item.repo.full_name()},
                                      {"private", item.repo.is_private},
                                      {"likes", item.repo.likes},
                                      {"trendingWeight", item.repo.trending}});
    out.set(cat(hub::kind_plural(kind), "Count"), items.size());
    out.set(cat(hub::kind_plural(kind), "HasMore"), !page.next.empty());
    out.set(hub::kind_plural(kind), std::move(items));
  }
  return json_response(out);
}

Result<Response> trending(Request& rq) {
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", 10, kTrendingMax)), 1);
  struct Item {
    int64_t score;
    std::string json;
  };
  std::vector<Item> items;
  for (const auto kind : TRY(kinds_asked(rq, {hub::RepoKind::model, hub::RepoKind::dataset, hub::RepoKind::space}))) {
    hub::RepoQuery query;
    query.kind = kind;
    query.limit = limit;
    query.details = false;
    const auto properties = named_properties(kind, {"author", "downloads", "gated", "lastModified", "likes",
                                                    "pipeline_tag", "private", "sdk", "tags", "trendingScore"});
    for (const auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), query)).items) {
      JsonWriter out;
      out.begin_object().field("repoType", hub::kind_name(kind)).key("repoData");
      TRY(write_properties(out, {.rq = rq, .repo = item.repo, .index = item.index}, properties));
      items.push_back({item.repo.trending, out.end().take()});
    }
  }
  std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  items.resize(std::min(items.size(), static_cast<size_t>(limit)));
  JsonWriter out;
  out.begin_object().key("recentlyTrending").begin_array();
  for (const auto& item : items) out.raw(item.json);
  return json_response(out.end().end().take());
}

// Differs: words are compared, not meanings; the score is the text rank against the best hit's.
Result<Response> search_spaces(Request& rq) {
  hub::TextQuery query;
  query.text = rq.query("q");
  query.kind = hub::RepoKind::space;
  query.limit = kSpacesMax;
  const auto sdks = rq.query_all("sdk");
  const auto filters = rq.query_all("filter");
  const auto found = TRY(hub::search_text(rq.hub(), rq.caller(), query));
  const double best = found.hits.empty() ? 1 : std::max(found.hits[0].score, 1e-9);
  Json::Array out;
  for (const auto& hit : found.hits) {
    const auto index = hub::main_index(rq.hub(), hit.repo);
    if (!index.ok()) continue;  // deleted a moment ago
    const auto has = [&](std::string_view tag) {
      return std::find(index->tags.begin(), index->tags.end(), tag) != index->tags.end();
    };
    if (!sdks.empty() && std::find(sdks.begin(), sdks.end(), hit.repo.sdk) == sdks.end()) continue;
    if (!std::all_of(filters.begin(), filters.end(), has)) continue;
    Json::Array tags(index->tags.begin(), index->tags.end());
    out.emplace_back(Json::Object{{"id", hit.repo.full_name()},
                                  {"author", hit.repo.owner},
                                  {"title", index->card["title"].as_string(hit.repo.name)},
                                  {"emoji", index->card["emoji"]},
                                  {"sdk", hit.repo.sdk},
                                  {"likes", hit.repo.likes},
                                  {"private", hit.repo.is_private},
                                  {"tags", std::move(tags)},
                                  {"ai_short_description", index->card["short_description"]},
                                  {"ai_category", nullptr},
                                  {"lastModified", iso_time(hit.repo.modified_ms)},
                                  {"semanticRelevancyScore", std::min(hit.score / best, 1.0)},
                                  {"trendingScore", hit.repo.trending}});
  }
  return json_response(Json(std::move(out)));
}

constexpr Route kRoutes[] = {{"GET", "/api/search/full-text", Access::open, full_text},
                             {"GET", "/api/quicksearch", Access::open, quicksearch},
                             {"GET", "/api/trending", Access::open, trending},
                             {"GET", "/api/spaces/semantic-search", Access::open, search_spaces}};

}  // namespace
extern constinit const Routes search_entry{kRoutes};
}  // namespace hearth::server::routes
