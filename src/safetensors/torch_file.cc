#include "safetensors/torch_file.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "base/zip.h"
#include "safetensors/torch/pickle.h"

namespace hearth {
namespace {

using Kind = TorchValue::Kind;
using Bytes = std::span<const std::byte>;
using Storages = std::unordered_map<std::string_view, Bytes>;  // by their keys

constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";  // of the stream, a long integer
constexpr uint64_t kPickleMax = 256u << 20;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<Bytes> stored(Bytes file, const ZipMember& member) {
  if (member.method != 0)
    return Status(Code::unsupported, cat(printable(member.name), " lies compressed in the archive"));
  return packed_bytes(file, member);
}

/// The archive: NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder.
Result<Storages> open_archive(Bytes file, std::vector<ZipMember>& members, TorchPickle& pickle) {
  members = TRY(zip_members(file));
  const auto is_pickle = [](const ZipMember& m) { return m.name == "data.pkl" || m.name.ends_with("/data.pkl"); };
  const auto found = std::ranges::find_if(members, is_pickle);
  if (found == members.end()) return Status(Code::bad_input, "the archive has no data.pkl, so torch did not save it");
  const auto root = found->name.substr(0, found->name.size() - std::string_view("data.pkl").size());
  const auto pickled = TRY(stored(file, *found));
  if (pickled.size() > kPickleMax) return Status(Code::too_large, "its data.pkl is over 256 MB");
  TRY(pickle.read(pickled));
  Storages out;
  const auto folder = cat(root, "data/");
  for (const auto& member : members) {
    if (member.name == cat(root, "byteorder") && text_of(TRY(stored(file, member))) == "big")
      return Status(Code::unsupported, "its numbers are big-endian");
    if (member.name.starts_with(folder))
      out.emplace(std::string_view(member.name).substr(folder.size()), TRY(stored(file, member)));
  }
  return out;
}

const TorchValue* item_of(const TorchPickle& pickle, const TorchValue& dict, std::string_view key) {
  const TorchValue* out = nullptr;
  for (size_t i = 0; dict.kind == Kind::dict && i + 1 < dict.items.size(); i += 2)
    if (pickle.value(dict.items[i]).text == key) out = &pickle.value(dict.items[i + 1]);
  return out;
}

/// The stream: pickles of a magic number, a version, facts of the machine, the object and the storages' keys; then
/// each storage: how many elements, and these.
Result<Storages> open_stream(Bytes file, TorchPickle& pickle) {
  size_t at = 0;
  const auto next = [&](TorchPickle& into) -> Status {
    at += TRY(into.read(file.subspan(at, std::min<size_t>(file.size() - at, kPickleMax))));
    return {};
  };
  TorchPickle facts;
  TRY(next(facts));
  if (facts.top().text != kMagic) return Status(Code::bad_input, "no magic number of torch");
  TRY(next(facts));
  TRY(next(facts));
  if (const auto* little = item_of(facts, facts.top(), "little_endian"); little && little->integer == 0)
    return Status(Code::unsupported, "its numbers are big-endian");
  TRY(next(pickle));
  TorchPickle keys;
  TRY(next(keys));
  std::unordered_map<std::string_view, DType> types;
  for (const auto& storage : pickle.storages()) types.emplace(storage.key, storage.dtype);
  Storages out;
  for (const auto id : keys.top().items) {
    const auto key = keys.value(id).text;
    const auto type = types.find(key);
    if (type == types.end()) return Status(Code::bad_input, cat("no tensor looks at storage ", printable(key)));
    int64_t count = 0;
    if (file.size() - at < sizeof count) return Status(Code::bad_input, cat("storage ", printable(key), " is cut"));
    std::memcpy(&count, file.data() + at, sizeof count);
    at += sizeof count;
    const auto size = size_bytes(type->second, count);
    if (count < 0 || !size || static_cast<uint64_t>(*size) > file.size() - at)
      return Status(Code::bad_input, cat("storage ", printable(key), " is cut"));
    out.emplace(key, file.subspan(at, static_cast<size_t>(*size)));
    at += static_cast<size_t>(*size);
  }
  return out;
}

bool is_dense(const TorchTensorView& t) {
  int64_t expected = 1;
  for (size_t i = t.shape.size(); i-- > 0;) {
    if (t.shape[i] != 1 && t.strides[i] != expected) return false;
    expected *= t.shape[i];
  }
  return true;
}

/// The elements in row-major order.
std::string gathered(const TorchTensorView& t, Bytes storage, size_t width, int64_t elements) {
  std::string out;
  out.reserve(static_cast<size_t>(elements) * width);
  std::vector<int64_t> index(t.shape.size());
  for (int64_t n = 0; n < elements; ++n) {
    int64_t from = t.offset;
    for (size_t d = 0; d < index.size(); ++d) from += index[d] * t.strides[d];
    out.append(text_of(storage.subspan(static_cast<size_t>(from) * width, width)));
    for (size_t d = index.size(); d-- > 0 && ++index[d] == t.shape[d];) index[d] = 0;
  }
  return out;
}

class Reader {
 public:
  Reader(const TorchPickle& pickle, const Storages& storages, uint64_t file_bytes)
      : pickle_(pickle), storages_(storages), room_(file_bytes) {}

