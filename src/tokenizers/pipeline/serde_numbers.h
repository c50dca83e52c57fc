// Numbers of a tokenizer.json as the original reads them: serde_json, as tokenizers builds it, is not exact.
// Source: serde_json 1.0 de.rs (f64_from_parts, without the feature float_roundtrip).
#pragma once

#include "base/json.h"

namespace hearth::tokenizers {

/// The double that serde_json makes of the shortest text of `number`, which is what writers of tokenizer.json write: up
/// to two units in the last place away from it. Ways to cut a text that have equal sums of scores are told apart by it.
double as_serde_reads(double number);
/// The scores of a Unigram model in `file`, a tokenizer.json, where it has one.
void read_scores_as_serde(Json& file);

}  // namespace hearth::tokenizers
