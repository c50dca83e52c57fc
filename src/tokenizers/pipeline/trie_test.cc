#include "tokenizers/pipeline/trie.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>

namespace hearth::tokenizers {

namespace {

// The keys that a text begins with: {size, value}.
std::map<size_t, int32_t> prefixes(const Trie& trie, std::string_view text) {
  std::map<size_t, int32_t> out;
  auto node = Trie::kRoot;
  for (size_t i = 0; i < text.size() && trie.step(node, text[i]); ++i)
    if (trie.value(node) >= 0) out[i + 1] = trie.value(node);
  return out;
}

}  // namespace

TEST_CASE("trie: finds every key that a text begins with, and no other") {
  std::mt19937 random(7);
  for (const int alphabet : {2, 20, 256}) {
    std::vector<std::string> texts;
    std::map<std::string, int32_t> expected;
    const auto make = [&](size_t size) {
      std::string out;
      while (out.size() < size) out.push_back(static_cast<char>(random() % static_cast<unsigned>(alphabet)));
      return out;
    };
    for (int i = 0; i < 3000; ++i) texts.push_back(make(1 + random() % 9));
    std::vector<Trie::Key> keys;
    for (const auto& text : texts) {
      const auto value = static_cast<int32_t>(keys.size());
      keys.push_back({text, value});
      expected[text] = value;
    }
    const auto trie = Trie::build(keys);
    REQUIRE(trie.ok());
    for (int i = 0; i < 3000; ++i) {
      const auto text = i % 2 == 0 ? make(12) : texts[random() % texts.size()] + make(2);
      std::map<size_t, int32_t> want;
      for (size_t n = 1; n <= text.size(); ++n)
        if (const auto it = expected.find(text.substr(0, n)); it != expected.end()) want[n] = it->second;
      CHECK(prefixes(*trie, text) == want);
    }
  }
}

TEST_CASE("trie: none, an empty and a very long key") {
  CHECK(prefixes(*Trie::build({}), std::string(300, '\xff')).empty());
  const std::string deep(100000, 'x');
  const auto trie = Trie::build({{"", 3}, {deep, 1}, {"\xff", 2}});
  REQUIRE(trie.ok());
  CHECK(prefixes(*trie, deep) == std::map<size_t, int32_t>{{deep.size(), 1}});
  CHECK(prefixes(*trie, "\xff\xff") == std::map<size_t, int32_t>{{1, 2}});
}

}  // namespace hearth::tokenizers
