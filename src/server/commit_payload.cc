#include "server/commit_payload.h"

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth::server {
namespace {

constexpr size_t kLineMax = 64u << 20;        // 10 MB with every byte escaped as \u00xx
constexpr uint64_t kContentMax = 512u << 20;  // of all regular files of a commit

Result<hub::Operation> read_operation(std::string_view key, const Json& value) {
  const auto text = [&](std::string_view name) { return std::string(value[name].as_string()); };
  if (key == "file") {
    const auto encoding = value["encoding"].as_string("utf-8");
    if (encoding == "base64")
      return hub::Operation(hub::PutFile{text("path"), TRY(from_base64(value["content"].as_string()))});
    if (encoding == "utf-8") return hub::Operation(hub::PutFile{text("path"), text("content")});
    return Status(Code::bad_input, cat("encoding '", encoding.substr(0, 40), "' is not known (base64, utf-8)"));
  }
  if (key == "lfsFile") {
    if (const auto algo = value["algo"].as_string("sha256"); algo != "sha256")
      return Status(Code::bad_input, cat("algo '", algo.substr(0, 40), "' is not known (sha256)"));
    std::optional<uint64_t> size;
    if (value["size"].as_int(-1) >= 0) size = static_cast<uint64_t>(value["size"].as_int());
    return hub::Operation(hub::PutLfsFile{text("path"), text("oid"), size});
  }
  if (key == "deletedFile") return hub::Operation(hub::DeleteFile{text("path")});
  if (key == "deletedFolder") return hub::Operation(hub::DeleteFolder{text("path")});
  return Status(Code::bad_input,
                cat("'", key.substr(0, 40), "' is not known (header, file, lfsFile, deletedFile, deletedFolder)"));
}

}  // namespace

Result<hub::NewCommit> read_commit_payload(std::string_view text) {
  hub::NewCommit out;
  bool header = false;
  uint64_t content = 0;
  int64_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty()) continue;
    if (line.size() > kLineMax)
      return Status(Code::too_large, cat("line ", number, " has ", human_size(line.size()),
                                         "; files over 10 MB go through LFS or Xet (preupload says which)"));
    auto parsed = Json::parse(line);
    if (!parsed.ok()) return std::move(parsed).status().with(cat("line ", number));
    const auto& value = (*parsed)["value"];
    const auto key = (*parsed)["key"].as_string();
    if (key == "header") {
      out.summary = value["summary"].as_string();
      out.description = value["description"].as_string();
      out.parent = value["parentCommit"].as_string();
      header = true;
      continue;
    }
    auto operation = read_operation(key, value);
    if (!operation.ok()) return std::move(operation).status().with(cat("line ", number));
    if (const auto* file = std::get_if<hub::PutFile>(&*operation)) content += file->bytes.size();
    if (content > kContentMax)
      return Status(Code::too_large, "the regular files of one commit are over 512 MB together; split it or use LFS");
    out.operations.push_back(*std::move(operation));
  }
  if (!header)
    return Status(Code::bad_input, "a commit begins with a line {\"key\": \"header\", \"value\": {\"summary\": ...}}");
  return out;
}

}  // namespace hearth::server
