// Speed of a tokenizer: time to load, and megabytes of text a second of CPU in a first and a second pass over
// documents. Usage: build/bin/bench_tokenizers TOKENIZER TEXTS [ids|offsets] [THREADS]; TEXTS holds documents parted by
// NUL bytes, which are encoded one by one, or with THREADS as one batch. Prints one JSON object; `checksum` (FNV-1a
// over the ids of the first pass) says that two programs made the same ids.
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "clock.h"
#include "tokenizers/tokenizer.h"

using namespace hearth;

int main(int argc, char** argv) {
  if (argc < 3) return std::fprintf(stderr, "usage: bench_tokenizers TOKENIZER TEXTS [ids|offsets] [THREADS]\n"), 2;
  const bool offsets = argc > 3 && std::string_view(argv[3]) == "offsets";
  const int threads = argc > 4 ? std::atoi(argv[4]) : 0;
  const auto text = read_file(argv[2], uint64_t{1} << 32);
  if (!text.ok()) return std::fprintf(stderr, "%s\n", text.status().message().c_str()), 1;
  std::vector<EncodeInput> documents;
  for (const auto document : split(*text, '\0')) documents.push_back({{.text = document}});

  const double begin = cpu_s();
  const auto tokenizer = Tokenizer::from_path(argv[1]);
  if (!tokenizer.ok()) return std::fprintf(stderr, "%s\n", tokenizer.status().message().c_str()), 1;
  const double load_s = cpu_s() - begin;

  const EncodeOptions options{.add_special_tokens = false,
                              .offsets = offsets ? OffsetUnit::characters : OffsetUnit::none};
  double cpu[2], wall[2];
  uint64_t checksum = 0xcbf29ce484222325, tokens = 0;
  for (int pass = 0; pass < 2; ++pass) {
    cpu[pass] = wall[pass] = 0;
    const double cpu_before = cpu_s(), wall_before = wall_s();
    if (threads > 0) {
      if (!tokenizer->encode_batch(documents, options, threads).ok()) return 1;
      cpu[pass] = cpu_s() - cpu_before;
    }
    for (size_t i = 0; i < documents.size() && threads == 0; ++i) {
      const double before = cpu_s();
      const auto encoding = tokenizer->encode(documents[i], options);
      cpu[pass] += cpu_s() - before;
      if (!encoding.ok()) return std::fprintf(stderr, "%s\n", encoding.status().message().c_str()), 1;
      if (pass > 0) continue;
      tokens += encoding->size();
      for (const auto id : encoding->ids) checksum = (checksum ^ static_cast<uint32_t>(id)) * 0x100000001b3;
    }
    wall[pass] = wall_s() - wall_before;
  }
  const double mb = static_cast<double>(text->size()) / 1e6;
  std::printf(
      "{\"load_s\": %.5f, \"cold\": %.2f, \"warm\": %.2f, \"cold_wall\": %.2f, \"warm_wall\": %.2f, "
      "\"tokens\": %llu, \"checksum\": \"%016llx\"}\n",
      load_s, mb / cpu[0], mb / cpu[1], mb / wall[0], mb / wall[1], static_cast<unsigned long long>(tokens),
      static_cast<unsigned long long>(checksum));
  return 0;
}
