// Runs a fuzz target on a committed corpus, without libFuzzer: each file as it is, cut at every length, and with each
// byte changed in a few ways. Built with the address and undefined-behaviour sanitizers, which end the process.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kMutatedMax = 4096;  // bytes of a file that are cut and changed; larger ones run as they are

void run(const std::string& bytes) {
  // An allocation of exactly this size, so that a read past the end is seen.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

size_t replay(const std::string& bytes) {
  run(bytes);
  if (bytes.size() > kMutatedMax) return 1;
  size_t runs = 1;
  std::string changed = bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    run(bytes.substr(0, i));
    for (const int mask : {0x01, 0x80, 0xFF}) {
      changed[i] = static_cast<char>(bytes[i] ^ mask);
      run(changed);
      ++runs;
    }
    changed[i] = bytes[i];
    ++runs;
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]), 2;
  const auto names = hearth::list_folder(argv[1]);
  if (!names.ok() || names->empty()) return std::fprintf(stderr, "no corpus in %s\n", argv[1]), 2;
  size_t runs = 0;
  for (const auto& name : *names) {
    const auto bytes = hearth::read_file(hearth::path_join(argv[1], name));
    if (!bytes.ok()) return std::fprintf(stderr, "%s\n", bytes.status().message().c_str()), 2;
    runs += replay(*bytes);
  }
  std::printf("%zu files, %zu runs\n", names->size(), runs);
}
