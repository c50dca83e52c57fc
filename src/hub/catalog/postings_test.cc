#include "hub/catalog/postings.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

namespace hearth::hub::catalog {
namespace {

using Slots = std::vector<uint32_t>;

Slots listed(const std::set<uint32_t>& set) {
  return {set.begin(), set.end()};
}

}  // namespace

TEST_CASE("catalog: a posting set is the set it was told to be, sparse, dense and on the way between") {
  std::mt19937 random(1);
  for (const uint32_t range : {1u, 70u, 3000u, 100'000u}) {
    Postings postings;
    std::set<uint32_t> expected;
    // It fills up to nearly all of the range, and empties again; at the end far slots come to a few.
    for (const uint32_t adds_of_8 : {8u, 7u, 4u, 1u, 0u, 6u}) {
      for (uint32_t i = 0; i < std::min(3 * range, 20'000u); ++i) {
        const auto slot = random() % (range < 100'000 || random() % 2 ? range : 700);
        if (random() % 8 < adds_of_8) {
          postings.add(slot);
          expected.insert(slot);
        } else {
          postings.erase(slot);
          expected.erase(slot);
        }
      }
      CHECK(postings.size() == expected.size());
      CHECK(postings.slots() == listed(expected));
      const auto copy = Postings(postings).as_bitmap();
      CHECK(copy.slots() == listed(expected));
      for (int i = 0; i < 200; ++i) {
        const auto slot = random() % (2 * range);
        CHECK(postings.has(slot) == expected.contains(slot));
        CHECK(copy.has(slot) == expected.contains(slot));
      }
    }
  }
}

TEST_CASE("catalog: an intersection holds what is in all sets, whatever their forms") {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<Postings> sets(1 + random() % 4);
    Slots expected;
    for (size_t i = 0; i < sets.size(); ++i) {
      const uint32_t range = 1 + random() % 20'000, one_in = 1 + (random() % 2 ? random() % 4 : random() % 300);
      Slots own;
      for (uint32_t slot = 0; slot < range; ++slot)
        if (random() % one_in == 0) own.push_back(slot);
      for (const auto slot : own) sets[i].add(slot);
      Slots both;
      std::set_intersection(expected.begin(), expected.end(), own.begin(), own.end(), std::back_inserter(both));
      expected = i == 0 ? own : both;
    }
    std::vector<const Postings*> pointers;
    for (const auto& set : sets) pointers.push_back(&set);
    const auto found = Postings::intersection(pointers);
    CHECK(found.size() == expected.size());
    CHECK(found.slots() == expected);
  }
  CHECK(Postings::intersection({}).empty());
}

}  // namespace hearth::hub::catalog
