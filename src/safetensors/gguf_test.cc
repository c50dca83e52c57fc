#include "safetensors/gguf.h"

#include <doctest/doctest.h>

#include <cstring>

#include "base/files.h"
#include "base/text.h"
#include "safetensors/shards.h"

using namespace hearth;

namespace {

/// Writes a GGUF file field by field, wrong ones too.
class Writer {
 public:
  Writer(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
    out_ = "GGUF";
    number(version).number(tensors).number(entries);
  }
  template <class T>
  Writer& number(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& string(std::string_view text) {
    number<uint64_t>(text.size());
    out_.append(text);
    return *this;
  }
  Writer& entry(std::string_view key, ValueType type) { return string(key).number(static_cast<uint32_t>(type)); }
  Writer& array(ValueType element, uint64_t size) { return number(static_cast<uint32_t>(element)).number(size); }
  /// dims: as in the file, the fastest first.
  Writer& tensor(std::string_view tensor_name, std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset) {
    string(tensor_name).number(static_cast<uint32_t>(dims.size()));
    for (const auto d : dims) number(d);
    return number(type).number(offset);
  }
  Writer& data(size_t bytes, size_t alignment = 32) {
    out_.resize((out_.size() + alignment - 1) / alignment * alignment);
    out_.append(bytes, '\1');
    return *this;
  }
  const std::string& text() const { return out_; }
  Result<WeightIndex> read() const { return read_gguf(std::as_bytes(std::span(out_))); }

 private:
  std::string out_;
};

constexpr uint32_t kF32 = 0, kQ4_0 = 2, kQ8_0 = 8;

void check_refused(const Writer& writer, std::string_view reason) {
  const auto result = writer.read();
  REQUIRE_FALSE(result.ok());
  CHECK(result.status().code() == Code::bad_input);
  CAPTURE(result.status().message());
  CHECK(contains(result.status().message(), reason));
}

}  // namespace

TEST_CASE("gguf: tensors in Hugging Face's order, padded to the alignment") {
  Writer w(3, 1);
  w.entry("general.alignment", ValueType::u32).number<uint32_t>(64);
  w.tensor("second", {32, 3}, kQ8_0, 64).tensor("first", {2, 5}, kF32, 0).tensor("scalar", {}, kF32, 192).data(196, 64);
  const auto index = w.read();
  REQUIRE_MESSAGE(index.ok(), index.status().message());
  REQUIRE(index->tensors.size() == 3);
  CHECK(index->tensors[0].name == "first");
  CHECK(index->tensors[0].shape == std::vector<int64_t>{5, 2});
  CHECK(index->tensors[1].dtype == DType::q8_0);
  CHECK(index->tensors[1].data.size() == 3 * 34);
  CHECK(index->tensors[1].data.data() == index->tensors[0].data.data() + 64);
  CHECK(index->tensors[2].shape.empty());
}

TEST_CASE("gguf: every metadata type, arrays as views") {
  Writer w(0, 8, 2);
  w.entry("i8", ValueType::i8).number<int8_t>(-3);
  w.entry("u64", ValueType::u64).number<uint64_t>(UINT64_MAX);
  w.entry("f32", ValueType::f32).number(0.5f);
  w.entry("yes", ValueType::boolean).number<uint8_t>(1);
  w.entry("text", ValueType::string).string("a\xFF");
  w.entry("words", ValueType::array).array(ValueType::string, 3).string("x").string("").string("\xC3\xA9");
  w.entry("numbers", ValueType::array).array(ValueType::i16, 2).number<int16_t>(-1).number<int16_t>(9);
  w.entry("nested", ValueType::array).array(ValueType::array, 2);
  w.array(ValueType::u8, 2).number<uint8_t>(1).number<uint8_t>(2).array(ValueType::string, 1).string("z");
  const auto index = w.read();
  REQUIRE_MESSAGE(index.ok(), index.status().message());
  const auto& m = index->metadata;
  REQUIRE(m.size() == 8);
  CHECK(m[0].value.integer() == -3);
  CHECK_FALSE(m[1].value.integer().has_value());
  CHECK(m[1].value.number() == 18446744073709551615.0);
  CHECK(m[2].value.number() == 0.5);
  CHECK(m[3].value.boolean() == true);
  CHECK_FALSE(m[3].value.integer().has_value());
  CHECK(m[4].value.string() == "a\xFF");
  CHECK(m[4].value.json() == Json("a\xEF\xBF\xBD"));
  std::vector<std::string> words;
  for (const auto word : m[5].value.strings()) words.emplace_back(word);
  CHECK(words == std::vector<std::string>{"x", "", "\xC3\xA9"});
  CHECK(m[5].value.json(1).dump() == R"(["x"])");
  CHECK(m[6].value.numbers<float>() == std::vector<float>{-1, 9});
  CHECK(m[6].value.strings().size() == 0);
  CHECK(m[7].value.json().dump() == R"([[1,2],["z"]])");
}

TEST_CASE("gguf: counts and lengths beyond the file are refused before anything is reserved") {
  check_refused(Writer(0, UINT64_MAX), "do not fit");
  check_refused(Writer(UINT64_MAX, 0), "do not fit");
  check_refused(Writer(0, 1).entry("a", ValueType::array).array(ValueType::u64, UINT64_MAX / 4), "beyond the file");
  check_refused(Writer(0, 1).entry("a", ValueType::array).array(ValueType::string, UINT64_MAX), "beyond the file");
  check_refused(Writer(0, 1).entry("a", ValueType::string).number<uint64_t>(UINT64_MAX), "beyond the file");
  check_refused(Writer(0, 1).entry("a", ValueType::u64).number<uint32_t>(1), "beyond the file");
  check_refused(Writer(0, 1).number<uint64_t>(1 << 30).number<uint64_t>(0), "beyond the file");
  Writer deep(0, 1);
  deep.entry("a", ValueType::array);
  for (int i = 0; i < 9; ++i) deep.array(ValueType::array, 1);
  check_refused(deep, "nest deeper");
}

TEST_CASE("gguf: every other field that disagrees is refused, and named") {
  check_refused(Writer(0, 0, 1), "version 1");
  check_refused(Writer(0, 0, 3u << 24), "big-endian");
  check_refused(Writer(0, 1).entry("a", static_cast<ValueType>(13)).number<uint64_t>(0), "value type 13");
  check_refused(Writer(0, 1).entry("a", ValueType::boolean).number<uint8_t>(2), "boolean is 2");
  check_refused(Writer(0, 1).entry("\xFF", ValueType::u8).number<uint8_t>(2), "not UTF-8");
  check_refused(Writer(0, 2).entry("a", ValueType::u8).number<uint8_t>(2).entry("a", ValueType::u8).number<uint8_t>(2),
                "'a' stands twice");
  for (const uint32_t alignment : {0u, 48u})
    check_refused(Writer(0, 1).entry("general.alignment", ValueType::u32).number(alignment), "power of two");
  check_refused(Writer(0, 1).entry("general.alignment", ValueType::u64).number<uint64_t>(32), "power of two");

  const auto one = [](std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset, size_t bytes) {
    return Writer(1, 0).tensor("t", dims, type, offset).data(bytes);
  };
  CHECK(one({32, 2}, kQ4_0, 0, 36).read().ok());
  CHECK(one({0}, kF32, 0, 0).read().ok());
  check_refused(one({32, 2}, kQ4_0, 0, 35), "beyond the file");
  check_refused(one({16, 2}, kQ4_0, 0, 18), "whole blocks");
  check_refused(one({4}, 4, 0, 16), "tensor type 4");
  check_refused(one({4}, kF32, 16, 32), "alignment");
  check_refused(one({4}, kF32, 32, 48), "a hole");
  check_refused(one({1, 1, 1, 1, 1}, kF32, 0, 4), "5 dimensions");
  check_refused(one({1ull << 62, 4}, kF32, 0, 4), "overflows");
  check_refused(one({1ull << 63}, kF32, 0, 4), "overflows");
  check_refused(one({1ull << 62}, kF32, 0, 4), "overflows");
  // A zero that stands first in the file stands last in the shape.
  check_refused(one({0, 1ull << 62, 4}, kF32, 0, 0), "overflows");
  check_refused(Writer(2, 0).tensor("t", {4}, kF32, 0).tensor("u", {4}, kF32, 0).data(16), "an overlap");
  check_refused(Writer(2, 0).tensor("t", {4}, kF32, 0).tensor("t", {4}, kF32, 32).data(48), "stands twice");
}

TEST_CASE("gguf: a cut file is refused at every length") {
  Writer w(1, 1);
  w.entry("words", ValueType::array).array(ValueType::string, 1).string("x").tensor("t", {2}, kF32, 0).data(8);
  REQUIRE(w.read().ok());
  for (size_t length = 0; length < w.text().size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(read_gguf(std::as_bytes(std::span(w.text()).first(length))).ok());
  }
}

TEST_CASE("shards: the first part of a split GGUF brings the others") {
  TempFolder folder;
  const auto part = [&](int number, std::string_view tensor) {
    Writer w(1, 1);
    w.entry("split.count", ValueType::u16).number<uint16_t>(2).tensor(tensor, {2}, kF32, 0).data(8);
    const auto path = path_join(folder.path(), cat("m-0000", number, "-of-00002.gguf"));
    REQUIRE(write_file(path, w.text()).ok());
    return path;
  };
  part(1, "a");
  const auto second = part(2, "b");
  const auto weights = Weights::open(folder.path());
  REQUIRE_MESSAGE(weights.ok(), weights.status().message());
  CHECK((*weights)->find("b") != nullptr);
  CHECK((*weights)->files().size() == 2);
  CHECK(contains(Weights::open(second).status().message(), "-00001-of-00002.gguf"));
  REQUIRE(write_file(path_join(folder.path(), "other.gguf"), Writer(0, 0).text()).ok());
  CHECK(contains(Weights::open(folder.path()).status().message(), "several weight files"));
}
