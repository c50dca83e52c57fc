#include "net/server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <csignal>

#include "base/hash.h"
#include "net/client.h"
#include "net/testing.h"

namespace hearth::net {
namespace {

using testing::eventually;
using testing::RawClient;
using testing::RunningServer;
using testing::TestHandler;

Response echo(Request&& request) {
  return {
      .headers = {{"X-Method", request.head.method}, {"X-Path", request.head.path}, {"X-Query", request.head.query}},
      .body = std::move(request.body)};
}

TestHandler echo_handler() {
  TestHandler handler;
  handler.on_handle = [](Request&& request, std::stop_token) { return echo(std::move(request)); };
  return handler;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Response process(std::vector<std::string> arguments, std::string prefix = {}) {
  ProcessPipe pipe;
  pipe.process.arguments = std::move(arguments);
  pipe.prefix = std::move(prefix);
  return {.body = std::move(pipe)};
}

}  // namespace

TEST_CASE("server: keep-alive and pipelined requests are answered in order on one connection") {
  auto handler = echo_handler();
  RunningServer server(handler);
  RawClient client(server.port());
  client.send("POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\noneGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto& text = client.read_until("X-Path: /b");
  CHECK(contains(text, "X-Path: /a\r\nX-Query: x=1\r\n"));
  CHECK(contains(text, "one"));
  CHECK(text.find("/a") < text.find("/b"));
  client.send("GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(contains(client.read_to_end(), "Connection: close\r\n"));
  CHECK(client.ended());
}

TEST_CASE("server: chunked bodies, gzip bodies, 100-continue, HEAD") {
  auto handler = echo_handler();
  RunningServer server(handler);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(contains(client.read_until("abcde"), "Content-Length: 5\r\n"));
  client.forget();
  client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  CHECK(contains(client.read_until("hi"), "Content-Length: 2\r\n"));
  client.forget();
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").ends_with("\r\n\r\n"));

  const std::string text(300'000, 'z');
  const auto answer = http_request({.method = "POST",
                                    .url = server.url("/"),
                                    .headers = {{"Content-Encoding", "gzip"}},
                                    .body = gzip(text) + gzip("!")});
  REQUIRE(answer.ok());
  CHECK(answer->body == text + "!");
  const auto bad = http_request(
      {.method = "POST", .url = server.url("/"), .headers = {{"Content-Encoding", "gzip"}}, .body = "not gzip"});
  REQUIRE(bad.ok());
  CHECK(bad->status == 400);
  const auto cut = http_request({.method = "POST",
                                 .url = server.url("/"),
                                 .headers = {{"Content-Encoding", "gzip"}},
                                 .body = gzip(text).substr(0, 100)});
  REQUIRE(cut.ok());
  CHECK(cut->status == 400);
}

TEST_CASE("server: limits of head and body, also of what a gzip body becomes, and bad requests") {
  auto handler = echo_handler();
  handler.on_plan = [](const RequestHead&) { return BodyPlan::memory(1000); };
  RunningServer server(handler, {.max_head_bytes = 4096});
  const auto post = [&](std::string body, Headers headers) {
    auto answer = http_request({.method = "POST", .url = server.url("/"), .headers = headers, .body = std::move(body)});
    return answer.ok() ? answer->status : 0;
  };
  CHECK(post(std::string(1000, 'x'), {}) == 200);
  CHECK(post(std::string(1001, 'x'), {}) == 413);
  CHECK(post(std::string(1001, 'x'), {{"Transfer-Encoding", "chunked"}}) == 413);
  CHECK(post(gzip(std::string(1 << 20, 'x')), {{"Content-Encoding", "gzip"}}) == 413);
  CHECK(post("x", {{"Content-Encoding", "br"}}) == 501);
  CHECK(post("x", {{"X-Long", std::string(5000, 'x')}}) == 413);
  for (const auto bytes :
       {"GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    RawClient client(server.port());
    client.send(bytes);
    CHECK_MESSAGE(client.read_to_end().starts_with("HTTP/1.1 400 "), bytes);
  }
}

TEST_CASE("server: a refused large upload still gets its answer") {
  auto handler = echo_handler();
  handler.on_plan = [](const RequestHead&) { return BodyPlan::memory(1000); };
  RunningServer server(handler);
  const auto answer = http_request({.method = "PUT", .url = server.url("/"), .body = std::string(20 << 20, 'x')});
  REQUIRE(answer.ok());
  CHECK(answer->status == 413);
}

TEST_CASE("server: spooled bodies are hashed; admit refuses before a byte is read; a file nobody kept is removed") {
  TempFolder folder;
  auto handler = echo_handler();
  handler.on_plan = [&](const RequestHead&) { return BodyPlan::spool(folder.path(), 1 << 20); };
  handler.on_admit = [](const RequestHead& head) -> std::optional<Response> {
    if (head.path == "/no") return Response{.status = 403};
    return std::nullopt;
  };
  std::string seen;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    seen = *read_file(request.file->path());
    return {.body = cat(request.file->sha256(), " ", request.file->size_bytes())};
  };
  RunningServer server(handler);
  const std::string bytes(200'000, 'b');
  const auto answer = http_request({.method = "PUT", .url = server.url("/yes"), .body = bytes});
  REQUIRE(answer.ok());
  CHECK(answer->body == cat(sha256_hex(bytes), " 200000"));
  CHECK(seen == bytes);
  CHECK(eventually([&] { return list_folder(folder.path())->empty(); }));
  RawClient client(server.port());
  client.send("PUT /no HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n");
  CHECK(client.read_to_end().starts_with("HTTP/1.1 403 "));
  // The client leaves in mid-body.
  RawClient leaver(server.port());
  leaver.send("PUT /yes HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\npart");
  CHECK(eventually([&] { return list_folder(folder.path())->size() == 1; }));
  leaver.close();
  CHECK(eventually([&] { return list_folder(folder.path())->empty(); }));
}

TEST_CASE("server: spooled bodies of every length arrive whole, past the page cache too") {
  TempFolder folder;
  bool direct = false;
  auto handler = echo_handler();
  handler.on_plan = [&](const RequestHead&) {
    auto plan = BodyPlan::spool(folder.path(), 16 << 20);
    plan.direct = direct;
    return plan;
  };
  std::string seen;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    seen = *read_file(request.file->path());
    return {.body = cat(request.file->sha256(), " ", request.file->size_bytes())};
  };
  RunningServer server(handler);
  std::string bytes;
  for (int i = 0; bytes.size() < 7'000'000; ++i) bytes += cat(i, " ");
  constexpr size_t kBuffer = 2 << 20, kBlock = 4096;
  for (const size_t size : {size_t{0}, size_t{1}, kBlock, kBuffer - 1, kBuffer, kBuffer + 1, 2 * kBuffer,
                            3 * kBuffer + 5 * kBlock, 3 * kBuffer + 5 * kBlock + 17})
    for (const bool past : {false, true}) {
      direct = past;
      INFO(size, " bytes", past ? ", direct" : "");
      const auto body = bytes.substr(0, size);
      const auto answer = http_request({.method = "PUT", .url = server.url("/"), .body = body});
      REQUIRE(answer.ok());
      CHECK(answer->body == cat(sha256_hex(body), " ", size));
      CHECK(seen == body);
      // In chunks, whose pieces fill the buffers unevenly.
      RawClient client(server.port());
      client.send("PUT / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (size_t at = 0; at < size; at += 99'999) {
        const auto piece = body.substr(at, 99'999);
        char head[16];
        std::snprintf(head, sizeof head, "%zx\r\n", piece.size());
        client.send(cat(head, piece, "\r\n"));
      }
      client.send("0\r\n\r\n");
      CHECK(client.read_to_end().ends_with(cat(sha256_hex(body), " ", size)));
      CHECK(seen == body);
    }
}

TEST_CASE("server: an observer sees a spooled body in order, and refuses it early") {
  struct Observer final : BodyObserver {
    Status take(std::string_view bytes) override {
      seen += bytes;
      return contains(seen, "lie") ? Status(Code::bad_input, "it lies") : Status();
    }
    std::string seen;
  };
  TempFolder folder;
  auto handler = echo_handler();
  handler.on_plan = [&](const RequestHead&) {
    auto plan = BodyPlan::spool(folder.path(), 16 << 20, /*hashed=*/false);
    plan.observer = std::make_shared<Observer>();
    return plan;
  };
  bool handled = false;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    handled = true;
    return {.body = sha256_hex(static_cast<Observer&>(*request.observer).seen)};
  };
  RunningServer server(handler);
  std::string body;
  for (int i = 0; body.size() < 5'000'000; ++i) body += cat(i, " ");
  CHECK(http_request({.method = "PUT", .url = server.url("/"), .body = body})->body == sha256_hex(body));
  CHECK(std::exchange(handled, false));
  body.replace(3'000'000, 3, "lie");
  CHECK(http_request({.method = "PUT", .url = server.url("/"), .body = body})->status == 400);
  CHECK(!handled);
  CHECK(eventually([&] { return list_folder(folder.path())->empty(); }));
}

TEST_CASE("server: a full disk is answered 507 and leaves nothing") {
  TempFolder folder;
  auto handler = echo_handler();
  handler.on_plan = [&](const RequestHead&) { return BodyPlan::spool(folder.path(), 64 << 20); };
  RunningServer server(handler);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1 << 20, before.rlim_max};  // the kernel refuses to write past it, as a full disk would
  setrlimit(RLIMIT_FSIZE, &small);
  const auto answer = http_request({.method = "PUT", .url = server.url("/"), .body = std::string(4 << 20, 'x')});
  setrlimit(RLIMIT_FSIZE, &before);
  REQUIRE(answer.ok());
  CHECK(answer->status == 507);
  CHECK(list_folder(folder.path())->empty());
}

TEST_CASE("server: file ranges; a file that is not there is an answer") {
  TempFolder folder;
  std::string bytes;
  for (int i = 0; bytes.size() < 3'000'000; ++i) bytes += cat(i, " ");
  REQUIRE(write_file(folder.path() + "/f", bytes).ok());
  TestHandler handler;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    if (request.head.path == "/absent") return {.body = FileRange{.path = folder.path() + "/absent", .length = 3}};
    return {.status = 206, .body = FileRange{.path = folder.path() + "/f", .offset = 1'000'000, .length = 1'500'000}};
  };
  RunningServer server(handler);
  for (int i = 0; i < 2; ++i) {
    const auto part = http_request({.url = server.url("/f")});
    REQUIRE(part.ok());
    CHECK(part->status == 206);
    CHECK(part->body == bytes.substr(1'000'000, 1'500'000));
  }
  CHECK(http_request({.url = server.url("/absent")})->status == 404);
  const auto head = http_request({.method = "HEAD", .url = server.url("/f")});
  REQUIRE(head.ok());
  CHECK(head->headers.get("Content-Length") == "1500000");
}

TEST_CASE("server: 200 slow readers of files and streams hold no pool thread and little memory") {
  TempFolder folder;
  REQUIRE(write_file(folder.path() + "/f", std::string(8 << 20, 'f')).ok());
  TestHandler handler;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    if (request.head.path == "/quick") return {.body = "quick"};
    return {.body = FileRange{.path = folder.path() + "/f", .length = 8 << 20}};
  };
  RunningServer server(handler);  // two pool threads
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<RawClient>(server.port(), 4096));
    slow.back()->send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  for (auto& client : slow) CHECK(contains(client->read_until("\r\n\r\n"), "Content-Length: 8388608"));
  for (int i = 0; i < 20; ++i) {
    const auto answer = http_request({.url = server.url("/quick"), .stall_timeout_ms = 5000});
    REQUIRE(answer.ok());
    CHECK(answer->body == "quick");
  }
}

TEST_CASE("server: clients that stall, dawdle over a head or idle are cut; a slow one that moves is not") {
  auto handler = echo_handler();
  RunningServer server(handler, {.head_timeout_ms = 300, .idle_timeout_ms = 300, .stall_timeout_ms = 300});
  RawClient idle(server.port()), half_head(server.port()), half_body(server.port()), mover(server.port());
  half_head.send("GET / HT");
  half_body.send("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  mover.send("POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    mover.send("m");
  }
  CHECK(contains(mover.read_until("mmmmmmmm"), "mmmmmmmm"));
  for (auto* client : {&idle, &half_head, &half_body}) {
    CHECK(client->read_to_end().empty());
    CHECK(client->ended());
  }
}

TEST_CASE("server: a client that leaves stops its handler") {
  TestHandler handler;
  std::atomic<bool> begun = false, stopped = false;
  handler.on_handle = [&](Request&&, std::stop_token stop) -> Response {
    begun = true;
    stopped = eventually([&] { return stop.stop_requested(); });
    return {};
  };
  RunningServer server(handler);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return begun.load(); }));
  client.close();
  CHECK(eventually([&] { return stopped.load(); }));
}

