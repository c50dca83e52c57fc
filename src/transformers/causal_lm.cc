#include "transformers/causal_lm.h"

#include <algorithm>

#include "base/text.h"
#include "transformers/models_registry.h"

namespace hearth {

std::string CausalLM::numerics_name() const {
  if (options_.numerics == Numerics::fast) return "fast";
  return options_.dtype == DType::bf16 ? "exact bf16" : "exact f32";
}

Tensor CausalLM::forward(std::span<const SequenceView> sequences) const {
  std::vector<int32_t> ids;
  std::vector<KvEntry> entries;
  std::vector<int64_t> wanted;
  for (const auto& s : sequences) {
    if (s.ids.empty()) throw ShapeError("a sequence without new tokens");
    const auto begin = static_cast<int64_t>(ids.size());
    ids.insert(ids.end(), s.ids.begin(), s.ids.end());
    entries.push_back({s.cache, static_cast<int64_t>(s.ids.size())});
    const auto end = static_cast<int64_t>(ids.size());
    if (s.logits == LogitRows::last) wanted.push_back(end - 1);
    for (int64_t row = begin; s.logits == LogitRows::all && row < end; ++row) wanted.push_back(row);
  }
  KvBatch caches(backend_, entries);
  const Tensor hidden = hidden_states(ids, caches);
  caches.commit();
  if (wanted.empty()) return {};
  const bool in_a_row = wanted.back() - wanted.front() + 1 == static_cast<int64_t>(wanted.size());
  return logits(in_a_row ? hidden.narrow(0, wanted.front(), static_cast<int64_t>(wanted.size()))
                         : index_select(hidden, wanted));
}

Result<const Family*> family_of(std::string_view model_type) {
  std::vector<std::string> known;
  for (const auto* family : transformers::models::entries()) {
    for (const std::string_view name : family->model_types) {
      if (name == model_type) return family;
      known.emplace_back(name);
    }
  }
  return Status(Code::unsupported, cat("model_type '", model_type, "' is not known; there are: ", join(known, ", ")));
}

}  // namespace hearth
