#include "net/tls.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/files.h"
#include "net/authority.h"
#include "net/client.h"
#include "net/testing.h"

using namespace hearth;
using namespace hearth::net;

namespace {

const std::vector<std::string> kNames = {"127.0.0.1", "example.org"};

/// A server with a certificate of an authority of its own; the client believes that authority.
struct Secure {
  TempFolder folder;
  Result<Authority> authority = open_authority({.folder = folder.path(), .common_name = "test", .names = kNames});
  Result<CertificateFiles> files = issue_certificate(folder.path(), {"127.0.0.1", "*.example.org"});
  std::shared_ptr<Tls> tls = *Tls::load({*files});

  Secure() { setenv("SSL_CERT_FILE", authority->certificate.c_str(), 1); }
  ~Secure() { unsetenv("SSL_CERT_FILE"); }
};

Response echo(Request&& request, std::stop_token) {
  return {.body = cat(request.head.secure ? "secure " : "plain ", request.body.size())};
}

}  // namespace

TEST_CASE("tls: a request over TLS is answered, with bodies of every way of sending") {
  Secure secure;
  testing::TestHandler handler;
  const auto file = path_join(secure.folder.path(), "big");
  std::string content(3 << 20, 'x');
  for (size_t i = 0; i < content.size(); i += 1000) content[i] = static_cast<char>('a' + i / 1000 % 26);
  REQUIRE(write_file(file, content).ok());
  handler.on_handle = [&](Request&& request, std::stop_token stop) -> Response {
    if (request.head.path == "/file")
      return {.body = FileRange{.path = file, .offset = 7, .length = content.size() - 7}};
    if (request.head.path == "/process")
      return {.body = ProcessPipe{.process = {.arguments = {"head", "-c", "100000", "/dev/zero"}}}};
    if (request.head.path == "/stream") {
      auto stream = StreamWriter::make();
      stream->write("one");
      stream->write(" two");
      stream->close();
      return {.body = stream};
    }
    return echo(std::move(request), stop);
  };
  handler.on_plan = [](const RequestHead&) { return BodyPlan::memory(8 << 20); };
  testing::RunningServer server(handler, {.tls = secure.tls});
  CHECK(server.url("/").starts_with("https://"));
  const auto body = [&](std::string_view path, std::string sent = {}) {
    auto got =
        http_request({.method = sent.empty() ? "GET" : "POST", .url = server.url(path), .body = std::move(sent)});
    return got.ok() ? got->body : got.status().message();
  };
  CHECK(body("/") == "secure 0");
  CHECK(body("/", std::string(5 << 20, 'q')) == cat("secure ", 5 << 20));
  CHECK(body("/file") == content.substr(7));
  CHECK(body("/process") == std::string(100'000, '\0'));
  CHECK(body("/stream") == "one two");
}

TEST_CASE("tls: plain HTTP on the port of TLS is sent to https, and so is a port of its own") {
  Secure secure;
  testing::TestHandler handler;
  handler.on_handle = echo;
  testing::RunningServer server(handler, {.tls = secure.tls, .more = {{.redirect = true}, {}}});
  const auto addresses = server.addresses();
  REQUIRE(addresses.size() == 3);
  const auto wanted = cat("https://127.0.0.1:", server.port(), "/a?b=c");
  for (const auto& url : {cat("http://127.0.0.1:", server.port(), "/a?b=c"), cat(addresses[1], "/a?b=c")}) {
    const auto got = http_request({.url = url});
    REQUIRE(got.ok());
    CHECK(got->status == 308);
    CHECK(got->headers.get("Location") == wanted);
  }
  const auto plain = http_request({.url = cat(addresses[2], "/")});
  REQUIRE(plain.ok());
  CHECK(plain->body == "plain 0");
}

TEST_CASE("tls: a certificate of an unknown authority is refused by the client") {
  Secure secure;
  testing::TestHandler handler;
  handler.on_handle = echo;
  testing::RunningServer server(handler, {.tls = secure.tls});
  setenv("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt", 1);
  const auto got = http_request({.url = server.url("/")});
  CHECK(got.status().code() == Code::unavailable);
  CHECK(contains(got.status().message(), "certificate"));
}

TEST_CASE("tls: a reload takes the new files, and a bad file changes nothing") {
  Secure secure;
  const auto before = secure.tls->current();
  REQUIRE(secure.tls->reload().ok());
  CHECK(secure.tls->current() != before);
  const auto good = secure.tls->current();
  REQUIRE(write_file(secure.files->chain, "not PEM").ok());
  CHECK(secure.tls->reload().code() == Code::bad_input);
  CHECK(secure.tls->current() == good);
  REQUIRE(remove_all(secure.files->key).ok());
  CHECK(secure.tls->reload().code() == Code::not_found);
}

TEST_CASE("authority: kept while it covers the names, certificates while their names and time fit") {
  TempFolder folder;
  const AuthorityOptions options{.folder = folder.path(), .common_name = "test", .names = kNames};
  const auto first = open_authority(options);
  REQUIRE(first.ok());
  CHECK(first->made);
  CHECK(first->fingerprint.size() == 32 * 3 - 1);
  CHECK_FALSE(open_authority(options)->made);
  auto wider = options;
  wider.names.push_back("example.net");
  CHECK(open_authority(wider)->made);

  const auto files = issue_certificate(folder.path(), {"a.example.org"});
  REQUIRE(files.ok());
  const auto text = *read_file(files->chain);
  REQUIRE(issue_certificate(folder.path(), {"a.example.org"}).ok());
  CHECK(*read_file(files->chain) == text);
  REQUIRE(issue_certificate(folder.path(), {"a.example.org", "b.example.org"}).ok());
  const auto two = *read_file(files->chain);
  CHECK(two != text);
  REQUIRE(issue_certificate(folder.path(), {"a.example.org", "b.example.org"}, int64_t{400} * 24 * 3600 * 1000).ok());
  CHECK(*read_file(files->chain) != two);  // it would not last so long
  CHECK(issue_certificate(folder.path(), {"a b"}).status().code() == Code::bad_input);
}

TEST_CASE("authority: its certificates are good for its names alone") {
  TempFolder folder;
  REQUIRE(open_authority({.folder = folder.path(), .common_name = "test", .names = {"example.org"}}).ok());
  const auto verify = [&](const std::string& name) {
    const auto files = issue_certificate(folder.path(), {name});
    REQUIRE(files.ok());
    const auto done = run_process(
        {.arguments = {"openssl", "verify", "-CAfile", path_join(folder.path(), "authority.pem"), files->chain}});
    return done.ok() && done->exit_status == 0;
  };
  CHECK(verify("hub.example.org"));
  CHECK_FALSE(verify("example.net"));
}

TEST_CASE("server: the handler hears how each answer went") {
  testing::TestHandler handler;
  handler.on_handle = [](Request&& request, std::stop_token) -> Response {
    return {.status = request.head.path == "/none" ? 404 : 200, .body = std::string(1000, 'x'), .route = "/pattern"};
  };
  testing::RunningServer server(handler, {});
  REQUIRE(http_request({.url = server.url("/")}).ok());
  REQUIRE(http_request({.url = server.url("/none")}).ok());
  server.stop();
  const auto heard = handler.heard->with([](auto& all) { return all; });
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].status == 200);
  CHECK(heard[0].bytes > 1000);
  CHECK(heard[0].whole);
  CHECK(heard[1].status == 404);
}
