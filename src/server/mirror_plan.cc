#include "server/mirror_plan.h"

#include "base/encoding.h"
#include "base/text.h"
#include "hub/audit.h"
#include "jobs/queue.h"
#include "server/data_folder.h"

namespace hearth::server {
namespace {

// "90s", "30m", "1h", "1d": seconds.
Result<int64_t> parse_interval(std::string_view text) {
  const auto unit = text.empty() ? 's' : text.back();
  const int64_t factor = unit == 's' ? 1 : unit == 'm' ? 60 : unit == 'h' ? 3600 : unit == 'd' ? 86'400 : 0;
  const auto count = parse_int(text.substr(0, text.empty() ? 0 : text.size() - 1));
  if (factor == 0 || !count || *count < 1 || *count > 100'000)
    return Status(Code::bad_input, cat("'", text, "' is no time: write 30m, 1h or 1d"));
  return *count * factor;
}

// "https://hub/datasets/o/n" -> the hub's address and "o/n".
Result<std::pair<std::string, std::string>> split_url(std::string_view url, hub::RepoKind kind) {
  const auto scheme = url.find("://");
  const auto slash = scheme == std::string_view::npos ? scheme : url.find('/', scheme + 3);
  const auto bad = [&] {
    return Status(Code::bad_input,
                  cat("'", url, "' is no repository's address: https://HOST/", hub::kind_prefix(kind), "OWNER/NAME"));
  };
  if (slash == std::string_view::npos || (!url.starts_with("http://") && !url.starts_with("https://"))) return bad();
  auto path = url.substr(slash + 1);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.ends_with(".git")) path.remove_suffix(4);
  const auto prefix = hub::kind_prefix(kind);
  if (!path.starts_with(prefix)) return bad();
  path.remove_prefix(prefix.size());
  if (!hub::parse_repo_id(kind, path).ok()) return bad();
  return std::pair(std::string(url.substr(0, slash)), std::string(path));
}

}  // namespace

Status queue_copy(hub::Hub& hub, const hub::Mirror& mirror) {
  jobs::Queue queue(hub.db());
  return queue.add({.kind = std::string(kMirrorJob),
                    .key = cat(hub::kind_plural(mirror.id.kind), "/", mirror.id.full()),
                    .payload = Json::Object{{"type", hub::kind_name(mirror.id.kind)}, {"repo", mirror.id.full()}}});
}

Status plan_copy(const Arguments& arguments, Terminal& terminal, bool once) {
  const auto words = arguments.positional();
  if (words.size() != 2) return Status(Code::bad_input, "say the repository's URL there, and its name OWNER/NAME here");
  const auto kind = TRY(hub::parse_kind(arguments.get("type", "model")));
  auto [url, remote] = TRY(split_url(words[0], kind));
  hub::Mirror mirror{
      .id = TRY(hub::parse_repo_id(kind, words[1])), .url = std::move(url), .remote = std::move(remote), .once = once};
  if (!once) mirror.every_s = TRY(parse_interval(arguments.get("every", "1h")));
  if (arguments.has("token-stdin")) mirror.token = trim(TRY(terminal.read_line()));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  if (hub->repo(mirror.id).ok() && !TRY(hub::find_mirror(*hub, mirror.id)))
    return Status(Code::conflict, cat(mirror.id.full(), " exists already: choose another name, or delete it first"));
  if (!TRY(hub->db().query_one("SELECT 1 FROM owners WHERE name = $1", {mirror.id.owner})))
    return Status(Code::not_found, cat("there is no user or organisation '", mirror.id.owner, "' here"));
  TRY(hub::plan_mirror(*hub, mirror));
  TRY(queue_copy(*hub, mirror));
  TRY(hub::record_command(*hub, once ? "repo.import" : "repo.mirror.add", 0,
                          cat(hub::kind_name(kind), " ", mirror.id.full()), Json::Object{{"url", mirror.url}}));
  terminal.print_line(cat(mirror.id.full(), " is being copied from ", mirror.url,
                          " by the running server; `hearth admin "
                          "mirror list` tells how far it is"));
  return {};
}

}  // namespace hearth::server
