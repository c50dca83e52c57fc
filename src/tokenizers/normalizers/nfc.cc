// NFC: canonical decomposition, then composition.
// Source: tokenizers normalizers/unicode.rs.
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/pipeline/unicode_form.h"

namespace hearth::tokenizers::normalizers {
extern constinit const Entry nfc_entry{"NFC", build_unicode_form<unicode::Form::nfc>};
}  // namespace hearth::tokenizers::normalizers
