#include "net/http.h"

#include <unistd.h>

#include <algorithm>

#include "base/text.h"

namespace hearth::net {

std::string_view Headers::get(std::string_view name) const {
  for (const auto& field : fields_)
    if (equals_ignore_case(field.first, name)) return field.second;
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(begin(), end(), [&](const Field& field) { return equals_ignore_case(field.first, name); });
}

std::vector<std::string_view> Headers::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& field : fields_)
    if (equals_ignore_case(field.first, name)) out.emplace_back(field.second);
  return out;
}

void Headers::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const Field& field) { return equals_ignore_case(field.first, name); });
}

std::string_view cookie(const Headers& headers, std::string_view name) {
  for (const auto line : headers.all("Cookie")) {
    for (const auto part : split(line, ';')) {
      const auto pair = trim(part);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return {};
}

SpooledFile& SpooledFile::operator=(SpooledFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(sha256_, other.sha256_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

SpooledFile::~SpooledFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

std::string_view status_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

Result<std::optional<ByteRange>> parse_range(std::string_view header, uint64_t size) {
  constexpr std::string_view kUnit = "bytes=";
  const std::optional<ByteRange> whole;
  if (header.size() < kUnit.size() || !equals_ignore_case(header.substr(0, kUnit.size()), kUnit)) return whole;
  const auto text = trim(header.substr(kUnit.size()));
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || contains(text, ",")) return whole;
  const auto number = [](std::string_view digits) -> std::optional<uint64_t> {
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    // More digits than any size has: past every end.
    return static_cast<uint64_t>(parse_int(digits).value_or(INT64_MAX));
  };
  const auto first = number(trim(text.substr(0, dash))), last = number(trim(text.substr(dash + 1)));
  const auto outside = [&] {
    return Status(Code::range, cat("Range '", header, "' lies outside the file's ", size, " bytes"));
  };
  if (!first) {
    if (!trim(text.substr(0, dash)).empty() || !last) return whole;
    if (*last == 0 || size == 0) return outside();
    const auto length = std::min(*last, size);
    return std::optional(ByteRange{size - length, length});
  }
  if (!last && !trim(text.substr(dash + 1)).empty()) return whole;
  if (last && *last < *first) return whole;
  if (*first >= size) return outside();
  const auto end = last ? std::min(*last, size - 1) + 1 : size;
  return std::optional(ByteRange{*first, end - *first});
}

}  // namespace hearth::net
