#include "server/network.h"

#include "base/arguments.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "server/systemd.h"
#include "server/trust.h"

namespace hearth::server {
namespace {

constexpr std::string_view kRequestMemory = "1GB";
constexpr int64_t kRequestMemoryMin = 16'000'000;

struct HostPort {
  std::string host;
  int port = 0;
};

// "8080", "0.0.0.0:8080", "[::]:8080".
Result<HostPort> parse_address(std::string_view text, std::string_view default_host) {
  const auto colon = text.rfind(':');
  HostPort out{.host = std::string(colon == std::string_view::npos ? default_host : text.substr(0, colon))};
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  const auto port = parse_int(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535 || out.host.empty())
    return Status(Code::bad_input, cat("'", text, "' is no HOST:PORT"));
  out.port = static_cast<int>(*port);
  return out;
}

Result<std::string> metrics_rule(const Arguments& arguments, bool behind_proxy) {
  const auto rule = arguments.get("metrics", behind_proxy ? "off" : "loopback");
  if (rule == "off") return std::string();
  if (rule == "loopback" || rule == "open") return std::string(rule);
  if (rule != "token")
    return Status(Code::bad_input, cat("--metrics takes loopback, token, open or off, not '", rule, "'"));
  const auto token = env("HEARTH_METRICS_TOKEN");
  if (token.size() < 16)
    return Status(Code::bad_input, "--metrics token reads it from HEARTH_METRICS_TOKEN: at least 16 characters");
  return cat("token ", token);
}

Result<bool> read_switch(const Arguments& arguments, std::string_view name, std::string_view otherwise) {
  const auto word = arguments.get(name, otherwise);
  if (word != "on" && word != "off")
    return Status(Code::bad_input, cat("--", name, " takes on or off, not '", word, "'"));
  return word == "on";
}

}  // namespace

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<Network> read_network(const Arguments& arguments, const std::string& data_folder) {
  Network out;
  auto& server = out.server;
  server.host = std::string(arguments.get("host", "127.0.0.1"));
  server.port = static_cast<int>(TRY(arguments.get_int("port", 8686, 0, 65535)));
  server.stop_on_signals = true;
  server.drain_ms = static_cast<int>(TRY(arguments.get_int("drain", 0, 0, 3600))) * 1000;
  server.grace_ms = static_cast<int>(TRY(arguments.get_int("grace", 10, 0, 3600))) * 1000;
  server.idle_timeout_ms = static_cast<int>(TRY(arguments.get_int("keep-alive", 75, 1, 3600))) * 1000;
  server.max_connections = static_cast<size_t>(TRY(arguments.get_int("max-connections", 4096, 1, 1'000'000)));

  out.memory_bytes = TRY(parse_size(arguments.get("request-memory", kRequestMemory)));
  if (out.memory_bytes < kRequestMemoryMin)
    return Status(Code::bad_input, cat("--request-memory takes at least ", human_size(kRequestMemoryMin)));

  const auto format = arguments.get("log-format", "text");
  if (format != "text" && format != "json")
    return Status(Code::bad_input, cat("--log-format takes text or json, not '", format, "'"));
  set_log_format(format == "json" ? LogFormat::json : LogFormat::text);
  out.access_log = TRY(read_switch(arguments, "access-log", format == "json" ? "on" : "off"));
  out.slow_s = static_cast<double>(TRY(arguments.get_int("slow-ms", 5000, 0, 3'600'000))) / 1000;

  out.fresh_ms = TRY(arguments.get_int("upstream-fresh", 60, 0, 86'400)) * 1000;
  out.miss_ms = TRY(arguments.get_int("upstream-miss", 300, 0, 86'400)) * 1000;
  const std::string cert(arguments.get("tls-cert")), key(arguments.get("tls-key"));
  if (cert.empty() != key.empty()) return Status(Code::bad_input, "--tls-cert and --tls-key belong together");
  std::vector<net::CertificateFiles> files;
  if (!cert.empty()) files.push_back({.chain = cert, .key = key});
  const bool trusting = arguments.has("trust");
  IngressOptions ingress{.trusted_proxies = arguments.all("trusted-proxy"),
                         .public_url = std::string(arguments.get("public-url"))};
  if (trusting) {
    files.push_back(TRY(open_trust(data_folder)).certificate);
    for (const auto host : hard_coded_hosts()) ingress.other_names.emplace_back(host);
  }
  out.ingress = TRY(Ingress::make(std::move(ingress)));
  out.metrics_rule = TRY(metrics_rule(arguments, out.ingress.behind_proxy()));

  std::shared_ptr<net::Tls> tls;
  if (!files.empty()) tls = TRY(net::Tls::load(std::move(files)));
  if (!cert.empty()) server.tls = tls;
  for (const auto& text : arguments.all("listen")) {
    auto address = TRY(parse_address(text, server.host));
    server.more.push_back({.host = std::move(address.host), .port = address.port, .tls = server.tls});
  }
  if (arguments.has("http-port")) {
    if (cert.empty()) return Status(Code::bad_input, "--http-port sends browsers on to https: it needs --tls-cert");
    const auto port = TRY(arguments.get_int("http-port", 80, 0, 65535));
    server.more.push_back({.host = server.host, .port = static_cast<int>(port), .redirect = true});
  }
  const auto trust_port = static_cast<int>(TRY(arguments.get_int("trust-port", 443, 0, 65535)));
  if (trusting && (cert.empty() || server.port != trust_port))
    server.more.push_back({.host = server.host, .port = trust_port, .tls = tls});
  else if (!trusting && arguments.has("trust-port"))
    return Status(Code::bad_input, "--trust-port belongs to --trust");

  if (tls)
    server.on_reload = [tls, trusting, data_folder] {
      notify_systemd("RELOADING=1");
      Status status;
      if (trusting)  // made again when a month is left
        if (auto renewed = open_trust(data_folder); !renewed.ok()) status = std::move(renewed).status();
      if (status.ok()) status = tls->reload();
      if (status.ok()) log(LogLevel::info, "server", "the certificates were read again");
      if (!status.ok()) log(LogLevel::error, "server", cat("the certificates stay as they were: ", status.message()));
      notify_systemd("READY=1");
    };
  else
    server.on_reload = [] { log(LogLevel::info, "server", "there are no certificates to read again"); };
  return out;
}

}  // namespace hearth::server
