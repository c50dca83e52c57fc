#include "safetensors/torch_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "base/files.h"
#include "base/text.h"
#include "safetensors/torch/pickle.h"

using namespace hearth;

namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// A stream of torch before 1.6 whose object is `pickled`, with one storage "0" of two floats.
std::string stream_of(std::string_view pickled) {
  using namespace std::string_literals;
  const auto magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
  const auto version = "\x80\x02M\xe9\x03."s, facts = "\x80\x02}X\x0d\0\0\0little_endian\x88s."s;
  const auto keys = "\x80\x02]X\x01\0\0\0"s + "0a."s;
  return magic + version + facts + std::string(pickled) + keys + "\x02\0\0\0\0\0\0\0"s + "\0\0\x80\x3f\0\0\0\x40"s;
}

/// {"w": a tensor of `shape` and `strides`, both opcodes of a tuple}.
std::string dict_of(std::string_view shape, std::string_view strides) {
  using namespace std::string_literals;
  return "\x80\x02}X\x01\0\0\0w"s + "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"s +
         "X\x01\0\0\0"s + "0X\x03\0\0\0cpuK\x02NtQK\0"s + std::string(shape) + std::string(strides) + "\x89}tRs."s;
}

std::string refusal(std::string_view file) {
  const auto index = read_torch_file(bytes(file));
  REQUIRE_FALSE(index.ok());
  return index.status().message();
}

}  // namespace

TEST_CASE("torch: a stream's tensors are views of the file") {
  const auto file = stream_of(dict_of("K\x02\x85", "K\x01\x85"));
  REQUIRE(is_torch_file(bytes(file)));
  const auto index = read_torch_file(bytes(file));
  REQUIRE(index.ok());
  REQUIRE(index->tensors.size() == 1);
  const auto& w = index->tensors[0];
  CHECK(w.name == "w");
  CHECK(w.dtype == DType::f32);
  CHECK(w.shape == std::vector<int64_t>{2});
  CHECK(reinterpret_cast<const char*>(w.data.data()) == file.data() + file.size() - 8);
}

TEST_CASE("torch: what reaches beyond its storage or repeats it is refused by name") {
  CHECK(contains(refusal(stream_of(dict_of("K\x03\x85", "K\x01\x85"))), "'w' reaches beyond its storage"));
  CHECK(contains(refusal(stream_of(dict_of("K\x02K\x02\x86", "K\x64K\x01\x86"))), "'w' reaches beyond its storage"));
  CHECK(contains(refusal(stream_of(dict_of("K\x64\x85", std::string_view("K\0\x85", 3)))), "'w' repeats"));
  CHECK(contains(refusal(stream_of(dict_of("J\xff\xff\xff\xff\x85", "K\x01\x85"))), "shape"));
  CHECK(contains(refusal(stream_of(dict_of("K\x02\x85", "K\x01K\x01\x86"))), "strides"));
}

TEST_CASE("torch: names that no state dict needs are told, in every way that a pickle can spell them") {
  for (const std::string_view call : {"cposix\nsystem\n", "\x8c\x05posix\x8c\x06system\x93"})
    CHECK(contains(refusal(stream_of(cat("\x80\x02", call, "."))), "posix.system"));
  CHECK(contains(refusal(stream_of("\x80\x02(iposix\nsystem\n.")), "opcode 105"));
}

TEST_CASE("torch: nesting, marks and memos that make no sense end in an error") {
  CHECK(contains(refusal(stream_of("\x80\x02N" + std::string(1'000'000, '\x85') + ".")), "no tensor looks at"));
  CHECK(contains(refusal(stream_of("\x80\x02" + std::string(TorchPickle::kStepsMax + 1, '(') + ".")), "steps"));
  for (const std::string_view broken : {"\x80\x02h\x05.", "\x80\x02t.", "\x80\x02R.", "\x80\x02(.", "\x80\x02Q."})
    CHECK(contains(refusal(stream_of(broken)), "makes no sense"));
}

TEST_CASE("torch: what is written is read, and equal data are stored once") {
  const TempFolder folder;
  const auto path = path_join(folder.path(), "a.bin");
  const std::vector<float> values(1000, 2.5f);
  const auto data = std::as_bytes(std::span(values));
  const SafetensorsEntryView entries[] = {{"a", DType::f32, {10, 100}, data},
                                          {"b", DType::f32, {1000}, data},
                                          {"eight", DType::f8_e4m3, {4}, data.first(4)},
                                          {"none", DType::i64, {0, 3}, {}}};
  REQUIRE(write_torch_file(path, entries).ok());
  CHECK(file_size(path).value() < 2 * data.size());
  const auto file = WeightFile::open(path);
  REQUIRE(file.ok());
  CHECK((*file)->format() == WeightFormat::torch);
  for (const auto& entry : entries) {
    const auto* tensor = (*file)->find(entry.name);
    REQUIRE(tensor);
    CHECK(tensor->dtype == entry.dtype);
    CHECK(tensor->shape == entry.shape);
    CHECK(std::ranges::equal(tensor->data, entry.data));
  }
  CHECK(write_torch_file(path, std::array{entries[0], entries[0]}).code() == Code::bad_input);
}
