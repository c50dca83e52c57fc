// A text as a QR code that a phone's camera reads: an SVG image. The only place that sees libqrencode.
// Source: ISO/IEC 18004 (by libqrencode 4.1.1).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::server {

/// With the quiet zone of four modules around it, black on white whatever the page's colours are. too_large for more
/// than a code holds with medium error correction (2331 bytes).
Result<std::string> qr_svg(std::string_view text);

}  // namespace hearth::server
