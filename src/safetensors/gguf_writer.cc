// write_gguf. Source: ggml docs/gguf.md; gguf 0.19.0 gguf_writer.py.
#include <cstring>
#include <type_traits>

#include "base/files.h"
#include "base/text.h"
#include "safetensors/gguf.h"
#include "safetensors/metadata.h"

namespace hearth {
namespace {

constexpr uint64_t kAlignment = 32;

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof bytes);
}

void put_text(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out += text;
}

template <class T>
constexpr ValueType type_of() {
  if constexpr (std::is_same_v<T, uint32_t>) return ValueType::u32;
  if constexpr (std::is_same_v<T, uint8_t>) return ValueType::u8;
  if constexpr (std::is_same_v<T, int32_t>) return ValueType::i32;
  if constexpr (std::is_same_v<T, float>) return ValueType::f32;
  if constexpr (std::is_same_v<T, bool>) return ValueType::boolean;
  return ValueType::string;
}

template <class T>
void put_value(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    put_text(out, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    put(out, static_cast<uint8_t>(value));
  } else {
    put(out, value);
  }
}

void put_entry(std::string& out, const GgufEntry& entry) {
  put_text(out, entry.key);
  std::visit(
      [&out]<class T>(const T& value) {
        if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
          put(out, static_cast<uint32_t>(type_of<T>()));
          put_value(out, value);
        } else {
          put(out, static_cast<uint32_t>(ValueType::array));
          put(out, static_cast<uint32_t>(type_of<typename T::value_type>()));
          put(out, uint64_t{value.size()});
          for (const auto& item : value) put_value(out, item);
        }
      },
      entry.value);
}

}  // namespace

Status write_gguf(const std::string& path, std::span<const GgufEntry> metadata,
                  std::span<const SafetensorsEntryView> tensors) {
  std::string header = "GGUF";
  put(header, uint32_t{3});
  put(header, uint64_t{tensors.size()});
  put(header, uint64_t{metadata.size()});
  for (const auto& entry : metadata) put_entry(header, entry);
  uint64_t at = 0;
  for (const auto& tensor : tensors) {
    const auto bad = [&](std::string_view what) {
      return Status(Code::bad_input, cat("tensor '", tensor.name, "' ", what));
    };
    const auto type = dtype_row(tensor.dtype).ggml_type;
    if (type < 0) return bad(cat("is of ", name(tensor.dtype), ", which GGUF has not"));
    constexpr size_t kDimensionsMax = 4, kNameMax = 63;
    if (tensor.shape.size() > kDimensionsMax || tensor.name.size() > kNameMax)
      return bad("has over 4 dimensions or a name over 63 bytes");
    int64_t elements = 1;
    for (const auto d : tensor.shape)
      if (d < 0 || __builtin_mul_overflow(elements, d, &elements)) return bad("has a shape beyond 64 bits");
    const auto expected = size_bytes(tensor.dtype, elements);
    if (!expected || static_cast<uint64_t>(*expected) != tensor.data.size())
      return bad(cat("has ", tensor.data.size(), " bytes, not what its type and shape say"));
    put_text(header, tensor.name);
    put(header, static_cast<uint32_t>(tensor.shape.size()));
    for (size_t i = tensor.shape.size(); i-- > 0;) put(header, static_cast<uint64_t>(tensor.shape[i]));
    put(header, static_cast<uint32_t>(type));
    put(header, at);
    at += (tensor.data.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  header.append((kAlignment - header.size() % kAlignment) % kAlignment, '\0');
  const auto fd = TRY(open_write(path));
  TRY(write_all(fd.get(), header, path));
  const std::string padding(kAlignment, '\0');
  for (const auto& tensor : tensors) {
    const std::string_view bytes(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
    TRY(write_all(fd.get(), bytes, path));
    TRY(write_all(fd.get(), std::string_view(padding).substr(0, (kAlignment - bytes.size() % kAlignment) % kAlignment),
                  path));
  }
  return {};
}

}  // namespace hearth
