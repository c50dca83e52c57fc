#include "safetensors/safetensors.h"

#include <doctest/doctest.h>

#include <cstring>

#include "base/files.h"
#include "base/text.h"
#include "safetensors/shards.h"

using namespace hearth;

namespace {

/// A file in memory: the length, the header, `data` zero bytes.
std::string file_of(std::string_view header, size_t data) {
  const uint64_t length = header.size();
  std::string out(reinterpret_cast<const char*>(&length), sizeof length);
  return out.append(header).append(data, '\0');
}

Result<WeightIndex> read(const std::string& file) {
  return read_safetensors(std::as_bytes(std::span(file)));
}

/// The refusal of a header over `data` bytes must name `reason`.
void check_refused(std::string_view header, size_t data, std::string_view reason) {
  CAPTURE(header);
  const auto result = read(file_of(header, data));
  REQUIRE_FALSE(result.ok());
  CHECK(result.status().code() == Code::bad_input);
  CAPTURE(result.status().message());
  CHECK(contains(result.status().message(), reason));
}

}  // namespace

TEST_CASE("safetensors: tensors are views in the order of their bytes, whatever the header's order") {
  const auto file = file_of(R"({"__metadata__":{"format":"pt","a\u00e9":"\n"},)"
                            R"("b":{"dtype":"BF16","shape":[2,1],"data_offsets":[8,12]},)"
                            R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                            R"("none":{"dtype":"F4","shape":[0,3],"data_offsets":[8,8]},)"
                            R"("scalar":{"dtype":"U8","shape":[],"data_offsets":[12,13]}}  )",
                            13);
  const auto index = read(file);
  REQUIRE_MESSAGE(index.ok(), index.status().message());
  REQUIRE(index->tensors.size() == 4);
  CHECK(index->tensors[0].name == "a");
  CHECK(index->tensors[1].name == "none");
  CHECK(index->tensors[2].name == "b");
  CHECK(index->tensors[2].dtype == DType::bf16);
  CHECK(index->tensors[2].shape == std::vector<int64_t>{2, 1});
  CHECK(index->tensors[2].data.data() == reinterpret_cast<const std::byte*>(file.data()) + file.size() - 5);
  CHECK(index->tensors[3].elements() == 1);
  REQUIRE(index->metadata.size() == 2);
  CHECK(index->metadata[0].value.string() == "pt");
  CHECK(index->metadata[1].key == "a\xC3\xA9");
  CHECK(index->metadata[1].value.string() == "\n");
}

TEST_CASE("safetensors: a header that disagrees with the file is refused, and the field named") {
  const auto row = [](std::string_view type, std::string_view shape, std::string_view offsets) {
    return cat(R"({"a":{"dtype":")", type, R"(","shape":)", shape, R"(,"data_offsets":)", offsets, "}}");
  };
  CHECK(read(file_of(row("F32", "[1]", "[0,4]"), 4)).ok());
  check_refused(row("F32", "[1]", "[0,4]"), 5, "cover 4 of 5 bytes");
  check_refused(row("F32", "[1]", "[0,4]"), 3, "outside the file");
  check_refused(row("F32", "[1]", "[4,0]"), 4, "outside the file");
  check_refused(row("F32", "[2]", "[0,4]"), 4, "need 8");
  check_refused(row("F32", "[1]", "[4,8]"), 8, "a hole");
  check_refused(row("F32", "[1]", "[0,4,4]"), 4, "3 numbers");
  check_refused(row("F32", "[1.0]", "[0,4]"), 4, "not a count");
  check_refused(row("F32", "[-1]", "[0,4]"), 4, "not a count");
  check_refused(row("F32", "1", "[0,4]"), 4, "no list");
  check_refused(row("F4", "[1]", "[0,1]"), 1, "no whole number of bytes");
  check_refused(row("F33", "[1]", "[0,4]"), 4, "F33");
  check_refused(row("Q4_0", "[32]", "[0,18]"), 18, "Q4_0");
  check_refused(row("U8", "[4611686018427387904,4]", "[0,0]"), 0, "overflows");
  check_refused(row("U8", "[18446744073709551616]", "[0,0]"), 0, "not");
  check_refused(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
                3, "an overlap");
  check_refused(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                0, "stands twice");
  check_refused(R"({"a":{"dtype":"U8","shape":[0],"shape":[0],"data_offsets":[0,0]}})", 0, "'shape' stands twice");
  check_refused(R"({"a":{"shape":[0],"data_offsets":[0,0]}})", 0, "'dtype' is missing");
  check_refused(R"({"a":7})", 0, "no object");
  check_refused(R"({"__metadata__":{"a":1}})", 0, "no string");
  check_refused(R"({"__metadata__":[]})", 0, "no object");
  check_refused("[]", 0, "no object");
  check_refused("{}{}", 0, "not JSON");
  check_refused("", 0, "not JSON");
  check_refused("{\"\xFF\":{}}", 0, "not JSON");
}

