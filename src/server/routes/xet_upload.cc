// The content store's way in: dedup queries, xorbs, shards.
// Source: huggingface/xet-core cas_client (remote_client.rs); hf_xet 1.8.0 on the wire: it tries POST /v1/xorb-grants
// first and takes 404 for "send the xorb here", and wants the footer in dedup answers.
#include "base/clock.h"
#include "base/text.h"
#include "hub/xet.h"
#include "server/route.h"
#include "server/services.h"
#include "server/xet_sessions.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kFrame_ms = 5'000;  // between two frames while a shard is checked

Status check_prefix(const Request& rq) {
  // "default" is what clients send, "default-merkledb" what the published description says.
  if (rq.arg("prefix") == "default" || rq.arg("prefix") == "default-merkledb") return {};
  return Status(Code::not_found, cat("prefix '", rq.arg("prefix").substr(0, 100), "' is not known (default)"));
}

Result<std::string> hash_of(const Request& rq) {
  const auto hash = xet::parse_hash(rq.arg("hash"));
  if (!hash) return Status(Code::bad_input, "a Xet hash has 64 hexadecimal digits");
  return hash->hex();
}

Result<Response> find_chunk(Request& rq) {
  TRY(check_prefix(rq));
  const auto& repo = *TRY(rq.repo());
  auto shard = TRY(hub::find_chunk(rq.hub(), rq.caller(), repo, TRY(hash_of(rq))));
  // A client without caches asks for a file's first chunk, then for one in 1024. Where the first has changed (a header,
  // a chat template), some 64 MB would come again before it meets a known one: it is told what its repository has.
  auto* sessions = rq.services().xet_sessions;
  if (!shard && sessions && sessions->is_first(rq.header("X-Xet-Session-Id"), repo.id))
    shard = TRY(hub::newest_chunks(rq.hub(), repo));
  if (!shard) return Status(Code::not_found, "no file that you may read has this chunk");
  return text_response(std::move(*shard), "application/octet-stream");
}

/// Checks a xorb while it arrives: nobody has to read it again.
struct XorbObserver final : net::BodyObserver {
  Status take(std::string_view bytes) override { return reader.add(std::as_bytes(std::span(bytes))); }
  xet::XorbReader reader;
};

std::shared_ptr<net::BodyObserver> observe_xorb() {
  return std::make_shared<XorbObserver>();
}

Result<Response> put_xorb(Request& rq) {
  TRY(check_prefix(rq));
  const auto hash = TRY(hash_of(rq));
  const auto table = TRY(static_cast<XorbObserver&>(rq.observer()).reader.finish());
  const bool inserted = TRY(hub::put_xorb(rq.hub(), hash, table, rq.spooled().release()));
  return json_response(Json(Json::Object{{"was_inserted", inserted}}));
}

// Uploads to somewhere else are not offered: xorbs come here.
Result<Response> no_grant(Request&) {
  return Status(Code::not_found, "xorbs are sent to this address's host: POST /v1/xorbs");
}

/// A shard's progress as lines of JSON. The work is done as the client takes them.
class ShardFrames final : public PieceSource {
 public:
  ShardFrames(net::SpooledFile file, MappedFile mapped, const hub::Hub& hub, hub::Repo repo)
      : file_(std::move(file)), mapped_(std::move(mapped)), hub_(hub), repo_(std::move(repo)) {}

  Result<std::vector<Piece>> next(std::stop_token stop) override {
    if (ended_) return std::vector<Piece>();
    auto frame = work(stop);
    if (!frame.ok()) {
      ended_ = true;
      const auto code = frame.status().code();
      const bool ours = code == Code::io || code == Code::no_space || code == Code::busy || code == Code::unavailable ||
                        code == Code::internal;
      frame = Json(Json::Object{{"type", "error"}, {"message", frame.status().message()}, {"retryable", ours}});
    }
    std::vector<Piece> out(1);
    out[0].bytes = frame->dump() + "\n";
    return out;
  }

 private:
  Result<Json> work(std::stop_token stop) {
    if (!intake_) {
      intake_ = TRY(hub::ShardIntake::begin(hub_, repo_, mapped_.bytes()));
      return progress();
    }
    if (!TRY(intake_->step(kFrame_ms, stop))) return progress();
    ended_ = true;
    return Json(Json::Object{{"type", "result"}});
  }
  Json progress() const {
    return Json(Json::Object{
        {"type", "validating"}, {"verified", intake_->verified_bytes()}, {"total", intake_->total_bytes()}});
  }

  net::SpooledFile file_;
  MappedFile mapped_;
  const hub::Hub& hub_;
  const hub::Repo repo_;
  std::unique_ptr<hub::ShardIntake> intake_;
  bool ended_ = false;
};

Result<Response> put_shard_framed(Request& rq) {
  auto mapped = TRY(MappedFile::open(rq.spooled().path()));
  Response out;
  out.headers.set("Content-Type", "application/x-ndjson");
  out.body = net::PieceBody{
      std::make_shared<ShardFrames>(std::move(rq.spooled()), std::move(mapped), rq.hub(), *TRY(rq.repo()))};
  return out;
}

Result<Response> put_shard(Request& rq) {
  const auto mapped = TRY(MappedFile::open(rq.spooled().path()));
  const auto intake = TRY(hub::ShardIntake::begin(rq.hub(), *TRY(rq.repo()), mapped.bytes()));
  while (!TRY(intake->step(kFrame_ms, rq.stop()))) {
  }
  return json_response(Json(Json::Object{{"result", intake->inserted() ? 1 : 0}}));
}

// What a transfer was like: five numbers, to the root of the host whatever casUrl says. Nothing is kept.
Result<Response> telemetry(Request&) {
  return json_response(Json(Json::Object()));
}

constexpr Route kRoutes[] = {
    {"GET", "/xet/v1/chunks/{prefix}/{hash}", Access::xet_read, find_chunk},
    {"POST", "/xet/v1/xorb-grants/{prefix}/{hash}", Access::xet_write, no_grant},
    {"POST", "/xet/v1/xorbs/{prefix}/{hash}", Access::xet_write, put_xorb, BodyMode::spool_unhashed, xet::kXorbFileMax,
     observe_xorb},
    {"POST", "/xet/v2/shards", Access::xet_write, put_shard_framed, BodyMode::spool_unhashed, xet::kShardMax},
    {"POST", "/xet/v1/shards", Access::xet_write, put_shard, BodyMode::spool_unhashed, xet::kShardMax},
    {"POST", "/xet/v1/telemetry", Access::open, telemetry},
    {"POST", "/v1/telemetry", Access::open, telemetry},
};

}  // namespace
extern constinit const Routes xet_upload_entry{kRoutes};
}  // namespace hearth::server::routes
