// CharsMap: the character map of a SentencePiece model: a double array of texts, each with what takes its place.
// Source: sentencepiece 0.2.3 normalizer.cc; the units of the array: darts-clone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::tokenizers {

class CharsMap {
 public:
  /// bad_input where the bytes are no such map.
  static Result<CharsMap> parse(std::string_view blob);

  struct Match {
    size_t size = 0;  ///< of the text whose place is taken, in bytes; 0: none
    std::string_view by;
  };
  /// What takes the place of the shortest text of the map that `text` begins with.
  std::optional<std::string_view> find_shortest(std::string_view text) const;
  /// The same for the longest.
  Match find_longest(std::string_view text) const;

 private:
  template <class Found>
  void walk(std::string_view text, const Found& found) const;

  std::vector<uint32_t> units_;
  std::string texts_;
};

}  // namespace hearth::tokenizers
