// The ground holds: libtorch, Arrow and our own kernels loaded in one process through their doors and used side by
// side, and an exception of each caught where style section 3 says.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "base/door.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "tensor/ops.h"

using namespace hearth;

namespace {

struct Ran {
  int exit_code;
  std::string out, err;
};

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}

/// Runs `body` with standard output and error going into files, as a shell would.
template <class Body>
Ran captured(Body&& body) {
  TempFolder folder;
  const auto out = path_join(folder.path(), "out"), err = path_join(folder.path(), "err");
  std::fflush(stdout);
  const Fd saved_out(dup(1)), saved_err(dup(2));
  dup2(must(open_write(out)).get(), 1);
  dup2(must(open_write(err)).get(), 2);
  Terminal terminal;
  const int code = body(terminal);
  std::fflush(stdout);
  dup2(saved_out.get(), 1);
  dup2(saved_err.get(), 2);
  return {code, must(read_file(out)), must(read_file(err))};
}

Ran datasets_head(const std::string& path) {
  const auto door = open_door("data", "hearth_data_run");
  REQUIRE_MESSAGE(door.ok(), door.status().message());
  const std::string_view words[] = {"--json", "--", path};
  return captured([&](Terminal& terminal) {
    return reinterpret_cast<CommandDoor>(*door)("datasets head", std::span(words), terminal);
  });
}

const Backend& aten() {
  const auto backend = backend_by_name("aten");
  REQUIRE_MESSAGE(backend.ok(), backend.status().message());
  return **backend;
}

LinearWeight weight_on(const Backend& backend, std::span<const float> values, const Shape& shape) {
  auto made = backend.weight({"w", DType::f32, shape, std::as_bytes(values), nullptr}, {});
  REQUIRE_MESSAGE(made.ok(), made.status().message());
  return {std::move(made).value(), {}};
}

}  // namespace

TEST_CASE("doors: rows from Arrow go through our kernels and libtorch to equal numbers, in one process") {
  TempFolder folder;
  const auto path = path_join(folder.path(), "rows.csv");
  REQUIRE(write_file(path, "a,b,c\n1,2,3\n4,5,6\n").ok());
  const auto head = datasets_head(path);
  REQUIRE_MESSAGE(head.exit_code == 0, head.err);
  const auto rows = Json::parse(head.out);
  REQUIRE_MESSAGE(rows.ok(), head.out);
  std::vector<float> x;
  for (const auto& row : (*rows)["rows"].array())
    for (const auto& [column, value] : row.object()) x.push_back(static_cast<float>(value.as_double()));
  REQUIRE(x.size() == 6);

  const std::vector<float> w{1, 0, 0, 0.5f, 0.5f, 0.5f};
  for (const auto* backend : {&native_backend(), &aten()}) {
    CAPTURE(backend->name);
    const auto entry = weight_on(*backend, w, {2, 3});
    const LinearWeight* const weights[] = {&entry};
    const auto y = backend->linear({backend->from_host(x, {2, 3})}, std::span(weights));
    CHECK(to_vector(y[0]) == std::vector<float>{1, 3, 4, 7.5f});
  }
}

TEST_CASE("doors: an exception of each is caught where style says") {
  SUBCASE("Arrow: the data runner answers with a code and one line") {
    TempFolder folder;
    const auto path = path_join(folder.path(), "broken.parquet");
    REQUIRE(write_file(path, "PAR1 and nothing more PAR1").ok());
    const auto ran = datasets_head(path);
    CHECK(ran.exit_code == code_row(Code::bad_input).exit_code);
    CHECK(contains(ran.err, "broken.parquet"));
    CHECK(ran.out.empty());
  }
  SUBCASE("ours: ShapeError keeps its type from object to object") {
    const auto& backend = aten();
    CHECK_THROWS_AS(add(backend.from_host({}, {0}), native_backend().from_host({}, {0})), ShapeError);
    CHECK_THROWS_AS(native_backend().from_host({}, {0}).view({1}), ShapeError);
  }
  SUBCASE("libtorch: the runner of a verb turns its exception into an exit code") {
    static constexpr CommandBody kBody{"multiply", [](const Arguments&, Terminal&) {
                                         const std::vector<float> six(6, 1.0f);
                                         const auto entry = weight_on(aten(), six, {2, 3});
                                         const LinearWeight* const weights[] = {&entry};
                                         aten().linear({aten().from_host(six, {3, 2})}, std::span(weights));
                                         return 0;
                                       }};
    static constexpr const CommandBody* kBodies[] = {&kBody};
    const auto ran = captured([&](Terminal& terminal) { return run_command(kBodies, "multiply", {}, terminal); });
    CHECK(ran.exit_code == code_row(Code::internal).exit_code);
    CHECK(contains(ran.err, "multiply: "));
    CHECK(contains(ran.err, "shapes cannot be multiplied"));
  }
}
