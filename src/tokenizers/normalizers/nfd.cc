// NFD: canonical decomposition.
// Source: tokenizers normalizers/unicode.rs.
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/unicode_form.h"

namespace hearth::tokenizers::normalizers {
extern constinit const Entry nfd_entry{"NFD", build_unicode_form<unicode::Form::nfd>};
}  // namespace hearth::tokenizers::normalizers
