#include "inference/telemetry.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/prometheus.h"
#include "base/text.h"

namespace hearth::inference {
namespace {

constexpr double kRate_s = 10;  // what the live page's tokens a second are a mean over

Histogram tgi_duration() {
  return Histogram::geometric(0.0001 * 1.5, 1.5, 35);
}
Histogram te_duration() {
  return Histogram::geometric(0.00001 * 1.5, 1.5, 35);
}
Histogram vllm_request() {
  return Histogram({.3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680});
}

using Counts = std::map<std::string, uint64_t, std::less<>>;

void add(Counts& counts, std::string_view key, uint64_t by = 1) {
  const auto found = counts.find(key);
  if (found == counts.end())
    counts.emplace(key, by);
  else
    found->second += by;
}

std::string_view told_reason(FinishReason reason) {
  switch (reason) {
    case FinishReason::length:
      return "length";
    case FinishReason::stop:
      return "stop";
    default:
      return "cancelled";
  }
}

std::string random_hex(size_t bytes) {
  return to_hex(random_bytes(bytes));
}

}  // namespace

struct RequestRecord::Facts {
  std::string route, id;
  std::optional<TraceParent> parent = {};
  double arrived_s = 0;
  int64_t answers = 0, prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, max_new_tokens = 0;
  JobTimes times = {};  // the first submitted, begun and made; the last ended
  std::string end = {};
  std::string refusal = {}, failure = {};
};

struct Telemetry::State {
  // Text generation.
  uint64_t requests = 0, successes = 0;
  Counts failures = {}, reasons = {};
  Histogram duration = tgi_duration(), validation = tgi_duration(), queue = tgi_duration(), inference = tgi_duration(),
            per_token = tgi_duration();
  Histogram input_length{{}}, max_new_tokens{{}}, generated{{}};
  Histogram first_token{
      {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560}};
  Histogram gap{{.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80}};
  Histogram whole = vllm_request(), waited = vllm_request();
  // The live page's: vLLM's buckets are too wide for small models.
  Histogram live_first = tgi_duration(), live_gap = tgi_duration(), live_queue = tgi_duration();
  // Steps, which both read and write: a step that reads counts as a prefill.
  struct Method {
    uint64_t count = 0, failures = 0;
    Histogram inference = tgi_duration(), forward = tgi_duration(), decode = tgi_duration();
  };
  Method prefill, decode;
  Histogram batch = Histogram::linear(1, 1024);
  std::deque<std::pair<double, int64_t>> made = {};  // when, so many tokens: of the last seconds
  // Vectors and labels.
  Counts te_requests = {}, te_successes = {}, te_failures = {};
  Histogram te_duration_all = te_duration(), te_tokenization = te_duration(), te_queue = te_duration(),
            te_inference = te_duration();
  Histogram te_input = Histogram::geometric(1, 2, 20), te_batch_size = Histogram::geometric(1, 2, 13),
            te_batch_tokens = Histogram::geometric(1, 2, 21);
  struct Use {
    uint64_t count = 0;
    Histogram duration = te_duration(), tokenization = te_duration(), queue = te_duration(), inference = te_duration();
  };
  Use embed, predict;

