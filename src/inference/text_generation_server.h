// Text generation as Text Generation Inference answers it, by the engine: whole, or as a stream of tokens.
// Source: text-generation-inference router/src/server.rs (compat_generate, generate_stream).
#pragma once

#include "inference/asker.h"
#include "inference/decoder.h"
#include "net/http.h"
#include "wire/text_generation.h"

namespace hearth::inference {

/// bad_input in TGI's words where the prompt and the answer do not fit the model.
Result<net::Response> generate_text(Decoder& decoder, const wire::TextGenerationCall& call, const Asker& asker);

}  // namespace hearth::inference
