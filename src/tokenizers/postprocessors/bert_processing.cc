// BertProcessing: cls before the sequence, sep after it.
// Source: tokenizers processors/bert.rs.
#include "tokenizers/pipeline/template.h"
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
extern constinit const Entry bert_processing_entry{"BertProcessing", build_cls_sep};
}  // namespace hearth::tokenizers::postprocessors
