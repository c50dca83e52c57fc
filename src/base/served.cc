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

std::string read_address(const std::string& path) {
  const auto text = read_file(path, 4096);
  return text.ok() ? std::string(trim(*text)) : std::string();
}

constexpr std::string_view kAddressFile = "run/address";

}  // namespace

Status remember_served(std::string_view url) {
  const auto path = endpoint_file();
  TRY(make_folders(std::string(path_parent(path))));
  return write_file(path, cat(url, "\n"));
}

std::string last_served() {
  return read_address(endpoint_file());
}

Status remember_address(const std::string& data_folder, std::string_view url) {
  return write_file(path_join(data_folder, kAddressFile), cat(url, "\n"));
}

std::string remembered_address(const std::string& data_folder) {
  return read_address(path_join(data_folder, kAddressFile));
}

}  // namespace hearth
