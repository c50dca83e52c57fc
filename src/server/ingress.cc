#include "server/ingress.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/text.h"

namespace hearth::server {
namespace {

constexpr std::string_view kDatasetsServer = "datasets-server.";
constexpr size_t kHopsMax = 32;

// 16 bytes; empty when the text is no address.
std::string address_bytes(std::string_view text) {
  if (text.starts_with('[') && text.find(']') != std::string_view::npos) text = text.substr(1, text.find(']') - 1);
  const std::string name(text);
  unsigned char bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, name.c_str(), bytes + 12) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1)
    return std::string(reinterpret_cast<const char*>(bytes), sizeof bytes);
  return {};
}

// An entry of X-Forwarded-For may carry a port: "192.0.2.1:1234".
std::string address_of_hop(std::string_view hop) {
  hop = trim(hop);
  if (std::count(hop.begin(), hop.end(), ':') == 1) hop = hop.substr(0, hop.find(':'));
  if (hop.starts_with('[')) hop = hop.substr(1, hop.find(']') - 1);
  return address_bytes(hop).empty() ? std::string() : std::string(hop);
}

std::string_view first_of_list(std::string_view value) {
  return trim(value.substr(0, value.find(',')));
}

std::string_view without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  return colon == std::string_view::npos || host.find(']', colon) != std::string_view::npos ? host
                                                                                            : host.substr(0, colon);
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 300 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':' || c == '[' || c == ']';
  });
}

}  // namespace

Result<Ingress> Ingress::make(IngressOptions options) {
  Ingress out;
  for (const auto& text : options.trusted_proxies) {
    const auto slash = text.find('/');
    Network network{.bytes = address_bytes(std::string_view(text).substr(0, slash))};
    if (network.bytes.empty())
      return Status(Code::bad_input, cat("'", text, "' is no address and no network (10.0.0.0/8)"));
    if (slash != std::string::npos) {
      const bool v4 = !contains(text, ":");
      const auto bits = parse_int(std::string_view(text).substr(slash + 1));
      if (!bits || *bits < 0 || *bits > (v4 ? 32 : 128))
        return Status(Code::bad_input, cat("'", text, "': a network ends with /0 to /", v4 ? 32 : 128));
      network.bits = static_cast<int>(*bits) + (v4 ? 96 : 0);
    }
    out.networks_.push_back(std::move(network));
  }
  while (options.public_url.ends_with('/')) options.public_url.pop_back();
  const auto& url = options.public_url;
  const auto host = url.find("://");
  if (!url.empty() && ((!url.starts_with("http://") && !url.starts_with("https://")) || !is_host(url.substr(host + 3))))
    return Status(Code::bad_input, cat("--public-url takes https://HOST[:PORT], not '", url, "'"));
  out.public_url_ = url;
  out.other_names_ = std::move(options.other_names);
  return out;
}

bool Ingress::trusted(std::string_view address) const {
  const auto bytes = address_bytes(address);
  if (bytes.empty()) return false;
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const auto whole = static_cast<size_t>(network.bits / 8);
    if (bytes.compare(0, whole, network.bytes, 0, whole) != 0) return false;
    const int rest = network.bits % 8;
    const auto mask = static_cast<unsigned char>(0xff00 >> rest);
    return rest == 0 ||
           ((static_cast<unsigned char>(bytes[whole]) ^ static_cast<unsigned char>(network.bytes[whole])) & mask) == 0;
  });
}

void Ingress::correct(net::RequestHead& head) const {
  if (!networks_.empty() && trusted(head.remote_address)) {
    if (const auto scheme = first_of_list(head.headers.get("X-Forwarded-Proto")); !scheme.empty())
      head.secure = equals_ignore_case(scheme, "https");
    if (const auto host = first_of_list(head.headers.get("X-Forwarded-Host")); is_host(host))
      head.headers.set("Host", std::string(host));
    std::string chain;
    for (const auto value : head.headers.all("X-Forwarded-For")) chain += cat(chain.empty() ? "" : ",", value);
    const auto hops = split(chain, ',');
    for (size_t i = hops.size(); i > 0 && hops.size() - i < kHopsMax; --i) {
      auto hop = address_of_hop(hops[i - 1]);
      if (hop.empty()) break;
      const bool proxy = trusted(hop);
      head.remote_address = std::move(hop);
      if (!proxy) break;
    }
  }
  for (const auto* name : {"X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-For", "Forwarded", "X-Real-IP"})
    if (head.headers.has(name)) head.headers.remove(name);
  // datasets derives the viewer's host from the endpoint's: datasets 5.2.0 utils/_dataset_viewer.py.
  if (head.headers.get("Host").starts_with(kDatasetsServer) && head.path.starts_with('/') &&
      !head.path.starts_with("/datasets-server/"))
    head.path = cat("/datasets-server", head.path);
  if (public_url_.empty()) return;
  const auto host = without_port(head.headers.get("Host"));
  if (std::find(other_names_.begin(), other_names_.end(), host) != other_names_.end()) return;
  head.secure = public_url_.starts_with("https");
  head.headers.set("Host", public_url_.substr(public_url_.find("://") + 3));
}

std::string endpoint_of(const net::RequestHead& head) {
  return cat(head.secure ? "https" : "http", "://", head.headers.get("Host"));
}

}  // namespace hearth::server