  Status add(std::string_view name, const TorchTensorView& t) {
    const auto bad = [&](std::string_view what) {
      return Status(Code::bad_input, cat("tensor '", printable(name), "' ", what));
    };
    const auto& storage = pickle_.storages()[t.storage];
    const auto found = storages_.find(storage.key);
    if (found == storages_.end()) return bad(cat("looks at storage ", printable(storage.key), ", which is not there"));
    const auto width = static_cast<uint64_t>(block_bytes(t.dtype));
    const auto held = static_cast<int64_t>(found->second.size() / width);
    int64_t elements = 1, last = t.offset;  // the last element's place in the storage
    for (size_t d = 0; d < t.shape.size(); ++d) {
      int64_t step = 0;
      if (__builtin_mul_overflow(elements, t.shape[d], &elements) ||
          (t.shape[d] > 0 && __builtin_mul_overflow(t.shape[d] - 1, t.strides[d], &step)) ||
          __builtin_add_overflow(last, step, &last))
        return bad("has a shape beyond 64 bits");
    }
    if (elements > 0 && last >= held) return bad("reaches beyond its storage");
    WeightTensorView view{.name = std::string(name), .dtype = t.dtype, .shape = t.shape, .data = {}};
    const auto bytes = static_cast<uint64_t>(elements) * width;
    if (elements > 0 && is_dense(t)) {
      view.data = found->second.subspan(static_cast<size_t>(t.offset) * width, bytes);
    } else if (elements > 0) {
      // A view of few numbers as many would let a small file fill the memory.
      if (elements > held || bytes > room_) return bad("repeats its numbers; save it contiguous");
      room_ -= bytes;
      out_.strings.push_back(
          std::make_unique<const std::string>(gathered(t, found->second, static_cast<size_t>(width), elements)));
      view.data = std::as_bytes(std::span(*out_.strings.back()));
    }
    out_.tensors.push_back(std::move(view));
    return {};
  }

  WeightIndex take() {
    std::ranges::sort(out_.tensors, [](const WeightTensorView& a, const WeightTensorView& b) {
      return std::pair(a.data.data(), std::string_view(a.name)) < std::pair(b.data.data(), std::string_view(b.name));
    });
    return std::move(out_);
  }

 private:
  const TorchPickle& pickle_;
  const Storages& storages_;
  uint64_t room_;
  WeightIndex out_;
};

}  // namespace

bool is_torch_file(std::span<const std::byte> file) {
  constexpr size_t kBeginning = 32;  // the magic number's pickle
  const auto text = text_of(file.first(std::min(file.size(), kBeginning)));
  return is_zip(file) || (text.starts_with('\x80') && contains(text, kMagic));
}

Result<WeightIndex> read_torch_file(std::span<const std::byte> file) {
  TorchPickle pickle;
  std::vector<ZipMember> members;  // the storages' keys are views of their names
  const auto storages = is_zip(file) ? TRY(open_archive(file, members, pickle)) : TRY(open_stream(file, pickle));
  const auto& dict = pickle.top();
  if (dict.kind != Kind::dict) return Status(Code::bad_input, "it holds no dict of names and tensors");
  std::unordered_map<std::string_view, uint32_t> entries;  // the last of equal keys stays, as in Python
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2)
    if (pickle.value(dict.items[i]).kind == Kind::text) entries[pickle.value(dict.items[i]).text] = dict.items[i + 1];
  Reader reader(pickle, storages, file.size());
  std::vector<std::string_view> others;
  size_t count = 0;
  for (const auto& [name, id] : entries) {
    const auto& value = pickle.value(id);
    if (value.kind != Kind::tensor) {
      others.push_back(name);
      continue;
    }
    TRY(reader.add(name, pickle.tensor(value)));
    ++count;
  }
  if (count == 0) {
    std::ranges::sort(others);
    std::vector<std::string> shown;
    for (size_t i = 0; i < std::min<size_t>(others.size(), 5); ++i) shown.push_back(printable(others[i]));
    return Status(Code::bad_input,
                  cat("its dict holds no tensors, but ", join(shown, ", "), "; save the model's state_dict() alone"));
  }
  return reader.take();
}

}  // namespace hearth
