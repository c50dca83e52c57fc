#include "tokenizers/pipeline/word_cache.h"

#include <algorithm>
#include <random>
#include <string>
#include <thread>

#include <doctest/doctest.h>

namespace hearth::tokenizers {

namespace {

// A model without any cache: what a word's tokens are follows from its bytes, some of them share the bytes of others.
WordTokens tokens_of(std::string_view word) {
  WordTokens out;
  const size_t step = 1 + static_cast<unsigned char>(word[0]) % 5;
  for (size_t at = 0; at < word.size(); at += step) {
    const auto part = word.substr(at, step);
    out.ids.push_back(static_cast<TokenId>(hash_bytes(part) & 0x7FFFFFFF));
    out.sizes.push_back(at > 0 && part[0] == 'q' ? 0 : static_cast<uint32_t>(part.size()));
  }
  return out;
}

bool same(const TokenPlace& a, const TokenPlace& b) {
  return a.piece == b.piece && a.begin == b.begin && a.end == b.end;
}

size_t find_between_blanks(std::string_view text, size_t& from, PieceSpan* pieces) {
  size_t n = 0;
  while (from < text.size() && n < 100) {
    const size_t end = std::min(text.find(' ', from), text.size());
    if (end > from) pieces[n++] = {static_cast<uint32_t>(from), static_cast<uint32_t>(end)};
    from = std::min(end + 1, text.size());
  }
  return n;
}

}  // namespace

TEST_CASE("the cache gives what the model gives, for words of every size and more of them than it keeps") {
  std::mt19937 random(11);
  WordCache cache;
  WordTokens found;
  std::vector<PieceSpan> room(kPiecesMax + 8);
  const auto encode = [&](std::string_view word) -> Status {
    found = tokens_of(word);
    return {};
  };
  for (int round = 0; round < 300; ++round) {
    // Now few words over and over, now so many that the lines grow and are emptied.
    const bool many = round % 30 == 29;
    std::string text;
    for (size_t i = 0; i < (many ? 40000u : 200u); ++i) {
      const size_t size = i % 50 == 0 ? 1 + random() % 1200 : 1 + random() % 24;
      const char letters = many ? 26 : 2;
      for (size_t k = 0; k < size; ++k) text += static_cast<char>((random() % 7 ? 'p' : 'a') + random() % 7 % letters);
      text += random() % 9 ? " " : "  ";
    }
    if (random() % 2) text.pop_back();
    Tokens want, got;
    want.aligned = got.aligned = round % 2 == 0;
    uint32_t number = 0;
    std::vector<std::string_view> words;
    for (size_t from = 0; from < text.size();) {
      const size_t n = find_between_blanks(text, from, room.data());
      for (size_t i = 0; i < n; ++i, ++number) {
        words.push_back(std::string_view(text).substr(room[i].begin, room[i].end - room[i].begin));
        const auto tokens = tokens_of(words.back());
        want.ids.insert(want.ids.end(), tokens.ids.begin(), tokens.ids.end());
        TokenPlace place{number, room[i].begin, room[i].begin};
        for (const auto size : tokens.sizes) {
          if (size > 0) place = {number, place.end, place.end + size};
          if (want.aligned) want.places.push_back(place);
        }
      }
    }
    const auto count = cache.append_text(text, find_between_blanks, room, found, got, encode);
    REQUIRE(count.ok());
    CHECK(*count == number);
    REQUIRE(got.ids == want.ids);
    REQUIRE(std::equal(got.places.begin(), got.places.end(), want.places.begin(), want.places.end(), same));
    got.ids.clear();
    REQUIRE(cache.append(words, found, got, encode).ok());
    REQUIRE(got.ids == want.ids);
  }
}

TEST_CASE("threads that share the words get each what the model gives, while tables follow one another") {
  const auto words = std::make_shared<SharedWords>();
  const auto work = [&](unsigned seed, size_t& wrong) {
    std::mt19937 random(seed % 2);  // two threads each meet the same words in the same order
    WordCache cache(words);
    WordTokens found;
    Tokens got;
    const auto encode = [&](std::string_view word) -> Status {
      found = tokens_of(word);
      return {};
    };
    for (int round = 0; round < 2500; ++round) {
      std::vector<std::string> texts;
      for (int i = 0; i < 200; ++i) {
        auto& word = texts.emplace_back(1 + random() % (i % 40 == 0 ? 300 : 20), 'p');
        for (auto& c : word) c = static_cast<char>('p' - random() % 3);
      }
      const std::vector<std::string_view> pieces(texts.begin(), texts.end());
      std::vector<TokenId> want;
      for (const auto piece : pieces) {
        const auto ids = tokens_of(piece).ids;
        want.insert(want.end(), ids.begin(), ids.end());
      }
      got.ids.clear();
      if (!cache.append(pieces, found, got, encode).ok() || got.ids != want) ++wrong;
    }
  };
  size_t wrong[4] = {};
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back([&, i] { work(i, wrong[i]); });
  }
  for (const auto n : wrong) CHECK(n == 0);
}

TEST_CASE("a table and the one that follows it give room for records in different places") {
  WordTable table;
  const auto before = table.room(1);
  const auto next = table.next();
  std::vector<std::span<uint32_t>> rooms{before, table.room(1), next->room(1), table.room(1), next->room(1)};
  std::sort(rooms.begin(), rooms.end(), [](auto a, auto b) { return a.data() < b.data(); });
  for (size_t i = 1; i < rooms.size(); ++i) CHECK(rooms[i - 1].data() + rooms[i - 1].size() <= rooms[i].data());
}

TEST_CASE("a word that cannot be encoded is an error and is not kept") {
  WordCache cache;
  WordTokens found;
  Tokens out;
  const std::string_view words[] = {"ab", "x", "ab"};
  const auto encode = [&](std::string_view word) -> Status {
    if (word == "x") return Status(Code::bad_input, "x");
    found = tokens_of(word);
    return {};
  };
  CHECK(!cache.append(words, found, out, encode).ok());
  CHECK(!cache.append(words, found, out, encode).ok());
}

}  // namespace hearth::tokenizers
