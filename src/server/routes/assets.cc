// GET /assets/NAME and /favicon.svg: the built browser code. Names under assets/ carry a content hash and never change.
#include "base/files.h"
#include "base/text.h"
#include "server/request.h"
#include "server/routes_registry.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

std::string_view content_type(std::string_view name) {
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  if (name.ends_with(".woff2")) return "font/woff2";
  return "application/octet-stream";
}

Result<Response> serve(Request& rq, const std::string& relative, std::string_view caching) {
  const auto path = path_join(rq.services().web_folder, relative);
  const auto size = file_size(path);
  if (!size.ok() || is_folder(path)) return Status(Code::not_found, cat("no asset ", relative));
  Response out;
  out.headers.set("Content-Type", content_type(relative));
  out.headers.set("Cache-Control", caching);
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.body = net::FileRange{.path = path, .fd = {}, .offset = 0, .length = *size};
  return out;
}

Result<Response> asset(Request& rq) {
  const auto name = rq.arg("name");  // one segment: a decoded slash or dots cannot leave the folder
  if (name.find('/') != std::string_view::npos || name.starts_with('.'))
    return Status(Code::not_found, "no such asset");
  return serve(rq, cat("assets/", name), "public, max-age=31536000, immutable");
}

Result<Response> favicon(Request& rq) {
  return serve(rq, "favicon.svg", "public, max-age=86400");
}

constexpr Route kRoutes[] = {
    {"GET", "/assets/{name}", Access::open, asset},
    {"GET", "/favicon.svg", Access::open, favicon},
};

}  // namespace
extern constinit const Routes assets_entry{kRoutes};
}  // namespace hearth::server::routes
