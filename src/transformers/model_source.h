// Which files a person means by MODEL: a path, a repository, or REPOSITORY:FILE.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "huggingface_hub/file_download.h"

namespace hearth {

/// What the files are for: convert reads weights of flax and TensorFlow too.
enum class ModelUse { load, convert };

/// The local folder or weight file of `model`. A path that exists is taken as it is; else `NAMESPACE/NAME[:FILE]` is
/// looked for on the Hub and, without an answer of it, in the cache; what is missing is downloaded. Of a repository
/// with safetensors those are taken, else pytorch_model.bin, to convert also flax_model.msgpack or tf_model.h5,
/// else its only GGUF file; bad_input names the choices when there are several.
Result<std::string> resolve_model(std::string_view model, TransferObserver* observer = nullptr,
                                  std::stop_token stop = {}, ModelUse use = ModelUse::load);

}  // namespace hearth
