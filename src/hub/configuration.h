// Where a hub keeps what: DATA/hearth.toml, read by every command that opens the data folder.
//
//   database = "postgresql://hearth@db.example.org/hearth"   # absent: SQLite, DATA/hearth.db
//   objects = "s3://bucket/hearth?endpoint=https://..."      # absent: files in DATA/objects
//   repositories = "/mnt/shared/repos"                       # absent: DATA/repos
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::hub {

/// Empty: the default.
struct Configuration {
  std::string database;      ///< a PostgreSQL URL
  std::string objects;       ///< an S3 address, see store/blobs.h
  std::string repositories;  ///< the folder of the git repositories: fronts that work together share it
};

/// The part of TOML that this file needs: comments and `key = "text"`. bad_input names the line.
Result<Configuration> parse_configuration(std::string_view text);
std::string format_configuration(const Configuration& configuration);

/// Of a data folder; all defaults when it has no such file.
Result<Configuration> read_configuration(const std::string& folder);

/// Sets a new data folder up: what is given is written down. A folder that is set up already must say the same;
/// bad_input otherwise, since the hub's content would stay behind.
Status configure(const std::string& folder, const Configuration& wanted);

}  // namespace hearth::hub
