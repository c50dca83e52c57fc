#include "net/client.h"

#include <doctest/doctest.h>

#include <atomic>

#include "net/testing.h"

namespace hearth::net {
namespace {

using testing::eventually;
using testing::RunningServer;
using testing::TestHandler;

}  // namespace

TEST_CASE("client: methods, headers and bodies from memory and from files") {
  TempFolder folder;
  REQUIRE(write_file(folder.path() + "/body", "from a file").ok());
  TestHandler handler;
  handler.on_handle = [](Request&& request, std::stop_token) -> Response {
    return {.status = 201,
            .headers = {{"X-Method", request.head.method}, {"X-Seen", std::string(request.head.headers.get("X-Sent"))}},
            .body = request.body};
  };
  RunningServer server(handler);
  for (const auto method : {"POST", "PUT", "DELETE", "PATCH"}) {
    const auto answer =
        http_request({.method = method, .url = server.url("/"), .headers = {{"X-Sent", "v"}}, .body = "text"});
    REQUIRE(answer.ok());
    CHECK(answer->status == 201);
    CHECK(answer->headers.get("x-method") == method);
    CHECK(answer->headers.get("X-Seen") == "v");
    CHECK(answer->body == "text");
  }
  const auto file = http_request({.method = "PUT", .url = server.url("/"), .body = FileBody{folder.path() + "/body"}});
  REQUIRE(file.ok());
  CHECK(file->body == "from a file");
  CHECK(file->headers.get("X-Method") == "PUT");
  CHECK(http_request({.method = "PUT", .url = server.url("/"), .body = FileBody{"/no/such"}}).status().code() ==
        Code::not_found);
  CHECK(http_request({.url = server.url("/"), .headers = {{"X", "a\r\nY: b"}}}).status().code() == Code::bad_input);
}

TEST_CASE("client: a sink takes good bodies, failures stay values, limits hold") {
  TestHandler handler;
  handler.on_handle = [](Request&& request, std::stop_token) -> Response {
    if (request.head.path == "/bad") return {.status = 404, .body = "why"};
    return {.body = std::string(500'000, 'x')};
  };
  RunningServer server(handler);
  size_t seen = 0;
  ClientRequest request{.url = server.url("/")};
  request.sink = [&](std::string_view piece) {
    seen += piece.size();
    return true;
  };
  auto answer = http_request(request);
  REQUIRE(answer.ok());
  CHECK(seen == 500'000);
  CHECK(answer->body.empty());
  request.url = server.url("/bad");
  answer = http_request(request);
  REQUIRE(answer.ok());
  CHECK(answer->status == 404);
  CHECK(answer->body == "why");
  request.url = server.url("/");
  request.sink = [](std::string_view) { return false; };
  CHECK(http_request(request).status().code() == Code::cancelled);
  CHECK(http_request({.url = server.url("/"), .max_bytes = 1000}).status().code() == Code::too_large);
  CHECK(http_request({.url = "http://127.0.0.1:1/"}).status().code() == Code::unavailable);
  CHECK(http_request({.url = "ftp://127.0.0.1/"}).status().code() == Code::bad_input);
}

TEST_CASE("client: redirects are answers unless followed, and take no token to another host") {
  TestHandler handler;
  std::string authorization;
  int port = 0;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    authorization = request.head.headers.get("Authorization");
    if (request.head.path == "/end") return {.body = "end"};
    const auto host = request.head.path == "/same" ? "127.0.0.1" : "localhost";
    return {.status = 302, .headers = {{"Location", cat("http://", host, ":", port, "/end")}}};
  };
  RunningServer server(handler);
  port = server.port();
  const Headers headers{{"Authorization", "Bearer t"}};
  CHECK(http_request({.url = server.url("/same"), .headers = headers})->status == 302);
  const auto same = http_request({.url = server.url("/same"), .headers = headers, .max_redirects = 5});
  REQUIRE(same.ok());
  CHECK(same->body == "end");
  CHECK(same->url == server.url("/end"));
  CHECK(authorization == "Bearer t");
  const auto other = http_request({.url = server.url("/other"), .headers = headers, .max_redirects = 5});
  REQUIRE(other.ok());
  CHECK(other->body == "end");
  CHECK(authorization.empty());
}

TEST_CASE("client: a stop ends a request that gets no answer; so does the stall timeout") {
  TestHandler handler;
  std::atomic<bool> begun = false;
  handler.on_handle = [&](Request&&, std::stop_token stop) -> Response {
    begun = true;
    eventually([&] { return stop.stop_requested(); });
    return {};
  };
  RunningServer server(handler);
  std::stop_source source;
  std::jthread stopper([&] {
    eventually([&] { return begun.load(); });
    source.request_stop();
  });
  CHECK(http_request({.url = server.url("/")}, source.get_token()).status().code() == Code::cancelled);
  CHECK(http_request({.url = server.url("/"), .stall_timeout_ms = 200}).status().code() == Code::unavailable);
}

}  // namespace hearth::net
