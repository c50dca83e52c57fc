#include "server/ingress.h"

#include <doctest/doctest.h>

using namespace hearth;
using namespace hearth::server;

namespace {

net::RequestHead head_from(std::string address, net::Headers headers) {
  net::RequestHead head;
  head.method = "GET";
  head.target = head.path = "/x";
  head.headers = std::move(headers);
  head.remote_address = std::move(address);
  return head;
}

Ingress behind(std::vector<std::string> proxies, std::string url = {}) {
  auto made = Ingress::make({.trusted_proxies = std::move(proxies), .public_url = std::move(url)});
  REQUIRE(made.ok());
  return *std::move(made);
}

}  // namespace

TEST_CASE("ingress: a trusted proxy's word is taken, from its network alone") {
  const auto ingress = behind({"10.1.0.0/16", "::1"});
  const net::Headers said = {{"Host", "inner:1"},
                             {"X-Forwarded-Proto", "https"},
                             {"X-Forwarded-Host", "hub.example.org"},
                             {"X-Forwarded-For", "1.2.3.4, 203.0.113.9, 10.1.2.3"}};
  auto head = head_from("10.1.255.255", said);
  ingress.correct(head);
  CHECK(head.secure);
  CHECK(head.remote_address == "203.0.113.9");  // the left one anybody may have written
  CHECK(endpoint_of(head) == "https://hub.example.org");
  CHECK_FALSE(head.headers.has("X-Forwarded-For"));

  auto stranger = head_from("10.2.0.0", said);
  ingress.correct(stranger);
  CHECK_FALSE(stranger.secure);
  CHECK(stranger.remote_address == "10.2.0.0");
  CHECK(endpoint_of(stranger) == "http://inner:1");
  CHECK_FALSE(stranger.headers.has("X-Forwarded-Proto"));
}

TEST_CASE("ingress: an IPv4 client of an IPv6 socket is in the IPv4 network") {
  const auto ingress = behind({"10.0.0.0/9"});
  for (const auto& [address, trusted] : {std::pair("::ffff:10.127.0.1", true), std::pair("::ffff:10.128.0.1", false)}) {
    auto head = head_from(address, {{"Host", "h"}, {"X-Forwarded-Proto", "https"}});
    ingress.correct(head);
    CHECK(head.secure == trusted);
  }
}

TEST_CASE("ingress: what is no host and no address of a client is not taken") {
  const auto ingress = behind({"127.0.0.1"});
  auto head = head_from("127.0.0.1", {{"Host", "h"}, {"X-Forwarded-Host", "a/b\"c"}, {"X-Forwarded-For", "unknown"}});
  ingress.correct(head);
  CHECK(head.headers.get("Host") == "h");
  CHECK(head.remote_address == "127.0.0.1");
}

TEST_CASE("ingress: the public address wins, but for names that were served on purpose") {
  auto made = Ingress::make({.public_url = "https://hub.example.org/", .other_names = {"huggingface.co"}});
  REQUIRE(made.ok());
  auto inner = head_from("1.2.3.4", {{"Host", "10.0.0.1:8686"}});
  made->correct(inner);
  CHECK(endpoint_of(inner) == "https://hub.example.org");
  auto head = head_from("1.2.3.4", {{"Host", "huggingface.co"}});
  head.secure = true;
  made->correct(head);
  CHECK(endpoint_of(head) == "https://huggingface.co");
}

TEST_CASE("ingress: the datasets server's host is a path of this one") {
  const auto ingress = behind({});
  auto head = head_from("1.2.3.4", {{"Host", "datasets-server.hub.example.org"}});
  ingress.correct(head);
  CHECK(head.path == "/datasets-server/x");
}

TEST_CASE("ingress: bad options are refused") {
  for (const auto* proxy : {"", "example.org", "10.0.0.0/33", "10.0.0.0/x", "::1/129"})
    CHECK(Ingress::make({.trusted_proxies = {proxy}}).status().code() == Code::bad_input);
  for (const auto* url : {"hub.example.org", "ftp://x", "https://", "https://a/b"})
    CHECK(Ingress::make({.public_url = url}).status().code() == Code::bad_input);
}
