#include "server/shell.h"

#include "base/encoding.h"
#include "base/files.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"

namespace hearth::server {
namespace {

// The tags of the built script and styles: build/web/manifest.json names them by content hash (Vite's format).
std::string read_asset_tags() {
  const auto folder = path_join(path_parent(path_parent(executable_path())), "web");
  const auto text = read_file(path_join(folder, "manifest.json"), 1 << 20);
  const auto manifest = text.ok() ? Json::parse(*text) : Result<Json>(text.status().clone());
  if (!manifest.ok()) {
    log(LogLevel::warning, "server", cat("pages come without their script: ", manifest.status().message()));
    return {};
  }
  const auto& main = (*manifest)["src/main.ts"];
  std::string tags;
  for (const auto& css : main["css"].array()) tags += cat("<link rel=\"stylesheet\" href=\"/", css.as_string(), "\">");
  return tags + cat("<script type=\"module\" src=\"/", main["file"].as_string(), "\"></script>");
}

const std::string& asset_tags() {
  static const std::string tags = read_asset_tags();
  return tags;
}

}  // namespace

std::string json_for_script(const Json& json) {
  std::string out;
  for (const char c : json.dump()) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string render_shell(const Shell& shell) {
  const bool themed = shell.theme == "light" || shell.theme == "dark";
  std::string out =
      cat("<!doctype html><html lang=\"en\"", themed ? cat(" data-theme=\"", shell.theme, "\"") : "", ">");
  out += cat("<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
             "<title>", html_escape(shell.title), " - Hearth</title>", "<meta name=\"description\" content=\"",
             html_escape(shell.description), "\"><link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\">",
             asset_tags(), "</head><body><div id=\"app\"><main>");
  if (!shell.card_html.empty()) {
    out += cat("<h1>", html_escape(shell.title), "</h1><article class=\"prose\"><div id=\"card\" data-keep>",
               shell.card_html, "</div></article>");
  }
  out +=
      cat("</main></div><noscript><p style=\"padding:1rem\">This page needs JavaScript for more than its "
          "text.</p></noscript>",
          "<script type=\"application/json\" id=\"data\">", json_for_script(shell.data), "</script></body></html>");
  return out;
}

}  // namespace hearth::server
