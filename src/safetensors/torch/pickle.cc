#include "safetensors/torch/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "base/text.h"

namespace hearth {
namespace {

using Kind = TorchValue::Kind;

/// What a name stands for. Storages and dtypes say a type.
enum class Role : uint8_t {
  ordered_dict,
  size,
  rebuild_tensor,     // storage, offset, size, stride, ...
  rebuild_tensor_v3,  // the same, and a dtype at the seventh place
  rebuild_parameter,  // a tensor, ...
  storage,
  dtype,
};

struct Known {
  std::string_view module, name;
  Role role;
  DType dtype = DType::u8;
};
constexpr Known kKnown[] = {
    {"collections", "OrderedDict", Role::ordered_dict},
    {"torch", "Size", Role::size},
    {"torch._utils", "_rebuild_tensor", Role::rebuild_tensor},
    {"torch._utils", "_rebuild_tensor_v2", Role::rebuild_tensor},
    {"torch._utils", "_rebuild_tensor_v3", Role::rebuild_tensor_v3},
    {"torch._utils", "_rebuild_parameter", Role::rebuild_parameter},
    {"torch._utils", "_rebuild_parameter_with_state", Role::rebuild_parameter},
    {"torch", "FloatStorage", Role::storage, DType::f32},
    {"torch", "HalfStorage", Role::storage, DType::f16},
    {"torch", "BFloat16Storage", Role::storage, DType::bf16},
    {"torch", "DoubleStorage", Role::storage, DType::f64},
    {"torch", "LongStorage", Role::storage, DType::i64},
    {"torch", "IntStorage", Role::storage, DType::i32},
    {"torch", "ShortStorage", Role::storage, DType::i16},
    {"torch", "CharStorage", Role::storage, DType::i8},
    {"torch", "ByteStorage", Role::storage, DType::u8},
    {"torch", "BoolStorage", Role::storage, DType::boolean},
    {"torch", "ComplexFloatStorage", Role::storage, DType::c64},
    {"torch", "UntypedStorage", Role::storage, DType::u8},
    {"torch.storage", "UntypedStorage", Role::storage, DType::u8},
    {"torch", "float32", Role::dtype, DType::f32},
    {"torch", "float16", Role::dtype, DType::f16},
    {"torch", "bfloat16", Role::dtype, DType::bf16},
    {"torch", "float64", Role::dtype, DType::f64},
    {"torch", "int64", Role::dtype, DType::i64},
    {"torch", "int32", Role::dtype, DType::i32},
    {"torch", "int16", Role::dtype, DType::i16},
    {"torch", "int8", Role::dtype, DType::i8},
    {"torch", "uint8", Role::dtype, DType::u8},
    {"torch", "uint16", Role::dtype, DType::u16},
    {"torch", "uint32", Role::dtype, DType::u32},
    {"torch", "uint64", Role::dtype, DType::u64},
    {"torch", "bool", Role::dtype, DType::boolean},
    {"torch", "float8_e4m3fn", Role::dtype, DType::f8_e4m3},
    {"torch", "float8_e5m2", Role::dtype, DType::f8_e5m2},
    {"torch", "float8_e4m3fnuz", Role::dtype, DType::f8_e4m3fnuz},
    {"torch", "float8_e5m2fnuz", Role::dtype, DType::f8_e5m2fnuz},
    {"torch", "float8_e8m0fnu", Role::dtype, DType::f8_e8m0},
};

Status no_sense(std::string_view what) {
  return {Code::bad_input, cat("its pickle makes no sense: ", what)};
}

constexpr size_t kDimensionsMax = 64;  // as torch

}  // namespace

/// Runs one pickle. Values live in the reader, the stack holds their numbers.
struct TorchPickle::Machine {
  TorchPickle& out;
  std::string_view bytes;
  size_t at = 0;
  std::vector<uint32_t> stack;
  std::vector<size_t> marks;
  std::unordered_map<uint64_t, uint32_t> memo;

