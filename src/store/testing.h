// Databases and object stores for tests: a throw-away PostgreSQL cluster (HEARTH_TEST_POSTGRES, else one started for
// this process by scripts/test_postgres) and a database of its own in it for each test; the same of S3
// (scripts/test_s3).
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"

namespace hearth::store {

/// Starts a script that prints one line, serves until its input ends, and cleans up: the line. It ends with this
/// process.
inline std::string served_by(std::vector<std::string> script) {
  int input[2], output[2];
  VERIFY(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0, "pipes are made");
  const auto root = env("HEARTH_ROOT");
  script[0] = path_join(root.empty() ? "." : root, script[0]);
  auto started = Process::start({.arguments = std::move(script),
                                 .stdin_fd = input[0],
                                 .stdout_fd = output[1],
                                 .die_with_parent = false});  // it ends, and cleans up, when `input` closes
  VERIFY(started.ok(), "the script starts");
  // Not ours to kill: a killed script would leave its servers behind.
  static std::vector<Process>& left_alone = *new std::vector<Process>;
  left_alone.push_back(std::move(started).value());
  close(input[0]);
  close(output[1]);
  std::string line;
  for (char c = 0; read(output[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
  VERIFY(!line.empty(), "the script prints its server's address");
  return line;
}

/// The URL of a cluster's database `postgres`; the cluster ends with this process.
inline const std::string& test_postgres() {
  static const std::string url = [] {
    auto given = env("HEARTH_TEST_POSTGRES");
    return given.empty() ? served_by({"scripts/test_postgres"}) : given;
  }();
  return url;
}

/// An empty place for objects in an S3 server (HEARTH_TEST_S3, else moto's, which ends with this process), as
/// store::open_blobs takes it; the credentials go into the environment.
inline std::string new_test_objects() {
  static const std::string server = [] {
    auto given = env("HEARTH_TEST_S3");
    return given.empty() ? served_by({"scripts/test_s3", "moto"}) : given;
  }();
  const auto after = [](std::string_view text, std::string_view mark) {
    return text.substr(text.find(mark) + mark.size());
  };
  const auto keys = after(server, "://").substr(0, after(server, "://").find('@'));
  const auto access = percent_decode(keys.substr(0, keys.find(':')));
  VERIFY(access.ok(), "scripts/test_s3 encodes the access key");
  ::setenv("AWS_ACCESS_KEY_ID", access->c_str(), 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", std::string(after(keys, ":")).c_str(), 1);
  return cat("s3://hearth/", random_token(16), "?endpoint=http://", after(server, "@"));
}

/// The URL of a new, empty database.
inline std::string new_test_database() {
  const auto name = to_lower_ascii(cat("t", random_token(16)));
  const auto done = run_process({.arguments = {"psql", "-q", test_postgres(), "-c", cat("CREATE DATABASE ", name)}});
  VERIFY(done.ok() && done->exit_status == 0, "psql makes a database");
  return replace_all(test_postgres(), "/postgres?", cat("/", name, "?"));
}

}  // namespace hearth::store
