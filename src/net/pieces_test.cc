// Bodies in pieces: from memory and from files, of known and unknown length, whole or visibly broken.
#include <doctest/doctest.h>

#include "net/testing.h"

namespace hearth::net {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): a test's own tools

struct Listed final : PieceSource {
  std::vector<std::vector<Piece>> batches;
  int fails_at = -1;
  size_t at = 0;
  Result<std::vector<Piece>> next(std::stop_token) override {
    if (static_cast<int>(at) == fails_at) return Status(Code::not_found, "the source is gone");
    if (at == batches.size()) return std::vector<Piece>();
    return std::move(batches[at++]);
  }
};

Piece text(std::string bytes) {
  return {.bytes = std::move(bytes)};
}

std::string answer(std::shared_ptr<Listed> source, std::optional<uint64_t> length, std::string_view version = "1.1") {
  TestHandler handler;
  handler.on_handle = [&](Request&&, std::stop_token) { return Response{.body = PieceBody{source, length}}; };
  RunningServer server(handler);
  RawClient client(server.port());
  client.send(cat("GET / HTTP/", version, "\r\nHost: h\r\nConnection: close\r\n\r\n"));
  return client.read_to_end();
}

}  // namespace

TEST_CASE("pieces: memory and parts of a file make one body of the promised length") {
  TempFolder folder;
  const auto path = path_join(folder.path(), "file");
  REQUIRE(write_file(path, "0123456789").ok());
  auto opened = open_read(path);
  REQUIRE(opened.ok());
  const auto file = std::make_shared<const Fd>(std::move(*opened));
  auto source = std::make_shared<Listed>();
  source->batches.resize(2);
  source->batches[0].push_back(text("ab"));
  source->batches[0].push_back({.file = file, .offset = 3, .length = 4});
  source->batches[1].push_back(text(std::string(300'000, 'x')));
  source->batches[1].push_back({.file = file, .offset = 0, .length = 1});
  const auto got = answer(source, 300'007);
  CHECK(contains(got, "Content-Length: 300007\r\n"));
  CHECK(got.ends_with(cat("\r\n\r\nab3456", std::string(300'000, 'x'), "0")));
}

TEST_CASE("pieces: without a length they are chunks, or end with the connection") {
  auto source = std::make_shared<Listed>();
  source->batches.resize(2);
  source->batches[0].push_back(text("hello "));
  source->batches[1].push_back(text("world"));
  CHECK(answer(source, std::nullopt).ends_with("\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"));
  source = std::make_shared<Listed>();
  source->batches.resize(1);
  source->batches[0].push_back(text("all"));
  CHECK(answer(source, std::nullopt, "1.0").ends_with("\r\n\r\nall"));
}

TEST_CASE("pieces: a source that fails at once is an error's answer, later an aborted body") {
  auto source = std::make_shared<Listed>();
  source->fails_at = 0;
  CHECK(answer(source, 5).starts_with("HTTP/1.1 404"));
  source = std::make_shared<Listed>();
  source->batches.resize(1);
  source->batches[0].push_back(text("begin"));
  source->fails_at = 1;
  const auto got = answer(source, std::nullopt);
  CHECK(got.starts_with("HTTP/1.1 200"));
  CHECK(!contains(got, "0\r\n\r\n"));
}

}  // namespace hearth::net
