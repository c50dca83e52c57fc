#include "safetensors/safetensors.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr std::string_view kMetadataKey = "__metadata__";

Status bad(std::string_view what) {
  return Status(Code::bad_input, cat("safetensors: ", what));
}

/// A field of a tensor's row: present once, or bad_input.
Result<const Json*> field_of(const Json::Object& row, std::string_view key) {
  const Json* found = nullptr;
  for (const auto& [name, value] : row) {
    if (name != key) continue;
    if (found) return bad(cat("'", key, "' stands twice"));
    found = &value;
  }
  if (!found) return bad(cat("'", key, "' is missing"));
  return found;
}

Result<std::vector<int64_t>> counts_of(const Json& json, std::string_view what) {
  if (!json.is_array()) return bad(cat("'", what, "' is no list: ", json.dump().substr(0, 40)));
  std::vector<int64_t> out;
  out.reserve(json.size());
  for (const auto& item : json.array()) {
    if (!item.is_int() || item.as_int() < 0)
      return bad(cat("'", what, "' holds ", item.dump().substr(0, 40), ", not a count"));
    out.push_back(item.as_int());
  }
  return out;
}

struct Row {
  WeightTensorView tensor;
  int64_t begin, end;
};

Result<int64_t> size_of(const std::vector<int64_t>& shape, DType dtype) {
  int64_t elements = 1;
  for (const auto d : shape)
    if (__builtin_mul_overflow(elements, d, &elements)) return bad("the shape's product overflows");
  const auto bytes = hearth::size_bytes(dtype, elements);
  if (!bytes) return bad(cat(elements, " elements of ", name(dtype), " are no whole number of bytes"));
  return *bytes;
}

Result<Row> read_row(const std::string& tensor_name, const Json& json, std::span<const std::byte> data) {
  if (!json.is_object()) return bad("the entry is no object");
  const auto& row = json.object();
  const auto& type = *TRY(field_of(row, "dtype"));
  const auto dtype = dtype_of_safetensors(type.as_string());
  if (!dtype) return bad(cat("dtype ", type.dump().substr(0, 40), " is not known"));
  auto shape = TRY(counts_of(*TRY(field_of(row, "shape")), "shape"));
  const auto offsets = TRY(counts_of(*TRY(field_of(row, "data_offsets")), "data_offsets"));
  if (offsets.size() != 2) return bad(cat("data_offsets has ", offsets.size(), " numbers, not 2"));
  const auto begin = offsets[0], end = offsets[1];
  if (begin > end || end > static_cast<int64_t>(data.size()))
    return bad(cat("data_offsets [", begin, ", ", end, "] lie outside the file's ", data.size(), " bytes of data"));
  const auto expected = TRY(size_of(shape, *dtype));
  if (expected != end - begin)
    return bad(cat("data_offsets span ", end - begin, " bytes, but the shape and ", name(*dtype), " need ", expected));
  return Row{{tensor_name, *dtype, std::move(shape), data.subspan(begin, end - begin)}, begin, end};
}

Status read_metadata(const Json& json, WeightIndex& index) {
  if (json.is_null()) return {};
  if (!json.is_object()) return bad("__metadata__ is no object");
  std::unordered_map<std::string_view, size_t> places;
  for (const auto& [key, value] : json.object()) {
    if (!value.is_string()) return bad(cat("__metadata__['", key, "'] is no string"));
    index.strings.push_back(std::make_unique<const std::string>(value.as_string()));
    const MetadataValueView view(ValueType::string, *index.strings.back());
    const auto [place, is_new] = places.emplace(key, index.metadata.size());
    if (is_new) {
      index.metadata.push_back({key, view});
    } else {
      index.metadata[place->second].value = view;  // as in Python, the last of two equal keys wins
    }
  }
  return {};
}

}  // namespace

