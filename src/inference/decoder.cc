#include "inference/decoder.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::inference {

template <class Make>
Result<std::shared_ptr<const Constraint>> Constraints::find(const std::string& name, const Make& make) {
  constexpr size_t kKept = 16;
  auto known = kept_.with([&](std::list<Kept>& all) -> std::shared_ptr<const Constraint> {
    const auto found = std::ranges::find(all, name, &Kept::form);
    if (found == all.end()) return nullptr;
    all.splice(all.begin(), all, found);
    return found->constraint;
  });
  if (known) return known;
  std::shared_ptr<const Constraint> made = TRY(make());
  kept_.with([&](std::list<Kept>& all) {
    all.push_front({name, made});
    if (all.size() > kKept) all.pop_back();
  });
  return made;
}

Result<std::shared_ptr<const Constraint>> Constraints::of(const wire::AnswerForm& form,
                                                          const TextGenerationPipeline& pipeline) {
  using Kind = wire::AnswerForm::Kind;
  if (form.kind == Kind::any) return std::shared_ptr<const Constraint>();
  const auto name =
      cat(static_cast<int>(form.kind), form.text, form.kind == Kind::json_schema ? form.schema.dump() : "");
  return find(name, [&]() -> Result<std::shared_ptr<const Constraint>> {
    auto grammar = form.kind == Kind::json_object   ? Result<Grammar>(Grammar::json_object())
                   : form.kind == Kind::json_schema ? Grammar::from_json_schema(form.schema)
                   : form.kind == Kind::regex       ? Grammar::from_regex(form.text)
                                                    : Grammar::from_gbnf(form.text);
    return pipeline.constrain(TRY(std::move(grammar)));
  });
}

Result<std::shared_ptr<const Constraint>> Constraints::of_calls(const std::string& key, const GrammarPart& grammar,
                                                                const TextGenerationPipeline& pipeline) {
  return find(key, [&]() -> Result<std::shared_ptr<const Constraint>> {
    return pipeline.constrain(TRY(Grammar::from_parts(grammar)), /*spells_special_tokens=*/true);
  });
}

std::optional<Json> KeptConversations::find(std::string_view id, std::string_view client) const {
  const auto text = kept_.with([&](const std::list<Kept>& all) {
    const auto found = std::ranges::find_if(all, [&](const Kept& one) { return one.id == id && one.client == client; });
    return found == all.end() ? std::string() : found->text;
  });
  auto conversation = Json::parse(text);
  return conversation.ok() ? std::optional(*std::move(conversation)) : std::nullopt;
}

void KeptConversations::keep(std::string id, std::string client, Json conversation) {
  constexpr size_t kBytes = 32 << 20;
  auto text = conversation.dump();
  kept_.with([&](std::list<Kept>& all) {
    all.push_front({std::move(id), std::move(client), std::move(text)});
    size_t bytes = 0;
    const auto too_many =
        std::ranges::find_if(all, [&](const Kept& one) { return (bytes += one.text.size()) > kBytes; });
    all.erase(too_many, all.end());
  });
}

}  // namespace hearth::inference