  double tokens_per_s(double now) const {
    int64_t sum = 0;
    for (const auto& [at, tokens] : made)
      if (at > now - kRate_s) sum += tokens;
    return static_cast<double>(sum) / kRate_s;
  }
};

Telemetry::Telemetry(std::string model)
    : model_(std::move(model)),
      exporter_(SpanExporter::from_environment()),
      state_(std::make_unique<Guarded<State>>()) {}

Telemetry::~Telemetry() = default;

void Telemetry::set_limits(int64_t max_input_tokens, int64_t max_total_tokens) {
  state_->with([&](State& s) {
    s.input_length = Histogram::linear(static_cast<double>(max_input_tokens) / 100, 100);
    s.generated = s.max_new_tokens = Histogram::linear(static_cast<double>(max_total_tokens) / 100, 100);
  });
}

void Telemetry::on_step(const StepReport& step) {
  const auto now = monotonic_s();
  state_->with([&](State& s) {
    auto& method = step.read > 0 ? s.prefill : s.decode;
    ++method.count;
    if (step.failed) {
      ++method.failures;
      return;
    }
    method.inference.add(step.forward_s + step.decode_s);
    method.forward.add(step.forward_s);
    method.decode.add(step.decode_s);
    s.batch.add(static_cast<double>(step.written));
    if (step.written == 0) return;
    s.gap.add(step.forward_s + step.decode_s, static_cast<uint64_t>(step.written));
    s.live_gap.add(step.forward_s + step.decode_s, static_cast<uint64_t>(step.written));
    s.made.emplace_back(now, step.written);
    while (!s.made.empty() && s.made.front().first < now - kRate_s) s.made.pop_front();
  });
}

std::shared_ptr<RequestRecord> Telemetry::begin(std::string_view route, std::string_view id,
                                                std::string_view traceparent, double arrived_s) {
  state_->with([](State& s) { ++s.requests; });
  return std::make_shared<RequestRecord>(*this, route, id, traceparent, arrived_s);
}

RequestRecord::RequestRecord(Telemetry& telemetry, std::string_view route, std::string_view id,
                             std::string_view traceparent, double arrived_s)
    : telemetry_(telemetry),
      facts_(std::make_unique<Guarded<Facts>>(Facts{.route = std::string(route),
                                                    .id = std::string(id),
                                                    .parent = parse_traceparent(traceparent),
                                                    .arrived_s = arrived_s})) {}

RequestRecord::~RequestRecord() {
  telemetry_.finish(*this);
}

void RequestRecord::end(const JobEnd& end, int64_t max_new_tokens) {
  facts_->with([&](Facts& f) {
    const auto earliest = [](double& kept, double now) {
      if (now > 0 && (kept == 0 || now < kept)) kept = now;
    };
    ++f.answers;
    if (f.answers == 1) f.end = told_reason(end.reason);
    f.prompt_tokens = std::max(f.prompt_tokens, end.prompt_tokens);
    f.cached_tokens = std::max(f.cached_tokens, end.cached_tokens);
    f.completion_tokens += end.completion_tokens;
    f.max_new_tokens = std::max(f.max_new_tokens, max_new_tokens);
    earliest(f.times.submitted_s, end.times.submitted_s);
    earliest(f.times.begun_s, end.times.begun_s);
    earliest(f.times.first_token_s, end.times.first_token_s);
    f.times.ended_s = std::max(f.times.ended_s, end.times.ended_s);
    if (!end.failure.ok()) f.end = "failed", f.failure = end.failure.message();
  });
}

void RequestRecord::refuse(std::string_view kind, const Status& status) {
  facts_->with([&](Facts& f) {
    if (f.answers > 0) return;
    f.refusal = kind;
    f.failure = status.message();
    f.end = kind;
  });
}

void Telemetry::finish(RequestRecord& record) {
  const auto f = record.facts_->with([](RequestRecord::Facts& facts) { return std::move(facts); });
  const auto& t = f.times;
  const auto now = monotonic_s(), ended = t.ended_s > 0 ? t.ended_s : now;
  const auto queue_s = t.begun_s > 0 ? t.begun_s - t.submitted_s : 0;
  const auto first_s = t.first_token_s > 0 ? t.first_token_s - f.arrived_s : 0;
  const auto tokens = static_cast<double>(f.completion_tokens);
  const auto writing_s = t.first_token_s > 0 ? ended - t.first_token_s : 0;
  state_->with([&](State& s) {
    if (!f.refusal.empty()) return add(s.failures, f.refusal);
    s.input_length.add(static_cast<double>(f.prompt_tokens));
    s.max_new_tokens.add(static_cast<double>(f.max_new_tokens));
    if (f.end == "failed") return add(s.failures, "generation");
    add(s.reasons, f.end == "cancelled" ? "abort" : f.end);
    s.generated.add(tokens);
    if (t.first_token_s > 0) s.first_token.add(first_s), s.live_first.add(first_s);
    s.waited.add(queue_s);
    s.live_queue.add(queue_s);
    s.whole.add(ended - f.arrived_s);
    if (f.end == "cancelled") return add(s.failures, "incomplete");
    ++s.successes;
    s.duration.add(ended - f.arrived_s);
    s.validation.add(t.submitted_s - f.arrived_s);
    s.queue.add(queue_s);
    s.inference.add(ended - t.begun_s);
    s.per_token.add((ended - t.begun_s) / std::max(tokens, 1.0));
  });
  log(f.end == "failed" ? LogLevel::error : LogLevel::info, "request", f.failure.empty() ? f.route : f.failure,
      {{"id", std::string_view(f.id)},
       {"model", std::string_view(model_)},
       {"tokens_in", f.prompt_tokens},
       {"tokens_cached", f.cached_tokens},
       {"tokens_out", f.completion_tokens},
       {"queue_ms", queue_s * 1000},
       {"first_token_ms", first_s * 1000},
       {"tokens_per_s", writing_s > 0 && tokens > 1 ? (tokens - 1) / writing_s : 0.0},
       {"end", std::string_view(f.end)}});
  if (!exporter_) return;

  const auto trace_id = f.parent ? f.parent->trace_id : random_hex(16);
  if (!exporter_->samples(f.parent, trace_id)) return;
  const auto offset_s = static_cast<double>(now_ms()) / 1000 - now;  // of the wall clock
  const auto ns = [&](double at) { return static_cast<int64_t>((at + offset_s) * 1e6) * 1000; };
  Span request{.trace_id = trace_id,
               .span_id = random_hex(8),
               .parent_id = f.parent ? f.parent->span_id : "",
               .name = cat("POST ", f.route),
               .is_server = true,
               .begin_ns = ns(f.arrived_s),
               .end_ns = ns(ended),
               .attributes = {{"http.request.method", "POST"},
                              {"http.route", f.route},
                              {"http.request.header.x-request-id", f.id},
                              {"gen_ai.request.model", model_},
                              {"gen_ai.usage.input_tokens", f.prompt_tokens},
                              {"gen_ai.usage.output_tokens", f.completion_tokens},
                              {"gen_ai.usage.cache_read.input_tokens", f.cached_tokens},
                              {"gen_ai.response.finish_reasons", f.end},
                              {"gen_ai.server.time_to_first_token", first_s}},
               .failure = f.failure};
  std::vector<Span> spans;
  const auto part = [&](std::string_view name, double begin, double end) {
    if (begin > 0 && end >= begin)
      spans.push_back({.trace_id = trace_id,
                       .span_id = random_hex(8),
                       .parent_id = request.span_id,
                       .name = std::string(name),
                       .begin_ns = ns(begin),
                       .end_ns = ns(end)});
  };
  part("queue", t.submitted_s, t.begun_s);
  part("prefill", t.begun_s, t.first_token_s);
  part("decode", t.first_token_s, ended);
  spans.push_back(std::move(request));
  exporter_->add(std::move(spans));
}

void Telemetry::on_texts(std::string_view route, std::string_view id, const TextsReport& r, std::string_view error) {
  const std::string_view method = r.is_batch ? "batch" : "single";
  state_->with([&](State& s) {
    add(s.te_requests, method);
    if (!error.empty()) return add(s.te_failures, error);
    add(s.te_successes, method);
    s.te_duration_all.add(r.total_s);
    s.te_tokenization.add(r.tokenization_s);
    s.te_queue.add(r.queue_s);
    s.te_inference.add(r.inference_s);
    if (r.texts > 0)
      s.te_input.add(static_cast<double>(r.tokens) / static_cast<double>(r.texts), static_cast<uint64_t>(r.texts));
    auto& use = r.judges ? s.predict : s.embed;
    use.count += static_cast<uint64_t>(r.texts);
    use.duration.add(r.total_s);
    use.tokenization.add(r.tokenization_s);
    use.queue.add(r.queue_s);
    use.inference.add(r.inference_s);
  });
  log(LogLevel::info, "request", route,
      {{"id", id},
       {"model", std::string_view(model_)},
       {"texts", r.texts},
       {"tokens_in", r.tokens},
       {"queue_ms", r.queue_s * 1000},
       {"total_ms", r.total_s * 1000},
       {"end", error.empty() ? std::string_view("stop") : error}});
}

void Telemetry::on_pass(int64_t texts, int64_t tokens) {
  state_->with([&](State& s) {
    s.te_batch_size.add(static_cast<double>(texts));
    s.te_batch_tokens.add(static_cast<double>(tokens));
  });
}

namespace {

void count_families(PrometheusText& out, std::string_view name, std::string_view label, std::string_view help,
                    const Counts& counts) {
  if (counts.empty()) return;
  out.family(name, "counter", help);
  for (const auto& [key, value] : counts) out.sample(name, cat(label, "=\"", prometheus_label(key), "\""), value);
}

}  // namespace

std::string Telemetry::prometheus(const EngineStats* stats, int64_t waiting_texts) const {
  const auto s = state_->with([](const State& state) { return state; });
  PrometheusText out;
  if (!stats) {
    count_families(out, "te_request_count", "method", "Requests.", s.te_requests);
    count_families(out, "te_request_success", "method", "Requests that were answered.", s.te_successes);
    count_families(out, "te_request_failure", "err", "Requests that were not.", s.te_failures);
    out.single("te_request_duration", "Seconds of a request.", s.te_duration_all);
    out.single("te_request_tokenization_duration", "Of them, cutting texts into tokens.", s.te_tokenization);
    out.single("te_request_queue_duration", "Of them, waiting for a pass.", s.te_queue);
    out.single("te_request_inference_duration", "Of them, in passes over the model.", s.te_inference);
    out.single("te_request_input_length", "Tokens of a text.", s.te_input);
    for (const auto& [name, use] : {std::pair("embed", &s.embed), std::pair("predict", &s.predict)}) {
      const auto of = cat("te_", std::string_view(name));
      out.single(cat(of, "_count"), "counter", "Texts.", use->count);
      out.single(cat(of, "_success"), "counter", "Texts that were answered.", use->count);
      out.single(cat(of, "_duration"), "Seconds of a request.", use->duration);
      out.single(cat(of, "_tokenization_duration"), "Of them, cutting texts into tokens.", use->tokenization);
      out.single(cat(of, "_queue_duration"), "Of them, waiting for a pass.", use->queue);
      out.single(cat(of, "_inference_duration"), "Of them, in passes over the model.", use->inference);
    }
    out.single("te_batch_next_size", "Texts of a pass.", s.te_batch_size);
    out.single("te_batch_next_tokens", "Tokens of a pass.", s.te_batch_tokens);
    out.single("te_queue_size", "gauge", "Requests that wait or are computed.", waiting_texts);
    return out.take();
  }
  out.single("tgi_request_count", "counter", "Total number of requests", s.requests);
  out.single("tgi_request_success", "counter", "Number of successful requests", s.successes);
  count_families(out, "tgi_request_failure", "err", "Number of failed requests", s.failures);
  out.single("tgi_request_duration", "Total time spent processing the request", s.duration);
  out.single("tgi_request_validation_duration", "Time spent validating the request", s.validation);
  out.single("tgi_request_queue_duration", "Time spent in the queue per request", s.queue);
  out.single("tgi_request_inference_duration", "Request inference duration", s.inference);
  out.single("tgi_request_mean_time_per_token_duration", "Mean time per token per request", s.per_token);
  out.single("tgi_request_input_length", "Input token length per request", s.input_length);
  out.single("tgi_request_max_new_tokens", "Maximum new tokens per request", s.max_new_tokens);
  out.single("tgi_request_generated_tokens", "Generated tokens per request", s.generated);
  const std::pair<std::string_view, const State::Method*> methods[] = {{"method=\"prefill\"", &s.prefill},
                                                                       {"method=\"decode\"", &s.decode}};
  const auto each = [&](std::string_view name, std::string_view kind, std::string_view help, const auto& write) {
    out.family(name, kind, help);
    for (const auto& [label, method] : methods) write(label, *method);
  };
  each("tgi_batch_inference_count", "counter", "Inference calls per method (prefill or decode)",
       [&](auto label, auto& m) { out.sample("tgi_batch_inference_count", label, m.count); });
  each("tgi_batch_inference_success", "counter", "Number of successful inference calls per method (prefill or decode)",
       [&](auto label, auto& m) { out.sample("tgi_batch_inference_success", label, m.count - m.failures); });
  each("tgi_batch_inference_failure", "counter", "Number of failed inference calls per method (prefill or decode)",
       [&](auto label, auto& m) { out.sample("tgi_batch_inference_failure", label, m.failures); });
  each("tgi_batch_inference_duration", "histogram", "Batch inference duration",
       [&](auto label, auto& m) { out.samples("tgi_batch_inference_duration", label, m.inference); });
  each("tgi_batch_forward_duration", "histogram", "Batch forward duration per method (prefill or decode)",
       [&](auto label, auto& m) { out.samples("tgi_batch_forward_duration", label, m.forward); });
  each("tgi_batch_decode_duration", "histogram", "Time spent decoding a batch per method (prefill or decode)",
       [&](auto label, auto& m) { out.samples("tgi_batch_decode_duration", label, m.decode); });
  out.single("tgi_batch_next_size", "Batch size of the next batch", s.batch);
  // Joining and thinning batches takes no step of its own here: dashboards find the names, and nothing in them.
  each("tgi_batch_filter_duration", "histogram",
       "Time spent filtering batches and sending generated tokens per method (prefill or decode)",
       [&](auto label, auto&) { out.samples("tgi_batch_filter_duration", label, tgi_duration()); });
  out.single("tgi_batch_concat_duration", "Time spent joining batches", tgi_duration());
  out.single("tgi_request_skipped_tokens", "Speculated tokens per request", Histogram({0}));
  const auto position_bytes = std::max<int64_t>(stats->position_bytes, 1);
  out.single("tgi_batch_current_max_tokens", "gauge", "Maximum tokens for the current batch",
             stats->cache_bytes / position_bytes);
  out.single("tgi_batch_max_total_tokens", "gauge", "Maximum amount of tokens in total.",
             stats->cache_bytes_max / position_bytes);
  out.single("tgi_batch_current_size", "gauge", "Current batch size", stats->active);
  out.single("tgi_queue_size", "gauge", "Current queue size", stats->waiting);

  const auto model = cat("model_name=\"", prometheus_label(model_), "\",engine=\"0\"");
  const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
    out.single(name, "gauge", help, value, model);
  };
  const auto counter = [&](std::string_view name, std::string_view help, auto value) {
    out.single(name, "counter", help, value, model);
  };
  gauge("vllm:num_requests_running", "Number of requests in model execution batches.", stats->active);
  gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed.", stats->waiting);
  gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.",
        stats->cache_bytes_max > 0
            ? static_cast<double>(stats->cache_bytes) / static_cast<double>(stats->cache_bytes_max)
            : 0.0);
  counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.",
          stats->prompt_tokens);
  counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.",
          stats->cached_tokens);
  counter("vllm:num_preemptions_total", "Cumulative number of preemption from the engine.", stats->preemptions);
  counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.", stats->prompt_tokens);
  counter("vllm:generation_tokens_total", "Number of generation tokens processed.", stats->completion_tokens);
  if (stats->guessed_tokens > 0) {
    counter("vllm:spec_decode_num_draft_tokens_total", "Number of draft tokens.", stats->guessed_tokens);
    counter("vllm:spec_decode_num_accepted_tokens_total", "Number of accepted tokens.", stats->right_guesses);
  }
  if (!s.reasons.empty()) {
    out.family("vllm:request_success_total", "counter", "Count of successfully processed requests.");
    for (const auto& [reason, count] : s.reasons)
      out.sample("vllm:request_success_total", cat(model, ",finished_reason=\"", reason, "\""), count);
  }
  out.single("vllm:time_to_first_token_seconds", "Histogram of time to first token in seconds.", s.first_token, model);
  out.single("vllm:inter_token_latency_seconds", "Histogram of inter-token latency in seconds.", s.gap, model);
  out.single("vllm:e2e_request_latency_seconds", "Histogram of e2e request latency in seconds.", s.whole, model);
  out.single("vllm:request_queue_time_seconds", "Histogram of time spent in WAITING phase for request.", s.waited,
             model);
  if (exporter_)
    out.single("hearth_spans_dropped_total", "counter", "Spans that no collector took.", exporter_->dropped());
  return out.take();
}

