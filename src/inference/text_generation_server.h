// Text generation as Text Generation Inference answers it, by the engine: whole, the best of several, or as a stream of
// tokens; and what it tells of texts' tokens and of itself.
// Source: text-generation-inference router/src/server.rs, infer/mod.rs (generate_best_of).
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "inference/asker.h"
#include "inference/served_model.h"
#include "net/http.h"
#include "wire/text_generation.h"

namespace hearth::inference {

/// What a model and this engine take.
wire::TextGenerationLimits text_generation_limits(const Decoder& decoder);

/// POST / of TGI, which is the text-generation task of the Inference API too: a list of one answer, or a stream.
net::Response continue_text(Decoder& decoder, const Json& body, const Asker& asker);

/// /generate, /generate_stream, /tokenize, /chat_tokenize, /vertex; nothing for other paths. Failures are answered in
/// TGI's words.
std::optional<net::Response> answer_text_generation(Decoder& decoder, std::string_view path, const Json& body,
                                                    const Asker& asker);
/// GET /info. `path`: where the checkpoint lies.
net::Response text_generation_info(const Decoder& decoder, std::string_view name, std::string_view path);

}  // namespace hearth::inference
