#include "tensor/params.h"

#include <algorithm>

#include "base/text.h"

namespace hearth {

void ParamStore::set(WeightSource source) {
  auto key = source.name;
  if (!sources_.contains(key)) names_.push_back(key);
  matrices_.erase(key);
  sources_.insert_or_assign(std::move(key), std::move(source));
}

void ParamStore::tie(std::string name, std::string to) {
  ties_.insert_or_assign(std::move(name), std::move(to));
}

bool ParamStore::has(std::string_view name) const {
  return sources_.contains(std::string(name));
}

const WeightSource* ParamStore::find(const std::string& name, const Shape& shape) {
  const auto it = sources_.find(name);
  if (it == sources_.end()) {
    missing_.push_back(name);
    return nullptr;
  }
  used_.insert(name);
  if (it->second.shape == shape) return &it->second;
  misshaped_.push_back(cat(name, " is ", it->second.shape.text(), ", the configuration asks for ", shape.text()));
  return nullptr;
}

std::shared_ptr<const Weight> ParamStore::matrix(const std::string& name, int64_t rows, int64_t cols) {
  const auto tied = ties_.find(name);
  const auto& key = tied == ties_.end() ? name : tied->second;
  if (tied != ties_.end()) used_.insert(name);  // a stored copy of a tied weight is left unread: the first one wins
  if (const auto made = matrices_.find(key); made != matrices_.end()) return made->second;
  const auto* source = find(key, {rows, cols});
  if (!source) return nullptr;
  auto weight = backend_.weight(*source, options_);
  if (!weight.ok()) {
    unreadable_.push_back(weight.status().message());
    return nullptr;
  }
  return matrices_.emplace(key, *std::move(weight)).first->second;
}

Tensor ParamStore::vector(const std::string& name, int64_t size) {
  const auto* source = find(name, {size});
  if (!source) return {};
  auto tensor = backend_.tensor(*source, options_);
  if (tensor.ok()) return *std::move(tensor);
  unreadable_.push_back(tensor.status().message());
  return {};
}

Status ParamStore::finish() const {
  std::vector<std::string> extra;
  for (const auto& name : names_)
    if (!used_.contains(name)) extra.push_back(name);
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

Linear::Linear(const Params& p, int64_t inputs, int64_t outputs, Bias bias)
    : entry_{p.store().matrix(p.name("weight"), outputs, inputs),
             bias == Bias::present ? p.store().vector(p.name("bias"), outputs) : Tensor()} {}

Tensor Linear::operator()(const Tensor& x) const {
  const LinearWeight* const weight = &entry_;
  return std::move(x.backend().linear({x}, {&weight, 1}).front());
}

Tensor Linear::add_to(Tensor residual, const Tensor& x) const {
  return x.backend().linear_add(x, entry_, std::move(residual));
}

Embedding::Embedding(const Params& p, int64_t count, int64_t width)
    : weight_(p.store().matrix(p.name("weight"), count, width)) {}

}  // namespace hearth
