// What the examples share: an error ends the program with its message, as an uncaught exception ends Python's.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "base/result.h"

inline void must(const hearth::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  std::exit(1);
}

template <class T>
T must(hearth::Result<T> result) {
  if (!result.ok()) must(result.status());
  return *std::move(result);
}

inline void print(const std::string& line) {
  std::printf("%s\n", line.c_str());
}
