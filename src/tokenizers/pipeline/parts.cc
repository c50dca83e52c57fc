#include "tokenizers/pipeline/parts.h"

#include <algorithm>

#include "tokenizers/decoders_registry.h"
#include "tokenizers/models_registry.h"
#include "tokenizers/normalizers_registry.h"
#include "tokenizers/postprocessors_registry.h"
#include "tokenizers/pretokenizers_registry.h"

namespace hearth::tokenizers {

namespace {

// Sequences in sequences are valid, but each level costs stack: a file from outside could nest a thousand.
constexpr int kDepthMax = 32;
thread_local int depth = 0;

struct Depth {
  Depth() { ++depth; }
  ~Depth() { --depth; }
};

// The type of a file that does not name it.
template <class Part>
std::string_view type_by_fields(std::span<const Kind<Part>* const> kinds, const ConfigView& config) {
  const Kind<Part>* found = nullptr;
  const auto count = [](std::string_view fields) { return std::count(fields.begin(), fields.end(), ' '); };
  for (const auto* kind : kinds) {
    const auto fields = split(kind->fields, ' ');
    const auto has = [&](std::string_view field) { return config.json().find(field) != nullptr; };
    if (kind->fields.empty() || !std::all_of(fields.begin(), fields.end(), has)) continue;
    if (found == nullptr || count(kind->fields) > count(found->fields)) found = kind;
  }
  return found == nullptr ? std::string_view() : found->type;
}

template <class Part>
Built<Part> build(std::span<const Kind<Part>* const> kinds, const ConfigView& config) {
  const Depth level;
  if (depth > kDepthMax) return config.bad("sequences nest deeper than 32");
  if (!config.json().is_object()) return config.bad("must be an object with a type");
  std::string type;
  if (!config.has("type")) type = type_by_fields(kinds, config);
  if (type.empty()) type = TRY(config.string("type"));
  for (const auto* kind : kinds)
    if (kind->type == type) return kind->build(config);
  std::string known;
  for (const auto* kind : kinds) known += cat(known.empty() ? "" : ", ", kind->type);
  return config.bad(cat("type '", type, "' is not known (", known, ")"));
}

}  // namespace

Result<uint32_t> Model::tokenize_text(std::string_view, FindPieces, ModelScratch&, Tokens&) const {
  return Status(Code::internal, "this model takes pieces, no text");
}

Built<Normalizer> build_normalizer(const ConfigView& config) {
  return build(normalizers::entries(), config);
}

Built<PreTokenizer> build_pretokenizer(const ConfigView& config) {
  return build(pretokenizers::entries(), config);
}

Built<PostProcessor> build_postprocessor(const ConfigView& config) {
  return build(postprocessors::entries(), config);
}

Built<Decoder> build_decoder(const ConfigView& config) {
  return build(decoders::entries(), config);
}

Built<Model> build_model(const ConfigView& config) {
  return build(models::entries(), config);
}

}  // namespace hearth::tokenizers
