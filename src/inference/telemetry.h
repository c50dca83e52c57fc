// Telemetry: what an engine process tells of its work: one log line a request, Prometheus' page, traces, and the
// numbers of the hub's live page.
// Source: of the names, labels and buckets text-generation-inference router/src/server.rs and
// backends/v3/src/backend.rs, text-embeddings-inference router/src/prometheus.rs and core/src/infer.rs, vllm
// v1/metrics/loggers.py; of the spans' attributes OpenTelemetry's semantic conventions 1.37 for generative AI.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "base/json.h"
#include "inference/engine.h"
#include "inference/span_exporter.h"

namespace hearth::inference {

class RequestRecord;

/// Where a request stands when its answer is sent, by monotonic_s(). Of texts that are embedded or judged.
struct TextsReport {
  bool is_batch = false;  ///< of several texts
  bool judges = false;    ///< /predict and /rerank; else vectors
  int64_t texts = 0, tokens = 0;
  double total_s = 0, tokenization_s = 0, queue_s = 0, inference_s = 0;
};

/// Any thread.
class Telemetry {
 public:
  /// `model`: the name in labels and lines.
  explicit Telemetry(std::string model);
  ~Telemetry();

  /// A request for text has come: `route` and the ids of its head, for the log and the trace.
  std::shared_ptr<RequestRecord> begin(std::string_view route, std::string_view id, std::string_view traceparent,
                                       double arrived_s);
  /// Lengths that the model takes: what the buckets of lengths are made of. Once, before the first request.
  void set_limits(int64_t max_input_tokens, int64_t max_total_tokens);
  void on_step(const StepReport& step);

  /// A request for vectors or labels; `error`: TEI's kind of failure, empty for none.
  void on_texts(std::string_view route, std::string_view id, const TextsReport& report, std::string_view error);
  void on_pass(int64_t texts, int64_t tokens);

  /// GET /metrics. `stats`: of the decoder, where there is one.
  std::string prometheus(const EngineStats* stats, int64_t waiting_texts) const;
  /// GET /stats: what the live page shows.
  Json live(const EngineStats* stats) const;

 private:
  friend class RequestRecord;
  struct State;
  void finish(RequestRecord& record);

  const std::string model_;
  const std::unique_ptr<SpanExporter> exporter_;
  const std::unique_ptr<Guarded<State>> state_;
};

/// One request for text, until the last of its answers has ended: it is then told. Its answers' jobs share it.
class RequestRecord {
 public:
  RequestRecord(Telemetry& telemetry, std::string_view route, std::string_view id, std::string_view traceparent,
                double arrived_s);
  ~RequestRecord();
  RequestRecord(const RequestRecord&) = delete;

  /// An answer of `max_new_tokens` at most has ended. Any thread.
  void end(const JobEnd& end, int64_t max_new_tokens);
  /// It was refused before there was any: "validation", "overloaded", "template".
  void refuse(std::string_view kind, const Status& status);

 private:
  friend class Telemetry;
  struct Facts;
  Telemetry& telemetry_;
  const std::unique_ptr<Guarded<Facts>> facts_;
};

}  // namespace hearth::inference
