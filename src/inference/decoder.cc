#include "inference/decoder.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::inference {

Result<std::shared_ptr<const Constraint>> Constraints::of(const wire::AnswerForm& form,
                                                          const TextGenerationPipeline& pipeline) {
  using Kind = wire::AnswerForm::Kind;
  constexpr size_t kKept = 16;
  if (form.kind == Kind::any) return std::shared_ptr<const Constraint>();
  const auto name =
      cat(static_cast<int>(form.kind), form.text, form.kind == Kind::json_schema ? form.schema.dump() : "");
  auto known = kept_.with([&](std::list<Kept>& all) -> std::shared_ptr<const Constraint> {
    const auto found = std::ranges::find(all, name, &Kept::form);
    if (found == all.end()) return nullptr;
    all.splice(all.begin(), all, found);
    return found->constraint;
  });
  if (known) return known;
  auto grammar = form.kind == Kind::json_object   ? Result<Grammar>(Grammar::json_object())
                 : form.kind == Kind::json_schema ? Grammar::from_json_schema(form.schema)
                 : form.kind == Kind::regex       ? Grammar::from_regex(form.text)
                                                  : Grammar::from_gbnf(form.text);
  if (!grammar.ok()) return std::move(grammar).status();
  auto made = pipeline.constrain(*std::move(grammar));
  kept_.with([&](std::list<Kept>& all) {
    all.push_front({name, made});
    if (all.size() > kKept) all.pop_back();
  });
  return made;
}

}  // namespace hearth::inference
