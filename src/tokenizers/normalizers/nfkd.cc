// NFKD: compatibility decomposition.
// Source: tokenizers normalizers/unicode.rs.
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/unicode_form.h"

namespace hearth::tokenizers::normalizers {
extern constinit const Entry nfkd_entry{"NFKD", build_unicode_form<unicode::Form::nfkd>};
}  // namespace hearth::tokenizers::normalizers
