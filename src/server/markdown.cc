#include "server/markdown.h"

#include <cmark-gfm-core-extensions.h>
#include <cmark-gfm.h>

#include <cstdlib>
#include <memory>

#include "base/text.h"

namespace hearth::server {
namespace {

struct FreeNode {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
struct FreeParser {
  void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
};
struct FreeIter {
  void operator()(cmark_iter* iter) const { cmark_iter_free(iter); }
};

bool is_relative(std::string_view url) {
  if (url.empty() || url.starts_with('/') || url.starts_with('#') || url.starts_with('?')) return false;
  const auto colon = url.find(':');
  return colon == std::string_view::npos || url.find('/') < colon;
}

void rebase(cmark_node* node, const CardBase& base) {
  std::string_view url = cmark_node_get_url(node) ? cmark_node_get_url(node) : "";
  if (!is_relative(url)) return;
  if (url.starts_with("./")) url.remove_prefix(2);
  const auto& prefix = cmark_node_get_type(node) == CMARK_NODE_IMAGE ? base.file_url : base.page_url;
  cmark_node_set_url(node, cat(prefix, url).c_str());
}

}  // namespace

std::string_view card_body(std::string_view readme) {
  if (readme.starts_with("\xef\xbb\xbf")) readme.remove_prefix(3);
  if (!readme.starts_with("---\n") && !readme.starts_with("---\r\n")) return readme;
  for (size_t at = readme.find('\n'); at != std::string_view::npos; at = readme.find('\n', at + 1)) {
    const auto rest = readme.substr(at + 1);
    if (!rest.starts_with("---")) continue;
    const auto line_end = rest.find('\n');
    if (trim(rest.substr(0, line_end)) != "---") continue;
    return line_end == std::string_view::npos ? std::string_view() : rest.substr(line_end + 1);
  }
  return readme;
}

std::string render_markdown(std::string_view markdown, const CardBase& base) {
  cmark_gfm_core_extensions_ensure_registered();
  constexpr int options = CMARK_OPT_DEFAULT | CMARK_OPT_VALIDATE_UTF8 | CMARK_OPT_GITHUB_PRE_LANG;  // safe: no raw HTML
  const std::unique_ptr<cmark_parser, FreeParser> parser(cmark_parser_new(options));
  for (const char* name : {"table", "strikethrough", "autolink", "tasklist", "tagfilter"})
    if (auto* extension = cmark_find_syntax_extension(name))
      cmark_parser_attach_syntax_extension(parser.get(), extension);
  cmark_parser_feed(parser.get(), markdown.data(), markdown.size());
  const std::unique_ptr<cmark_node, FreeNode> document(cmark_parser_finish(parser.get()));

  const std::unique_ptr<cmark_iter, FreeIter> iter(cmark_iter_new(document.get()));
  while (cmark_iter_next(iter.get()) != CMARK_EVENT_DONE) {
    auto* node = cmark_iter_get_node(iter.get());
    const auto type = cmark_node_get_type(node);
    if (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE) rebase(node, base);
  }
  char* html = cmark_render_html(document.get(), options, cmark_parser_get_syntax_extensions(parser.get()));
  std::string out = html ? html : "";
  std::free(html);
  return out;
}

}  // namespace hearth::server
