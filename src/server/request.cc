#include "server/request.h"

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"
#include "server/ingress.h"
#include "server/services.h"

namespace hearth::server {

Request::Request(const Services& services, net::Request&& raw, std::stop_token stop)
    : services_(services),
      raw_(std::move(raw)),
      stop_(std::move(stop)),
      query_(parse_query(raw_.head.query).value_or({})) {
  const auto trace = header("x-amzn-trace-id");
  id_ = trace.empty() || trace.size() > 200 ? cat("hearth-", random_token(16)) : std::string(trace);
}

hub::Hub& Request::hub() const {
  return services_.hub;
}

Result<const hub::Repo*> Request::repo() const {
  VERIFY(repo_.has_value(), "a row whose access is a repository's right has {repo} in its pattern");
  return &*repo_;
}

Result<const hub::Org*> Request::org() const {
  VERIFY(org_.has_value(), "a row whose access is an organisation's has {org} in its pattern");
  return &*org_;
}

std::string Request::client_address() const {
  return raw_.head.remote_address;  // what a trusted proxy said of it is in there already (server/ingress.h)
}

const std::string& Request::arg(std::string_view name) const {
  static const std::string absent;
  for (const auto& [key, value] : args_)
    if (key == name) return value;
  return absent;
}

hub::RepoKind Request::kind() const {
  return hub::parse_kind(arg("kind")).value_or(hub::RepoKind::model);
}

net::SpooledFile& Request::spooled() {
  VERIFY(raw_.file.has_value(), "a row whose body is spooled has a file");
  return *raw_.file;
}

net::BodyObserver& Request::observer() const {
  VERIFY(raw_.observer != nullptr, "a row that names an observer has one");
  return *raw_.observer;
}

std::string_view Request::query(std::string_view name, std::string_view otherwise) const {
  for (auto pair = query_.rbegin(); pair != query_.rend(); ++pair)
    if (pair->first == name ||
        (pair->first.ends_with("[]") && std::string_view(pair->first).substr(0, pair->first.size() - 2) == name))
      return pair->second;
  return otherwise;
}

std::vector<std::string_view> Request::query_all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [key, value] : query_)
    if (key == name || key == cat(name, "[]")) out.push_back(value);
  return out;
}

Result<int64_t> Request::query_int(std::string_view name, int64_t otherwise, int64_t max) const {
  const auto text = query(name);
  if (text.empty()) return otherwise;
  const auto value = parse_int(text);
  if (!value || *value < 0) return Status(Code::bad_input, cat("'", name, "' takes a whole number, not '", text, "'"));
  return std::min(*value, max);
}

bool Request::query_flag(std::string_view name) const {
  const auto value = query(name);
  return value == "1" || equals_ignore_case(value, "true");
}

Result<Json> Request::json() const {
  if (trim(body()).empty()) return Json(Json::Object());
  return Json::parse(body());
}

std::string Request::endpoint() const {
  return endpoint_of(head());
}

bool Request::wants_html() const {
  return contains(header("accept"), "text/html");
}

// ---- answers ----

Response text_response(std::string text, std::string_view content_type, int status) {
  Response out;
  out.status = status;
  out.headers.set("Content-Type", content_type);
  out.body = std::move(text);
  return out;
}

Response json_response(std::string json, int status) {
  return text_response(std::move(json), "application/json; charset=utf-8", status);
}

Response json_page(std::string json, std::string_view next) {
  auto out = json_response(std::move(json));
  if (!next.empty()) out.headers.set("Link", cat("<", next, ">; rel=\"next\""));
  return out;
}

Response html_response(std::string html, int status) {
  auto out = text_response(std::move(html), "text/html; charset=utf-8", status);
  // Scripts and styles come from this server alone; inline styles are the components' transitions.
  out.headers.set("Content-Security-Policy",
                  "default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; "
                  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'");
  out.headers.set("X-Content-Type-Options", "nosniff");
  out.headers.set("Referrer-Policy", "same-origin");
  out.headers.set("Cache-Control", "no-store");
  return out;
}

Response redirect(std::string_view location, int status) {
  Response out;
  out.status = status;
  out.headers.set("Location", location);
  return out;
}

Response empty_response(int status) {
  Response out;
  out.status = status;
  return out;
}

Response error_response(const Status& status, bool anonymous) {
  const auto& row = code_row(status.code());
  const bool hidden = status.code() == Code::repo_not_found || status.code() == Code::gated;
  JsonWriter body;
  body.begin_object().field("error", status.message()).end();
  auto out = json_response(body.take(), anonymous && hidden ? 401 : row.http_status);
  if (!row.error_code.empty()) out.headers.set("X-Error-Code", row.error_code);
  std::string line;  // a header's value is one line of visible ASCII
  for (const char c : std::string_view(status.message()).substr(0, 500))
    line.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  out.headers.set("X-Error-Message", line);
  return out;
}

}  // namespace hearth::server
