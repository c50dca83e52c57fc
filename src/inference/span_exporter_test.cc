// Traces: whose they are, and that a collector that is away holds up nobody.
#include "inference/span_exporter.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <initializer_list>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth::inference {
namespace {

constexpr std::string_view kTrace = "0af7651916cd43dd8448eb211c80319c", kSpan = "b7ad6b7169203331";

/// Variables for as long as it lives.
class Variables {
 public:
  Variables(std::initializer_list<std::pair<const char*, const char*>> values) : values_(values) {
    for (const auto& [name, value] : values_) ::setenv(name, value, 1);
  }
  ~Variables() {
    for (const auto& [name, value] : values_) ::unsetenv(name);
  }

 private:
  const std::vector<std::pair<const char*, const char*>> values_;
};

Span span_of(std::string_view name) {
  return {.trace_id = std::string(kTrace), .span_id = std::string(kSpan), .name = std::string(name)};
}

TEST_CASE("spans: traceparent as W3C's trace context has it") {
  const auto parent = parse_traceparent(cat("00-", kTrace, "-", kSpan, "-01"));
  REQUIRE(parent);
  CHECK(parent->trace_id == kTrace);
  CHECK(parent->span_id == kSpan);
  CHECK(parent->is_sampled);
  CHECK_FALSE(parse_traceparent(cat("00-", kTrace, "-", kSpan, "-00"))->is_sampled);
  CHECK(parse_traceparent(cat("cc-", kTrace, "-", kSpan, "-01-what-comes-later")));
  for (const auto& wrong :
       {std::string(), cat("00-", kTrace, "-", kSpan), cat("ff-", kTrace, "-", kSpan, "-01"),
        cat("00-", kTrace, "-", kSpan, "-01-more"), cat("00-", kTrace, "-", kSpan, "-0g"),
        cat("00-", std::string(32, '0'), "-", kSpan, "-01"), cat("00-", kTrace, "-", std::string(16, '0'), "-01"),
        cat("00-0AF7651916CD43DD8448EB211C80319C-", kSpan, "-01")})
    CHECK_FALSE(parse_traceparent(wrong));
}

TEST_CASE("spans: OTLP's JSON has 64-bit numbers as texts and enums as numbers") {
  auto span = span_of("a");
  span.is_server = true;
  span.begin_ns = 1'700'000'000'000'000'001;
  span.attributes = {{"n", int64_t{5}}, {"t", std::string("x")}};
  span.failure = "why";
  const auto json = Json::parse(spans_json({span}, {{"service.name", "s"}}));
  REQUIRE(json.ok());
  const auto& group = (*json)["resourceSpans"].array().front();
  CHECK(group["resource"]["attributes"].array().front()["value"]["stringValue"] == Json("s"));
  const auto& told = group["scopeSpans"].array().front()["spans"].array().front();
  CHECK(told["traceId"] == Json(kTrace));
  CHECK(told["startTimeUnixNano"] == Json("1700000000000000001"));
  CHECK(told["kind"] == Json(2));
  CHECK(told["attributes"].array().front()["value"]["intValue"] == Json("5"));
  CHECK(told["status"]["code"] == Json(2));
  CHECK(told.find("parentSpanId") == nullptr);
}

TEST_CASE("spans: without a collector there is no exporter; the sampler decides where nobody has") {
  CHECK(SpanExporter::from_environment() == nullptr);
  const Variables on{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"}};
  {
    const Variables off{{"OTEL_SDK_DISABLED", "true"}};
    CHECK(SpanExporter::from_environment() == nullptr);
  }
  const TraceParent recorded{std::string(kTrace), std::string(kSpan), true};
  const TraceParent not_recorded{std::string(kTrace), std::string(kSpan), false};
  const auto usual = SpanExporter::from_environment();
  CHECK(usual->samples({}, kTrace));
  CHECK_FALSE(usual->samples(not_recorded, kTrace));
  const Variables half{{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"}, {"OTEL_TRACES_SAMPLER_ARG", "0.5"}};
  const auto some = SpanExporter::from_environment();
  CHECK(some->samples({}, "00000000000000000000000000000001"));
  CHECK_FALSE(some->samples({}, "000000000000000000ffffffffffffff"));
  CHECK(some->samples(recorded, "000000000000000000ffffffffffffff"));
}

TEST_CASE("spans: a collector that is away costs spans, not time") {
  const Variables variables{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"},
                            {"OTEL_BSP_MAX_QUEUE_SIZE", "4"},
                            {"OTEL_BSP_SCHEDULE_DELAY", "3600000"}};
  const auto exporter = SpanExporter::from_environment();
  const auto begin = monotonic_s();
  exporter->add({span_of("a"), span_of("b"), span_of("c")});
  exporter->add({span_of("d"), span_of("e")});  // one too many: none of them
  CHECK(exporter->dropped() == 2);
  CHECK(monotonic_s() - begin < 1);
}

}  // namespace
}  // namespace hearth::inference
