// YAML to JSON: the one file that includes yaml-cpp, whose exceptions end here.
#include <yaml-cpp/yaml.h>

#include <cmath>

#include "base/text.h"
#include "hub/card.h"

namespace hearth::hub {
namespace {

constexpr size_t kTextMax = 1u << 20;
// Aliases let a short text stand for a huge one.
constexpr int kNodesMax = 100'000;
constexpr int kDepthMax = 64;

struct TooLarge {};

// YAML 1.2.2 section 10.3.2, the core schema's tag resolution.
Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const auto body = std::string_view(text).substr(text[0] == '+' || text[0] == '-' ? 1 : 0);
  if (body.empty() || body[0] == '+' || body[0] == '-') return text;
  const bool digits = body.find_first_not_of("0123456789") == std::string_view::npos;
  if (digits) {
    if (const auto number = parse_int(text[0] == '+' ? body : std::string_view(text))) return *number;
  }
  const bool number_like = body.find_first_not_of("0123456789.eE+-") == std::string_view::npos &&
                           body.find_first_of("0123456789") != std::string_view::npos;
  if (number_like)
    if (const auto number = parse_double(text[0] == '+' ? body : std::string_view(text));
        number && std::isfinite(*number))
      return *number;
  return text;
}

Json convert(const YAML::Node& node, int depth, int& count) {
  if (++count > kNodesMax || depth > kDepthMax) throw TooLarge();
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return node.Tag() == "?" ? plain_scalar(node.Scalar()) : Json(node.Scalar());
    case YAML::NodeType::Sequence: {
      Json::Array out;
      for (const auto& item : node) out.push_back(convert(item, depth + 1, count));
      return out;
    }
    case YAML::NodeType::Map: {
      Json out = Json::Object();
      for (const auto& member : node) {
        const auto key = convert(member.first, depth + 1, count);
        out.object().emplace_back(key.is_string() ? std::string(key.as_string()) : key.dump(),
                                  convert(member.second, depth + 1, count));
      }
      return out;
    }
    default:
      return nullptr;
  }
}

}  // namespace

Result<Json> parse_yaml(std::string_view text) {
  if (text.size() > kTextMax)
    return Status(Code::too_large, cat("YAML of ", text.size(), " bytes, the limit is ", kTextMax));
  if (!is_utf8(text)) return Status(Code::bad_input, "YAML that is not UTF-8");
  try {
    int count = 0;
    return convert(YAML::Load(std::string(text)), 0, count);
  } catch (const YAML::Exception& error) {
    return Status(Code::bad_input,
                  cat("line ", error.mark.line + 1, ", column ", error.mark.column + 1, ": ", error.msg));
  } catch (const TooLarge&) {
    return Status(Code::bad_input,
                  cat("YAML nests deeper than ", kDepthMax, " or has more than ", kNodesMax, " values"));
  }
}

}  // namespace hearth::hub
