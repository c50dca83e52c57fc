#include "hub/file_window.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace hearth::hub {

TEST_CASE("file window: any part of a file, in any order") {
  TempFolder folder;
  std::string text;
  for (int i = 0; text.size() < 5'000'001; ++i) text += cat(i, " ");
  const auto path = path_join(folder.path(), "file"), other = path_join(folder.path(), "other");
  REQUIRE(write_file(path, text).ok());
  REQUIRE(write_file(other, "short").ok());
  FileWindow window;
  REQUIRE(window.show(path).ok());
  const uint64_t size = text.size(), half = FileWindow::kBuffer / 2;
  const auto reads = [&](uint64_t begin, uint64_t end, uint64_t will_read) {
    const auto bytes = window.read(begin, end, will_read);
    return bytes.ok() && std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()) ==
                             std::string_view(text).substr(begin, end - begin);
  };
  for (uint64_t at = 0; at < size; at += 100'003) CHECK(reads(at, std::min(at + 100'003, size), size));
  CHECK(reads(size - 1, size, size));
  CHECK(reads(size - half, size, 0));
  CHECK(reads(4095, 4097, 0));
  CHECK(reads(4096, 4096 + half, 4096 + half));
  CHECK(reads(0, 0, 0));
  CHECK(window.read(size - 1, size + 1, size + 1).status().code() == Code::io);
  CHECK(reads(0, 10, 10));

  REQUIRE(window.show(other).ok());
  CHECK(window.read(0, 6, 6).status().code() == Code::io);
  const auto bytes = window.read(1, 5, 5);
  REQUIRE(bytes.ok());
  CHECK(std::to_integer<char>(bytes->front()) == 'h');
  CHECK(window.show(path_join(folder.path(), "absent")).code() == Code::not_found);
}

}  // namespace hearth::hub