TEST_CASE("safetensors: the header's length is checked before anything is read") {
  CHECK(contains(read("1234567").status().message(), "no header length"));
  std::string file = file_of("{}", 0);
  file[0] = 3;
  CHECK(contains(read(file).status().message(), "beyond the file"));
  const uint64_t huge = kSafetensorsHeaderMax + 1;
  std::memcpy(file.data(), &huge, sizeof huge);
  CHECK(contains(read(file).status().message(), "over the limit"));
}

TEST_CASE("safetensors: what is written is read back, widest type first") {
  TempFolder folder;
  const auto path = path_join(folder.path(), "x.safetensors");
  const std::vector<std::byte> bytes(16, std::byte{7});
  const std::span all(bytes);
  const SafetensorsEntryView tensors[] = {
      {"b", DType::f16, {2, 2}, all.first(8)}, {"z", DType::i64, {2}, all}, {"a", DType::f16, {1}, all.first(2)}};
  const std::pair<std::string, std::string> metadata[] = {{"format", "pt"}};
  REQUIRE(write_safetensors(path, tensors, metadata).ok());
  const auto file = WeightFile::open(path);
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  REQUIRE((*file)->tensors().size() == 3);
  CHECK((*file)->tensors()[0].name == "z");
  CHECK((*file)->tensors()[1].name == "a");
  CHECK((*file)->find("b")->shape == std::vector<int64_t>{2, 2});
  CHECK((*file)->find("b")->data[3] == std::byte{7});
  CHECK((*file)->find("c") == nullptr);
  CHECK((*file)->find_metadata("format")->string() == "pt");

  const SafetensorsEntryView twice[] = {tensors[0], tensors[0]};
  CHECK(contains(write_safetensors(path, twice).message(), "taken"));
  const SafetensorsEntryView wrong[] = {{"a", DType::f32, {1}, all}};
  CHECK(contains(write_safetensors(path, wrong).message(), "need 4"));
  const SafetensorsEntryView blocks[] = {{"a", DType::q8_0, {32}, all}};
  CHECK(contains(write_safetensors(path, blocks).message(), "no name in safetensors"));
}

TEST_CASE("shards: an index brings its files, and every disagreement is told") {
  TempFolder folder;
  const auto in_folder = [&](std::string_view file) { return path_join(folder.path(), file); };
  const std::vector<std::byte> bytes(4);
  const SafetensorsEntryView one[] = {{"a", DType::f32, {1}, bytes}}, two[] = {{"b", DType::u8, {4}, bytes}};
  REQUIRE(write_safetensors(in_folder("1.safetensors"), one).ok());
  REQUIRE(write_safetensors(in_folder("2.safetensors"), two).ok());
  CHECK(Weights::open(folder.path()).status().code() == Code::not_found);

  const auto index = in_folder("model.safetensors.index.json");
  REQUIRE(write_file(index, R"({"weight_map":{"b":"2.safetensors","a":"1.safetensors"}})").ok());
  const auto weights = Weights::open(folder.path());
  REQUIRE_MESSAGE(weights.ok(), weights.status().message());
  CHECK((*weights)->files().size() == 2);
  CHECK((*weights)->tensors().size() == 2);
  REQUIRE((*weights)->find("b") != nullptr);
  CHECK((*weights)->find("b")->dtype == DType::u8);

  const auto refused = [&](std::string_view text) {
    REQUIRE(write_file(index, text).ok());
    return Weights::open(index).status().message();
  };
  CHECK(contains(refused(R"({"weight_map":{"c":"1.safetensors"}})"), "'c' is not in 1.safetensors"));
  CHECK(contains(refused(R"({"weight_map":{"a":"../1.safetensors"}})"), "no name of a file"));
  CHECK(contains(refused(R"({"weight_map":{"a":7}})"), "no name of a file"));
  CHECK(contains(refused(R"({"weight_map":{}})"), "empty"));
  CHECK(contains(refused("{}"), "weight_map"));
  CHECK(contains(refused(R"({"weight_map":{"a":"3.safetensors"}})"), "3.safetensors"));
  REQUIRE(write_safetensors(in_folder("2.safetensors"), one).ok());
  CHECK(contains(refused(R"({"weight_map":{"b":"2.safetensors","a":"1.safetensors"}})"), "another file"));
}