Json Telemetry::live(const EngineStats* stats) const {
  const auto s = state_->with([](const State& state) { return state; });
  const auto ms = [](const Histogram& histogram, double share) { return histogram.quantile(share) * 1000; };
  if (!stats) {
    uint64_t requests = 0;
    for (const auto& [method, count] : s.te_requests) requests += count;
    return Json::Object{{"requests", requests},
                        {"texts", s.embed.count + s.predict.count},
                        {"total_ms_p50", ms(s.te_duration_all, 0.5)},
                        {"total_ms_p99", ms(s.te_duration_all, 0.99)},
                        {"queue_ms_p50", ms(s.te_queue, 0.5)},
                        {"queue_ms_p99", ms(s.te_queue, 0.99)}};
  }
  return Json::Object{{"requests", s.requests},
                      {"waiting", stats->waiting},
                      {"active", stats->active},
                      {"tokens_per_s", s.tokens_per_s(monotonic_s())},
                      {"prompt_tokens", stats->prompt_tokens},
                      {"cached_tokens", stats->cached_tokens},
                      {"completion_tokens", stats->completion_tokens},
                      {"cache_bytes", stats->cache_bytes},
                      {"cache_bytes_max", stats->cache_bytes_max},
                      {"preemptions", stats->preemptions},
                      {"first_token_ms_p50", ms(s.live_first, 0.5)},
                      {"first_token_ms_p99", ms(s.live_first, 0.99)},
                      {"gap_ms_p50", ms(s.live_gap, 0.5)},
                      {"gap_ms_p99", ms(s.live_gap, 0.99)},
                      {"queue_ms_p50", ms(s.live_queue, 0.5)},
                      {"queue_ms_p99", ms(s.live_queue, 0.99)}};
}

}  // namespace hearth::inference
