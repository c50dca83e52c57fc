#include "hub/scan/pickle.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "hub/scan/zip.h"

namespace hearth::hub::scan {
namespace {

constexpr uint64_t kMemberMax = 512u << 20;
constexpr size_t kStackMax = 1u << 20, kMemoMax = 1u << 20, kImportsMax = 10'000;
constexpr size_t kPicklesMax = 64;  // of one file: torch's old format has five
constexpr std::string_view kUnknown = "?";

// How an opcode's argument lies in the file.
enum class Argument : uint8_t { none, one, two, four, eight, line, two_lines, count1, count4, count8 };

// What an opcode does to the stack, as far as names of imports need it.
enum class Effect : uint8_t {
  nothing,       // or replaces the top by something unknown
  push_unknown,  // a value that is no name
  push_text,     // its argument
  pop,
  pop2,
  pop_mark,  // all down to the mark
  mark,
  call2,       // takes two, gives one
  call3,       // takes three, gives one
  tuple_mark,  // takes all down to the mark, gives one
  duplicate,
  get,
  put,
  memoize,
  global,        // two lines of argument
  stack_global,  // two texts of the stack
  instance,      // as global, and takes all down to the mark
  object,        // takes all down to the mark, class included
  stop,
};

struct Opcode {
  unsigned char code;
  Argument argument;
  Effect effect;
};
using A = Argument;
using E = Effect;
constexpr Opcode kOpcodes[] = {
    {'I', A::line, E::push_unknown},
    {'J', A::four, E::push_unknown},
    {'K', A::one, E::push_unknown},
    {'M', A::two, E::push_unknown},
    {'L', A::line, E::push_unknown},
    {0x8a, A::count1, E::push_unknown},
    {0x8b, A::count4, E::push_unknown},
    {'S', A::line, E::push_text},
    {'T', A::count4, E::push_text},
    {'U', A::count1, E::push_text},
    {'B', A::count4, E::push_unknown},
    {'C', A::count1, E::push_unknown},
    {0x8e, A::count8, E::push_unknown},
    {0x96, A::count8, E::push_unknown},
    {0x97, A::none, E::push_unknown},
    {0x98, A::none, E::nothing},
    {'N', A::none, E::push_unknown},
    {0x88, A::none, E::push_unknown},
    {0x89, A::none, E::push_unknown},
    {'V', A::line, E::push_text},
    {0x8c, A::count1, E::push_text},
    {'X', A::count4, E::push_text},
    {0x8d, A::count8, E::push_text},
    {'F', A::line, E::push_unknown},
    {'G', A::eight, E::push_unknown},
    {']', A::none, E::push_unknown},
    {'a', A::none, E::pop},
    {'e', A::none, E::pop_mark},
    {'l', A::none, E::tuple_mark},
    {')', A::none, E::push_unknown},
    {'t', A::none, E::tuple_mark},
    {0x85, A::none, E::nothing},
    {0x86, A::none, E::call2},
    {0x87, A::none, E::call3},
    {'}', A::none, E::push_unknown},
    {'d', A::none, E::tuple_mark},
    {'s', A::none, E::pop2},
    {'u', A::none, E::pop_mark},
    {0x8f, A::none, E::push_unknown},
    {0x90, A::none, E::pop_mark},
    {0x91, A::none, E::tuple_mark},
    {'0', A::none, E::pop},
    {'2', A::none, E::duplicate},
    {'(', A::none, E::mark},
    {'1', A::none, E::pop_mark},
    {'g', A::line, E::get},
    {'h', A::one, E::get},
    {'j', A::four, E::get},
    {'p', A::line, E::put},
    {'q', A::one, E::put},
    {'r', A::four, E::put},
    {0x94, A::none, E::memoize},
    {0x82, A::one, E::push_unknown},
    {0x83, A::two, E::push_unknown},
    {0x84, A::four, E::push_unknown},
    {'c', A::two_lines, E::global},
    {0x93, A::none, E::stack_global},
    {'R', A::none, E::call2},
    {'b', A::none, E::pop},
    {'i', A::two_lines, E::instance},
    {'o', A::none, E::object},
    {0x81, A::none, E::call2},
    {0x92, A::none, E::call3},
    {0x80, A::one, E::nothing},
    {'.', A::none, E::stop},
    {0x95, A::eight, E::nothing},
    {'P', A::line, E::push_unknown},
    {'Q', A::none, E::nothing},
};

const Opcode* find_opcode(unsigned char code) {
  for (const auto& opcode : kOpcodes)
    if (opcode.code == code) return &opcode;
  return nullptr;
}

// Goes through one pickle. The stack holds texts, and nothing for values that are none; a second stack the marks.
class Machine {
 public:
  Machine(std::string_view bytes, PickleScan& out) : bytes_(bytes), out_(out) {}

