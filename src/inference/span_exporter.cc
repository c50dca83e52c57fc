#include "inference/span_exporter.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "net/client.h"

namespace hearth::inference {
namespace {

bool is_hex(std::string_view text, size_t length) {
  return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
         text.find_first_not_of('0') != std::string_view::npos;
}

int64_t number(const char* name, int64_t otherwise, int64_t least, int64_t most) {
  const auto value = parse_int(env(name));
  return value ? std::clamp(*value, least, most) : otherwise;
}

/// The specific variable, else the general one.
std::string either(const char* specific, const char* general) {
  auto own = env(specific);
  return own.empty() ? env(general) : own;
}

/// "a=b,c=d", the values percent-encoded: W3C baggage without properties.
std::vector<std::pair<std::string, std::string>> pairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto one : split(text, ',')) {
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) continue;
    const auto value = percent_decode(trim(one.substr(equals + 1)));
    if (value.ok()) out.emplace_back(trim(one.substr(0, equals)), *value);
  }
  return out;
}

void write_attribute(JsonWriter& out, std::string_view name, const std::variant<std::string, int64_t, double>& value) {
  out.begin_object().field("key", name).key("value").begin_object();
  // 64-bit integers are texts in protobuf's JSON.
  if (const auto* text = std::get_if<std::string>(&value))
    out.field("stringValue", *text);
  else if (const auto* integer = std::get_if<int64_t>(&value))
    out.field("intValue", cat(*integer));
  else
    out.field("doubleValue", std::get<double>(value));
  out.end().end();
}

void write_span(JsonWriter& out, const Span& span) {
  constexpr int kInternal = 1, kServer = 2, kError = 2;
  out.begin_object().field("traceId", span.trace_id).field("spanId", span.span_id);
  if (!span.parent_id.empty()) out.field("parentSpanId", span.parent_id);
  out.field("name", span.name).field("kind", span.is_server ? kServer : kInternal);
  out.field("startTimeUnixNano", cat(span.begin_ns)).field("endTimeUnixNano", cat(span.end_ns));
  out.key("attributes").begin_array();
  for (const auto& [name, value] : span.attributes) write_attribute(out, name, value);
  out.end();
  out.key("status").begin_object();
  if (!span.failure.empty()) out.field("code", kError).field("message", span.failure);
  out.end().end();
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view header) {
  // 00-<32 hex>-<16 hex>-<2 hex>; later versions may go on.
  const auto parts = split(trim(header), '-');
  if (parts.size() < 4 || parts[0].size() != 2 || parts[0] == "ff" || parts[3].size() != 2) return {};
  if (parts[0] == "00" && parts.size() != 4) return {};
  if (!is_hex(parts[1], 32) || !is_hex(parts[2], 16)) return {};
  const char flags = parts[3][1];
  const int bits = flags >= 'a' && flags <= 'f' ? flags - 'a' + 10 : flags - '0';
  if (parts[3].find_first_not_of("0123456789abcdef") != std::string_view::npos) return {};
  return TraceParent{std::string(parts[1]), std::string(parts[2]), (bits & 1) != 0};
}

std::string spans_json(const std::vector<Span>& spans,
                       const std::vector<std::pair<std::string, std::string>>& resource) {
  JsonWriter out;
  out.begin_object().key("resourceSpans").begin_array().begin_object();
  out.key("resource").begin_object().key("attributes").begin_array();
  for (const auto& [name, value] : resource) write_attribute(out, name, value);
  out.end().end().key("scopeSpans").begin_array().begin_object();
  out.key("scope").begin_object().field("name", "hearth").field("version", HEARTH_VERSION).end();
  out.key("spans").begin_array();
  for (const auto& span : spans) write_span(out, span);
  return out.end().end().end().end().end().end().take();
}

struct SpanExporter::State {
  std::string url;
  net::Headers headers = {};
  std::vector<std::pair<std::string, std::string>> resource = {};
  int64_t queue_max = 2048, batch_max = 512, delay_ms = 5000, timeout_ms = 10'000;
  double ratio = 1;  // of requests that nobody decided about
  bool heeds_parent = true;
  std::mutex mutex = {};
  std::condition_variable_any wake = {};
  std::deque<Span> waiting = {};
  int64_t dropped = 0;
  bool has_warned = false;
  std::jthread thread = {};  // last: it uses all of the above