TEST_CASE("server: streams arrive as they are written, the producer learns that the client left") {
  TestHandler handler;
  std::shared_ptr<StreamWriter> writer;
  handler.on_handle = [&](Request&& request, std::stop_token) -> Response {
    auto stream = StreamWriter::make(1000);
    writer = stream;
    if (request.head.path == "/drop") {
      stream->write("part");
      writer.reset();
    }
    return {.headers = {{"Content-Type", "text/event-stream"}}, .body = std::move(stream)};
  };
  RunningServer server(handler);
  {
    RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    client.read_until("\r\n\r\n");
    REQUIRE(writer->write("data: 1\n\n"));
    CHECK(contains(client.read_until("data: 1"), "9\r\ndata: 1\n\n\r\n"));
    REQUIRE(writer->write("data: 2\n\n"));
    writer->close();
    CHECK(client.read_until("0\r\n\r\n").ends_with("data: 2\n\n\r\n0\r\n\r\n"));
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");  // the connection lives on
    client.forget();
    client.read_until("\r\n\r\n");
    const auto gone = writer->client_gone();
    CHECK_FALSE(gone.stop_requested());
    client.close();
    CHECK(eventually([&] { return gone.stop_requested(); }));
    CHECK_FALSE(writer->write("more"));
    CHECK_FALSE(writer->wait_for_room());
  }
  RawClient client(server.port());
  client.send("GET /drop HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto& text = client.read_to_end();
  CHECK(contains(text, "part"));
  CHECK_FALSE(contains(text, "0\r\n\r\n"));
}

TEST_CASE("server: a stream's buffer is bounded; a producer may wait for room") {
  TestHandler handler;
  std::shared_ptr<StreamWriter> writer;
  handler.on_handle = [&](Request&&, std::stop_token) -> Response {
    writer = StreamWriter::make(100'000);
    return {.body = writer};
  };
  RunningServer server(handler);
  const std::string piece(50'000, '~');
  RawClient stuck(server.port(), 4096);
  stuck.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  stuck.read_until("\r\n\r\n");
  bool refused = false;
  for (int i = 0; i < 10'000 && !refused; ++i) refused = !writer->write(piece);
  CHECK(refused);
  CHECK(eventually([&] { return writer->client_gone().stop_requested(); }));

  RawClient reader(server.port(), 4096);
  reader.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  reader.read_until("\r\n\r\n");
  std::jthread producer([&] {
    for (int i = 0; i < 100; ++i) {
      if (!writer->wait_for_room() || !writer->write(piece)) return;
    }
    writer->close();
  });
  const auto& text = reader.read_until("0\r\n\r\n");
  CHECK(std::count(text.begin(), text.end(), '~') == 5'000'000);
}

TEST_CASE("server: a process gets the body and its output is the answer") {
  TestHandler handler;
  handler.on_plan = [](const RequestHead&) { return BodyPlan::pipe(); };
  handler.on_handle = [](Request&& request, std::stop_token) -> Response {
    if (request.head.path == "/fail") return process({"sh", "-c", "exit 3"});
    if (request.head.path == "/absent") return process({"/no/such/program"});
    return process({"cat"}, "> ");
  };
  RunningServer server(handler);
  const std::string text(1'000'000, 'p');
  for (int i = 0; i < 2; ++i) {
    const auto answer = http_request({.method = "POST", .url = server.url("/"), .body = text});
    REQUIRE(answer.ok());
    CHECK(answer->body == "> " + text);
  }
  const auto zipped = http_request(
      {.method = "POST", .url = server.url("/"), .headers = {{"Content-Encoding", "gzip"}}, .body = gzip(text)});
  REQUIRE(zipped.ok());
  CHECK(zipped->body == "> " + text);
  CHECK(http_request({.method = "POST", .url = server.url("/fail"), .body = text})->status == 500);
  CHECK(http_request({.method = "POST", .url = server.url("/absent")})->status == 404);
}

TEST_CASE("server: a client that leaves ends its process") {
  TempFolder folder;
  TestHandler handler;
  handler.on_plan = [](const RequestHead&) { return BodyPlan::pipe(); };
  handler.on_handle = [&](Request&&, std::stop_token) -> Response {
    return process({"sh", "-c", cat("echo $$ > ", folder.path(), "/pid; echo up; exec sleep 60")});
  };
  RunningServer server(handler);
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(contains(client.read_until("up"), "up"));
  const auto pid = parse_int(trim(*read_file(folder.path() + "/pid")));
  REQUIRE(pid);
  CHECK(::kill(static_cast<pid_t>(*pid), 0) == 0);
  client.close();
  CHECK(eventually([&] { return ::kill(static_cast<pid_t>(*pid), 0) != 0; }));
}

TEST_CASE("server: a Unix socket, and a relay to it that passes answers through and closes with its client") {
  TempFolder folder;
  const auto path = folder.path() + "/engine.sock";
  TestHandler engine;
  std::atomic<bool> gone = false, cut = false;
  engine.on_handle = [&](Request&& request, std::stop_token) -> Response {
    if (request.head.path == "/echo") return echo(std::move(request));
    auto stream = StreamWriter::make();
    stream->write("data: 1\n\n");
    if (request.head.path == "/break") return {.body = stream};  // the producer goes: the stream breaks off
    std::thread([stream, &gone] {
      gone = eventually([&] { return stream->client_gone().stop_requested(); });
    }).detach();
    return {.headers = {{"Content-Type", "text/event-stream"}}, .body = stream};
  };
  RunningServer engine_server(engine, {.unix_path = path});
  const auto direct = http_request({.method = "POST", .url = "http://engine/echo", .body = "u", .unix_path = path});
  REQUIRE(direct.ok());
  CHECK(direct->body == "u");

  TestHandler front;
  front.on_handle = [&](Request&& request, std::stop_token) -> Response {
    return {.headers = {{"X-Front", "1"}},
            .body = Relay{.unix_path = request.head.path == "/down" ? path + ".not" : path,
                          .method = request.head.method,
                          .target = request.head.target,
                          .body = std::move(request.body),
                          .broken_tail = "data: broken\n\n"},
            .lease = std::shared_ptr<void>(nullptr, [&](void*) { cut = true; })};
  };
  RunningServer server(front);
  for (int i = 0; i < 2; ++i) {
    const auto answer = http_request({.method = "POST", .url = server.url("/echo?q=1"), .body = "relayed"});
    REQUIRE(answer.ok());
    CHECK(answer->body == "relayed");
    CHECK(answer->headers.get("X-Query") == "q=1");
    CHECK(answer->headers.get("X-Front") == "1");
  }
  CHECK(http_request({.url = server.url("/down")})->status == 503);
  {
    RawClient client(server.port());
    client.send("GET /break HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(contains(client.read_to_end(), "data: broken\n\n"));
  }
  cut = false;
  RawClient client(server.port());
  client.send("GET /stream HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(contains(client.read_until("data: 1"), "text/event-stream"));
  CHECK_FALSE(cut);
  client.close();
  CHECK(eventually([&] { return gone.load(); }));
  CHECK(eventually([&] { return cut.load(); }));
}

TEST_CASE("server: stop lets answers under way finish, ends idle connections, and refuses new ones") {
  TestHandler handler;
  std::atomic<bool> begun = false, release = false;
  handler.on_handle = [&](Request&&, std::stop_token) -> Response {
    begun = true;
    VERIFY(eventually([&] { return release.load(); }), "released");
    return {.body = "done"};
  };
  RunningServer server(handler);
  RawClient idle(server.port()), busy(server.port());
  busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return begun.load(); }));
  std::jthread stopper([&] { server.stop(); });
  CHECK(idle.read_to_end().empty());
  CHECK(idle.ended());
  release = true;
  CHECK(contains(busy.read_to_end(), "done"));
  stopper.join();
  CHECK_FALSE(http_request({.url = server.url("/")}).ok());
}

TEST_CASE("server: too many connections and a full queue are answered 503; a taken port is named") {
  TestHandler handler;
  std::atomic<int> running = 0;
  std::atomic<bool> release = false;
  handler.on_handle = [&](Request&&, std::stop_token) -> Response {
    ++running;
    VERIFY(eventually([&] { return release.load(); }), "released");
    return {};
  };
  RunningServer server(handler, {.max_connections = 4, .max_queued = 1});
  RawClient a(server.port()), b(server.port()), c(server.port()), d(server.port());
  a.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return running == 1; }));
  b.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(eventually([&] { return running == 2; }));
  c.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  d.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(d.read_until("\r\n\r\n").starts_with("HTTP/1.1 503 "));
  RawClient e(server.port());
  CHECK(e.read_to_end().starts_with("HTTP/1.1 503 "));
  release = true;
  CHECK(a.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
  const auto taken = Server::listen({.port = server.port()}, handler);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.status().code() == Code::unavailable);
  CHECK(contains(taken.status().message(), cat("port ", server.port())));
}

TEST_CASE("server: an exception in a handler is answered 500 and the server lives on") {
  TestHandler handler;
  handler.on_handle = [](Request&& request, std::stop_token) -> Response {
    if (request.head.path == "/throw") throw std::runtime_error("out of cheese");
    return {.body = "fine"};
  };
  RunningServer server(handler);
  CHECK(http_request({.url = server.url("/throw")})->status == 500);
  CHECK(http_request({.url = server.url("/")})->body == "fine");
}

}  // namespace hearth::net