  /// The bytes read, up to and with STOP; nothing when there was none.
  std::optional<size_t> run() {
    while (at_ < bytes_.size()) {
      const auto* opcode = find_opcode(static_cast<unsigned char>(bytes_[at_++]));
      if (!opcode || !read_argument(opcode->argument)) return std::nullopt;
      if (opcode->effect == Effect::stop) return at_;
      // More than anybody's pickle needs: it is not read to its end.
      if (stack_.size() > kStackMax || memo_.size() > kMemoMax || out_.imports.size() > kImportsMax)
        return std::nullopt;
      apply(opcode->effect);
    }
    return std::nullopt;
  }

 private:
  using Item = std::optional<std::string_view>;

  uint64_t number(size_t width) {
    uint64_t value = 0;
    for (size_t i = width; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes_[at_ + i]);
    return value;
  }
  bool take(uint64_t size) {
    if (bytes_.size() - at_ < size) return false;
    argument_ = bytes_.substr(at_, size);
    at_ += size;
    return true;
  }
  bool take_number(size_t width) {
    if (bytes_.size() - at_ < width) return false;
    number_ = number(width);
    at_ += width;
    return true;
  }
  bool take_line(std::string_view& line) {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) return false;
    line = bytes_.substr(at_, end - at_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at_ = end + 1;
    return true;
  }
  bool read_argument(Argument kind) {
    switch (kind) {
      case Argument::none:
        return true;
      case Argument::one:
        return take_number(1);
      case Argument::two:
        return take_number(2);
      case Argument::four:
        return take_number(4);
      case Argument::eight:
        return take_number(8);
      case Argument::line:
        if (!take_line(argument_)) return false;
        number_ = static_cast<uint64_t>(parse_int(argument_).value_or(-1));
        if (argument_.size() >= 2 && (argument_.front() == '\'' || argument_.front() == '"') &&
            argument_.back() == argument_.front())
          argument_ = argument_.substr(1, argument_.size() - 2);
        return true;
      case Argument::two_lines:
        return take_line(argument_) && take_line(second_);
      case Argument::count1:
        return take_number(1) && take(number_);
      case Argument::count4:
        return take_number(4) && take(number_);
      case Argument::count8:
        return take_number(8) && take(number_);
    }
    return false;
  }

  Item pop() {
    if (stack_.empty()) return {};
    auto out = stack_.back();
    stack_.pop_back();
    return out;
  }
  void pop_to_mark() {
    const auto to = marks_.empty() ? 0 : marks_.back();
    if (!marks_.empty()) marks_.pop_back();
    if (to < stack_.size()) stack_.resize(to);
  }
  void add_import(std::string_view module, std::string_view name) {
    if (!known_.emplace(module, name).second) return;
    for (const auto& known : out_.imports)  // of the pickles before this one
      if (known.module == module && known.name == name) return;
    out_.imports.push_back({std::string(module), std::string(name), judge_import(module, name)});
  }

