// A prefix cache in a file, so that what was read survives a restart: a safetensors file of its pages.
//   "page.N": as KvPage has it; "ids": those of all pages, one after another; "lengths": how many each page has;
//   "parents": the number of the page before it, or -1. Metadata: "format", and "identity" of the model.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "inference/prefix_cache.h"
#include "transformers/causal_lm.h"

namespace hearth::inference {

/// Tells models apart whose keys and values differ: by the names, sizes and times of the files under `path`, and by the
/// arithmetic.
Result<std::string> model_identity(const std::string& path, const CausalLM& model);

/// Replaces the file when all is written. unsupported unless pages are f32 in this machine's memory.
Status save_prefixes(const std::string& path, std::string_view identity, const PrefixCache& cache);

/// Takes what fits from the file; nothing when there is none, or it is another model's. bad_input when it is damaged.
Status load_prefixes(const std::string& path, std::string_view identity, const Backend& backend, KvPool& pool,
                     PrefixCache& cache);

}  // namespace hearth::inference