  Result<uint64_t> number(size_t width) {
    if (bytes.size() - at < width) return no_sense("it is cut");
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    at += width;
    return value;
  }
  Result<std::string_view> text(uint64_t size) {
    if (bytes.size() - at < size) return no_sense("it is cut");
    at += size;
    return bytes.substr(at - size, size);
  }
  Result<std::string_view> line() {
    const auto end = bytes.find('\n', at);
    if (end == std::string_view::npos) return no_sense("it is cut");
    const auto from = std::exchange(at, end + 1);
    return bytes.substr(from, end - from);
  }

  void push(TorchValue value) {
    stack.push_back(static_cast<uint32_t>(out.values_.size()));
    out.values_.push_back(std::move(value));
  }
  void push(Kind kind, int64_t integer) { push({.kind = kind, .integer = integer, .text = {}, .items = {}}); }
  void push_text(std::string_view value) { push({.kind = Kind::text, .integer = 0, .text = value, .items = {}}); }
  Result<uint32_t> pop() {
    if (stack.size() <= (marks.empty() ? 0 : marks.back())) return no_sense("its stack is empty");
    const auto id = stack.back();
    stack.pop_back();
    return id;
  }
  Result<std::vector<uint32_t>> pop_to_mark() {
    if (marks.empty()) return no_sense("a mark is missing");
    const auto from = stack.begin() + static_cast<std::ptrdiff_t>(marks.back());
    marks.pop_back();
    std::vector items(from, stack.end());
    stack.erase(from, stack.end());
    return items;
  }
  Status push_tuple(size_t count) {
    TorchValue tuple{.kind = Kind::list, .integer = 0, .text = {}, .items = std::vector<uint32_t>(count)};
    for (size_t i = count; i-- > 0;) tuple.items[i] = TRY(pop());
    push(std::move(tuple));
    return {};
  }
  /// Adds to the list or dict on top.
  Status extend(std::span<const uint32_t> items, Kind kind) {
    if (stack.empty()) return no_sense("its stack is empty");
    auto& into = out.values_[stack.back()];
    if (into.kind != kind || (kind == Kind::dict && items.size() % 2 != 0))
      return no_sense("items are added to what holds none");
    into.items.insert(into.items.end(), items.begin(), items.end());
    return {};
  }

  Status push_name(std::string_view module, std::string_view name) {
    for (size_t i = 0; i < std::size(kKnown); ++i) {
      if (kKnown[i].module != module || kKnown[i].name != name) continue;
      push(Kind::name, static_cast<int64_t>(i));
      return {};
    }
    return {Code::unsupported, cat("its pickle asks for ", printable(module), ".", printable(name),
                                   ", which no state dict needs and which is not run; save the model's state_dict()")};
  }
  const Known* known(uint32_t id) const {
    const auto& value = out.values_[id];
    return value.kind == Kind::name ? &kKnown[static_cast<size_t>(value.integer)] : nullptr;
  }

  Result<std::vector<int64_t>> integers(uint32_t id) const {
    const auto& list = out.values_[id];
    if (list.kind != Kind::list || list.items.size() > kDimensionsMax) return no_sense("a tensor's shape is none");
    std::vector<int64_t> numbers;
    for (const auto item : list.items) {
      const auto& value = out.values_[item];
      if (value.kind != Kind::integer || !value.text.empty() || value.integer < 0)
        return no_sense("a tensor's shape is none");
      numbers.push_back(value.integer);
    }
    return numbers;
  }

  Status push_tensor(std::span<const uint32_t> arguments, std::optional<DType> dtype) {
    const auto& values = out.values_;
    if (arguments.size() < 4 || values[arguments[0]].kind != Kind::storage ||
        values[arguments[1]].kind != Kind::integer || values[arguments[1]].integer < 0)
      return no_sense("a tensor has no storage");
    const auto storage = static_cast<uint32_t>(values[arguments[0]].integer);
    TorchTensorView tensor;
    tensor.storage = storage;
    tensor.dtype = dtype.value_or(out.storages_[storage].dtype);
    tensor.offset = values[arguments[1]].integer;
    tensor.shape = TRY(integers(arguments[2]));
    tensor.strides = TRY(integers(arguments[3]));
    if (tensor.shape.size() != tensor.strides.size()) return no_sense("a tensor's strides do not fit its shape");
    push(Kind::tensor, static_cast<int64_t>(out.tensors_.size()));
    out.tensors_.push_back(std::move(tensor));
    return {};
  }

