#include "hub/card.h"

#include "base/text.h"

namespace hearth::hub {
namespace {

// The rules of the well-known keys. Everything else is free.
void check_strings(const Json& data, std::string_view key, bool list_allowed, CardCheck& out) {
  const auto* value = data.find(key);
  if (!value || value->is_null() || value->is_string()) return;
  bool fine = list_allowed && value->is_array();
  if (fine)
    for (const auto& item : value->array()) fine &= item.is_string();
  if (!fine) out.errors.push_back(cat("\"", key, "\" must be a string", list_allowed ? " or a list of strings" : ""));
}

}  // namespace

Result<Card> parse_card(std::string_view readme) {
  if (readme.starts_with("\xEF\xBB\xBF")) readme.remove_prefix(3);
  Card out;
  auto rest = readme;
  const auto take_line = [&] {
    const auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };
  while (!rest.empty() && (rest.front() == '\n' || rest.front() == '\r')) rest.remove_prefix(1);
  if (take_line() != "---") {
    out.body = readme;
    return out;
  }
  const auto* begin = rest.data();
  while (!rest.empty()) {
    const auto* line_begin = rest.data();
    if (take_line() != "---") continue;
    const std::string_view block(begin, static_cast<size_t>(line_begin - begin));
    out.body = rest;
    auto data = parse_yaml(block);
    if (!data.ok()) return std::move(data).status().with("YAML metadata");
    out.data = *std::move(data);
    if (!out.data.is_object() && !out.data.is_null())
      return Status(Code::bad_input, "YAML metadata: the block must be a mapping (key: value)");
    return out;
  }
  out.body = readme;  // never closed: a horizontal rule, not metadata
  return out;
}

CardCheck validate_card(std::string_view readme, RepoKind kind) {
  CardCheck out;
  const auto card = parse_card(readme);
  if (!card.ok()) {
    out.errors.push_back(card.status().message());
    return out;
  }
  if (!card->data.is_object() || card->data.size() == 0) {
    out.warnings.push_back("empty or missing yaml metadata in repo card");
    return out;
  }
  for (const std::string_view key : {"license", "language", "tags", "datasets", "base_model", "metrics"})
    check_strings(card->data, key, /*list_allowed=*/true, out);
  for (const std::string_view key : {"pipeline_tag", "library_name", "license_name", "license_link"})
    check_strings(card->data, key, /*list_allowed=*/false, out);
  if (const auto& results = card->data["model-index"]; !results.is_null() && !results.is_array())
    out.errors.push_back("\"model-index\" must be an array");
  if (kind == RepoKind::space) {
    constexpr std::string_view sdks[] = {"gradio", "streamlit", "docker", "static"};
    const auto sdk = card->data["sdk"].as_string();
    bool known = false;
    for (const auto name : sdks) known |= sdk == name;
    if (!known)
      out.errors.push_back(cat("\"sdk\" must be one of [gradio, streamlit, docker, static], found '", sdk, "'"));
  }
  return out;
}

}  // namespace hearth::hub
