// RobertaProcessing: cls before the sequence, sep after it.
// Source: tokenizers processors/roberta.rs.
#include "tokenizers/pipeline/template.h"
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
extern constinit const Entry roberta_processing_entry{"RobertaProcessing", build_cls_sep};
}  // namespace hearth::tokenizers::postprocessors
