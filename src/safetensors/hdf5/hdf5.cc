#include "safetensors/hdf5/hdf5.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace hearth {
namespace {

using Bytes = Hdf5Reader::Bytes;

constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
constexpr uint64_t kUndefined = ~uint64_t{0};
constexpr uint64_t kWordBytes = 8;  // of offsets and lengths
constexpr uint64_t kRankMax = 32;   // H5S_MAX_RANK
constexpr uint64_t kStepsMin = 4096;

/// Kinds of header messages, as the specification numbers them.
enum MessageType : uint64_t {
  kDataspace = 0x01,
  kLinkInfo = 0x02,
  kDatatype = 0x03,
  kLink = 0x06,
  kDataLayout = 0x08,
  kFilters = 0x0B,
  kAttribute = 0x0C,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
  kAttributeInfo = 0x15,
};
constexpr uint64_t kMessageIsShared = 2;  // its flag

Status broken(std::string_view what) {
  return {Code::bad_input, cat("no sound HDF5 file: ", what)};
}
Status refused(std::string_view what) {
  return {Code::unsupported, cat("an HDF5 file with ", what, ", which is not read")};
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Up to the first NUL.
std::string_view until_nul(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

/// Little-endian numbers and pieces, one after another.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : rest_(bytes) {}

  Result<uint64_t> number(uint64_t width) {
    const auto bytes = TRY(take(width));
    uint64_t out = 0;
    for (size_t i = bytes.size(); i-- > 0;) out = out << 8 | std::to_integer<uint64_t>(bytes[i]);
    return out;
  }
  Result<uint64_t> word() { return number(kWordBytes); }
  Result<Bytes> take(uint64_t size) {
    if (size > rest_.size()) return broken("a part of it is cut");
    const auto out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  /// As take, with what fills up eight bytes behind it.
  Result<Bytes> take_padded(uint64_t size) {
    const auto out = TRY(take(size));
    TRY(skip(std::min<uint64_t>((8 - size % 8) % 8, rest_.size())));
    return out;
  }
  Status skip(uint64_t size) {
    TRY(take(size));
    return {};
  }
  Status expect(std::string_view signature) {
    if (text_of(TRY(take(signature.size()))) != signature) return broken(cat("no '", signature, "' where one must be"));
    return {};
  }
  size_t left() const { return rest_.size(); }

 private:
  Bytes rest_;
};

/// IEEE's formats and bfloat16, told apart by (bytes, bits of the exponent, bits of the fraction).
std::optional<DType> float_type(uint64_t size, uint64_t exponent_bits, uint64_t fraction_bits) {
  if (size == 2 && exponent_bits == 5 && fraction_bits == 10) return DType::f16;
  if (size == 2 && exponent_bits == 8 && fraction_bits == 7) return DType::bf16;
  if (size == 4 && exponent_bits == 8 && fraction_bits == 23) return DType::f32;
  if (size == 8 && exponent_bits == 11 && fraction_bits == 52) return DType::f64;
  return std::nullopt;
}

std::optional<DType> integer_type(uint64_t size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? DType::i8 : DType::u8;
    case 2:
      return is_signed ? DType::i16 : DType::u16;
    case 4:
      return is_signed ? DType::i32 : DType::u32;
    case 8:
      return is_signed ? DType::i64 : DType::u64;
    default:
      return std::nullopt;
  }
}

}  // namespace

Status Hdf5Reader::step() {
  // A link, message or node takes more than a byte, and each is read once.
  if (++steps_ > std::max<uint64_t>(file_.size(), kStepsMin))
    return broken("its parts refer to each other in a circle");
  return {};
}

Result<Bytes> Hdf5Reader::at(uint64_t address, uint64_t size) const {
  if (address > file_.size() || size > file_.size() - address)
    return broken(cat("it refers to byte ", address, " of ", file_.size()));
  return file_.subspan(address, size);
}

Result<Hdf5Reader> Hdf5Reader::open(Bytes file) {
  Hdf5Reader out(file);
  Cursor in(file);
  if (!text_of(file).starts_with(kSignature)) return Status(Code::bad_input, "no HDF5 file: it begins otherwise");
  TRY(in.skip(kSignature.size()));
  const auto version = TRY(in.number(1));
  if (version > 3) return refused(cat("a superblock of version ", version));
  if (version < 2) TRY(in.skip(4));  // versions of the free space, root and shared headers
  const auto offset_bytes = TRY(in.number(1)), length_bytes = TRY(in.number(1));
  if (offset_bytes != kWordBytes || length_bytes != kWordBytes)
    return refused(cat("offsets of ", offset_bytes, " and lengths of ", length_bytes, " bytes"));
  if (version < 2) {
    TRY(in.skip(1 + 2 + 2 + 4));        // reserved, the two group constants, flags
    if (version == 1) TRY(in.skip(4));  // the constant of chunks
    if (TRY(in.word()) != 0) return refused("a base address");
    TRY(in.skip(3 * kWordBytes));  // free space, end, driver
    TRY(in.skip(kWordBytes));      // the root's name
    out.root_ = TRY(in.word());
    return out;
  }
  TRY(in.skip(1));
  if (TRY(in.word()) != 0) return refused("a base address");
  TRY(in.skip(2 * kWordBytes));  // extension, end
  out.root_ = TRY(in.word());
  return out;
}

Result<const Hdf5Reader::Messages*> Hdf5Reader::header(uint64_t object) {
  if (const auto found = headers_.find(object); found != headers_.end()) return &found->second;
  Messages messages;
  const auto start = TRY(at(object, 4));
  TRY(text_of(start) == "OHDR" ? add_messages_v2(object, messages) : add_messages_v1(object, messages));
  return &headers_.emplace(object, std::move(messages)).first->second;
}

Status Hdf5Reader::add_messages_v1(uint64_t object, Messages& out) {
  Cursor head(TRY(at(object, 16)));
  if (TRY(head.number(1)) != 1) return broken("an object's header has no known version");
  TRY(head.skip(1));
  const auto count = TRY(head.number(2));
  TRY(head.skip(4));
  std::vector<Bytes> blocks = {TRY(at(object + 16, TRY(head.number(4))))};
  for (size_t i = 0; i < blocks.size(); ++i) {
    Cursor in(blocks[i]);
    while (in.left() >= 8 && out.size() < count) {
      TRY(step());
      Message message{.type = TRY(in.number(2)), .flags = 0, .data = {}};
      const auto size = TRY(in.number(2));
      message.flags = TRY(in.number(1));
      TRY(in.skip(3));
      message.data = TRY(in.take(size));
      if (message.type == kContinuation) {
        Cursor where(message.data);
        const auto address = TRY(where.word());
        blocks.push_back(TRY(at(address, TRY(where.word()))));
      }
      out.push_back(message);
    }
  }
  return {};
}

Status Hdf5Reader::add_messages_v2(uint64_t object, Messages& out) {
  constexpr uint64_t kHeadMax = 34, kChecksum = 4;
  Cursor head(TRY(at(object, std::min<uint64_t>(kHeadMax, file_.size() - object))));
  TRY(head.expect("OHDR"));
  if (TRY(head.number(1)) != 2) return broken("an object's header has no known version");
  const auto flags = TRY(head.number(1));
  uint64_t used = 6;
  if (flags & 0x20) used += 16;  // times
  if (flags & 0x10) used += 4;   // limits of attributes that lie in the header
  TRY(head.skip(used - 6));
  const auto size_width = uint64_t{1} << (flags & 3);
  const auto size = TRY(head.number(size_width));
  std::vector<Bytes> blocks = {TRY(at(object + used + size_width, size))};
  for (size_t i = 0; i < blocks.size(); ++i) {
    Cursor in(blocks[i]);
    const size_t head_bytes = flags & 4 ? 6 : 4;  // with the order of creation, or without
    while (in.left() >= head_bytes) {             // less is a gap
      TRY(step());
      Message message{.type = TRY(in.number(1)), .flags = 0, .data = {}};
      const auto message_size = TRY(in.number(2));
      message.flags = TRY(in.number(1));
      TRY(in.skip(head_bytes - 4));
      message.data = TRY(in.take(message_size));
      if (message.type == kContinuation) {
        Cursor where(message.data);
        const auto address = TRY(where.word()), length = TRY(where.word());
        Cursor block(TRY(at(address, length)));
        TRY(block.expect("OCHK"));
        if (block.left() < kChecksum) return broken("a part of it is cut");
        blocks.push_back(TRY(block.take(block.left() - kChecksum)));
      }
      out.push_back(message);
    }
  }
  return {};
}

Result<const Hdf5Reader::Links*> Hdf5Reader::links(uint64_t group) {
  if (const auto found = links_.find(group); found != links_.end()) return &found->second;
  Links out;
  for (const auto& message : *TRY(header(group))) {
    if (message.type == kSymbolTable) TRY(add_symbol_table(message.data, out));
    if (message.type == kLink) TRY(add_link(message.data, out));
    if (message.type != kLinkInfo) continue;
    Cursor in(message.data);
    TRY(in.skip(1));
    if (TRY(in.number(1)) & 1) TRY(in.skip(8));  // the greatest order of creation
    if (TRY(in.word()) != kUndefined) return refused("a group whose links lie in a fractal heap");
  }
  return &links_.emplace(group, std::move(out)).first->second;
}

/// A B-tree whose leaves list names, by their offsets in a heap, and headers.
Status Hdf5Reader::add_symbol_table(Bytes message, Links& out) {
  Cursor in(message);
  const auto tree = TRY(in.word()), heap = TRY(in.word());
  Cursor heap_head(TRY(at(heap, 32)));
  TRY(heap_head.expect("HEAP"));
  TRY(heap_head.skip(4));
  const auto names_size = TRY(heap_head.word());
  TRY(heap_head.skip(kWordBytes));
  const auto names = TRY(at(TRY(heap_head.word()), names_size));

  constexpr uint64_t kAnyLevel = 256;
  std::vector<std::pair<uint64_t, uint64_t>> waiting = {{tree, kAnyLevel}};  // nodes, and what their level is below
  while (!waiting.empty()) {
    const auto [address, above] = waiting.back();
    waiting.pop_back();
    TRY(step());
    Cursor head(TRY(at(address, 24)));
    TRY(head.expect("TREE"));
    if (TRY(head.number(1)) != 0) return broken("a group's tree is one of chunks");
    const auto level = TRY(head.number(1)), entries = TRY(head.number(2));
    if (level >= above) return broken("a group's tree has a node above itself");
    Cursor children(TRY(at(address + 24, entries * 2 * kWordBytes)));
    for (uint64_t i = 0; i < entries; ++i) {
      TRY(step());
      TRY(children.skip(kWordBytes));  // the key
      const auto child = TRY(children.word());
      if (level > 0) {
        waiting.emplace_back(child, level);
      } else {
        TRY(add_symbols(child, names, out));
      }
    }
  }
  return {};
}

Status Hdf5Reader::add_symbols(uint64_t address, Bytes names, Links& out) {
  Cursor head(TRY(at(address, 8)));
  TRY(head.expect("SNOD"));
  TRY(head.skip(2));
  const auto count = TRY(head.number(2));
  constexpr uint64_t kEntryBytes = 40;
  Cursor in(TRY(at(address + 8, count * kEntryBytes)));
  for (uint64_t i = 0; i < count; ++i) {
    TRY(step());
    const auto name = TRY(in.word()), object = TRY(in.word());
    TRY(in.skip(kEntryBytes - 2 * kWordBytes));
    if (name >= names.size()) return broken("a name lies outside its heap");
    const auto text = text_of(names.subspan(name));
    const auto end = text.find('\0');
    if (end == std::string_view::npos) return broken("a name has no end");
    out.emplace(text.substr(0, end), object);  // a soft link's object is undefined, and is refused when it is read
  }
  return {};
}

Status Hdf5Reader::add_link(Bytes message, Links& out) {
  Cursor in(message);
  TRY(in.skip(1));
  const auto flags = TRY(in.number(1));
  const auto type = flags & 8 ? TRY(in.number(1)) : 0;
  if (flags & 4) TRY(in.skip(8));   // order of creation
  if (flags & 16) TRY(in.skip(1));  // character set
  const auto size = TRY(in.number(uint64_t{1} << (flags & 3)));
  const auto name = text_of(TRY(in.take(size)));
  if (type != 0) return {};  // soft or external: no object of this file
  out.emplace(name, TRY(in.word()));
  return {};
}

Result<uint64_t> Hdf5Reader::find(uint64_t group, std::string_view path) {
  auto object = group;
  for (auto rest = path; !rest.empty();) {
    const auto name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    if (name.empty()) continue;
    TRY(step());
    const auto* known = TRY(links(object));
    const auto found = known->find(name);
    if (found == known->end()) return Status(Code::not_found, cat("the file holds no '", printable(path), "'"));
    object = found->second;
  }
  return object;
}

Result<Hdf5Reader::Type> Hdf5Reader::read_type(Bytes message) {
  Cursor in(message);
  const auto kind = TRY(in.number(1)) & 15;
  const auto bits = TRY(in.number(3));
  Type out{.size = TRY(in.number(4))};
  constexpr uint64_t kInteger = 0, kFloat = 1, kText = 3, kVariable = 9;
  std::optional<DType> dtype;
  if (kind == kInteger) {
    if (bits & 1) return refused("big-endian numbers");
    dtype = integer_type(out.size, bits & 8);
  } else if (kind == kFloat) {
    if (bits & 0x41) return refused("big-endian numbers");
    TRY(in.skip(5));  // offset and precision in bits, place of the exponent
    const auto exponent_bits = TRY(in.number(1));
    TRY(in.skip(1));
    dtype = float_type(out.size, exponent_bits, TRY(in.number(1)));
  } else if (kind == kText) {
    out.kind = Type::Kind::text;
    return out;
  } else if (kind == kVariable && (bits & 15) == 1) {
    out.kind = Type::Kind::heap_text;
    return out;
  }
  if (!dtype) return refused(cat("values of ", out.size, " bytes of class ", kind));
  out.dtype = *dtype;
  return out;
}

Result<Hdf5Reader::Space> Hdf5Reader::read_space(Bytes message) {
  Cursor in(message);
  const auto version = TRY(in.number(1)), rank = TRY(in.number(1));
  if (version != 1 && version != 2) return broken("a shape has no known version");
  if (rank > kRankMax) return broken(cat("an array has ", rank, " dimensions"));
  TRY(in.skip(1));
  const auto kind = version == 2 ? TRY(in.number(1)) : 1;
  if (version == 1) TRY(in.skip(5));
  constexpr uint64_t kNull = 2;
  if (kind == kNull) return Space{.shape = {0}, .count = 0};
  Space out;
  for (uint64_t i = 0; i < rank; ++i) {
    const auto size = TRY(in.word());
    if (size > INT64_MAX || __builtin_mul_overflow(out.count, size, &out.count) || out.count > INT64_MAX)
      return broken("an array is larger than any memory");
    out.shape.push_back(static_cast<int64_t>(size));
  }
  return out;
}

Result<bool> Hdf5Reader::is_array(uint64_t object) {
  return std::ranges::any_of(*TRY(header(object)), [](const Message& m) { return m.type == kDataLayout; });
}

Result<Hdf5ArrayView> Hdf5Reader::array(uint64_t object) {
  const Message *space_at = nullptr, *type_at = nullptr, *layout_at = nullptr;
  for (const auto& message : *TRY(header(object))) {
    if (message.type == kDataspace) space_at = &message;
    if (message.type == kDatatype) type_at = &message;
    if (message.type == kDataLayout) layout_at = &message;
    if (message.type == kFilters) return refused("compressed arrays (`h5repack -f NONE -l CONTI` unpacks them)");
  }
  if (!space_at || !type_at || !layout_at) return broken("an object that must be an array is none");
  if ((space_at->flags | type_at->flags | layout_at->flags) & kMessageIsShared) return refused("types that are shared");
  const auto type = TRY(read_type(type_at->data));
  if (type.kind != Type::Kind::number) return refused("arrays of texts for weights");
  auto space = TRY(read_space(space_at->data));
  Hdf5ArrayView out{.dtype = type.dtype, .shape = std::move(space.shape), .data = {}};
  uint64_t expected = 0;
  if (__builtin_mul_overflow(space.count, type.size, &expected)) return broken("an array is larger than any memory");
  if (expected == 0) return out;

  Cursor in(layout_at->data);
  const auto version = TRY(in.number(1));
  if (version != 3 && version != 4) return refused(cat("arrays laid out as in version ", version));
  const auto layout = TRY(in.number(1));
  constexpr uint64_t kCompact = 0, kContiguous = 1;
  if (layout == kCompact) {
    out.data = TRY(in.take(TRY(in.number(2))));
  } else if (layout == kContiguous) {
    const auto address = TRY(in.word());
    if (address == kUndefined) return broken("an array was never written");
    out.data = TRY(at(address, TRY(in.word())));
  } else {
    return refused("arrays in chunks (`h5repack -f NONE -l CONTI` joins them)");
  }
  if (out.data.size() != expected)
    return broken(cat("an array has ", out.data.size(), " bytes where its type and shape say ", expected));
  return out;
}

Result<std::optional<std::vector<std::string_view>>> Hdf5Reader::texts(uint64_t object, std::string_view attribute) {
  using Texts = std::vector<std::string_view>;
  for (const auto& message : *TRY(header(object))) {
    if (message.type == kAttributeInfo) {
      Cursor in(message.data);
      TRY(in.skip(1));
      if (TRY(in.number(1)) & 1) TRY(in.skip(2));  // the greatest order of creation
      if (TRY(in.word()) != kUndefined) return refused("attributes in a fractal heap");
    }
    if (message.type != kAttribute) continue;
    Cursor in(message.data);
    const auto version = TRY(in.number(1)), flags = TRY(in.number(1));
    if (version < 1 || version > 3) return broken("an attribute has no known version");
    const auto name_size = TRY(in.number(2)), type_size = TRY(in.number(2)), space_size = TRY(in.number(2));
    if (version == 3) TRY(in.skip(1));  // character set
    const auto part = [&](uint64_t size) { return version == 1 ? in.take_padded(size) : in.take(size); };
    if (until_nul(text_of(TRY(part(name_size)))) != attribute) continue;
    if (version > 1 && flags != 0) return refused("types that are shared");
    const auto type_bytes = TRY(part(type_size));
    const auto space = TRY(read_space(TRY(part(space_size))));
    if (space.count == 0) return std::optional(Texts());  // of numbers: NumPy's type of an empty list
    const auto type = TRY(read_type(type_bytes));
    if (type.kind == Type::Kind::number) return broken(cat("attribute '", attribute, "' is no list of texts"));
    if (type.size == 0 || space.count > in.left() / type.size) return broken("an attribute is cut");
    Texts out;
    for (uint64_t i = 0; i < space.count; ++i) {
      const auto item = TRY(in.take(type.size));
      out.push_back(type.kind == Type::Kind::heap_text ? TRY(heap_text(item)) : until_nul(text_of(item)));
    }
    return std::optional(std::move(out));
  }
  return std::optional<Texts>();
}

/// A text of variable length: its size, and where it lies in which global heap.
Result<std::string_view> Hdf5Reader::heap_text(Bytes reference) {
  Cursor in(reference);
  const auto size = TRY(in.number(4)), address = TRY(in.word()), index = TRY(in.number(4));
  if (size == 0) return std::string_view();
  const auto* objects = TRY(global_heap(address));
  const auto found = objects->find(index);
  if (found == objects->end() || size > found->second.size()) return broken("a text is not in its heap");
  return until_nul(text_of(found->second.first(size)));
}

Result<const Hdf5Reader::HeapObjects*> Hdf5Reader::global_heap(uint64_t address) {
  if (const auto found = heaps_.find(address); found != heaps_.end()) return &found->second;
  Cursor head(TRY(at(address, 16)));
  TRY(head.expect("GCOL"));
  TRY(head.skip(4));
  const auto size = TRY(head.word());
  if (size < 16) return broken("a heap is cut");
  Cursor in(TRY(at(address + 16, size - 16)));
  HeapObjects out;
  while (in.left() >= 16) {
    TRY(step());
    const auto index = TRY(in.number(2));
    if (index == 0) break;  // the free space behind them
    TRY(in.skip(6));
    const auto bytes = TRY(in.word());
    out.emplace(index, TRY(in.take_padded(bytes)));
  }
  return &heaps_.emplace(address, std::move(out)).first->second;
}

}  // namespace hearth
