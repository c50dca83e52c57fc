#include "wire/tasks.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/text.h"

namespace hearth::wire {
namespace {

constexpr size_t kTextsMax = 1024;  // of one call
constexpr size_t kLabelsMax = 256;

Status wrong(std::string_view key, std::string_view rule) {
  return Status(Code::bad_input, cat("`", key, "` ", rule));
}

Status check_count(std::string_view key, size_t count) {
  if (count == 0) return wrong(key, "is an empty list");
  if (count <= kTextsMax) return {};
  return wrong(key, cat("has ", count, " texts; one call takes up to ", kTextsMax));
}

/// A text, or a list of texts.
Status check_texts(const Json& inputs) {
  if (inputs.is_string()) return {};
  if (!inputs.is_array()) return wrong("inputs", "must be a text or a list of texts");
  TRY(check_count("inputs", inputs.size()));
  for (const auto& text : inputs.array())
    if (!text.is_string()) return wrong("inputs", "must hold texts alone");
  return {};
}

Result<std::vector<std::string>> read_texts(std::string_view key, const Json& value) {
  if (!value.is_array()) return wrong(key, "must be a list of texts");
  TRY(check_count(key, value.size()));
  std::vector<std::string> out;
  for (const auto& text : value.array()) {
    if (!text.is_string()) return wrong(key, "must hold texts alone");
    out.emplace_back(text.as_string());
  }
  return out;
}

Result<bool> read_flag(const Json& body, std::string_view key, bool otherwise) {
  if (body[key].is_null()) return otherwise;
  if (!body[key].is_bool()) return wrong(key, "must be true or false");
  return body[key].as_bool();
}

/// An answer for each text of a list: `shape` makes each the clients'.
template <class Shape>
Json each(const TaskCall& call, Json answer, const Shape& shape) {
  if (!call.inputs.is_array()) return shape(std::move(answer));
  for (auto& one : answer.array()) one = shape(std::move(one));
  return answer;
}

// ---- what differs, by task ----

// All labels unless told otherwise, in a list even of one text.
Status read_classification(TaskCall& call) {
  if (!call.parameters.find("top_k")) call.parameters.set("top_k", nullptr);
  return check_texts(call.inputs);
}
Json write_classification(const TaskCall& call, Json answer) {
  return call.inputs.is_array() ? std::move(answer) : Json(Json::Array{std::move(answer)});
}

Status read_zero_shot(TaskCall& call) {
  TRY(check_texts(call.inputs));
  const auto& labels = call.parameters["candidate_labels"];
  if (labels.is_null()) return wrong("parameters.candidate_labels", "is missing: the labels to choose from");
  if (labels.size() > kLabelsMax && labels.is_array())
    return wrong("parameters.candidate_labels", cat("has ", labels.size(), " labels; up to ", kLabelsMax, " are read"));
  return {};
}
Json write_zero_shot(const TaskCall& call, Json answer) {
  return each(call, std::move(answer), [](const Json& one) {
    Json::Array out;
    const auto &labels = one["labels"].array(), &scores = one["scores"].array();
    for (size_t i = 0; i < std::min(labels.size(), scores.size()); ++i)
      out.push_back(Json::Object{{"label", labels[i]}, {"score", scores[i]}});
    return Json(std::move(out));
  });
}

// @huggingface/inference takes groups alone.
Status read_token_classification(TaskCall& call) {
  if (!call.parameters.find("aggregation_strategy")) call.parameters.set("aggregation_strategy", "simple");
  return check_texts(call.inputs);
}

Status read_question(TaskCall& call) {
  for (const auto key : {"question", "context"})
    if (!call.inputs[key].is_string())
      return wrong(cat("inputs.", std::string_view(key)), "is missing: {\"question\": TEXT, \"context\": TEXT}");
  return {};
}
Json write_question(const TaskCall& call, Json answer) {
  if (answer.is_array() && answer.size() == 1 && call.parameters["top_k"].as_int(1) <= 1)
    return Json(answer.array().front());
  return answer;
}

// The specification says `question`, InferenceClient and transformers `query`.
Status read_table_question(TaskCall& call) {
  auto& inputs = call.inputs;
  if (!inputs["table"].is_object())
    return wrong("inputs.table", "is missing: {\"query\": TEXT, \"table\": {COLUMN: [TEXT]}}");
  const Json query = inputs["query"].is_null() ? inputs["question"] : inputs["query"];
  inputs = Json::Object{{"table", inputs["table"]}, {"query", query}};
  return {};
}
Json write_table_question(const TaskCall&, Json answer) {
  if (answer.is_array() && answer.size() == 1) answer = Json(answer.array().front());
  if (answer.is_object() && !answer["aggregator"].is_string()) answer.set("aggregator", "NONE");
  return answer;
}

// What generate() is given lies in an object of its own, under names that changed.
void unfold_generation(TaskCall& call) {
  for (const auto key : {"generate_parameters", "generation_parameters", "generate_kwargs"}) {
    const Json inner = call.parameters[key];
    auto& all = call.parameters.object();
    std::erase_if(all, [&](const Json::Member& m) { return m.first == key; });
    for (const auto& [name, value] : inner.object())
      if (!value.is_null()) call.parameters.set(name, value);
  }
}

Status read_text2text(TaskCall& call) {
  unfold_generation(call);
  // InferenceClient.text_generation asks these models as well, with what only a text generation server knows.
  std::vector<std::string> unused;
  auto& all = call.parameters.object();
  for (const std::string_view key : {"adapter_id", "best_of", "decoder_input_details", "details", "frequency_penalty",
                                     "grammar", "return_full_text", "stop", "top_n_tokens", "truncate", "watermark"}) {
    const auto& value = call.parameters[key];
    if (!value.is_null() && value != Json(false) && value != Json(Json::Array())) unused.emplace_back(key);
    std::erase_if(all, [&](const Json::Member& m) { return m.first == key; });
  }
  if (!unused.empty()) return unused_parameters(unused);
  return check_texts(call.inputs);
}
Status read_generation(TaskCall& call) {
  unfold_generation(call);
  return check_texts(call.inputs);
}
Json write_generation(const TaskCall&, Json answer) {
  return answer.is_object() ? Json(Json::Array{std::move(answer)}) : answer;
}

Status read_any_texts(TaskCall& call) {
  return check_texts(call.inputs);
}

struct TaskRow {
  std::string_view task;
  Status (*read)(TaskCall& call);
  Json (*write)(const TaskCall& call, Json answer) = nullptr;  // null: the pipeline's own form
};
constexpr TaskRow kTasks[] = {
    {"text-classification", read_classification, write_classification},
    {"zero-shot-classification", read_zero_shot, write_zero_shot},
    {"token-classification", read_token_classification},
    {"question-answering", read_question, write_question},
    {"table-question-answering", read_table_question, write_table_question},
    {"fill-mask", read_any_texts},
    {"feature-extraction", read_any_texts},
    {"summarization", read_generation, write_generation},
    {"translation", read_generation, write_generation},
    {"text2text-generation", read_text2text, write_generation},
};

const TaskRow* find_task(std::string_view task) {
  const auto name = task.starts_with("translation_") ? "translation" : task;
  const auto* found = std::ranges::find(kTasks, name, &TaskRow::task);
  return found == std::end(kTasks) ? nullptr : found;
}

/// The shortest text that reads back as the same f32.
void append_number(std::string& out, float value) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void append_vector(std::string& out, const std::vector<float>& vector) {
  out += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    append_number(out, vector[i]);
  }
  out += ']';
}

static_assert(std::endian::native == std::endian::little, "f32 go out as they lie in memory");
std::string base64_of(const std::vector<float>& vector) {
  return to_base64({reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float)});
}

