// SpanExporter: spans to a collector, by OTLP over HTTP in its JSON encoding.
// 1. Never waits for the collector: finished traces go into a bounded queue; what finds it full is dropped and counted.
// 2. One thread sends what is there, every few seconds or when much is; a collector that is away loses the batch.
// Source: OpenTelemetry specification 1.49: protocol/exporter.md, trace/sdk.md (BatchSpanProcessor),
// configuration/sdk-environment-variables.md; opentelemetry-proto 1.7 trace/v1/trace.proto; W3C trace-context level 1.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/guarded.h"

namespace hearth::inference {

struct SpanAttribute {
  std::string_view name;
  std::variant<std::string, int64_t, double> value;
};

/// Ids are lower-case hex, as they are sent.
struct Span {
  std::string trace_id, span_id, parent_id = {};
  std::string name;
  bool is_server = false;  ///< answers another process; else internal
  int64_t begin_ns = 0, end_ns = 0;
  std::vector<SpanAttribute> attributes = {};
  std::string failure = {};  ///< empty: none
};

/// A `traceparent` header: who asked, and whether it is recorded.
struct TraceParent {
  std::string trace_id, span_id;
  bool is_sampled = false;
};
/// Nothing for one that is not well-formed.
std::optional<TraceParent> parse_traceparent(std::string_view header);

/// Any thread.
class SpanExporter {
 public:
  /// OTEL_EXPORTER_OTLP_ENDPOINT and the other standard variables; null when they name no collector, or switch it off.
  static std::unique_ptr<SpanExporter> from_environment();
  ~SpanExporter();

  /// Is a request recorded? As who asked says; without one, as OTEL_TRACES_SAMPLER does.
  bool samples(const std::optional<TraceParent>& parent, std::string_view trace_id) const;
  void add(std::vector<Span> spans);
  int64_t dropped() const;

 private:
  struct State;
  explicit SpanExporter(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

/// The body of POST /v1/traces.
std::string spans_json(const std::vector<Span>& spans,
                       const std::vector<std::pair<std::string, std::string>>& resource);

}  // namespace hearth::inference
