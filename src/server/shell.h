// The HTML that the server sends for a page: title, meta, what is rendered here (the card), and a JSON data block for
// the browser code (web/src/lib/data.ts). First paint needs no script; every asset comes from this server.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace hearth::server {

struct Shell {
  std::string title;        ///< without " - Hearth"
  std::string description;  ///< for the meta element
  std::string theme;        ///< "light", "dark"; anything else: the system's
  std::string card_html;    ///< safe HTML that stays in the page as it is; may be empty
  Json data;                ///< `page` names the browser's component
};

/// The whole document.
std::string render_shell(const Shell& shell);

/// JSON as the text of a script element: `<`, `>` and `&` escaped, so that no content can end the element.
std::string json_for_script(const Json& json);

}  // namespace hearth::server
