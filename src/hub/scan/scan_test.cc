#include <doctest/doctest.h>

#include "base/process.h"
#include "base/text.h"
#include "hub/scan/pickle.h"
#include "hub/scan/secrets.h"
#include "hub/scan/zip.h"

namespace hearth::hub::scan {
namespace {

// Bytes that Python makes, so that the pickles are real ones.
std::string python(std::string_view code) {
  const auto done = run_process(
      {.arguments = {"python3", "-c",
                     cat("import sys,pickle,pickletools,io,zipfile,collections\n", "out=sys.stdout.buffer\n", code)}});
  REQUIRE(done.ok());
  REQUIRE_MESSAGE(done->exit_status == 0, done->err);
  return done->out;
}

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

PickleScan scan(const std::string& file) {
  const auto out = scan_pickle(bytes(file));
  REQUIRE_MESSAGE(out.ok(), out.status().message());
  return *out;
}

std::string names(const PickleScan& scan) {
  std::string out;
  for (const auto& import : scan.imports)
    out += cat(import.module, ".", import.name, " ", safety_name(import.safety), "\n");
  return out;
}

constexpr std::string_view kEvil =
    "class Evil:\n  def __reduce__(self):\n    import os\n    return (os.system, ('true',))\n";

}  // namespace

TEST_CASE("scan: a pickle of plain values imports nothing, in every protocol") {
  for (int protocol = 0; protocol <= 5; ++protocol) {
    const auto file = python(
        cat("out.write(pickle.dumps({'a': [1, 2.5, None, True, b'x', 'text', (1, 2, 3), 1 << 70]}, ", protocol, "))"));
    INFO("protocol ", protocol);
    const auto found = scan(file);
    CHECK_FALSE(found.is_cut);
    if (protocol >= 3) CHECK(names(found).empty());  // before, bytes are made by _codecs.encode
    CHECK(found.safety() == Safety::innocuous);
  }
}

TEST_CASE("scan: __reduce__ to os.system is dangerous, in every protocol") {
  for (int protocol = 0; protocol <= 5; ++protocol) {
    const auto found = scan(python(cat(kEvil, "out.write(pickle.dumps([1, Evil()], ", protocol, "))")));
    INFO("protocol ", protocol);
    CHECK(names(found) == "posix.system dangerous\n");
    CHECK(found.safety() == Safety::dangerous);
  }
}

TEST_CASE("scan: known containers are innocuous, unknown classes suspicious") {
  CHECK(names(scan(python("out.write(pickle.dumps(collections.OrderedDict(a=1), 4))"))) ==
        "collections.OrderedDict innocuous\n");
  CHECK(names(scan(python("import decimal\nout.write(pickle.dumps(decimal.Decimal(1), 2))"))) ==
        "decimal.Decimal suspicious\n");
}

TEST_CASE("scan: names that reach a module through memo, dots or another module's imports are seen") {
  // STACK_GLOBAL with both names fetched from the memo; the pieces keep the zero bytes.
  CHECK(names(scan(std::string("\x80\x04\x8c\x05posix\x94\x8c\x06system\x94h\x00", 21) +
                   std::string("h\x01\x93\x8c\x04true\x85R.", 12))) == "posix.system dangerous\n");
  CHECK(judge_import("torch.serialization", "os.system") == Safety::dangerous);
  CHECK(judge_import("builtins", "eval.__call__") == Safety::dangerous);
  CHECK(judge_import("os.path", "join") == Safety::dangerous);
  CHECK(judge_import("ospackage", "x") == Safety::suspicious);
  CHECK(judge_import("torch", "FloatStorage") == Safety::innocuous);
  CHECK(judge_import("torch", "hub") == Safety::suspicious);
  // A name that is computed: only running it would tell.
  CHECK(scan(std::string("\x80\x04N\x8c\x01x\x93.", 8)).safety() == Safety::dangerous);
}

TEST_CASE("scan: what hides behind the first pickle or in a torch archive is found") {
  const auto behind = python(cat(kEvil, "out.write(pickle.dumps(1, 2) + pickle.dumps(Evil(), 2) + b'storage')"));
  CHECK(scan(behind).safety() == Safety::dangerous);
  for (const std::string_view method : {"ZIP_STORED", "ZIP_DEFLATED"}) {
    const auto archive = python(cat(kEvil, "b=io.BytesIO()\nz=zipfile.ZipFile(b,'w',zipfile.", method,
                                    ")\nz.writestr('m/data/0', bytes(1000))\nz.writestr('m/data.pkl', "
                                    "pickle.dumps(Evil(), 2))\nz.close()\nout.write(b.getvalue())"));
    CHECK(names(scan(archive)) == "posix.system dangerous\n");
  }
  const auto renamed = python(cat(kEvil,
                                  "b=io.BytesIO()\nz=zipfile.ZipFile(b,'w')\nz.writestr('m/data/0', "
                                  "pickle.dumps(Evil(), 4))\nz.close()\nout.write(b.getvalue())"));
  CHECK(scan(renamed).safety() == Safety::dangerous);
}

TEST_CASE("scan: a cut pickle is suspicious, other files are refused, a bomb is not unpacked") {
  const auto whole = python("out.write(pickle.dumps(list(range(1000)), 4))");
  CHECK(scan(whole.substr(0, whole.size() / 2)).safety() == Safety::suspicious);
  CHECK(scan_pickle(bytes("just some text that is no pickle")).status().code() == Code::bad_input);
  CHECK(scan_pickle(bytes("")).status().code() == Code::bad_input);
  const auto bomb = python(
      "b=io.BytesIO()\nz=zipfile.ZipFile(b,'w',zipfile.ZIP_DEFLATED)\nz.writestr('data.pkl', "
      "bytes(10_000_000))\nz.close()\nout.write(b.getvalue())");
  const auto members = zip_members(bytes(bomb));
  REQUIRE(members.ok());
  REQUIRE(members->size() == 1);
  CHECK(read_member(bytes(bomb), (*members)[0], 1'000'000).status().code() == Code::too_large);
  CHECK(read_member(bytes(bomb), (*members)[0], 20'000'000)->size() == 10'000'000);
}

TEST_CASE("secrets: real forms are found with their line, placeholders and longer words are not") {
  const auto token = cat("hf", "_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567");
  const auto found = find_secrets(cat("first\ntoken = \"", token, "\"\nkey: AKIA", "QWERTYUIOPASDF12\n"));
  REQUIRE(found.size() == 2);
  CHECK(found[0].kind == "Hugging Face token");
  CHECK(found[0].line == 2);
  CHECK(found[1].kind == "AWS access key");
  CHECK(found[1].line == 3);
  CHECK(find_secrets("hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx").empty());
  CHECK(find_secrets("AKIAIOSFODNN7EXAMPLE").empty());
  CHECK(find_secrets(cat("a", token)).empty());
  CHECK(find_secrets("-----BEGIN PRIVATE KEY----- is how a key begins").empty());
  CHECK(find_secrets(
            cat("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"))
            .size() == 1);
}

}  // namespace hearth::hub::scan
