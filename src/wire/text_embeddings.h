// Text Embeddings Inference's calls and answers: /embed, /embed_all, /embed_sparse, /predict, /rerank, /similarity,
// /tokenize, /decode, /info.
// Source: text-embeddings-inference router/src/http/{types,server}.rs, router/src/lib.rs, core/src/tokenization.rs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "wire/text_generation.h"

namespace hearth::wire {

constexpr size_t kEmbedBatchMax = 1024;  ///< texts of one call: max_client_batch_size

/// One input: a text, two of them, or the ids of one.
struct EmbedInput {
  std::string text = {};
  std::optional<std::string> pair = {};
  std::vector<int32_t> ids = {};  ///< in place of `text`
  int64_t characters() const;
};

/// What calls say beside their inputs. bad_input in TEI's words, as for all that follows.
struct EmbedOptions {
  bool truncate = true;    ///< false: a text that is too long is refused
  bool keeps_end = false;  ///< of a text that is too long; else its beginning
  std::string prompt_name;
  bool normalize = true;
  std::optional<int64_t> dimensions;  ///< the first ones
  bool raw_scores = false;            ///< as the model gives them
};

struct EmbedCall {
  std::vector<EmbedInput> inputs;
  bool is_batch = false;
  EmbedOptions options;
};
/// /embed, /embed_all, /embed_sparse.
Result<EmbedCall> parse_embed_call(const Json& body);
/// /predict: ["a", "b"] is a pair, [["a"], ["b"]] a batch.
Result<EmbedCall> parse_predict_call(const Json& body);
/// /similarity: the source sentence is the first input.
Result<EmbedCall> parse_tei_similarity_call(const Json& body);
/// /rerank: a pair a text, each with the query.
struct RerankCall : EmbedCall {
  bool return_text = false;
};
Result<RerankCall> parse_rerank_call(const Json& body);

/// /tokenize.
struct TokenizeCall {
  std::vector<std::string> inputs;
  bool add_special_tokens = true;
  std::string prompt_name;
};
Result<TokenizeCall> parse_tokenize_call(const Json& body);
/// [[{"id", "text", "special", "start", "stop"}]]
std::string tei_tokenize_json(const std::vector<std::vector<TextToken>>& texts);

/// /decode.
struct DecodeCall {
  std::vector<std::vector<int32_t>> ids;
  bool skip_special_tokens = true;
};
Result<DecodeCall> parse_decode_call(const Json& body);

/// [[x, ...], ...]
std::string embed_json(const std::vector<std::vector<float>>& vectors);
/// [[[x, ...], ...], ...]: `width` numbers a token.
std::string embed_all_json(const std::vector<std::vector<float>>& texts, size_t width);
/// [[{"index", "value"}, ...], ...]: what is not 0.
std::string embed_sparse_json(const std::vector<std::vector<float>>& vectors);
/// [{"score", "label"}, ...] a text, best first; a list of them for a batch.
std::string predict_json(const EmbedCall& call, const std::vector<std::vector<float>>& scores,
                         const std::vector<std::string>& labels);
/// [{"index", "score", "text"?}, ...], best first.
std::string rerank_json(const RerankCall& call, const std::vector<std::vector<float>>& scores);

/// Logits as probabilities: of one number a sigmoid, of several softmax.
void make_probabilities(std::vector<float>& logits);

/// How a failure is told: TEI's ErrorType, in capitals.
struct EmbeddingsError {
  int http_status = 424;
  std::string_view error_type;  ///< "Empty", "Validation", "Tokenizer", "Backend", "Overloaded", "Unhealthy"
};
EmbeddingsError embeddings_error(const Status& status);
std::string embeddings_error_json(const Status& status);

/// GET /info.
struct EmbeddingsInfo {
  enum class Kind : uint8_t { embedding, sparse, classifier, reranker };
  Kind kind = Kind::embedding;
  std::string model_id, model_sha, model_dtype;
  std::string pooling;              ///< of kinds that embed
  std::vector<std::string> labels;  ///< of those that judge
  int64_t max_input_length = 0, max_batch_tokens = 0, max_concurrent_requests = 0, tokenization_workers = 0;
};
std::string embeddings_info_json(const EmbeddingsInfo& info);

}  // namespace hearth::wire
