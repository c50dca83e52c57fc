#include "server/qr_code.h"

#include <qrencode.h>

#include <memory>

#include "base/text.h"

namespace hearth::server {
namespace {

constexpr int kQuiet = 4;

}  // namespace

Result<std::string> qr_svg(std::string_view text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0,
                        QR_ECLEVEL_M),
      &QRcode_free);
  if (!code) return Status(Code::too_large, cat("a QR code holds no ", text.size(), " bytes"));
  const int width = code->width, whole = width + 2 * kQuiet;
  std::string path;
  for (int y = 0; y < width; ++y)
    for (int x = 0; x < width;) {
      const auto dark = [&](int at) { return at < width && (code->data[y * width + at] & 1) != 0; };
      int end = x;
      while (dark(end)) ++end;
      if (end > x) path += cat("M", x + kQuiet, " ", y + kQuiet, "h", end - x, "v1H", x + kQuiet, "z");
      x = end + 1;
    }
  return cat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", whole, " ", whole,
             "\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h", whole, "v", whole, "H0z\"/><path d=\"",
             path, "\"/></svg>");
}

}  // namespace hearth::server
