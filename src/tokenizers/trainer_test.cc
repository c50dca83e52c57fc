#include "tokenizers/trainer.h"

#include <doctest/doctest.h>

#include "base/json.h"

using namespace hearth;

namespace {

constexpr std::string_view kBpe =
    R"({"pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "BPE", "vocab": {}, "merges": []}})";

Result<TrainedTokenizer> trained(std::string_view json, const Trainer& trainer, std::vector<std::string> texts,
                                 const TrainingOptions& options = {}) {
  size_t next = 0;
  return train_from_iterator(
      json, trainer,
      [&]() -> Result<std::optional<std::string_view>> {
        return next < texts.size() ? std::optional<std::string_view>(texts[next++]) : std::nullopt;
      },
      options);
}

}  // namespace

TEST_CASE("training: BPE merges the most frequent pair, of equal ones that of the smaller ids") {
  // a b c are 0 1 2; "ab" and "bc" come twice each, so a b is merged first, then ab c.
  const auto out = trained(kBpe, BpeTrainer{.vocab_size = 5}, {"abc abc"});
  REQUIRE(out.ok());
  CHECK(out->words == 2);
  CHECK(out->merges == 2);
  CHECK(out->tokenizer.id_to_token(3) == "ab");
  CHECK(out->tokenizer.id_to_token(4) == "abc");
  const auto json = Json::parse(out->json);
  REQUIRE(json.ok());
  CHECK((*json)["model"]["merges"].dump() == R"([["a","b"],["ab","c"]])");
}

TEST_CASE("training: special tokens come first and are added tokens") {
  const auto out = trained(kBpe, BpeTrainer{.vocab_size = 4, .special_tokens = {{.content = "<s>"}}}, {"ab"});
  REQUIRE(out.ok());
  CHECK(out->tokenizer.token_to_id("<s>") == 0);
  CHECK(out->tokenizer.is_special(0));
  CHECK(out->tokenizer.encode("<s>ab")->ids == std::vector<TokenId>{0, 3});
}

TEST_CASE("training: the result does not depend on the number of threads") {
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back(std::to_string(i * 7919) + " word" + std::to_string(i % 37));
  constexpr std::string_view kUnigram =
      R"({"pre_tokenizer": {"type": "WhitespaceSplit"}, "model": {"type": "Unigram", "vocab": [], "unk_id": null}})";
  const auto same = [&](std::string_view json, const Trainer& trainer) {
    const auto one = trained(json, trainer, texts, {.threads = 1}),
               four = trained(json, trainer, texts, {.threads = 4});
    REQUIRE(one.ok());
    REQUIRE(four.ok());
    CHECK(one->json == four->json);
  };
  same(kBpe, BpeTrainer{.vocab_size = 300, .end_of_word_suffix = "</w>"});
  same(kUnigram, UnigramTrainer{.vocab_size = 60});
}

TEST_CASE("training: bad input is refused with its reason") {
  const auto message = [](std::string_view json, const Trainer& trainer, std::vector<std::string> texts) {
    const auto out = trained(json, trainer, std::move(texts));
    REQUIRE(!out.ok());
    CHECK(out.status().code() == Code::bad_input);
    return out.status().message();
  };
  CHECK(message(kBpe, WordLevelTrainer{}, {}) == "model: its type is 'BPE', but the trainer is for 'WordLevel'");
  CHECK(message(kBpe, BpeTrainer{}, {"fine", "a\xff"}) == "text 1 is not UTF-8: byte 1 of it begins no character");
  CHECK(message(kBpe, BpeTrainer{.vocab_size = -1}, {}) == "vocab_size is -1: must be from 0 to 2147483647");
  CHECK(message(kBpe, BpeTrainer{.initial_alphabet = {0xD800}}, {}) == "initial_alphabet: 55296 is no character");
  constexpr std::string_view kUnigram = R"({"model": {"type": "Unigram", "vocab": [], "unk_id": null}})";
  CHECK(message(kUnigram, UnigramTrainer{.vocab_size = 3}, {"abcd"}) ==
        "vocab_size 3 is too small: the texts have 4 different characters, and there are 0 special tokens");
  CHECK(message(kUnigram, UnigramTrainer{.shrinking_factor = 1}, {}) == "shrinking_factor must be above 0 and below 1");
}

TEST_CASE("training: stops when asked to, and hands on what the texts' source says") {
  std::stop_source stop;
  stop.request_stop();
  const auto none = []() -> Result<std::optional<std::string_view>> { return std::optional<std::string_view>("a"); };
  const auto stopped = train_from_iterator(kBpe, BpeTrainer{}, none, {}, stop.get_token());
  REQUIRE(!stopped.ok());
  CHECK(stopped.status().code() == Code::cancelled);
  const auto broken = train_from_iterator(kBpe, BpeTrainer{}, []() -> Result<std::optional<std::string_view>> {
    return Status(Code::io, "the source broke");
  });
  REQUIRE(!broken.ok());
  CHECK(broken.status().message() == "the source broke");
}
