// Metaspace: spaces become a visible sign (U+2581), which then begins each word.
// Source: tokenizers pre_tokenizers/metaspace.rs.
#include "tokenizers/pipeline/split.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers::pretokenizers {
namespace {

enum class Prepend { always, first, never };

class Metaspace final : public PreTokenizer {
 public:
  Metaspace(std::string replacement, Prepend prepend, bool split)
      : replacement_(Pattern::literal(std::move(replacement))), prepend_(prepend), split_(split) {}

  void split(TextView view, PiecesView& out) const override {
    const auto& sign = replacement_.source();
    AlignedText changed(view, out.aligned());
    space_.replace(changed, sign);
    const bool prepend = prepend_ == Prepend::always || (prepend_ == Prepend::first && view.at_start());
    if (prepend && !changed.text().starts_with(sign)) changed.prepend(sign);
    const auto kept = out.keep(std::move(changed));
    if (!split_) return out.add(kept);
    auto stretches = replacement_.stretches(kept.text);
    cut(kept, stretches, SplitBehavior::merged_with_next, out);
  }

  bool asks_start() const override { return prepend_ == Prepend::first; }

 private:
  Pattern space_ = Pattern::literal(" "), replacement_;
  Prepend prepend_;
  bool split_;
};

Built<PreTokenizer> build(const ConfigView& config) {
  auto replacement = TRY(config.string("replacement"));
  if (utf8_length(replacement) != 1) return config["replacement"].bad("must be one character");
  const auto scheme = TRY(config.string("prepend_scheme", "always"));
  Prepend prepend = Prepend::always;
  if (scheme == "first") {
    prepend = Prepend::first;
  } else if (scheme == "never") {
    prepend = Prepend::never;
  } else if (scheme != "always") {
    return config["prepend_scheme"].bad(cat("'", scheme, "' is not known (always, first, never)"));
  }
  // The older field says the same with two values.
  if (!TRY(config.boolean("add_prefix_space", true))) prepend = Prepend::never;
  const bool split = TRY(config.boolean("split", true));
  return std::unique_ptr<PreTokenizer>(std::make_unique<Metaspace>(std::move(replacement), prepend, split));
}

}  // namespace

extern constinit const Entry metaspace_entry{"Metaspace", build};

}  // namespace hearth::tokenizers::pretokenizers
