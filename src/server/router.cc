#include "server/router.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "server/pages_registry.h"
#include "server/routes_registry.h"

namespace hearth::server {
namespace {

using Arguments = std::vector<std::pair<std::string_view, std::string>>;
using Segments = std::span<const std::string_view>;

bool is_kind(std::string_view segment) {
  return segment == "models" || segment == "datasets" || segment == "spaces" || segment == "kernels";
}

Result<std::string> decode(std::string_view segment) {
  auto text = TRY(percent_decode(segment));
  if (text.find('\0') != std::string::npos || !is_utf8(text)) return Status(Code::bad_input, "the path is not text");
  return text;
}

// The pattern's segments against the path's, both from their current first on. `literals` counts what was spelt out.
class Matcher {
 public:
  Matcher(Segments pattern, Segments path) : pattern_(pattern), path_(path) {}

  Result<bool> match() { return step(0, 0); }
  Arguments take() { return std::move(arguments_); }
  int literals() const { return literals_; }

 private:
  Result<bool> step(size_t p, size_t i) {
    if (p == pattern_.size()) return i == path_.size();
    const auto want = pattern_[p];
    if (!want.starts_with('{')) return literal(want, p, i);
    const auto name = want.substr(1, want.size() - 2);
    if (name.ends_with('*')) return rest(name.substr(0, name.size() - 1), i);
    if (name == "kind?" && !(i < path_.size() && is_kind(path_[i]))) return with("kind", "models", p + 1, i);
    if (i >= path_.size()) return false;
    if (name == "kind" || name == "kind?")
      return is_kind(path_[i]) ? with("kind", std::string(path_[i]), p + 1, i + 1) : false;
    if (name == "repo") return repo(p, i);
    return with(name, TRY(decode(path_[i])), p + 1, i + 1);
  }

  Result<bool> literal(std::string_view want, size_t p, size_t i) {
    if (i >= path_.size() || path_[i] != want) return false;
    ++literals_;
    // Buckets have routes of their own; the word says the kind of the {repo} that follows.
    const bool names_kind = want == "buckets";
    if (names_kind) arguments_.emplace_back("kind", "buckets");
    if (TRY(step(p + 1, i + 1))) return true;
    if (names_kind) arguments_.pop_back();
    --literals_;
    return false;
  }

  Result<bool> rest(std::string_view name, size_t i) {
    std::string all;
    for (size_t k = i; k < path_.size(); ++k) all += cat(k > i ? "/" : "", TRY(decode(path_[k])));
    arguments_.emplace_back(name, std::move(all));
    return true;
  }

  Result<bool> repo(size_t p, size_t i) {
    const auto value = [&](std::string id) {
      if (id.ends_with(".git")) id.resize(id.size() - 4);
      return id;
    };
    if (i + 1 < path_.size()) {
      auto two = cat(TRY(decode(path_[i])), "/", TRY(decode(path_[i + 1])));
      if (TRY(with("repo", value(std::move(two)), p + 1, i + 2))) return true;
    }
    // Of /models/a/b the model is a/b, though `b` is also something that models without an owner are asked for.
    const bool is_asked = p > 0 && pattern_[p - 1] == "{kind}" && (p == 1 || pattern_[0] == "hf-inference");
    if (is_asked && p + 2 == pattern_.size()) return false;
    return with("repo", value(TRY(decode(path_[i]))), p + 1, i + 1);
  }

  Result<bool> with(std::string_view name, std::string value, size_t p, size_t i) {
    if (value.empty()) return false;
    arguments_.emplace_back(name, std::move(value));
    if (TRY(step(p, i))) return true;
    arguments_.pop_back();
    return false;
  }

  Segments pattern_, path_;
  Arguments arguments_;
  int literals_ = 0;
};

// What the clients of the Hub ask for and this hub does not do is said to be that.
Status nothing_at(std::string_view path, const std::vector<std::string_view>& parts) {
  static constexpr std::string_view kOfRunningSpaces[] = {"runtime",   "logs",    "metrics",  "events",
                                                          "pause",     "restart", "secrets",  "dev-mode",
                                                          "variables", "volumes", "hardware", "sleeptime"};
  const bool api = parts.size() > 1 && parts[0] == "api";
  if (api && (parts[1] == "jobs" || parts[1] == "scheduled-jobs"))
    return Status(Code::not_found, "this hub runs no jobs");
  if (api && parts.size() > 4 && parts[1] == "spaces" &&
      std::ranges::find(kOfRunningSpaces, parts[4]) != std::end(kOfRunningSpaces))
    return Status(Code::not_found, "this hub keeps Spaces and does not run them");
  return Status(Code::not_found, cat("nothing is at ", path.substr(0, 200)));
}

}  // namespace

const std::string& Match::argument(std::string_view name) const {
  static const std::string absent;
  for (const auto& [key, value] : arguments)
    if (key == name) return value;
  return absent;
}

Router::Router(const std::vector<const Route*>& routes) {
  rows_.reserve(routes.size());
  for (const auto* route : routes) rows_.push_back({route, split(route->pattern.substr(1), '/')});
}

Result<Match> Router::find(std::string_view method, std::string_view raw_path) const {
  if (method == "HEAD") method = "GET";
  if (!raw_path.starts_with('/')) return Status(Code::bad_input, "the path does not begin with a slash");
  auto path = split(raw_path.substr(1), '/');
  if (path.size() > 1 && path.back().empty()) path.pop_back();  // /models/ is /models
  if (raw_path != "/" && std::ranges::find(path, std::string_view()) != path.end())
    return Status(Code::not_found, "an address has no empty part");
  if (path.size() > 64) return Status(Code::not_found, "no page has so long an address");
  Match best;
  int best_literals = -1;
  bool other_method = false;
  for (const auto& [route, pattern] : rows_) {
    Matcher matcher(pattern, path);
    if (!TRY(matcher.match())) continue;
    if (route->method != method) {
      other_method = true;
    } else if (matcher.literals() > best_literals) {
      best_literals = matcher.literals();
      best = {route, matcher.take()};
    }
  }
  if (best.route) return best;
  if (other_method) return Status(Code::bad_input, cat("this address does not take ", method));
  return nothing_at(raw_path, path);
}

std::vector<const Route*> all_routes() {
  std::vector<const Route*> out;
  for (const auto* entry : routes::entries())
    for (const auto& route : entry->rows) out.push_back(&route);
  for (const auto* entry : pages::entries())
    for (const auto& route : entry->rows) out.push_back(&route);
  return out;
}

}  // namespace hearth::server
