// Expectations: transformers 4.57.6 pipelines/question_answering.py, worked out by hand.
#include "transformers/answer_spans.h"

#include <cmath>

#include <doctest/doctest.h>

namespace hearth {
namespace {

/// Logits of these probabilities.
std::vector<float> logits(std::vector<float> values) {
  for (auto& value : values) value = std::log(value);
  return values;
}

// [CLS] q [SEP] a b c [SEP]
const std::vector<bool> kMay = {true, false, false, true, true, true, false};

TEST_CASE("answers: the likeliest pair of a beginning and a later end") {
  const auto start = logits({0.1F, 9, 9, 0.1F, 0.2F, 0.6F, 9}), end = logits({0.2F, 9, 9, 0.1F, 0.6F, 0.1F, 9});
  const auto made = select_answers(start, end, kMay, 3, 15);
  REQUIRE(made.spans.size() == 3);
  CHECK(made.spans[0].begin == 4);
  CHECK(made.spans[0].end == 4);
  CHECK(made.spans[0].score == doctest::Approx(0.12));
  // 3 to 4 and 5 to 5 are as likely as each other: the first token decides.
  CHECK(made.spans[1].score == doctest::Approx(0.06));
  CHECK(made.spans[2].score == doctest::Approx(0.06));
  CHECK(made.null_score == doctest::Approx(0.02));
}

TEST_CASE("answers: no longer than asked for, and not outside of the text") {
  const auto start = logits({0.1F, 5, 5, 0.7F, 0.1F, 0.1F, 5}), end = logits({0.1F, 5, 5, 0.1F, 0.1F, 0.7F, 5});
  CHECK(select_answers(start, end, kMay, 1, 3).spans[0].end == 5);
  for (const auto& one : select_answers(start, end, kMay, 20, 2).spans) CHECK(one.end - one.begin < 2);
  // All of them: those that touch the question or a special token are left out.
  for (const auto& one : select_answers(start, end, kMay, 100, 7).spans) {
    CHECK((one.begin == 0 || one.begin > 2));
    CHECK((one.end == 0 || (one.end > 2 && one.end < 6)));
  }
}

TEST_CASE("answers: characters of tokens, or of the words around them") {
  Encoding e;
  e.ids = {1, 5, 1, 7, 8, 9, 1};
  e.offsets = {{0, 0}, {0, 3}, {0, 0}, {0, 3}, {3, 6}, {7, 9}, {0, 0}};
  e.word_ids = {-1, 0, -1, 0, 0, 1, -1};
  e.sequences = {TextSpan{1, 2}, TextSpan{3, 6}};
  CHECK(answer_characters(e, 4, 4, 1, false) == TextSpan{3, 6});
  CHECK(answer_characters(e, 4, 4, 1, true) == TextSpan{0, 6});
  CHECK(answer_characters(e, 4, 5, 1, true) == TextSpan{0, 9});
  CHECK(answer_characters(e, 2, 5, 1, true) == TextSpan{0, 9});  // a special token is of no word
}

}  // namespace
}  // namespace hearth
