// Finds the row for a method and a path.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/route.h"

namespace hearth::server {

struct Match {
  const Route* route = nullptr;
  /// The pattern's names with their decoded values: `kind` in the plural, `repo` as owner/name.
  std::vector<std::pair<std::string_view, std::string>> arguments;
  const std::string& argument(std::string_view name) const;
};

/// Immutable after construction.
class Router {
 public:
  explicit Router(const std::vector<const Route*>& routes);

  /// not_found when no pattern matches; bad_input when one does, but not with this method; bad_input for a
  /// broken percent escape or NUL. HEAD is served by GET's row.
  Result<Match> find(std::string_view method, std::string_view raw_path) const;

 private:
  struct Row {
    const Route* route;
    std::vector<std::string_view> segments;  // of the pattern
  };
  std::vector<Row> rows_;
};

/// Every row of routes/ and pages/.
std::vector<const Route*> all_routes();

}  // namespace hearth::server