  void send(std::vector<Span> spans) {
    net::ClientRequest request{.method = "POST", .url = url, .headers = headers};
    request.headers.set("Content-Type", "application/json");
    request.body = spans_json(spans, resource);
    request.total_timeout_ms = static_cast<int>(timeout_ms);
    request.max_bytes = 1 << 20;
    const auto answer = net::http_request(request);
    const bool ok = answer.ok() && answer->status / 100 == 2;
    std::lock_guard lock(mutex);
    if (!ok) dropped += std::ssize(spans);
    if (ok || has_warned) return;
    has_warned = true;
    log(LogLevel::warning, "traces",
        cat("spans are lost: ", url,
            answer.ok() ? cat(" answers ", answer->status) : cat(": ", answer.status().message())));
  }

  void run(const std::stop_token& stop) {
    while (true) {
      std::vector<Span> batch;
      {
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, std::chrono::milliseconds(delay_ms),
                      [&] { return std::ssize(waiting) >= batch_max; });
        while (!waiting.empty() && std::ssize(batch) < batch_max) {
          batch.push_back(std::move(waiting.front()));
          waiting.pop_front();
        }
      }
      if (!batch.empty()) send(std::move(batch));
      std::lock_guard lock(mutex);
      if (stop.stop_requested() && (waiting.empty() || has_warned)) return;
    }
  }
};

SpanExporter::SpanExporter(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->thread = std::jthread([own = state_.get()](const std::stop_token& stop) { own->run(stop); });
}

SpanExporter::~SpanExporter() = default;

std::unique_ptr<SpanExporter> SpanExporter::from_environment() {
  if (to_lower_ascii(env("OTEL_SDK_DISABLED")) == "true" || env("OTEL_TRACES_EXPORTER") == "none") return nullptr;
  auto state = std::make_unique<State>();
  state->url = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  if (state->url.empty()) {
    auto base = env("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (base.empty()) return nullptr;
    while (base.ends_with('/')) base.pop_back();
    state->url = base + "/v1/traces";
  }
  const auto protocol = either("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
  if (!protocol.empty() && protocol != "http/json") {
    log(LogLevel::warning, "traces",
        cat("OTEL_EXPORTER_OTLP_PROTOCOL is ", protocol, "; spans are sent as http/json, which collectors take too"));
  }
  for (const auto& [name, value] : pairs(either("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")))
    state->headers.set(name, value);
  state->resource = pairs(env("OTEL_RESOURCE_ATTRIBUTES"));
  if (const auto service = env("OTEL_SERVICE_NAME");
      !service.empty() ||
      std::ranges::none_of(state->resource, [](const auto& one) { return one.first == "service.name"; })) {
    std::erase_if(state->resource, [](const auto& one) { return one.first == "service.name"; });
    state->resource.emplace_back("service.name", service.empty() ? "hearth" : service);
  }
  state->resource.emplace_back("service.version", HEARTH_VERSION);
  state->queue_max = number("OTEL_BSP_MAX_QUEUE_SIZE", state->queue_max, 1, 1 << 16);
  state->batch_max = std::min(state->queue_max, number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", state->batch_max, 1, 1 << 16));
  state->delay_ms = number("OTEL_BSP_SCHEDULE_DELAY", state->delay_ms, 1, 3'600'000);
  state->timeout_ms = number(env("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").empty() ? "OTEL_EXPORTER_OTLP_TIMEOUT"
                                                                              : "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
                             state->timeout_ms, 1, 600'000);
  const auto sampler = env("OTEL_TRACES_SAMPLER");
  state->heeds_parent = sampler.empty() || sampler.starts_with("parentbased_");
  if (sampler.ends_with("always_off")) state->ratio = 0;
  if (sampler.ends_with("traceidratio")) {
    const auto share = parse_double(env("OTEL_TRACES_SAMPLER_ARG"));
    state->ratio = share ? std::clamp(*share, 0.0, 1.0) : 1;
  }
  return std::unique_ptr<SpanExporter>(new SpanExporter(std::move(state)));
}

bool SpanExporter::samples(const std::optional<TraceParent>& parent, std::string_view trace_id) const {
  if (parent && state_->heeds_parent) return parent->is_sampled;
  // The last 7 bytes of the id, which are random.
  const auto tail = from_hex(trace_id.substr(trace_id.size() - 14));
  double value = 0;
  for (const auto byte : tail.ok() ? *tail : std::string()) value = value * 256 + static_cast<unsigned char>(byte);
  return value < state_->ratio * static_cast<double>(int64_t{1} << 56);
}

void SpanExporter::add(std::vector<Span> spans) {
  std::lock_guard lock(state_->mutex);
  if (std::ssize(state_->waiting) + std::ssize(spans) > state_->queue_max) {
    state_->dropped += std::ssize(spans);
    return;
  }
  std::ranges::move(spans, std::back_inserter(state_->waiting));
  if (std::ssize(state_->waiting) >= state_->batch_max) state_->wake.notify_one();
}

int64_t SpanExporter::dropped() const {
  std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

}  // namespace hearth::inference
