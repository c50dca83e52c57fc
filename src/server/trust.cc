#include "server/trust.h"

#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace hearth::server {
namespace {

constexpr std::string_view kHosts[] = {
    "huggingface.co",
    "www.huggingface.co",
    "hf.co",
    "router.huggingface.co",
    "datasets-server.huggingface.co",
    "api-inference.huggingface.co",
    "endpoints.huggingface.co",
    "cdn-lfs.huggingface.co",
    "cdn-lfs.hf.co",
    "api.endpoints.huggingface.cloud",
};
// What the authority may ever issue for; each includes the hosts below it.
constexpr std::string_view kDomains[] = {"huggingface.co", "hf.co", "huggingface.cloud"};

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

void add(std::vector<std::string>& names, std::string_view name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

}  // namespace

std::span<const std::string_view> hard_coded_hosts() {
  return kHosts;
}

Result<Trust> open_trust(const std::string& data_folder, const std::vector<std::string>& more_names, bool renew) {
  const auto folder = path_join(data_folder, "trust");
  const auto names_file = path_join(folder, "names");
  Trust out;
  auto& own = out.own_names;
  for (const auto* name : {"localhost", "127.0.0.1", "::1"}) add(own, name);
  const auto remembered = read_file(names_file, 1 << 20);
  if (!remembered.ok() && remembered.status().code() != Code::not_found) return remembered.status().clone();
  if (remembered.ok()) {
    for (const auto line : split(*remembered, '\n')) add(own, trim(line));
  } else {
    add(own, host_name());  // of the day the authority was made: a container's changes with every start
  }
  for (const auto& name : more_names) add(own, to_lower_ascii(name));

  std::vector<std::string> domains(std::begin(kDomains), std::end(kDomains));
  domains.insert(domains.end(), own.begin(), own.end());
  out.authority = TRY(net::open_authority(
      {.folder = folder, .common_name = cat("Hearth of ", host_name()), .names = std::move(domains), .renew = renew}));
  std::vector<std::string> names(std::begin(kHosts), std::end(kHosts));
  for (const auto* name : {"*.huggingface.co", "*.hf.co", "*.xethub.hf.co"}) add(names, name);
  names.insert(names.end(), own.begin(), own.end());
  out.certificate = TRY(net::issue_certificate(folder, names));
  if (const auto text = join(own, "\n") + "\n"; !remembered.ok() || *remembered != text)
    TRY(write_file(names_file, text));
  return out;
}

}  // namespace hearth::server
