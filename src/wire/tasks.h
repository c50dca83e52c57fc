// A task's call as clients of the Inference API write it, and its answer as they read it, around what a pipeline takes
// and gives (transformers/pipeline.h). One row a task whose forms differ from the pipeline's.
// Source: huggingface_hub 2.4.0 inference/_client.py and _providers/hf_inference.py; @huggingface/inference 4.13.30
// providers/hf-inference.ts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth::wire {

/// pipeline(inputs, **parameters). `parameters`: an object without null members.
struct TaskCall {
  Json inputs;
  Json parameters = Json::Object{};
};

/// {"inputs", "parameters"}; what else the body has ("options", "model", "stream") says nothing. bad_input names what
/// is missing or has the wrong form; unsupported a parameter that the task does not have, in the words on which
/// InferenceClient.text_generation asks again without it.
Result<TaskCall> parse_task_call(std::string_view task, const Json& body);
/// The pipeline's answer as both clients take it.
Json task_answer(std::string_view task, const TaskCall& call, Json answer);

/// "The following `model_kwargs` are not used by the model: ['a', 'b']", of Code::unsupported.
/// Source: huggingface_hub 2.4.0 inference/_client.py MODEL_KWARGS_NOT_USED_REGEX.
Status unused_parameters(const std::vector<std::string>& names);

/// {"error": message}; of text generation {"error", "error_type"}.
std::string task_error_json(const Status& status, std::string_view error_type = {});

/// A call that asks for vectors of texts: of OpenAI's embeddings, or feature-extraction.
struct EmbeddingCall {
  std::vector<std::string> inputs;
  bool is_list = true;                ///< several texts, if only one
  bool base64 = false;                ///< each vector as its little-endian f32, in base64
  std::optional<int64_t> dimensions;  ///< the first ones
  std::optional<bool> normalize;
  std::string prompt_name;
  bool truncate = true;    ///< false: a text that is too long is refused
  bool keeps_end = false;  ///< of a text that is too long; else its beginning
};
/// openai 3.54.0 types/embedding_create_params.py.
Result<EmbeddingCall> parse_openai_embedding_call(const Json& body);
/// feature-extraction: its options lie beside `inputs`.
Result<EmbeddingCall> parse_feature_call(const Json& body);
/// {"object": "list", "data": [{"object": "embedding", "index", "embedding"}], "model", "usage"}
std::string embeddings_json(std::string_view model, const std::vector<std::vector<float>>& vectors, bool base64,
                            int64_t prompt_tokens);
/// [[...], ...], or the only vector.
std::string vectors_json(const std::vector<std::vector<float>>& vectors, const EmbeddingCall& call);

/// The texts to compare with one: {"source_sentence", "sentences"}.
struct SimilarityCall {
  std::string source;
  std::vector<std::string> sentences;
};
Result<SimilarityCall> parse_similarity_call(const Json& body);

}  // namespace hearth::wire
