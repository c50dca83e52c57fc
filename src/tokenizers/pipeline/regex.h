// Regex: Oniguruma, the engine that tokenizers itself uses, with this project's Unicode classes in place of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::tokenizers {

/// A compiled expression; may be used by several threads at once.
class Regex {
 public:
  /// bad_input with Oniguruma's reason.
  static Result<Regex> compile(std::string_view pattern);

  struct Match {
    size_t begin, end;
  };
  /// The first match that begins at `from` or later. False when there is none, or when looking for it was given up
  /// after ten million steps back.
  bool search(std::string_view text, size_t from, Match& match) const;

 private:
  struct Free {
    void operator()(void* regex) const;
  };
  std::unique_ptr<void, Free> regex_;
};

}  // namespace hearth::tokenizers
