#include "datasets/arrow_status.h"

#include <doctest/doctest.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include "base/files.h"
#include "base/text.h"

using namespace hearth;

TEST_CASE("arrow: what Arrow returns and what Parquet throws becomes a Status, in one place") {
  using datasets::from_arrow;
  CHECK(from_arrow(arrow::Status::OK()).ok());
  CHECK(from_arrow(arrow::Status::Invalid("odd")).code() == Code::bad_input);
  CHECK(from_arrow(arrow::Status::IOError("disk")).code() == Code::io);
  CHECK(from_arrow(arrow::Status::OutOfMemory("big")).code() == Code::too_large);
  CHECK(from_arrow(arrow::Result<int>(arrow::Status::KeyError("who"))).status().message() == "who");
  CHECK(from_arrow(arrow::Result<int>(7)).value() == 7);

  TempFolder folder;
  const auto path = path_join(folder.path(), "x.parquet");
  REQUIRE(write_file(path, "this is no table").ok());
  const auto thrown = datasets::guard_arrow([&]() -> Status {
    parquet::ParquetFileReader::OpenFile(path);  // throws
    return {};
  });
  CHECK(thrown.code() == Code::bad_input);
  CHECK(contains(thrown.message(), "magic bytes"));
  CHECK(datasets::guard_arrow([]() -> Status { throw std::bad_alloc(); }).code() == Code::too_large);
  CHECK(datasets::guard_arrow([]() -> Status {
          throw parquet::ParquetStatusException(arrow::Status::IOError("x"));
        }).code() == Code::io);
}