Result<WeightIndex> read_safetensors(std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) return bad(cat("a file of ", file.size(), " bytes has no header length"));
  uint64_t header_bytes;
  std::memcpy(&header_bytes, file.data(), kLengthBytes);
  if (header_bytes > kSafetensorsHeaderMax)
    return bad(cat("a header of ", header_bytes, " bytes is over the limit of ", kSafetensorsHeaderMax));
  if (header_bytes > file.size() - kLengthBytes)
    return bad(cat("the header's ", header_bytes, " bytes reach beyond the file's ", file.size()));
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + kLengthBytes, header_bytes);
  const auto data = file.subspan(kLengthBytes + header_bytes);

  auto parsed = Json::parse(header);
  if (!parsed.ok()) return std::move(parsed).status().with("safetensors: header");
  if (!parsed->is_object()) return bad("the header is no object");

  WeightIndex index;
  std::vector<Row> rows;
  rows.reserve(parsed->size());
  std::unordered_set<std::string_view> seen;
  for (const auto& [key, value] : parsed->object()) {
    if (!seen.insert(key).second) return bad(cat("'", key, "' stands twice"));
    if (key == kMetadataKey) {
      TRY(read_metadata(value, index));
      continue;
    }
    auto row = read_row(key, value, data);
    if (!row.ok()) return std::move(row).status().with(cat("tensor '", key, "'"));
    rows.push_back(std::move(row).value());
  }

  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  int64_t covered = 0;
  index.tensors.reserve(rows.size());
  for (auto& row : rows) {
    if (row.begin != covered)
      return bad(cat("tensor '", row.tensor.name, "' begins at byte ", row.begin, " of the data, where ", covered,
                     " was expected: ", row.begin < covered ? "an overlap" : "a hole"));
    covered = row.end;
    index.tensors.push_back(std::move(row.tensor));
  }
  if (covered != static_cast<int64_t>(data.size()))
    return bad(cat("the tensors cover ", covered, " of ", data.size(), " bytes of data"));
  return index;
}

Status write_safetensors(const std::string& path, std::span<const SafetensorsEntryView> tensors,
                         std::span<const std::pair<std::string, std::string>> metadata) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto width = [&](size_t i) {
    return static_cast<double>(block_bytes(tensors[i].dtype)) / static_cast<double>(block_elements(tensors[i].dtype));
  };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return width(a) != width(b) ? width(a) > width(b) : tensors[a].name < tensors[b].name;
  });

  JsonWriter header;
  header.begin_object();
  if (!metadata.empty()) {
    header.key(kMetadataKey).begin_object();
    for (const auto& [key, value] : metadata) header.field(key, value);
    header.end();
  }
  std::unordered_set<std::string_view> seen{kMetadataKey};
  int64_t at = 0;
  for (const auto i : order) {
    const auto& tensor = tensors[i];
    const auto context = cat("tensor '", tensor.name, "'");
    if (!seen.insert(tensor.name).second) return bad("the name is taken").with(context);
    if (!dtype_row(tensor.dtype).in_safetensors)
      return bad(cat(name(tensor.dtype), " has no name in safetensors")).with(context);
    auto expected = size_of(tensor.shape, tensor.dtype);
    if (!expected.ok()) return std::move(expected).status().with(context);
    if (*expected != static_cast<int64_t>(tensor.data.size()))
      return bad(cat("shape and type need ", *expected, " bytes, not ", tensor.data.size())).with(context);
    header.key(tensor.name).begin_object().field("dtype", name(tensor.dtype)).key("shape").begin_array();
    for (const auto d : tensor.shape) header.value(d);
    header.end().key("data_offsets").begin_array().value(at).value(at + *expected).end().end();
    at += *expected;
  }
  header.end();
  auto text = header.take();
  text.append((8 - text.size() % 8) % 8, ' ');
  if (text.size() > kSafetensorsHeaderMax) return bad(cat("a header of ", text.size(), " bytes is over the limit"));

  const auto fd = TRY(open_write(path));
  const uint64_t length = text.size();
  TRY(write_all(fd.get(), {reinterpret_cast<const char*>(&length), sizeof length}, path));
  TRY(write_all(fd.get(), text, path));
  for (const auto i : order) {
    const auto& data = tensors[i].data;
    TRY(write_all(fd.get(), {reinterpret_cast<const char*>(data.data()), data.size()}, path));
  }
  return {};
}

}  // namespace hearth