  Status reduce() {
    const auto arguments_id = TRY(pop()), callable = TRY(pop());
    const auto* what = known(callable);
    if (!what || out.values_[arguments_id].kind != Kind::list) return no_sense("it calls what is no function");
    const auto arguments = out.values_[arguments_id].items;  // a copy: values grow meanwhile
    out.steps_ += arguments.size();
    switch (what->role) {
      case Role::ordered_dict: {
        TorchValue dict{.kind = Kind::dict, .integer = 0, .text = {}, .items = {}};
        if (!arguments.empty()) {
          for (const auto pair : out.values_[arguments[0]].items) {
            const auto& both = out.values_[pair];
            if (both.kind != Kind::list || both.items.size() != 2) return no_sense("an OrderedDict of what is no pair");
            dict.items.insert(dict.items.end(), both.items.begin(), both.items.end());
            ++out.steps_;
          }
        }
        push(std::move(dict));
        return {};
      }
      case Role::size:
      case Role::rebuild_parameter:
        if (arguments.empty()) return no_sense("a call lacks its arguments");
        stack.push_back(arguments[0]);
        return {};
      case Role::rebuild_tensor:
        return push_tensor(arguments, std::nullopt);
      case Role::rebuild_tensor_v3: {
        const auto* dtype = arguments.size() > 6 ? known(arguments[6]) : nullptr;
        if (!dtype || dtype->role != Role::dtype) return no_sense("a tensor has no dtype");
        return push_tensor(arguments, dtype->dtype);
      }
      case Role::storage:
      case Role::dtype:
        break;
    }
    return no_sense("it calls what is no function");
  }

  /// ("storage", type, key, location, elements[, view]).
  Status persistent_id() {
    const auto& id = out.values_[TRY(pop())];
    const auto* type = id.items.size() >= 5 ? known(id.items[1]) : nullptr;
    if (id.kind != Kind::list || !type || type->role != Role::storage || out.values_[id.items[0]].text != "storage" ||
        out.values_[id.items[2]].kind != Kind::text || out.values_[id.items[4]].kind != Kind::integer ||
        out.values_[id.items[4]].integer < 0)
      return no_sense("a persistent id that is no storage");
    if (id.items.size() > 5 && out.values_[id.items[5]].kind != Kind::none)
      return {Code::unsupported, "its storages are parts of others, as torch before 0.4 wrote them"};
    const TorchStorageView storage{out.values_[id.items[2]].text, type->dtype, out.values_[id.items[4]].integer};
    push(Kind::storage, static_cast<int64_t>(out.storages_.size()));
    out.storages_.push_back(storage);
    return {};
  }

