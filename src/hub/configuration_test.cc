#include "hub/configuration.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

TEST_CASE("configuration: what is written is read, with comments and both kinds of quotes") {
  const auto parsed = parse_configuration(
      "# where things lie\ndatabase = \"postgresql://h:a\\\\b\\\"c@db/x\" # PostgreSQL\n\n  "
      "objects='s3://b/p?x=\"1\"'\n");
  REQUIRE(parsed.ok());
  CHECK(parsed->database == "postgresql://h:a\\b\"c@db/x");
  CHECK(parsed->objects == "s3://b/p?x=\"1\"");
  CHECK(parsed->repositories.empty());
  const auto again = parse_configuration(format_configuration(*parsed));
  CHECK(again->database == parsed->database);
  CHECK(again->objects == parsed->objects);
}

TEST_CASE("configuration: a bad line is named") {
  for (const std::string_view line :
       {"database", "database = x", "database = \"x", "database = \"x\" y", "data = \"x\"", "[server]",
        "objects = \"\\q\"", "objects = \"a\"\nobjects = \"b\""}) {
    const auto parsed = parse_configuration(cat("# first\n", line));
    CHECK_MESSAGE(parsed.status().code() == Code::bad_input, line);
    CHECK(parsed.status().message().starts_with("line "));
  }
}

TEST_CASE("configuration: a folder is set up once; another place than its own is refused") {
  TempFolder temp;
  const auto folder = path_join(temp.path(), "data");
  REQUIRE(configure(folder, {}).ok());
  CHECK(!exists(folder));  // nothing to write down
  REQUIRE(configure(folder, {.database = "postgresql://db/x"}).ok());
  CHECK(read_configuration(folder)->database == "postgresql://db/x");
  CHECK(configure(folder, {}).ok());
  CHECK(configure(folder, {.database = "postgresql://db/x"}).ok());
  CHECK(configure(folder, {.database = "postgresql://db/y"}).code() == Code::bad_input);
  CHECK(configure(folder, {.objects = "s3://b/p"}).code() == Code::bad_input);

  const auto local = path_join(temp.path(), "local");
  REQUIRE(make_folders(local).ok());
  REQUIRE(write_file(path_join(local, "hearth.db"), "").ok());
  CHECK(configure(local, {.database = "postgresql://db/x"}).code() == Code::bad_input);
}

}  // namespace
}  // namespace hearth::hub
