#include "base/served.h"

#include "base/files.h"
#include "base/text.h"

namespace hearth {
namespace {

std::string endpoint_file() {
  auto cache = env("XDG_CACHE_HOME");
  if (cache.empty()) cache = path_join(home_folder(), ".cache");
  return path_join(cache, "hearth/endpoint");
}

}  // namespace

Status remember_served(std::string_view url) {
  const auto path = endpoint_file();
  TRY(make_folders(std::string(path_parent(path))));
  return write_file(path, cat(url, "\n"));
}

std::string last_served() {
  const auto text = read_file(endpoint_file(), 4096);
  return text.ok() ? std::string(trim(*text)) : std::string();
}

}  // namespace hearth
