// NFKC: compatibility decomposition, then composition.
// Source: tokenizers normalizers/unicode.rs.
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/unicode_form.h"

namespace hearth::tokenizers::normalizers {
extern constinit const Entry nfkc_entry{"NFKC", build_unicode_form<unicode::Form::nfkc>};
}  // namespace hearth::tokenizers::normalizers
