#include "tensor/params.h"

#include <algorithm>

#include "base/text.h"
#include "tensor/quantize.h"

namespace hearth {
namespace {

bool is_equal(const WeightSource& a, const WeightSource& b) {
  return a.dtype == b.dtype && a.shape == b.shape && a.encoded == b.encoded && std::ranges::equal(a.data, b.data);
}

}  // namespace

void ParamStore::set(WeightSource source) {
  auto key = source.name;
  if (!sources_.contains(key)) names_.push_back(key);
  std::erase_if(matrices_, [&](const auto& made) { return made.first.starts_with(key); });
  sources_.insert_or_assign(std::move(key), std::move(source));
}

void ParamStore::tie(std::string name, std::string to) {
  if (origin_of(to) == name) return;
  const auto own = sources_.find(name), other = sources_.find(origin_of(to));
  const bool is_there = own != sources_.end(), is_other_there = other != sources_.end();
  ties_.erase(name);
  if (is_there && is_other_there && !is_equal(own->second, other->second)) return;
  if (is_there && !is_other_there) std::swap(name, to);
  ties_.insert_or_assign(std::move(name), std::move(to));
}

const std::string& ParamStore::origin_of(const std::string& name) const {
  const auto* out = &name;
  for (auto tie = ties_.find(*out); tie != ties_.end(); tie = ties_.find(*out)) out = &tie->second;
  return *out;
}

bool ParamStore::has(std::string_view name) const {
  return sources_.contains(std::string(name));
}

bool ParamStore::has_prefix(std::string_view prefix) const {
  return std::ranges::any_of(names_, [&](const std::string& name) { return name.starts_with(prefix); });
}

void ParamStore::ignore_prefix(std::string_view prefix) {
  for (const auto& name : names_)
    if (name.starts_with(prefix)) used_.insert(name);
}

std::vector<RowRange> halves_of_pairs(int64_t begin, int64_t heads, int64_t head_dim, int64_t rotated) {
  std::vector<RowRange> out;
  for (int64_t head = 0; head < heads; ++head, begin += head_dim) {
    for (int64_t i = 0; i < rotated; i += 2) out.push_back({begin + i, 1});
    for (int64_t i = 1; i < rotated; i += 2) out.push_back({begin + i, 1});
    if (rotated < head_dim) out.push_back({begin + rotated, head_dim - rotated});
  }
  return out;
}

namespace {

int64_t row_count(const Stored& stored, int64_t asked) {
  return stored.row_count > 0 ? stored.row_count : asked;
}

std::string key_of(const std::string& name, const Stored& stored) {
  if (stored.rows.empty()) return name;
  std::string out = name;
  for (const auto& [begin, count] : stored.rows) out += cat(":", begin, "+", count);
  return out;
}

/// The matrix [rows, cols] of an array stored as [cols, rows].
Result<WeightSource> transposed(const WeightSource& source) {
  if (is_block_type(source.dtype))
    return Status(Code::unsupported, cat(source.name, ": a matrix of ", name(source.dtype), " stored transposed"));
  const auto rows = source.shape[1], cols = source.shape[0];
  const auto width = static_cast<size_t>(block_bytes(source.dtype));
  auto buffer = std::make_shared<std::vector<std::byte>>(source.data.size());
  constexpr int64_t kTile = 32;  // both sides of a tile stay in the first cache
  for (int64_t row_tile = 0; row_tile < rows; row_tile += kTile)
    for (int64_t col = 0; col < cols; ++col)
      for (int64_t row = row_tile; row < std::min(rows, row_tile + kTile); ++row)
        std::copy_n(source.data.data() + static_cast<size_t>(col * rows + row) * width, width,
                    buffer->data() + static_cast<size_t>(row * cols + col) * width);
  auto out = source;
  out.shape = {rows, cols};
  out.take(std::move(buffer));
  return out;
}

}  // namespace

Result<WeightSource> rows_of(const WeightSource& source, std::span<const RowRange> ranges) {
  const auto row_bytes = source.data.size() / static_cast<size_t>(std::max<int64_t>(source.shape[0], 1));
  auto out = source;
  int64_t count = 0;
  bool in_one_piece = true;
  for (const auto& range : ranges) {
    if (range.begin < 0 || range.count < 0 || range.begin + range.count > source.shape[0])
      return Status(Code::bad_input, cat(source.name, " is ", source.shape.text(), "; rows ", range.begin, " to ",
                                         range.begin + range.count, " are asked for"));
    in_one_piece &= range.begin == ranges.front().begin + count;
    count += range.count;
  }
  out.shape[0] = count;
  if (in_one_piece) {
    out.data = source.data.subspan(static_cast<size_t>(ranges.front().begin) * row_bytes,
                                   static_cast<size_t>(count) * row_bytes);
    return out;
  }
  auto buffer = std::make_shared<std::vector<std::byte>>();
  buffer->reserve(static_cast<size_t>(count) * row_bytes);
  for (const auto& range : ranges) {
    const auto from =
        source.data.subspan(static_cast<size_t>(range.begin) * row_bytes, static_cast<size_t>(range.count) * row_bytes);
    buffer->insert(buffer->end(), from.begin(), from.end());
  }
  out.take(std::move(buffer));
  return out;
}

Result<WeightSource> ParamStore::rearranged(const WeightSource& source, const Stored& stored) const {
  auto out = stored.is_transposed && source.shape.size() == 2 ? TRY(transposed(source)) : source;
  return stored.rows.empty() ? out : rows_of(out, stored.rows);
}

const WeightSource* ParamStore::find(const std::string& name, const Shape& shape) {
  const auto it = sources_.find(name);
  if (it == sources_.end()) {
    missing_.push_back(name);
    return nullptr;
  }
  used_.insert(name);
  auto& source = it->second;
  if (source.shape == shape) {
    if (!source.encoded || !source.data.empty()) return &source;
    auto numbers = source.encoded->decode();
    if (numbers.ok()) {
      source.take(*std::move(numbers));
      return &source;
    }
    unreadable_.push_back(std::move(numbers).status().with(name).message());
    return nullptr;
  }
  misshaped_.push_back(cat(name, " is ", source.shape.text(), ", the configuration asks for ", shape.text()));
  return nullptr;
}

std::shared_ptr<const Weight> ParamStore::matrix(const std::string& name, int64_t rows, int64_t cols,
                                                 const Stored& stored) {
  return make(name, rows, cols, stored, options_.quantize);
}

std::shared_ptr<const Weight> ParamStore::table(const std::string& name, int64_t rows, int64_t cols) {
  return make(name, rows, cols, {}, {});
}

std::shared_ptr<const Weight> ParamStore::make(const std::string& name, int64_t rows, int64_t cols,
                                               const Stored& stored, std::optional<DType> quantize) {
  used_.insert(name);  // a stored copy of a tied weight is left unread
  const auto& origin = origin_of(name);
  const auto key = cat(key_of(origin, stored), quantize ? cat(" as ", hearth::name(*quantize)) : "");
  if (const auto made = matrices_.find(key); made != matrices_.end()) return made->second;
  const auto stored_rows = row_count(stored, rows);
  const auto entry = sources_.find(origin);
  Stored layout = stored;
  if (entry != sources_.end() && entry->second.encoded) layout.is_transposed = false;
  const auto* source = find(origin, layout.is_transposed ? Shape{cols, stored_rows} : Shape{stored_rows, cols});
  if (!source) return nullptr;
  const auto made = [&]() -> Result<std::shared_ptr<const Weight>> {
    auto asked = TRY(rearranged(*source, layout));
    if (quantize && is_quantizable(asked, *quantize)) asked = TRY(quantized(asked, *quantize, ThreadPool::shared()));
    return backend_.weight(asked, options_);
  }();
  if (source->file) source->file->forget(source->data);  // what was packed is not read again
  if (!made.ok()) {
    unreadable_.push_back(made.status().message());
    return nullptr;
  }
  return matrices_.emplace(key, *made).first->second;
}

Tensor ParamStore::vector(const std::string& name, int64_t size, const Stored& stored) {
  used_.insert(name);
  const auto* source = find(origin_of(name), {row_count(stored, size)});
  if (!source) return {};
  auto tensor = [&]() -> Result<Tensor> {
    const auto asked = TRY(rearranged(*source, {.rows = stored.rows}));
    return backend_.tensor(asked, options_);
  }();
  if (tensor.ok()) return *std::move(tensor);
  unreadable_.push_back(tensor.status().message());
  return {};
}

Tensor ParamStore::array(const std::string& name, const Shape& shape) {
  const auto* source = find(name, shape);
  if (!source) return {};
  auto tensor = backend_.tensor(*source, options_);
  if (tensor.ok()) return *std::move(tensor);
  unreadable_.push_back(tensor.status().message());
  return {};
}

Status ParamStore::finish(bool may_be_left) const {
  std::vector<std::string> extra;
  for (const auto& name : names_)
    if (!may_be_left && !used_.contains(name)) extra.push_back(name);
  std::string text;
  const auto tell = [&text](std::string_view what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    constexpr size_t kShown = 3;
    std::vector<std::string> shown(names.begin(), names.begin() + std::min(names.size(), kShown));
    text += cat(text.empty() ? "" : "; ", what, join(shown, ", "));
    if (names.size() > kShown) text += cat(" and ", names.size() - kShown, " more");
  };
  tell("missing tensors: ", missing_);
  tell("tensors of another shape: ", misshaped_);
  tell("tensors that cannot be read: ", unreadable_);
  tell("tensors that this model has no place for: ", extra);
  if (text.empty()) return {};
  return {Code::bad_input, std::move(text)};
}

Params Params::operator/(std::string_view child) const {
  return {store_, prefix_.empty() ? std::string(child) : cat(prefix_, ".", child)};
}

Params Params::operator/(int64_t index) const {
  return *this / std::string_view(cat(index));
}

std::string Params::name(std::string_view leaf) const {
  return prefix_.empty() ? std::string(leaf) : cat(prefix_, ".", leaf);
}

Linear::Linear(const Params& p, int64_t inputs, int64_t outputs, Bias bias, const Stored& stored)
    : entry_{p.store().matrix(p.name("weight"), outputs, inputs, stored),
             bias == Bias::present ? p.store().vector(p.name("bias"), outputs, stored) : Tensor()} {}

Linear::Linear(const Params& p, int64_t inputs, int64_t outputs, Tensor bias, const Stored& stored)
    : entry_{p.store().matrix(p.name("weight"), outputs, inputs, stored), std::move(bias)} {}

Tensor Linear::operator()(const Tensor& x) const {
  const LinearWeight* const weight = &entry_;
  return std::move(x.backend().linear({x}, {&weight, 1}).front());
}

Tensor Linear::add_to(Tensor residual, const Tensor& x) const {
  return x.backend().linear_add(x, entry_, std::move(residual));
}

RMSNorm::RMSNorm(const Params& p, int64_t width, double eps, float offset) : RMSNorm(p, width, eps) {
  if (!entry_.weight.defined() || offset == 0) return;
  auto values = to_vector(entry_.weight);
  for (auto& value : values) value += offset;
  entry_.weight = entry_.weight.backend().from_host(values, {width});
}

Embedding::Embedding(const Params& p, int64_t count, int64_t width)
    : weight_(p.store().table(p.name("weight"), count, width)) {}

}  // namespace hearth
