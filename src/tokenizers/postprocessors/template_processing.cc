// TemplateProcessing: special tokens around the sequence as the file's list says.
// Source: tokenizers processors/template.rs.
#include "tokenizers/pipeline/template.h"
#include "tokenizers/postprocessors_registry.h"

namespace hearth::tokenizers::postprocessors {
namespace {

// The file may name a special token many times: this many ids may one text get around it.
constexpr size_t kItemsMax = 4096;

Result<std::vector<TemplateItem>> read_template(const ConfigView& config, std::string_view key) {
  std::vector<TemplateItem> items;
  for (const auto& piece : TRY(config[key].elements())) {
    const bool special = piece.has("SpecialToken");
    const auto body = piece[special ? "SpecialToken" : "Sequence"];
    if (!body.json().is_object()) return piece.bad(R"(must be {"SpecialToken": {...}} or {"Sequence": {...}})");
    const auto type_id = static_cast<int32_t>(TRY(body.integer("type_id", 0, INT32_MAX)));
    const auto name = TRY(body.string("id"));
    if (!special) {
      if (name != "A" && (name != "B" || key == "single"))
        return body["id"].bad(
            cat("'", name, "' is not in a template of ", key == "single" ? "one text (A)" : "two (A, B)"));
      items.push_back({-1, type_id, name == "A" ? size_t{0} : size_t{1}});
      continue;
    }
    const auto token = config["special_tokens"][name];
    if (!token.json().is_object()) return body["id"].bad(cat("'", name, "' is not among the special_tokens"));
    const auto spellings = TRY(token["tokens"].elements());
    const auto ids = TRY(token["ids"].elements());
    if (ids.size() != spellings.size()) return token.bad("has as many ids as tokens");
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto& id = ids[i];
      if (!id.json().is_int() || id.json().as_int() < 0 || id.json().as_int() > INT32_MAX)
        return id.bad("must be a token id");
      items.push_back({static_cast<TokenId>(id.json().as_int()), type_id, 0, TRY(spellings[i].as_string())});
    }
    if (items.size() > kItemsMax) return config[key].bad(cat("over ", kItemsMax, " tokens"));
  }
  return items;
}

Built<PostProcessor> build(const ConfigView& config) {
  auto single = TRY(read_template(config, "single"));
  return std::unique_ptr<PostProcessor>(
      std::make_unique<Template>(std::move(single), TRY(read_template(config, "pair"))));
}

}  // namespace

extern constinit const Entry template_processing_entry{"TemplateProcessing", build};

}  // namespace hearth::tokenizers::postprocessors
