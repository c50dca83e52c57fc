// Vectors, labels and ranks of texts as Text Embeddings Inference answers them.
// Source: text-embeddings-inference router/src/http/server.rs, core/src/infer.rs.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "inference/asker.h"
#include "inference/served_model.h"
#include "net/http.h"

namespace hearth::inference {

/// /embed, /embed_all, /embed_sparse, /predict, /rerank, /similarity, /tokenize, /decode, /vertex; nothing for other
/// paths. Failures are answered in TEI's words.
std::optional<net::Response> answer_text_embeddings(ServedModel& model, std::string_view path, const Json& body,
                                                    const Asker& asker);
/// GET /info.
Result<net::Response> text_embeddings_info(ServedModel& model, std::string_view name);

}  // namespace hearth::inference
