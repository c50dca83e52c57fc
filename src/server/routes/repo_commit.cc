// POST .../preupload/{rev}: how each file should travel; POST .../commit/{rev}: newline-separated JSON, one operation a
// line after the header. The body lies in a file, so that a commit of 100 MB takes no more memory than its
// files, and all commits together no more than the hub gives to requests.
// Source: huggingface_hub 2.4.0 _commit_api.py (_fetch_upload_modes, _prepare_commit_payload), HfApi.create_commit.
#include "base/encoding.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/discussions.h"
#include "hub/preupload.h"
#include "server/api_json.h"
#include "server/commit_payload.h"
#include "server/pull_through.h"
#include "server/route.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

constexpr size_t kTitleMin = 3, kTitleMax = 200;  // of a pull request
constexpr size_t kPreuploadFilesMax = 1000;
constexpr uint64_t kCommitBodyMax = 1u << 30;
constexpr uint64_t kSmallCommit = 1u << 20;  // made whatever others hold: there are few handlers
constexpr uint64_t kMemoryFactor = 2;        // a commit holds its files as they came and as git objects

std::optional<std::string> optional_text(const Json& body, std::string_view key) {
  if (!body[key].is_string()) return std::nullopt;
  return std::string(body[key].as_string());
}

// A path that may not be is 422 on the Hub (huggingface_hub 2.4.0 tests/test_hf_api.py, "..\\ddd").
std::optional<Response> refused_path(std::string_view path) {
  const auto checked = hub::check_path(path);
  if (checked.ok()) return std::nullopt;
  auto out = error_response(checked.status(), /*anonymous=*/false);
  out.status = 422;
  return out;
}

Result<Response> preupload(Request& rq) {
  if (!rq.query_flag("create_pr")) TRY(hub::check_commit_to(rq.hub(), *TRY(rq.repo()), rq.caller(), rq.arg("rev")));
  const auto body = TRY(rq.json());
  const auto& wanted = body["files"].array();
  if (wanted.size() > kPreuploadFilesMax)
    return Status(Code::too_large, cat(wanted.size(), " files asked, the limit is ", kPreuploadFilesMax));
  std::vector<hub::UploadFile> files;
  for (const auto& file : wanted) {
    const auto size = file["size"].as_int(-1);
    if (size < 0) return Status(Code::bad_input, "every file needs a \"size\"");
    files.push_back({.path = std::string(file["path"].as_string()),
                     .size_bytes = static_cast<uint64_t>(size),
                     .sample = TRY(from_base64(file["sample"].as_string()))});
  }
  for (const auto& file : files)
    if (auto refused = refused_path(file.path)) return *std::move(refused);
  const auto modes = TRY(hub::preupload(rq.hub(), *TRY(rq.repo()), rq.arg("rev"), files,
                                        optional_text(body, "gitAttributes"), optional_text(body, "gitIgnore")));
  JsonWriter out;
  out.begin_object().key("files").begin_array();
  for (const auto& mode : modes) {
    out.begin_object()
        .field("path", mode.path)
        .field("uploadMode", mode.is_lfs ? "lfs" : "regular")
        .field("shouldIgnore", mode.ignored)
        .field("oid", mode.oid ? Json(*mode.oid) : Json())
        .end();
  }
  return json_response(out.end().end().take());
}

// A pull request against main, or another branch by its name, for the commit that `wanted` will be; it begins at its
// parent, if the client names one. Source: huggingface_hub 2.4.0 HfApi.create_commit, `parent_commit`.
Result<hub::Discussion> open_pull_request(Request& rq, const hub::Repo& repo, const hub::NewCommit& wanted) {
  const auto base = cat("refs/heads/", rq.arg("rev"));
  const auto head = TRY(hub::resolve_revision(rq.hub(), repo, base));
  const auto start = wanted.parent.empty() ? head : TRY(hub::resolve_revision(rq.hub(), repo, wanted.parent));
  if (!start.starts_with(to_lower_ascii(wanted.parent)))
    return Status(Code::bad_input, cat("parentCommit is ", wanted.parent, ", not a commit's id"));
  auto title = std::string(trim(wanted.summary));
  if (title.size() < kTitleMin) title = cat("Commit: ", title);
  if (title.size() > kTitleMax) {
    title.resize(kTitleMax);
    title.resize(title.size() - utf8_incomplete_tail(title));
  }
  return hub::open_pull_request(rq.hub(), repo, rq.caller(),
                                {.title = title,
                                 .description = wanted.description,
                                 .status = hub::DiscussionStatus::open,
                                 .base = base,
                                 .start = start});
}

Result<Response> commit(Request& rq) {
  const auto* repo = TRY(rq.repo());
  const bool create_pr = rq.query_flag("create_pr");
  if (!create_pr) TRY(hub::check_commit_to(rq.hub(), *repo, rq.caller(), rq.arg("rev")));
  if (auto* upstream = rq.services().pull_through) TRY(upstream->check_write(*repo));
  Budget::Share memory(rq.services().memory);
  const auto size = rq.spooled().size_bytes();
  if (size > kSmallCommit && !memory.grow(size * kMemoryFactor))
    return Status(Code::unavailable, "many large commits are being made: try again in a moment");
  hub::NewCommit wanted;
  {
    const auto body = TRY(MappedFile::open(rq.spooled().path()));
    wanted = TRY(read_commit_payload(body.text()));
  }
  wanted.branch = rq.arg("rev");
  for (const auto& operation : wanted.operations)
    if (auto refused = refused_path(std::visit([](const auto& o) { return o.path; }, operation)))
      return *std::move(refused);
  std::string pull_request;
  if (create_pr) {
    const auto opened = TRY(open_pull_request(rq, *repo, wanted));
    wanted.branch = opened.ref();
    pull_request = cat(repo_url(rq, *repo), "/discussions/", opened.num);
  }
  const auto done = TRY(hub::create_commit(rq.hub(), *repo, rq.caller(), wanted));
  Json answer = Json::Object{{"success", true},
                             {"commitOid", done.id},
                             {"commitUrl", cat(repo_url(rq, *repo), "/commit/", done.id)},
                             {"hookOutput", ""}};
  if (!pull_request.empty()) answer.set("pullRequestUrl", pull_request);
  return json_response(answer);
}

// Whoever reads the files may open a pull request and commit to it; other branches are judged in the handler.
constexpr Decision kContribute{Access::content, "discussion.write"};

constexpr Route kRoutes[] = {
    {"POST", "/api/{kind}/{repo}/preupload/{rev}", kContribute, preupload, BodyMode::memory, 8u << 20},
    {"POST", "/api/{kind}/{repo}/commit/{rev}", kContribute, commit, BodyMode::spool, kCommitBodyMax},
};

}  // namespace
extern constinit const Routes repo_commit_entry{kRoutes};
}  // namespace hearth::server::routes
