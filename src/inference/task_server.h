// Calls of the Inference API's tasks, answered by the pipelines of a model, by its engine (text generation) or as a
// sentence model (vectors, similarities, ranking).
#pragma once

#include <string_view>

#include "base/json.h"
#include "inference/asker.h"
#include "inference/served_model.h"
#include "net/http.h"

namespace hearth::inference {

/// `asked`: a task's name, or nothing for the repository's own. What the body lacks or has wrong is answered with 422.
Result<net::Response> answer_task(ServedModel& model, std::string_view asked, const Json& body, const Asker& asker);
/// OpenAI's /v1/embeddings, of vectors of length 1.
Result<net::Response> answer_embeddings(ServedModel& model, std::string_view name, const Json& body,
                                        const Asker& asker);

}  // namespace hearth::inference