  Status push_long(uint64_t size) {
    const auto raw = TRY(text(size));
    if (raw.size() > 8) {
      push({.kind = Kind::integer, .integer = 0, .text = raw, .items = {}});
      return {};
    }
    uint64_t value = !raw.empty() && static_cast<signed char>(raw.back()) < 0 ? ~uint64_t{0} : 0;
    for (size_t i = raw.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    push(Kind::integer, static_cast<int64_t>(value));
    return {};
  }
  Status get(uint64_t key) {
    const auto found = memo.find(key);
    if (found == memo.end()) return no_sense("it recalls what it never kept");
    stack.push_back(found->second);
    return {};
  }
  Status put(uint64_t key) {
    if (stack.empty()) return no_sense("its stack is empty");
    memo[key] = stack.back();
    return {};
  }

  Status apply(unsigned char opcode) {
    switch (opcode) {
      case 0x80:  // PROTO
        return number(1).status();
      case 0x95:  // FRAME
        return number(8).status();
      case '(':
        marks.push_back(stack.size());
        return {};
      case '0':
        if (!marks.empty() && marks.back() == stack.size()) {
          marks.pop_back();
          return {};
        }
        return pop().status();
      case '1':
        return pop_to_mark().status();
      case 'N':
        stack.push_back(0);
        return {};
      case 0x88:
      case 0x89:
        push(Kind::boolean, opcode == 0x88);
        return {};
      case 'J':
        push(Kind::integer, static_cast<int32_t>(TRY(number(4))));
        return {};
      case 'K':
        push(Kind::integer, static_cast<int64_t>(TRY(number(1))));
        return {};
      case 'M':
        push(Kind::integer, static_cast<int64_t>(TRY(number(2))));
        return {};
      case 0x8a:
        return push_long(TRY(number(1)));
      case 0x8b:
        return push_long(TRY(number(4)));
      case 'G':
        TRY(number(8));
        push(Kind::real, 0);
        return {};
      case 'X':  // texts, and Python 2's
      case 'T':
        push_text(TRY(text(TRY(number(4)))));
        return {};
      case 0x8c:
      case 'U':
        push_text(TRY(text(TRY(number(1)))));
        return {};
      case 0x8d:
        push_text(TRY(text(TRY(number(8)))));
        return {};
      case '}':
      case ']':
      case ')':
        push(opcode == '}' ? Kind::dict : Kind::list, 0);
        return {};
      case 't': {
        auto items = TRY(pop_to_mark());
        push({.kind = Kind::list, .integer = 0, .text = {}, .items = std::move(items)});
        return {};
      }
      case 0x85:
      case 0x86:
      case 0x87:
        return push_tuple(opcode - 0x84u);
      case 'a': {
        const uint32_t item[] = {TRY(pop())};
        return extend(item, Kind::list);
      }
      case 'e':
        return extend(TRY(pop_to_mark()), Kind::list);
      case 's': {
        const auto value = TRY(pop()), key = TRY(pop());
        const uint32_t item[] = {key, value};
        return extend(item, Kind::dict);
      }
      case 'u':
        return extend(TRY(pop_to_mark()), Kind::dict);
      case 'q':
        return put(TRY(number(1)));
      case 'r':
        return put(TRY(number(4)));
      case 0x94:
        return put(memo.size());
      case 'h':
        return get(TRY(number(1)));
      case 'j':
        return get(TRY(number(4)));
      case 'c': {
        const auto module = TRY(line()), name = TRY(line());
        return push_name(module, name);
      }
      case 0x93: {
        const auto name = TRY(pop()), module = TRY(pop());
        return push_name(out.values_[module].text, out.values_[name].text);
      }
      case 'R':
        return reduce();
      case 'Q':
        return persistent_id();
      case 'b': {  // a state dict's `_metadata`, which no weight needs
        TRY(pop());
        const auto kind = stack.empty() ? Kind::none : out.values_[stack.back()].kind;
        if (kind != Kind::dict && kind != Kind::tensor) return no_sense("it sets the state of what has none");
        return {};
      }
      default:
        break;
    }
    return {Code::unsupported, cat("its pickle has the opcode ", int{opcode}, ", which torch.save does not write")};
  }
};

Result<size_t> TorchPickle::read(std::span<const std::byte> bytes) {
  Machine machine{.out = *this,
                  .bytes = {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                  .stack = {},
                  .marks = {},
                  .memo = {}};
  while (machine.at < bytes.size()) {
    const auto opcode = static_cast<unsigned char>(machine.bytes[machine.at++]);
    if (opcode == '.') {
      top_ = TRY(machine.pop());
      return machine.at;
    }
    TRY(machine.apply(opcode));
    if (++steps_ > kStepsMax) return Status(Code::too_large, cat("its pickle has over ", kStepsMax, " steps"));
  }
  return no_sense("it is cut");
}

}  // namespace hearth
