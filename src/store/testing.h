// Databases for tests: a throw-away PostgreSQL cluster (HEARTH_TEST_POSTGRES, else one started for this process by
// scripts/test_postgres), and a database of its own in it for each test.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"

namespace hearth::store {

/// The URL of a cluster's database `postgres`; the cluster ends with this process.
inline const std::string& test_postgres() {
  static const std::string url = [] {
    if (auto given = env("HEARTH_TEST_POSTGRES"); !given.empty()) return given;
    static int input[2], output[2];
    VERIFY(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0, "pipes are made");
    const auto root = env("HEARTH_ROOT");
    auto started = Process::start({.arguments = {path_join(root.empty() ? "." : root, "scripts/test_postgres")},
                                   .stdin_fd = input[0],
                                   .stdout_fd = output[1],
                                   .die_with_parent = false});  // it ends, and cleans up, when `input` closes
    VERIFY(started.ok(), "scripts/test_postgres starts");
    // Not ours to kill: a killed script would leave its cluster behind.
    static auto* left_alone = new Process(std::move(started).value());
    static_cast<void>(left_alone);
    close(input[0]);
    close(output[1]);
    std::string line;
    for (char c = 0; read(output[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
    VERIFY(!line.empty(), "scripts/test_postgres prints the address of its cluster");
    return line;
  }();
  return url;
}

/// The URL of a new, empty database.
inline std::string new_test_database() {
  const auto name = to_lower_ascii(cat("t", random_token(16)));
  const auto done = run_process({.arguments = {"psql", "-q", test_postgres(), "-c", cat("CREATE DATABASE ", name)}});
  VERIFY(done.ok() && done->exit_status == 0, "psql makes a database");
  return replace_all(test_postgres(), "/postgres?", cat("/", name, "?"));
}

}  // namespace hearth::store
