// write_torch_file: a zip archive of stored members, and a pickle of an OrderedDict of tensors.
// Source: torch 2.13.0 torch/serialization.py _save, torch/_tensor.py __reduce_ex__; PKWARE APPNOTE 6.3.10.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "safetensors/torch_file.h"

namespace hearth {
namespace {

using Bytes = std::span<const std::byte>;

/// CRC-32 of zip, eight bytes at a time. Source: Kounavis and Berry, "slicing-by-8".
class Crc32 {
 public:
  static uint32_t of(Bytes bytes) {
    static const Crc32 tables;
    const auto& t = tables.table_;
    uint32_t crc = ~0u;
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      uint32_t low, high;
      std::memcpy(&low, bytes.data() + i, 4);
      std::memcpy(&high, bytes.data() + i + 4, 4);
      low ^= crc;
      crc = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^ t[4][low >> 24] ^ t[3][high & 255] ^
            t[2][high >> 8 & 255] ^ t[1][high >> 16 & 255] ^ t[0][high >> 24];
    }
    for (; i < bytes.size(); ++i) crc = t[0][(crc ^ std::to_integer<uint32_t>(bytes[i])) & 255] ^ crc >> 8;
    return ~crc;
  }

 private:
  Crc32() {
    for (uint32_t n = 0; n < 256; ++n) {
      uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xEDB88320u ^ c >> 1 : c >> 1;
      table_[0][n] = c;
    }
    for (size_t k = 1; k < 8; ++k)
      for (size_t n = 0; n < 256; ++n) table_[k][n] = table_[0][table_[k - 1][n] & 255] ^ table_[k - 1][n] >> 8;
  }
  std::array<std::array<uint32_t, 256>, 8> table_{};
};

void put(std::string& out, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 255));
}

/// Stored members, sizes and places always in zip64's fields; data begin at multiples of 64, as torch has them.
class ZipWriter {
 public:
  explicit ZipWriter(std::string path) : path_(std::move(path)) {}
  Status open() {
    fd_ = TRY(open_write(path_));
    return {};
  }
  Status add(const std::string& name, Bytes data) {
    const auto begin = at_, crc = uint64_t{Crc32::of(data)};
    constexpr size_t kLocalSize = 30, kSizes = 20, kPaddingHead = 4, kAlignment = 64;
    const auto head = at_ + kLocalSize + name.size() + kSizes + kPaddingHead;
    const auto padding = (kAlignment - head % kAlignment) % kAlignment;
    std::string local;
    put(local, 0x04034b50, 4);
    put_common(local, crc);
    put(local, name.size(), 2);
    put(local, kSizes + kPaddingHead + padding, 2);
    local += name;
    put(local, 1, 2), put(local, 16, 2), put(local, data.size(), 8), put(local, data.size(), 8);
    local += "FB";
    put(local, padding, 2);
    local.append(padding, 'Z');
    TRY(write(local));
    TRY(write({reinterpret_cast<const char*>(data.data()), data.size()}));
    put(directory_, 0x02014b50, 4);
    put(directory_, 45, 2);
    put_common(directory_, crc);
    put(directory_, name.size(), 2);
    put(directory_, 28, 2);                                 // the extra field
    put(directory_, 0, 8);                                  // no comment, disk 0, no attributes
    put(directory_, 0, 2), put(directory_, 0xFFFFFFFF, 4);  // the rest of them; the place is in the extra field
    directory_ += name;
    put(directory_, 1, 2), put(directory_, 24, 2);
    put(directory_, data.size(), 8), put(directory_, data.size(), 8), put(directory_, begin, 8);
    ++members_;
    return {};
  }
  Status close() {
    const auto begin = at_, size = uint64_t{directory_.size()};
    TRY(write(directory_));
    const auto end64 = at_;
    std::string out;
    put(out, 0x06064b50, 4), put(out, 44, 8), put(out, 45, 2), put(out, 45, 2), put(out, 0, 8);
    put(out, members_, 8), put(out, members_, 8), put(out, size, 8), put(out, begin, 8);
    put(out, 0x07064b50, 4), put(out, 0, 4), put(out, end64, 8), put(out, 1, 4);
    put(out, 0x06054b50, 4), put(out, 0, 4), put(out, 0xFFFF, 2), put(out, 0xFFFF, 2);
    put(out, 0xFFFFFFFF, 4), put(out, 0xFFFFFFFF, 4), put(out, 0, 2);
    return write(out);
  }

 private:
  /// What local header and directory have in common, from the version needed to the sizes.
  static void put_common(std::string& out, uint64_t crc) {
    put(out, 45, 2), put(out, 0, 2), put(out, 0, 2), put(out, 0, 2), put(out, 0x21, 2);  // 1 January 1980
    put(out, crc, 4), put(out, 0xFFFFFFFF, 4), put(out, 0xFFFFFFFF, 4);
  }
  Status write(std::string_view bytes) {
    at_ += bytes.size();
    return write_all(fd_.get(), bytes, path_);
  }

  std::string path_, directory_;
  Fd fd_;
  uint64_t at_ = 0, members_ = 0;
};

