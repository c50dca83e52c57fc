#include "hub/backup_files.h"

#include <unistd.h>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::hub {

Result<std::vector<std::string>> setting_files(const std::string& folder) {
  std::vector<std::string> out;
  for (const auto* name : {"oauth.pem", "scan.json"})
    if (exists(path_join(folder, name))) out.emplace_back(name);
  if (const auto trust = path_join(folder, "trust"); is_folder(trust))
    for (const auto& name : TRY(list_folder(trust)))
      if (!is_folder(path_join(trust, name))) out.push_back(path_join("trust", name));
  return out;
}

Status copy_settings(const std::string& from, const std::string& to) {
  for (const auto& name : TRY(setting_files(from))) {
    const auto target = path_join(to, name);
    TRY(make_folders(std::string(path_parent(target)), 0700));
    TRY(write_file(target, TRY(read_file(path_join(from, name))), 0600));
  }
  return {};
}

Status copy_object(const store::Blobs& from, const store::Blobs& to, const store::ObjectInfo& object, bool link,
                   bool check) {
  const auto temporary = path_join(to.incoming(), random_token(16));
  if (link && from.is_local() && to.is_local()) {
    const auto source = TRY(from.local_path(object.name));
    if (::link(source.c_str(), temporary.c_str()) == 0) return to.adopt(temporary, object.name, object.size_bytes);
  }  // another file system, or one without links: the bytes then
  auto status = [&]() -> Status {
    const auto fd = TRY(open_write(temporary, 0600));
    Hasher hasher(HashKind::sha256);
    Status written;
    auto read = from.stream(object.name, 0, UINT64_MAX, [&](std::string_view piece) {
      if (check) hasher.update(piece);
      written = write_all(fd.get(), piece, temporary);
      return written.ok();
    });
    if (!written.ok()) return written;
    TRY(std::move(read));
    if (check && object.name.kind() == "sha256" && hasher.hex() != object.name.hash())
      return Status(Code::bad_input, cat(object.name.text(), " is damaged: its bytes have another hash"));
    return {};
  }();
  if (status.ok()) return to.adopt(temporary, object.name, object.size_bytes);
  ::unlink(temporary.c_str());
  return status;
}

}  // namespace hearth::hub
