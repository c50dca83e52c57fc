// hearth inspect: what lies in a weight file: its tensors with types and shapes, and its metadata.
#include <algorithm>
#include <map>

#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/output.h"
#include "safetensors/shards.h"

namespace hearth::cli::commands {
namespace {

constexpr uint64_t kElementsShown = 6;  // of an array, to people
constexpr size_t kTextShown = 100;      // bytes of a value, to people

/// At most kTextShown bytes of text from a file, on one line.
std::string shortened(std::string_view text) {
  auto out = printable(text);
  if (out.size() <= kTextShown) return out;
  out.resize(kTextShown);
  out.resize(out.size() - utf8_incomplete_tail(out));
  return out + " ...";
}

std::string_view format_name(const WeightFile& file) {
  switch (file.format()) {
    case WeightFormat::gguf:
      return "gguf";
    case WeightFormat::torch:
      return "pytorch";
    case WeightFormat::safetensors:
      break;
  }
  return "safetensors";
}

/// "UINT32", "ARRAY[STRING]".
std::string type_name(const MetadataValueView& value) {
  return value.is_array() ? cat(name(ValueType::array), "[", name(value.element_type()), "]")
                          : std::string(name(value.type()));
}

std::string shown(const MetadataValueView& value) {
  if (value.is_string()) return shortened(value.string());
  const auto text = shortened(value.json(kElementsShown).dump());
  return value.is_array() ? cat(text, " (", value.size(), " x ", name(value.element_type()), ")") : text;
}

/// "1.5 B", "135 M": how people count parameters.
std::string human_count(int64_t count) {
  constexpr std::pair<int64_t, const char*> units[] = {{1'000'000'000, " B"}, {1'000'000, " M"}, {1'000, " k"}};
  for (const auto& [size, unit] : units) {
    if (count < size) continue;
    const auto tenths = (count * 10 + size / 2) / size;
    return tenths < 100 ? cat(tenths / 10, ".", tenths % 10, unit) : cat(tenths / 10, unit);
  }
  return cat(count);
}

struct Totals {
  int64_t parameters = 0;
  uint64_t bytes = 0;
  std::map<std::string_view, int64_t> by_type;  ///< elements
};

Totals count(const Weights& weights) {
  Totals out;
  for (const auto* tensor : weights.tensors()) {
    out.parameters += tensor->elements();
    out.bytes += tensor->data.size();
    out.by_type[name(tensor->dtype)] += tensor->elements();
  }
  return out;
}

std::string shape_text(const WeightTensorView& tensor) {
  std::string out = "[";
  for (const auto d : tensor.shape) out += cat(out.size() > 1 ? ", " : "", d);
  return out + "]";
}

void print_json(const Weights& weights, Terminal& terminal) {
  const auto& front = weights.front();
  const auto totals = count(weights);
  JsonWriter out;
  out.begin_object().field("path", utf8_replace_errors(front.path())).field("format", format_name(front));
  out.field("parameters", totals.parameters).key("parameters_by_dtype").begin_object();
  for (const auto& [type, elements] : totals.by_type) out.field(type, elements);
  out.end().key("files").begin_array();
  for (const auto& file : weights.files())
    out.begin_object()
        .field("path", utf8_replace_errors(file->path()))
        .field("size_bytes", file->size_bytes())
        .field("tensors", file->tensors().size())
        .end();
  out.end().key("metadata").begin_object();
  for (const auto& entry : front.metadata()) out.field(entry.key, entry.value.json());
  out.end();
  if (front.format() == WeightFormat::gguf) {
    out.key("metadata_types").begin_object();
    for (const auto& entry : front.metadata()) out.field(entry.key, type_name(entry.value));
    out.end();
  }
  out.key("tensors").begin_array();
  for (const auto* tensor : weights.tensors()) {
    out.begin_object().field("name", tensor->name).field("dtype", name(tensor->dtype)).key("shape").begin_array();
    for (const auto d : tensor->shape) out.value(d);
    out.end().field("size_bytes", tensor->data.size()).end();
  }
  terminal.print_line(out.end().end().text());
}

void print_human(const Weights& weights, const Output& output) {
  const auto& front = weights.front();
  const auto totals = count(weights);
  output.text(cat(printable(front.path()), ": ", format_name(front), ", ", weights.tensors().size(), " tensors, ",
                  human_count(totals.parameters), " parameters, ", human_size(totals.bytes),
                  weights.files().size() > 1 ? cat(" in ", weights.files().size(), " files") : ""));
  std::string types;
  for (const auto& [type, elements] : totals.by_type)
    types += cat(types.empty() ? "" : ", ", type, " ", human_count(elements));
  if (!types.empty()) output.text(cat("types: ", types));

  size_t width = 0;
  for (const auto& entry : front.metadata()) width = std::max(width, std::min<size_t>(utf8_length(entry.key), 48));
  if (!front.metadata().empty()) output.text("\nmetadata");
  for (const auto& entry : front.metadata()) {
    const auto key = printable(entry.key);
    const auto length = utf8_length(key);
    output.text(cat("  ", key, std::string(length < width ? width - length : 0, ' '), "  ", shown(entry.value)));
  }
  if (weights.tensors().empty()) return;
  output.text("");
  Json::Array rows;
  for (const auto* tensor : weights.tensors())
    rows.push_back(Json::Object{{"tensor", printable(tensor->name)},
                                {"type", name(tensor->dtype)},
                                {"shape", shape_text(*tensor)},
                                {"size", human_size(tensor->data.size())}});
  output.table(rows, {"tensor", "type", "shape", "size"});
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto output = Output::make(arguments, terminal);
  if (!output.ok()) return terminal.fail(output.status());
  const auto words = arguments.positional();
  if (words.size() != 1)
    return terminal.fail(Status(Code::bad_input, cat("inspect takes one FILE, not ", words.size())));
  const auto weights = Weights::open(words[0]);
  if (!weights.ok()) return terminal.fail(weights.status());
  if (output->format() == Format::json) {
    print_json(**weights, terminal);
  } else if (output->format() == Format::quiet) {
    for (const auto* tensor : (*weights)->tensors()) terminal.print_line(printable(tensor->name));
  } else {
    print_human(**weights, *output);
  }
  return 0;
}

constexpr Option kOptions[] = {kJsonOption, kQuietOption, kFormatOption};
constexpr Command kRows[] = {{
    .verb = "inspect",
    .usage = "FILE",
    .summary = "Show what lies in a weight file (safetensors or GGUF): tensors, types, shapes, metadata.",
    .options = kOptions,
    .help = "FILE may also be an index (model.safetensors.index.json), the first part of a split GGUF, or a folder.\n"
            "Only the header is read, and every field of it is checked against the file. --json has whole arrays.\n\n"
            "Examples\n"
            "  $ hearth inspect model.safetensors\n"
            "  $ hearth inspect SmolLM2-135M-Instruct.Q4_1.gguf --json\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands inspect_entry{Group::files, "inspect", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
