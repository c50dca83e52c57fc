#include "store/blobs/s3_xml.h"

#include "base/text.h"

namespace hearth::store {

std::vector<std::string_view> xml_elements(std::string_view xml, std::string_view name) {
  std::vector<std::string_view> out;
  const auto close = cat("</", name, ">");
  for (size_t at = 0;;) {
    at = xml.find('<', at);
    if (at == std::string_view::npos) return out;
    const auto end = xml.find('>', at);
    if (end == std::string_view::npos) return out;
    auto tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.ends_with('/')) continue;  // empty
    tag = tag.substr(0, tag.find_first_of(" \t\r\n"));
    if (tag != name) continue;
    const auto stop = xml.find(close, at);
    if (stop == std::string_view::npos) return out;
    out.push_back(xml.substr(at, stop - at));
    at = stop + close.size();
  }
}

std::string xml_text(std::string_view xml, std::string_view name) {
  const auto found = xml_elements(xml, name);
  if (found.empty()) return {};
  std::string out(found[0]);
  constexpr std::pair<std::string_view, std::string_view> entities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#34;", "\""}, {"&apos;", "'"}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [entity, character] : entities) out = replace_all(out, entity, character);
  return out;
}

}  // namespace hearth::store
