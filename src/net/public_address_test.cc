#include "net/public_address.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include "base/text.h"
#include "net/client.h"
#include "net/testing.h"

namespace hearth::net {
namespace {

using testing::eventually;
using testing::RunningServer;
using testing::TestHandler;

bool is_public(const char* text) {
  sockaddr_in v4{.sin_family = AF_INET};
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) return is_public_address(reinterpret_cast<sockaddr*>(&v4));
  sockaddr_in6 v6{.sin6_family = AF_INET6};
  REQUIRE(inet_pton(AF_INET6, text, &v6.sin6_addr) == 1);
  return is_public_address(reinterpret_cast<sockaddr*>(&v6));
}

}  // namespace

TEST_CASE("public addresses: the registries' special blocks are not, up to their last address") {
  for (const char* text : {"0.0.0.0",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.254",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "203.0.113.7",
                           "224.0.0.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:192.168.0.1",
                           "::127.0.0.1",
                           "64:ff9b::7f00:1",
                           "fc00::1",
                           "fd12:3456::1",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1",
                           "100::1",
                           "2001::1",
                           "2001:1ff::1",
                           "2001:db8::1",
                           "2002:7f00:1::1",
                           "3fff::1"}) {
    INFO(text);
    CHECK(!is_public(text));
  }
  for (const char* text : {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
                           "128.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
                           "223.255.255.255", "::ffff:1.1.1.1", "2001:200::1", "2606:4700::1111", "2a00:1450::1"}) {
    INFO(text);
    CHECK(is_public(text));
  }
}

TEST_CASE("client: public_only reaches no address of this machine, by whatever name, nor by a kept connection") {
  TestHandler handler;
  int asked = 0;
  handler.on_handle = [&](Request&&, std::stop_token) -> Response {
    ++asked;
    return {.body = "secret"};
  };
  RunningServer server(handler);
  REQUIRE(http_request({.url = server.url("/")}).ok());  // leaves a connection open
  const auto port = cat(server.port());
  for (const auto& url : {server.url("/"), cat("http://localhost:", port, "/"), cat("http://[::ffff:127.0.0.1]:", port),
                          cat("http://2130706433:", port), cat("http://127.1:", port), cat("http://0:", port)}) {
    INFO(url);
    CHECK(http_request({.url = url, .public_only = true}).status().code() == Code::forbidden);
  }
  CHECK(asked == 1);
}

TEST_CASE("client: the total timeout ends an answer that keeps dripping") {
  TestHandler handler;
  handler.on_handle = [&](Request&&, std::stop_token stop) -> Response {
    eventually([&] { return stop.stop_requested(); });
    return {};
  };
  RunningServer server(handler);
  CHECK(http_request({.url = server.url("/"), .total_timeout_ms = 200}).status().code() == Code::unavailable);
}

}  // namespace hearth::net
