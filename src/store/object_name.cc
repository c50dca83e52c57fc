// The names of stored objects, as text from outside may or may not spell them.
#include <algorithm>

#include "base/text.h"
#include "store/blobs.h"

namespace hearth::store {
namespace {

constexpr size_t kHashDigits = 64, kKindMax = 32;

bool is_kind(std::string_view text) {
  return !text.empty() && text.size() <= kKindMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == kHashDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

ObjectName::ObjectName(std::string_view kind, std::string_view hash) : text_(cat(kind, "/", hash)) {
  VERIFY(is_kind(kind) && is_sha256(hash), "object names were checked where they came in");
}

std::optional<ObjectName> ObjectName::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || !is_kind(text.substr(0, slash)) || !is_sha256(text.substr(slash + 1)))
    return std::nullopt;
  return ObjectName(text.substr(0, slash), text.substr(slash + 1));
}

}  // namespace hearth::store
