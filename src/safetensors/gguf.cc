#include "safetensors/gguf.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/text.h"
#include "safetensors/value_types.h"

namespace hearth {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr uint64_t kAlignmentDefault = 32;
constexpr uint64_t kKeyBytesMax = 65535;
constexpr uint32_t kDimensionsMax = 4;  // GGML_MAX_DIMS
constexpr int kArrayDepthMax = 8;
// The least bytes one entry can take: they bound the counts before anything is reserved.
constexpr uint64_t kEntryBytesMin = 8 + 4 + 1;
constexpr uint64_t kTensorBytesMin = 8 + 4 + 4 + 8;

Status bad(std::string_view what) {
  return Status(Code::bad_input, cat("GGUF: ", what));
}

/// Reads front to back and never past the end.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return bytes_.size() - at_; }
  std::string_view since(uint64_t begin) const { return bytes_.substr(begin, at_ - begin); }

  template <class T>
  Result<T> number(std::string_view what) {
    const auto bytes = TRY(take(sizeof(T), what));
    T out;
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
  }
  Result<std::string_view> take(uint64_t size, std::string_view what) {
    if (size > left()) return bad(cat(what, " of ", size, " bytes at byte ", at_, " reaches beyond the file"));
    const auto out = bytes_.substr(at_, size);
    at_ += size;
    return out;
  }
  Result<std::string_view> string(std::string_view what) {
    const auto length = TRY(number<uint64_t>(what));
    return take(length, what);
  }
  /// A string that names something: bounded, well-formed UTF-8.
  Result<std::string> name(std::string_view what) {
    const auto text = TRY(string(what));
    if (text.size() > kKeyBytesMax) return bad(cat(what, " of ", text.size(), " bytes is over ", kKeyBytesMax));
    if (!is_utf8(text)) return bad(cat(what, " at byte ", at_ - text.size(), " is not UTF-8"));
    return std::string(text);
  }

 private:
  std::string_view bytes_;
  uint64_t at_ = 0;
};

Result<ValueType> read_type(Cursor& cursor) {
  const auto number = TRY(cursor.number<uint32_t>("a value's type"));
  if (number > static_cast<uint32_t>(ValueType::f64)) return bad(cat("value type ", number, " is not known"));
  return static_cast<ValueType>(number);
}

Status check_booleans(std::string_view bytes) {
  for (const char c : bytes)
    if (c != 0 && c != 1) return bad(cat("a boolean is ", static_cast<int>(static_cast<uint8_t>(c)), ", not 0 or 1"));
  return {};
}

/// Walks past an array's elements and checks that all of them lie in the file.
Status walk_array(Cursor& cursor, ValueType element, uint64_t size, int depth) {
  if (element == ValueType::array) {
    if (depth >= kArrayDepthMax) return bad(cat("arrays nest deeper than ", kArrayDepthMax));
    for (uint64_t i = 0; i < size; ++i) {
      const auto inner = TRY(read_type(cursor));
      const auto inner_size = TRY(cursor.number<uint64_t>("an array's length"));
      TRY(walk_array(cursor, inner, inner_size, depth + 1));
    }
    return {};
  }
  if (element == ValueType::string) {
    for (uint64_t i = 0; i < size; ++i) TRY(cursor.string("a string in an array"));
    return {};
  }
  if (size > cursor.left() / value_size_bytes(element))
    return bad(cat("an array of ", size, " ", name(element), " at byte ", cursor.at(), " reaches beyond the file"));
  const auto bytes = TRY(cursor.take(size * value_size_bytes(element), "an array"));
  return element == ValueType::boolean ? check_booleans(bytes) : Status();
}

Result<MetadataValueView> read_value(Cursor& cursor) {
  const auto type = TRY(read_type(cursor));
  if (type == ValueType::string) return MetadataValueView(type, TRY(cursor.string("a string")));
  if (type == ValueType::array) {
    const auto element = TRY(read_type(cursor));
    const auto size = TRY(cursor.number<uint64_t>("an array's length"));
    const auto begin = cursor.at();
    TRY(walk_array(cursor, element, size, 1));
    return MetadataValueView(element, size, cursor.since(begin));
  }
  const auto bytes = TRY(cursor.take(value_size_bytes(type), name(type)));
  if (type == ValueType::boolean) TRY(check_booleans(bytes));
  return MetadataValueView(type, bytes);
}

/// A tensor as its info says, its data not yet looked up.
struct Row {
  WeightTensorView tensor;
  uint64_t offset;
  uint64_t size;
};

Result<Row> read_tensor_body(Cursor& cursor, std::string tensor_name, uint64_t alignment) {
  const auto dimensions = TRY(cursor.number<uint32_t>("a tensor's number of dimensions"));
  if (dimensions > kDimensionsMax) return bad(cat(dimensions, " dimensions, at most ", kDimensionsMax, " are known"));
  std::vector<int64_t> shape(dimensions);
  // A zero must not hide that the others overflow: whoever multiplies may go in another order.
  int64_t product = 1;
  bool is_empty = false;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto d = TRY(cursor.number<uint64_t>("a tensor's dimension"));
    if (d > INT64_MAX || (d > 0 && __builtin_mul_overflow(product, static_cast<int64_t>(d), &product)))
      return bad("the shape's product overflows");
    is_empty = is_empty || d == 0;
    shape[dimensions - 1 - i] = static_cast<int64_t>(d);
  }
  const int64_t elements = is_empty ? 0 : product;
  const auto type = TRY(cursor.number<uint32_t>("a tensor's type"));
  const auto dtype = dtype_of_ggml(type);
  if (!dtype) return bad(cat("tensor type ", type, " is not known"));
  const int64_t row_elements = shape.empty() ? 1 : shape.back();
  if (row_elements % block_elements(*dtype) != 0)
    return bad(cat("rows of ", row_elements, " elements are no whole blocks of ", name(*dtype), " (",
                   block_elements(*dtype), " elements)"));
  const auto size = hearth::size_bytes(*dtype, elements);
  if (!size) return bad("the tensor's size overflows");
  const auto offset = TRY(cursor.number<uint64_t>("a tensor's offset"));
  if (offset % alignment != 0) return bad(cat("offset ", offset, " is no multiple of the alignment ", alignment));
  return Row{{std::move(tensor_name), *dtype, std::move(shape), {}}, offset, static_cast<uint64_t>(*size)};
}