  void apply(Effect effect) {
    switch (effect) {
      case Effect::nothing:
        // A text under an opcode that replaces the top is no text any more; PROTO and FRAME replace nothing.
        break;
      case Effect::push_unknown:
        stack_.emplace_back();
        break;
      case Effect::push_text:
        stack_.emplace_back(argument_);
        break;
      case Effect::pop:
        // POP on a mark takes the mark.
        if (!marks_.empty() && marks_.back() == stack_.size())
          marks_.pop_back();
        else
          pop();
        break;
      case Effect::pop2:
        pop(), pop();
        break;
      case Effect::pop_mark:
        pop_to_mark();
        break;
      case Effect::mark:
        if (marks_.size() < kStackMax) marks_.push_back(stack_.size());
        break;
      case Effect::call2:
        pop(), pop();
        stack_.emplace_back();
        break;
      case Effect::call3:
        pop(), pop(), pop();
        stack_.emplace_back();
        break;
      case Effect::tuple_mark:
      case Effect::object:
        pop_to_mark();
        stack_.emplace_back();
        break;
      case Effect::duplicate:
        stack_.push_back(stack_.empty() ? Item() : stack_.back());
        break;
      case Effect::get: {
        const auto found = memo_.find(number_);
        stack_.push_back(found == memo_.end() ? Item() : found->second);
        break;
      }
      case Effect::put:
        memo_[number_] = stack_.empty() ? Item() : stack_.back();
        break;
      case Effect::memoize:
        memo_[memo_.size()] = stack_.empty() ? Item() : stack_.back();
        break;
      case Effect::global:
        add_import(argument_, second_);
        stack_.emplace_back();
        break;
      case Effect::stack_global: {
        const auto name = pop(), module = pop();
        add_import(module.value_or(kUnknown), name.value_or(kUnknown));
        stack_.emplace_back();
        break;
      }
      case Effect::instance:
        add_import(argument_, second_);
        pop_to_mark();
        stack_.emplace_back();
        break;
      case Effect::stop:
        break;
    }
  }

  std::string_view bytes_;
  PickleScan& out_;
  size_t at_ = 0;
  std::string_view argument_, second_;
  uint64_t number_ = 0;
  std::vector<Item> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, Item> memo_;
  std::set<std::pair<std::string_view, std::string_view>> known_;
};

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool begins_as_pickle(std::string_view bytes) {
  return bytes.size() >= 2 && bytes[0] == '\x80' && bytes[1] >= 0 && bytes[1] <= 5;
}

// One pickle after another; what follows the last (torch's storages) is no pickle.
void scan_sequence(std::string_view bytes, PickleScan& out) {
  for (size_t i = 0; i < kPicklesMax && (i == 0 || begins_as_pickle(bytes)); ++i) {
    const auto used = Machine(bytes, out).run();
    if (!used) {
      out.is_cut = true;
      return;
    }
    bytes.remove_prefix(*used);
  }
}

}  // namespace

std::string_view safety_name(Safety safety) {
  constexpr std::string_view names[] = {"innocuous", "suspicious", "dangerous"};
  return names[static_cast<size_t>(safety)];
}

Safety PickleScan::safety() const {
  auto out = is_cut ? Safety::suspicious : Safety::innocuous;
  for (const auto& import : imports) out = std::max(out, import.safety);
  return out;
}

bool is_pickle(std::span<const std::byte> file) {
  return begins_as_pickle(text_of(file)) || is_zip(file);
}

Result<PickleScan> scan_pickle(std::span<const std::byte> file) {
  PickleScan out;
  if (!is_zip(file)) {
    const auto bytes = text_of(file);
    // Protocols 0 and 1 begin with any opcode: such a file is a pickle if it can be read as one to its end.
    if (!begins_as_pickle(bytes)) {
      PickleScan old;
      if (!Machine(bytes, old).run()) return Status(Code::bad_input, "neither a pickle nor a zip archive");
    }
    scan_sequence(bytes, out);
    return out;
  }
  for (const auto& member : TRY(zip_members(file))) {
    if (member.name.ends_with('/')) continue;
    // By its name, or by what it begins with: a tensor's storage is no pickle, and is not unpacked.
    const bool named = member.name.ends_with(".pkl") || member.name.ends_with(".pickle");
    if (!named) {
      const auto begin = read_member(file,
                                     {member.name, member.method, std::min<uint64_t>(member.compressed_bytes, 64),
                                      member.size_bytes, member.header_at},
                                     64);
      if (member.method != 0 || !begin.ok() || !begins_as_pickle(*begin)) continue;
    }
    const auto bytes = read_member(file, member, kMemberMax);
    if (!bytes.ok() && bytes.status().code() == Code::too_large) {
      out.imports.push_back({std::string(kUnknown), printable(member.name), Safety::dangerous});
      continue;
    }
    if (!bytes.ok()) {
      out.is_cut = true;
      continue;
    }
    scan_sequence(*bytes, out);
  }
  return out;
}

}  // namespace hearth::hub::scan