Result<std::optional<int64_t>> read_dimensions(const Json& body) {
  const auto& value = body["dimensions"];
  if (value.is_null()) return std::optional<int64_t>();
  if (value.as_int() < 1) return wrong("dimensions", "must be a whole number above 0");
  return std::optional(value.as_int());
}

Status read_encoding(const Json& body, EmbeddingCall& out) {
  const auto encoding = body["encoding_format"].as_string("float");
  if (encoding != "float" && encoding != "base64")
    return wrong("encoding_format", cat("is '", encoding.substr(0, 40), "', not float or base64"));
  out.base64 = encoding == "base64";
  return {};
}

Status read_embedding_inputs(const Json& body, std::string_view key, EmbeddingCall& out) {
  const auto& value = body[key];
  out.is_list = !value.is_string();
  if (value.is_string()) {
    out.inputs.emplace_back(value.as_string());
    return {};
  }
  if (value.is_null()) return wrong(key, "is missing: a text or a list of texts");
  if (value.is_array() && value.size() > 0 && !value.array().front().is_string())
    return Status(Code::unsupported, cat("`", key, "` must be a text or a list of texts: token ids are not read here"));
  out.inputs = TRY(read_texts(key, value));
  return {};
}

}  // namespace

Result<TaskCall> parse_task_call(std::string_view task, const Json& body) {
  if (!body.is_object()) return Status(Code::bad_input, "the body must be a JSON object: {\"inputs\": \"...\"}");
  TaskCall out;
  if (!body.find("inputs")) return wrong("inputs", "is missing: {\"inputs\": \"...\", \"parameters\": {}}");
  out.inputs = body["inputs"];
  const auto& parameters = body["parameters"];
  if (!parameters.is_null() && !parameters.is_object()) return wrong("parameters", "must be an object");
  for (const auto& [name, value] : parameters.object())
    if (!value.is_null()) out.parameters.set(name, value);
  if (const auto* row = find_task(task)) TRY(row->read(out));
  return out;
}