Result<uint64_t> alignment_of(const std::vector<MetadataEntry>& metadata) {
  for (const auto& entry : metadata) {
    if (entry.key != kAlignmentKey) continue;
    const auto value = entry.value.integer().value_or(0);
    if (entry.value.type() != ValueType::u32 || value <= 0 || (value & (value - 1)) != 0)
      return bad(cat(kAlignmentKey, " is ", entry.value.json(4).dump().substr(0, 40), ", not a power of two (UINT32)"));
    return static_cast<uint64_t>(value);
  }
  return kAlignmentDefault;
}

uint64_t pad(uint64_t size, uint64_t alignment) {
  return (size + alignment - 1) & ~(alignment - 1);
}

/// Gives each tensor its bytes. The data is contiguous: each tensor begins where the one before it, padded, ends.
Status place(std::vector<Row>& rows, std::string_view file, uint64_t data_begin, uint64_t alignment) {
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::pair(a.offset, a.size) < std::pair(b.offset, b.size);
  });
  uint64_t covered = 0;
  for (auto& row : rows) {
    const auto context = cat("tensor '", row.tensor.name, "'");
    if (row.offset != covered)
      return bad(cat("begins at byte ", row.offset, " of the data, where ", covered,
                     " was expected: ", row.offset < covered ? "an overlap" : "a hole"))
          .with(context);
    const uint64_t left = data_begin <= file.size() ? file.size() - data_begin : 0;
    if (row.offset > left || row.size > left - row.offset)
      return bad(cat("its ", row.size, " bytes at ", row.offset, " reach beyond the file's ", left, " bytes of data"))
          .with(context);
    if (row.size > 0) row.tensor.data = std::as_bytes(std::span(file.substr(data_begin + row.offset, row.size)));
    covered = pad(row.offset + row.size, alignment);
  }
  return {};
}

}  // namespace

bool is_gguf(std::span<const std::byte> file) {
  return file.size() >= kMagic.size() && std::memcmp(file.data(), kMagic.data(), kMagic.size()) == 0;
}

Result<WeightIndex> read_gguf(std::span<const std::byte> bytes) {
  if (!is_gguf(bytes)) return bad("the file does not begin with 'GGUF'");
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Cursor cursor(file);
  TRY(cursor.take(kMagic.size(), "the magic"));
  const auto version = TRY(cursor.number<uint32_t>("the version"));
  if (version != 0 && (version & 0xffff) == 0) return bad("big-endian files are not read: convert it to little-endian");
  if (version != 2 && version != 3) return bad(cat("version ", version, " is not known (2, 3)"));
  const auto tensor_count = TRY(cursor.number<uint64_t>("the tensor count"));
  const auto entry_count = TRY(cursor.number<uint64_t>("the metadata count"));
  if (entry_count > cursor.left() / kEntryBytesMin)
    return bad(cat(entry_count, " metadata entries do not fit into ", cursor.left(), " bytes"));
  if (tensor_count > cursor.left() / kTensorBytesMin)
    return bad(cat(tensor_count, " tensors do not fit into ", cursor.left(), " bytes"));

  WeightIndex index;
  // Reserved once, so that the names looked up below stay where they are.
  index.metadata.reserve(entry_count);
  std::unordered_set<std::string_view> seen;
  for (uint64_t i = 0; i < entry_count; ++i) {
    auto key = TRY(cursor.name("a metadata key"));
    auto value = read_value(cursor);
    if (!value.ok()) return std::move(value).status().with(cat("'", key, "'"));
    index.metadata.push_back({std::move(key), *value});
    const auto& added = index.metadata.back().key;
    if (!seen.insert(added).second) return bad(cat("'", added, "' stands twice"));
  }
  const auto alignment = TRY(alignment_of(index.metadata));

  std::vector<Row> rows;
  rows.reserve(tensor_count);
  seen.clear();
  for (uint64_t i = 0; i < tensor_count; ++i) {
    auto tensor_name = TRY(cursor.name("a tensor's name"));
    const auto context = cat("tensor '", tensor_name, "'");
    auto row = read_tensor_body(cursor, std::move(tensor_name), alignment);
    if (!row.ok()) return std::move(row).status().with(context);
    rows.push_back(std::move(row).value());
    if (!seen.insert(rows.back().tensor.name).second) return bad("the name stands twice").with(context);
  }
  seen.clear();  // its views end here: placing moves the names
  TRY(place(rows, file, pad(cursor.at(), alignment), alignment));
  index.tensors.reserve(rows.size());
  for (auto& row : rows) index.tensors.push_back(std::move(row.tensor));
  return index;
}

}  // namespace hearth