struct TorchType {
  DType dtype;
  std::string_view name;
  bool is_storage;  ///< of torch's typed storages; else a dtype of an untyped one
};
constexpr TorchType kTypes[] = {
    {DType::f32, "FloatStorage", true},
    {DType::f16, "HalfStorage", true},
    {DType::bf16, "BFloat16Storage", true},
    {DType::f64, "DoubleStorage", true},
    {DType::i64, "LongStorage", true},
    {DType::i32, "IntStorage", true},
    {DType::i16, "ShortStorage", true},
    {DType::i8, "CharStorage", true},
    {DType::u8, "ByteStorage", true},
    {DType::boolean, "BoolStorage", true},
    {DType::c64, "ComplexFloatStorage", true},
    {DType::u16, "uint16", false},
    {DType::u32, "uint32", false},
    {DType::u64, "uint64", false},
    {DType::f8_e4m3, "float8_e4m3fn", false},
    {DType::f8_e5m2, "float8_e5m2", false},
    {DType::f8_e8m0, "float8_e8m0fnu", false},
};

/// Opcodes of protocol 2, without a memo.
class PickleWriter {
 public:
  void raw(std::string_view opcodes) { out_ += opcodes; }
  void name(std::string_view module, std::string_view what) { out_ += cat("c", module, "\n", what, "\n"); }
  void text(std::string_view value) {
    out_ += 'X';
    put(out_, value.size(), 4);
    out_ += value;
  }
  void integer(int64_t value) {
    out_ += "\x8a\x08";
    put(out_, static_cast<uint64_t>(value), 8);
  }
  void integers(std::span<const int64_t> values) {
    out_ += '(';
    for (const auto value : values) integer(value);
    out_ += 't';
  }
  std::string_view bytes() const { return out_; }

 private:
  std::string out_;
};

/// What torch.save makes of a tensor.
void write_tensor(PickleWriter& out, const SafetensorsEntryView& tensor, const TorchType& type, size_t key) {
  std::vector<int64_t> strides(tensor.shape.size(), 1);
  for (size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<int64_t>(tensor.shape[i], 1);
  const auto width = type.is_storage ? block_bytes(type.dtype) : 1;
  out.name("torch._utils", type.is_storage ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
  out.raw("((");
  out.text("storage");
  out.name(type.is_storage ? "torch" : "torch.storage", type.is_storage ? type.name : "UntypedStorage");
  out.text(cat(key));
  out.text("cpu");
  out.integer(static_cast<int64_t>(tensor.data.size()) / width);
  out.raw("tQ");
  out.integer(0);
  out.integers(tensor.shape);
  out.integers(strides);
  out.raw("\x89");  // requires_grad=False
  out.name("collections", "OrderedDict");
  out.raw(")R");
  if (!type.is_storage) out.name("torch", type.name);
  out.raw("tR");
}

}  // namespace

Status write_torch_file(const std::string& path, std::span<const SafetensorsEntryView> tensors) {
  PickleWriter pickle;
  pickle.raw("\x80\x02");
  pickle.name("collections", "OrderedDict");
  pickle.raw(")R(");
  std::vector<Bytes> storages;
  std::map<std::pair<const std::byte*, DType>, size_t> keys;
  std::unordered_set<std::string_view> names;
  for (const auto& tensor : tensors) {
    const auto bad = [&](std::string_view what) {
      return Status(Code::bad_input, cat("tensor '", printable(tensor.name), "' ", what));
    };
    const TorchType* type = nullptr;
    for (const auto& known : kTypes)
      if (known.dtype == tensor.dtype) type = &known;
    if (!type) return bad(cat("is of ", name(tensor.dtype), ", which torch has not"));
    if (!names.insert(tensor.name).second) return bad("stands twice");
    int64_t elements = 1;
    for (const auto d : tensor.shape)
      if (d < 0 || __builtin_mul_overflow(elements, d, &elements)) return bad("has a shape beyond 64 bits");
    const auto expected = size_bytes(tensor.dtype, elements);
    if (!expected || static_cast<uint64_t>(*expected) != tensor.data.size())
      return bad(cat("has ", tensor.data.size(), " bytes, not what its type and shape say"));
    auto key = storages.size();
    const auto [known, is_new] = keys.emplace(std::pair(tensor.data.data(), tensor.dtype), key);
    if (!is_new && storages[known->second].size() == tensor.data.size()) {
      key = known->second;
    } else {
      storages.push_back(tensor.data);
    }
    pickle.text(tensor.name);
    write_tensor(pickle, tensor, *type, key);
  }
  pickle.raw("u.");

  // The folder in the archive is the file's name without its ending.
  const auto file = path_name(path);
  const auto folder = std::string(file.substr(0, file.rfind('.')));
  ZipWriter zip(path);
  TRY(zip.open());
  const auto bytes_of = [](std::string_view text) { return std::as_bytes(std::span(text)); };
  TRY(zip.add(folder + "/data.pkl", bytes_of(pickle.bytes())));
  TRY(zip.add(folder + "/byteorder", bytes_of("little")));
  for (size_t i = 0; i < storages.size(); ++i) TRY(zip.add(cat(folder, "/data/", i), storages[i]));
  TRY(zip.add(folder + "/version", bytes_of("3\n")));
  return zip.close();
}

}  // namespace hearth
