#include "safetensors/flax_file.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/text.h"
#include "safetensors/kernel_layout.h"

namespace hearth {
namespace {

constexpr int kDepthMax = 64;
constexpr size_t kNodesMax = 5'000'000;
constexpr std::string_view kChunked = "__msgpack_chunked_array__";

enum class Kind : uint8_t { other, integer, text, bytes, list, map, array };

/// A value of MessagePack; `array` is flax's extension for NumPy's. Texts and bytes view the file.
struct Node {
  Kind kind = Kind::other;
  int64_t integer = 0;
  std::string_view bytes;
  std::vector<std::pair<std::string_view, Node>> items = {};  // of a list without keys
};

Status broken(std::string_view what) {
  return {Code::bad_input, cat("no flax file: ", what)};
}

class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) {}

  Result<Node> value(int depth) {
    if (depth > kDepthMax || ++nodes_ > kNodesMax) return broken("it is nested too deep, or holds too much");
    const auto head = TRY(number(1));
    if (head < 0x80) return integer(static_cast<int64_t>(head));
    if (head < 0x90) return map(head & 15, depth);
    if (head < 0xa0) return list(head & 15, depth);
    if (head < 0xc0) return text(Kind::text, head & 31);
    if (head >= 0xe0) return integer(static_cast<int8_t>(head));
    switch (head) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return integer(head == 0xc3);
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return text(Kind::bytes, TRY(number(size_t{1} << (head - 0xc4))));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return extension(TRY(number(size_t{1} << (head - 0xc7))));
      case 0xca:
        return text(Kind::other, 4);
      case 0xcb:
        return text(Kind::other, 8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return integer(static_cast<int64_t>(TRY(number(size_t{1} << (head - 0xcc)))));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return integer(static_cast<int64_t>(TRY(number(size_t{1} << (head - 0xd0)))));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return extension(uint64_t{1} << (head - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return text(Kind::text, TRY(number(size_t{1} << (head - 0xd9))));
      case 0xdc:
      case 0xdd:
        return list(TRY(number(head == 0xdc ? 2 : 4)), depth);
      case 0xde:
      case 0xdf:
        return map(TRY(number(head == 0xde ? 2 : 4)), depth);
      default:
        return broken("a byte that MessagePack never uses");
    }
  }

 private:
  Result<uint64_t> number(size_t width) {
    if (bytes_.size() - at_ < width) return broken("it is cut");
    uint64_t out = 0;
    for (size_t i = 0; i < width; ++i) out = out << 8 | static_cast<unsigned char>(bytes_[at_++]);
    return out;
  }
  static Node integer(int64_t value) { return {.kind = Kind::integer, .integer = value, .bytes = {}}; }
  Result<Node> text(Kind kind, uint64_t size) {
    if (bytes_.size() - at_ < size) return broken("it is cut");
    at_ += size;
    return Node{.kind = kind, .integer = 0, .bytes = bytes_.substr(at_ - size, size)};
  }
  Result<Node> extension(uint64_t size) {
    const auto type = TRY(number(1));
    constexpr uint64_t kNdarray = 1;
    return text(type == kNdarray ? Kind::array : Kind::other, size);
  }
  Result<Node> list(uint64_t count, int depth) {
    Node out{.kind = Kind::list, .integer = 0, .bytes = {}};
    for (uint64_t i = 0; i < count; ++i) {
      auto item = TRY(value(depth + 1));
      out.items.emplace_back(std::string_view(), std::move(item));
    }
    return out;
  }
  Result<Node> map(uint64_t count, int depth) {
    Node out{.kind = Kind::map, .integer = 0, .bytes = {}};
    for (uint64_t i = 0; i < count; ++i) {
      const auto key = TRY(value(depth + 1));
      if (key.kind != Kind::text) return broken("a key is no text");
      auto item = TRY(value(depth + 1));
      out.items.emplace_back(key.bytes, std::move(item));
    }
    return out;
  }

  std::string_view bytes_;
  size_t at_ = 0, nodes_ = 0;
};

const Node* find(const Node& map, std::string_view key) {
  for (const auto& [name, item] : map.items)
    if (name == key) return &item;
  return nullptr;
}

std::optional<DType> dtype_of_numpy(std::string_view name) {
  constexpr std::pair<std::string_view, DType> kNames[] = {
      {"float32", DType::f32}, {"float16", DType::f16}, {"bfloat16", DType::bf16}, {"float64", DType::f64},
      {"int64", DType::i64},   {"int32", DType::i32},   {"int16", DType::i16},     {"int8", DType::i8},
      {"uint8", DType::u8},    {"uint16", DType::u16},  {"uint32", DType::u32},    {"uint64", DType::u64},
      {"bool", DType::boolean}};
  for (const auto& [known, dtype] : kNames)
    if (known == name) return dtype;
  return std::nullopt;
}

class Reader {
 public:
  Status walk(const Node& node, const std::string& path) {
    if (node.kind == Kind::map && find(node, kChunked)) return add_chunks(node, path);
    if (node.kind == Kind::map) {
      for (const auto& [key, item] : node.items) TRY(walk(item, path.empty() ? std::string(key) : cat(path, ".", key)));
      return {};
    }
    if (node.kind != Kind::array) return {};
    return add(TRY(read_array(node, path)), path);
  }
  WeightIndex take() { return std::move(out_); }

 private:
  struct Array {
    DType dtype = DType::f32;
    std::vector<int64_t> shape;
    std::string_view data;
  };

  static Status bad(const std::string& path, std::string_view what) {
    return {Code::bad_input, cat("array '", printable(path), "' ", what)};
  }

  /// (shape, name of the type, bytes).
  static Result<Array> read_array(const Node& node, const std::string& path) {
    const auto parts = TRY(Parser(node.bytes).value(0));
    if (parts.kind != Kind::list || parts.items.size() != 3) return bad(path, "is not as flax writes them");
    Array out;
    for (const auto& [key, size] : parts.items[0].second.items) out.shape.push_back(size.integer);
    const auto dtype = dtype_of_numpy(parts.items[1].second.bytes);
    if (!dtype) return bad(path, cat("is of ", printable(parts.items[1].second.bytes)));
    out.dtype = *dtype;
    out.data = parts.items[2].second.bytes;
    return out;
  }

  /// An array that flax cut into pieces, over 2^30 bytes.
  Status add_chunks(const Node& node, const std::string& path) {
    const auto *shape = find(node, "shape"), *chunks = find(node, "chunks");
    if (!shape || !chunks || chunks->items.empty()) return bad(path, "has no chunks");
    Array whole;
    for (size_t i = 0; i < shape->items.size(); ++i) {
      const auto* size = find(*shape, cat(i));
      whole.shape.push_back(size ? size->integer : -1);
    }
    std::string data;
    for (size_t i = 0; i < chunks->items.size(); ++i) {
      const auto* chunk = find(*chunks, cat(i));
      if (!chunk || chunk->kind != Kind::array) return bad(path, "lacks a chunk");
      const auto part = TRY(read_array(*chunk, path));
      whole.dtype = part.dtype;
      data += part.data;
    }
    whole.data = keep(std::move(data));
    return add(std::move(whole), path);
  }

  std::string_view keep(std::string data) {
    out_.strings.push_back(std::make_unique<const std::string>(std::move(data)));
    return *out_.strings.back();
  }

  Status add(Array array, std::string path) {
    int64_t elements = 1;
    for (const auto d : array.shape)
      if (d < 0 || __builtin_mul_overflow(elements, d, &elements)) return bad(path, "has no shape");
    const auto expected = size_bytes(array.dtype, elements);
    if (!expected || static_cast<uint64_t>(*expected) != array.data.size())
      return bad(path, cat("has ", array.data.size(), " bytes, not what its type and shape say"));
    if (path.starts_with("params.")) path.erase(0, 7);
    const auto dot = path.rfind('.');
    const auto leaf = path.substr(dot == std::string::npos ? 0 : dot + 1);
    const auto stem = path.substr(0, path.size() - leaf.size());
    const auto rank = array.shape.size();
    if (leaf == "kernel" && (rank == 2 || rank == 3 || rank == 4)) {
      const auto width = static_cast<size_t>(block_bytes(array.dtype));
      array.data = keep(turned_kernel(std::as_bytes(std::span(array.data)), width, array.shape));
    }
    const bool is_weight = leaf == "kernel" || leaf == "scale" || leaf == "embedding";
    out_.tensors.push_back({.name = is_weight ? cat(stem, "weight") : path,
                            .dtype = array.dtype,
                            .shape = std::move(array.shape),
                            .data = std::as_bytes(std::span(array.data))});
    return {};
  }

  WeightIndex out_;
};

}  // namespace

Result<WeightIndex> read_flax_file(std::span<const std::byte> file) {
  const auto root = TRY(Parser({reinterpret_cast<const char*>(file.data()), file.size()}).value(0));
  if (root.kind != Kind::map) return broken("it does not begin with a map");
  Reader reader;
  TRY(reader.walk(root, {}));
  auto out = reader.take();
  if (out.tensors.empty()) return broken("it holds no arrays");
  std::ranges::sort(out.tensors, {}, &WeightTensorView::name);
  for (size_t i = 1; i < out.tensors.size(); ++i)
    if (out.tensors[i].name == out.tensors[i - 1].name)
      return Status(Code::bad_input, cat("array '", printable(out.tensors[i].name), "' stands twice"));
  return out;
}

}  // namespace hearth
