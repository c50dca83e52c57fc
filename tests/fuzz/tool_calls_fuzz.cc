// Answers of models with tool calls: a line with the format's name, then the answer, cut after each byte 0x1F. However
// it is cut, no byte of plain text may be lost or made up.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "inference/output_formats_registry.h"

namespace {

using namespace hearth;

// What an answer comes to; `cuts`: a piece each.
std::string total(const inference::OutputFormat& format, std::string_view answer, bool cuts) {
  inference::OutputParser::Options options;
  options.format = &format;
  options.context.tools = {{.name = "f", .description = {}, .parameters = {}}};
  if (answer.starts_with("<think>")) options.reasoning = inference::ReasoningMarks{"<think>", "</think>"};
  inference::OutputParser parser(options);
  std::vector<wire::AnswerPart> parts;
  const auto add = [&](std::vector<wire::AnswerPart> more) {
    for (auto& part : more) append_part(parts, std::move(part));
  };
  for (size_t at = 0; at < answer.size();) {
    const auto end = cuts ? answer.find('\x1F', at) : std::string_view::npos;
    const auto piece = answer.substr(at, end == std::string_view::npos ? end : end - at + 1);
    add(parser.push(piece));
    at += piece.size();
  }
  add(parser.end());
  std::string out;
  for (const auto& part : parts) out += std::to_string(static_cast<int>(part.kind)) + part.name + part.text;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto answer = text.substr(line + 1);
  for (const auto* format : inference::output_formats::entries()) {
    if (format->name != text.substr(0, line)) continue;
    const auto in_pieces = total(*format, answer, true), whole = total(*format, answer, false);
    if (in_pieces == whole) continue;
    std::fprintf(stderr, "in pieces: %s\nwhole:     %s\n", in_pieces.c_str(), whole.c_str());
    std::abort();
  }
  return 0;
}
