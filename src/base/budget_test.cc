#include "base/budget.h"

#include <doctest/doctest.h>

#include <optional>

namespace hearth {

TEST_CASE("budget: shares together stay within it, and are given back") {
  Budget budget(100);
  std::optional<Budget::Share> first(&budget);
  CHECK(first->grow(60));
  Budget::Share second(&budget);
  CHECK(second.grow(40));
  CHECK(!second.grow(1));
  CHECK(!first->grow(1));
  CHECK(budget.taken() == 100);
  first.reset();
  CHECK(budget.taken() == 40);
  CHECK(second.grow(60));
}

TEST_CASE("budget: who is alone may be over it, and nobody beside it") {
  Budget budget(100);
  Budget::Share large(&budget);
  CHECK(large.grow(80));
  CHECK(large.grow(80));
  Budget::Share other(&budget);
  CHECK(!other.grow(1));
  CHECK(budget.taken() == 160);
  Budget::Share moved(std::move(large));
  CHECK(budget.taken() == 160);
  large = Budget::Share();
  moved = Budget::Share(&budget);
  CHECK(budget.taken() == 0);
  CHECK(Budget::Share().grow(1u << 30));
}

}  // namespace hearth