Json task_answer(std::string_view task, const TaskCall& call, Json answer) {
  const auto* row = find_task(task);
  return row && row->write ? row->write(call, std::move(answer)) : answer;
}

Status unused_parameters(const std::vector<std::string>& names) {
  return Status(Code::unsupported,
                cat("The following `model_kwargs` are not used by the model: ['", join(names, "', '"),
                    "'] (note: typos in the parameters will also show up in this list)"));
}

std::string task_error_json(const Status& status, std::string_view error_type) {
  JsonWriter out;
  out.begin_object().field("error", status.message());
  if (!error_type.empty()) out.field("error_type", error_type);
  return out.end().take();
}

Result<EmbeddingCall> parse_openai_embedding_call(const Json& body) {
  if (!body.is_object()) return Status(Code::bad_input, "the body must be a JSON object");
  EmbeddingCall out;
  out.normalize = true;
  TRY(read_embedding_inputs(body, "input", out));
  TRY(read_encoding(body, out));
  out.dimensions = TRY(read_dimensions(body));
  return out;
}

Result<EmbeddingCall> parse_feature_call(const Json& body) {
  if (!body.is_object()) return Status(Code::bad_input, "the body must be a JSON object: {\"inputs\": \"...\"}");
  // Older clients put the options under `parameters`.
  Json all = body;
  for (const auto& [name, value] : body["parameters"].object())
    if (!all.find(name)) all.set(name, value);
  EmbeddingCall out;
  TRY(read_embedding_inputs(all, "inputs", out));
  TRY(read_encoding(all, out));
  out.dimensions = TRY(read_dimensions(all));
  if (!all["normalize"].is_null()) out.normalize = TRY(read_flag(all, "normalize", false));
  out.truncate = TRY(read_flag(all, "truncate", true));
  out.prompt_name = all["prompt_name"].as_string();
  const auto side = to_lower_ascii(all["truncation_direction"].as_string("right"));
  if (side != "left" && side != "right") return wrong("truncation_direction", "must be left or right");
  out.keeps_end = side == "left";
  return out;
}

std::string embeddings_json(std::string_view model, const std::vector<std::vector<float>>& vectors, bool base64,
                            int64_t prompt_tokens) {
  JsonWriter out;
  out.begin_object().field("object", "list").key("data").begin_array();
  std::string numbers;
  for (size_t i = 0; i < vectors.size(); ++i) {
    out.begin_object().field("object", "embedding").field("index", i).key("embedding");
    if (base64) {
      out.value(base64_of(vectors[i]));
    } else {
      numbers.clear();
      append_vector(numbers, vectors[i]);
      out.raw(numbers);
    }
    out.end();
  }
  out.end().field("model", model).key("usage").begin_object();
  out.field("prompt_tokens", prompt_tokens).field("total_tokens", prompt_tokens).end();
  return out.end().take();
}

std::string vectors_json(const std::vector<std::vector<float>>& vectors, const EmbeddingCall& call) {
  std::string out;
  if (call.is_list) out += '[';
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (i > 0) out += ',';
    if (call.base64)
      append_json_string(out, base64_of(vectors[i]));
    else
      append_vector(out, vectors[i]);
  }
  if (call.is_list) out += ']';
  return out;
}

Result<SimilarityCall> parse_similarity_call(const Json& body) {
  const auto& inputs = body["inputs"];
  if (!inputs["source_sentence"].is_string())
    return wrong("inputs.source_sentence", "is missing: {\"source_sentence\": TEXT, \"sentences\": [TEXT]}");
  return SimilarityCall{.source = std::string(inputs["source_sentence"].as_string()),
                        .sentences = TRY(read_texts("inputs.sentences", inputs["sentences"]))};
}

}  // namespace hearth::wire
