#include "tokenizers/pipeline/template.h"

namespace hearth::tokenizers {

void Template::process(Encoding& encoding, bool add_special_tokens) const {
  Encoding out;
  bool typed = false;
  for (const auto& item : items_) {
    const bool special = item.id >= 0;
    if (special && !add_special_tokens) continue;
    if (special) {
      out.ids.push_back(item.id);
      out.special_tokens_mask.push_back(1);
    } else {
      out.ids.insert(out.ids.end(), encoding.ids.begin(), encoding.ids.end());
      out.special_tokens_mask.insert(out.special_tokens_mask.end(), encoding.special_tokens_mask.begin(),
                                     encoding.special_tokens_mask.end());
    }
    out.type_ids.resize(out.ids.size(), item.type_id);
    typed |= item.type_id != 0;
  }
  if (!typed) out.type_ids.clear();
  encoding = std::move(out);
}

Built<PostProcessor> build_cls_sep(const ConfigView& config) {
  TokenId ids[2];
  for (const size_t i : {0, 1}) {
    const auto pair = config[i == 0 ? "cls" : "sep"];
    if (pair.json().size() != 2 || !pair.json().is_array() || !pair.json().array()[1].is_int())
      return pair.bad(R"(must be ["token", id])");
    const auto id = pair.json().array()[1].as_int();
    if (id < 0 || id > INT32_MAX) return pair.bad(cat("the id ", id, " is outside 0 to 2147483647"));
    ids[i] = static_cast<TokenId>(id);
  }
  return std::unique_ptr<PostProcessor>(
      std::make_unique<Template>(std::vector<TemplateItem>{{ids[0], 0}, {-1, 0}, {ids[1], 0}}));
}

}  // namespace hearth::tokenizers
