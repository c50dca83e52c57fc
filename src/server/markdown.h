// Cards as HTML: GitHub-flavoured Markdown by cmark-gfm, safe to put into a page.
// Source: GitHub Flavored Markdown 0.29; front matter as huggingface_hub 2.4.0 repocard.py splits it.
#pragma once

#include <string>
#include <string_view>

namespace hearth::server {

/// Where relative addresses of a card lead: images to files, links to their pages.
struct CardBase {
  std::string file_url;  ///< "/ns/name/resolve/main/"
  std::string page_url;  ///< "/ns/name/blob/main/"
};

/// The card without its YAML front matter.
std::string_view card_body(std::string_view readme);

/// HTML of a card: tables, task lists, strikethrough and bare links; raw HTML and script addresses are left out.
std::string render_markdown(std::string_view markdown, const CardBase& base);

}  // namespace hearth::server
