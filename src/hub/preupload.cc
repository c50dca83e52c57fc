#include "hub/preupload.h"

#include "base/text.h"
#include "hub/attributes.h"
#include "hub/commit.h"
#include "hub/git/snapshot.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kRulesMax = 1u << 20;

// git's own test is a NUL byte; text besides is UTF-8, perhaps cut in mid-character.
bool is_binary(std::string_view sample) {
  if (sample.find('\0') != std::string_view::npos) return true;
  return !is_utf8(sample.substr(0, sample.size() - utf8_incomplete_tail(sample)));
}

std::string rules(const git::Snapshot& at, std::string_view path, const std::optional<std::string>& sent) {
  if (sent) return *sent;
  const auto entry = git::entry_at(at, path);
  if (!entry.ok() || entry->is_folder) return {};
  const auto id = git::parse_oid(entry->oid);
  return id.ok() ? git::read_blob(at.odb.get(), *id, kRulesMax).value_or("") : "";
}

}  // namespace

Result<std::vector<UploadMode>> preupload(const Hub& hub, const Repo& repo, std::string_view revision,
                                          const std::vector<UploadFile>& files,
                                          const std::optional<std::string>& attributes,
                                          const std::optional<std::string>& ignore) {
  const auto at = TRY(git::snapshot(hub, repo, revision));
  const Attributes lfs_rules(rules(at, ".gitattributes", attributes));
  const Ignore ignore_rules(rules(at, ".gitignore", ignore));
  std::vector<UploadMode> out;
  for (const auto& file : files) {
    UploadMode mode{.path = file.path, .is_lfs = false, .ignored = false, .oid = std::nullopt};
    const auto path = TRY(check_path(file.path));
    mode.ignored = ignore_rules.matches(path);
    mode.is_lfs = lfs_rules.is_lfs(path) || file.size_bytes > kRegularLimit || is_binary(file.sample);
    if (const auto entry = git::entry_at(at, path); entry.ok() && !entry->is_folder) mode.oid = entry->etag();
    out.push_back(std::move(mode));
  }
  return out;
}

}  // namespace hearth::hub
