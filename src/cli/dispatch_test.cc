#include "cli/dispatch.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/help.h"

using namespace std::string_view_literals;
using hearth::Arguments;
using hearth::Option;
using hearth::Terminal;
using hearth::cli::Command;
using hearth::cli::Commands;
using hearth::cli::dispatch;
using hearth::cli::Group;

namespace {

std::string seen;  // NOLINT: what the last body was given

int record(const Arguments& arguments, Terminal&) {
  seen = hearth::join(arguments.words(), " ");
  return 0;
}

constexpr Option kOptions[] = {{"revision", "REV", "Which revision."},
                               {"repo-type", "TYPE", "Which kind.", false, "type"}};
constexpr Command kAdmin[] = {
    {"admin user create", "NAME", "Create a user.", kOptions, "", {}, record},
    {"admin token create", "USER", "Create a token.", {}, "", {}, record},
};
constexpr Command kDownload[] = {{"download", "REPO_ID", "Download files.", kOptions, "Examples\n", {}, record}};
constexpr Command kAbsent[] = {{"absent", "", "Lies in an object that is not there.", {}, "", "no_such_part"}};
constexpr Commands kA{Group::hub, "admin", "Manage the Hub.", kAdmin},
    kD{Group::repositories, "download", "Download.", kDownload}, kX{Group::internal, "absent", "Hidden.", kAbsent};
constexpr const Commands* kTable[] = {&kA, &kD, &kX};

int run(std::vector<std::string_view> words) {
  seen.clear();
  Terminal terminal;
  return dispatch(words, kTable, terminal);
}

}  // namespace

TEST_CASE("cli: the longest verb wins and its words become canonical") {
  CHECK(run({"admin", "user", "create", "ann", "--type", "model"}) == 0);
  CHECK(seen == "--repo-type=model -- ann");
  CHECK(run({"download", "a/b", "--revision=v1", "--", "--odd-name"}) == 0);
  CHECK(seen == "--revision=v1 -- a/b --odd-name");
}

TEST_CASE("cli: --data is taken from before and after the verb into HEARTH_DATA") {
  CHECK(run({"--data", "/tmp/one", "download", "a/b"}) == 0);
  CHECK(seen == "-- a/b");
  CHECK(hearth::env("HEARTH_DATA") == "/tmp/one");
  CHECK(run({"download", "a/b", "--data=/tmp/two"}) == 0);
  CHECK(hearth::env("HEARTH_DATA") == "/tmp/two");
  CHECK(run({"download", "a/b", "--data"}) == 2);
  CHECK(run({"download", "--", "--data=/tmp/three"}) == 0);
  CHECK(hearth::env("HEARTH_DATA") == "/tmp/two");
}

TEST_CASE("cli: unknown verbs, sub-verbs and options are bad input") {
  CHECK(run({"downlaod", "a/b"}) == 2);
  CHECK(run({"admin", "usr", "create"}) == 2);
  CHECK(run({"admin", "user", "crate"}) == 2);
  CHECK(run({"admin"}) == 2);
  CHECK(run({"download", "--revison", "x"}) == 2);
  CHECK(run({"--quik", "download"}) == 2);
  CHECK(seen.empty());
}

TEST_CASE("cli: help runs nothing and answers 0") {
  for (const auto& words : std::vector<std::vector<std::string_view>>{{},
                                                                      {"--help"},
                                                                      {"-h"},
                                                                      {"--version"},
                                                                      {"download", "--help"},
                                                                      {"--help", "download"},
                                                                      {"admin", "--help"},
                                                                      {"admin", "user", "--help"}}) {
    CHECK(run(words) == 0);
    CHECK(seen.empty());
  }
}

TEST_CASE("cli: a missing part of the build is unavailable, not a crash") {
  CHECK(run({"absent"}) == hearth::code_row(hearth::Code::unavailable).exit_code);
}

TEST_CASE("cli: help lists what there is, hides what is internal, and wraps") {
  const auto text = hearth::cli::main_help(kTable, 60);
  CHECK(hearth::contains(text, "Serve a Hub\n"));
  CHECK(hearth::contains(text, "download"));
  CHECK_FALSE(hearth::contains(text, "Hidden."));
  for (const auto line : hearth::split(text, '\n')) CHECK(line.size() <= 60);
  CHECK(hearth::contains(hearth::cli::verb_help(kDownload[0], 80), "--type, --repo-type TYPE"));
}

TEST_CASE("cli: the real table has unique verbs that begin with their group's name") {
  std::vector<std::string_view> verbs;
  for (const auto* commands : hearth::cli::commands::entries()) {
    for (const auto& command : commands->rows) {
      CHECK((command.verb == commands->name || command.verb.starts_with(hearth::cat(commands->name, " "))));
      CHECK_MESSAGE((command.run != nullptr) != !command.object.empty(), command.verb);
      for (const auto verb : verbs) CHECK(verb != command.verb);
      verbs.push_back(command.verb);
    }
  }
  CHECK_FALSE(verbs.empty());
}
