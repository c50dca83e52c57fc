// hearth trust: makes the local authority and says how each system is told to believe it.
#include <unistd.h>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/trust.h"

namespace hearth::server::commands {
namespace {

constexpr std::string_view kDebianFile = "/usr/local/share/ca-certificates/hearth.crt";

std::string steps(const std::string& file, std::string_view address) {
  auto out = cat(
      "Give clients this file; it holds no secret:\n  ", file, "\n\nDebian, Ubuntu\n  sudo cp ", file, " ", kDebianFile,
      " && sudo update-ca-certificates", "\nFedora, RHEL\n  sudo cp ", file,
      " /etc/pki/ca-trust/source/anchors/hearth.pem && sudo update-ca-trust",
      "\nmacOS\n  sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ", file,
      "\nWindows\n  certutil -addstore -f Root authority.pem",
      "\nPython (httpx and requests bring a list of their own: name the system's, once it has the authority)\n"
      "  export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt",
      "\nNode.js\n  export NODE_EXTRA_CA_CERTS=", file, "\ngit, where it is built with a list of its own\n",
      "  git config --global http.sslCAInfo /etc/ssl/certs/ca-certificates.crt",
      "\n\nClients reach the hub under its own names as they are. For those that ask huggingface.co whatever they are "
      "told, add to /etc/hosts of the client:\n");
  for (const auto host : hard_coded_hosts()) out += cat("  ", address, " ", host, "\n");
  return out + "\nThen serve these names:\n  hearth serve --trust\n";
}

Status install(const std::string& file) {
  if (::geteuid() != 0) return Status(Code::forbidden, "--install writes to the system's list: run it as root");
  if (!is_folder(std::string(path_parent(kDebianFile))))
    return Status(Code::unsupported,
                  "--install knows Debian's list alone; without it, `hearth trust` prints the steps");
  TRY(write_file(std::string(kDebianFile), TRY(read_file(file, 1 << 20))));
  const auto done = TRY(run_process({.arguments = {"update-ca-certificates"}}));
  if (done.exit_status != 0) return Status(Code::io, cat("update-ca-certificates failed: ", trim(done.err)));
  return {};
}

Status trust(const Arguments& arguments, Terminal& terminal) {
  if (!arguments.positional().empty()) return Status(Code::bad_input, "trust takes options alone: --name HOST");
  const auto data = data_folder();
  TRY(make_folders(data));
  const auto made = TRY(open_trust(data, arguments.all("name"), arguments.has("renew")));
  const auto file = TRY(absolute_path(made.authority.certificate));
  terminal.print_line(cat(made.authority.made ? "A new authority" : "The authority", " for ",
                          join(made.own_names, ", "), " and the Hub's own names.\nSHA-256 ", made.authority.fingerprint,
                          "\n"));
  if (arguments.has("install")) {
    TRY(install(file));
    terminal.print_line("This system believes it now. Programs that run must be started again.");
    return {};
  }
  terminal.print(steps(file, arguments.get("address", "127.0.0.1")));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = trust(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody trust_entry{"trust", run};
}  // namespace hearth::server::commands
