#include "tokenizers/pipeline/parts.h"

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

template <class Part>
Built<Part> build(std::span<const Kind<Part>* const> kinds, const ConfigView& config, std::string_view type) {
  const Depth level;
  if (depth > kDepthMax) return config.bad("sequences nest deeper than 32");
  for (const auto* kind : kinds)
    if (kind->type == type) return kind->build(config);
  std::string known;
  for (const auto* kind : kinds) known += cat(known.empty() ? "" : ", ", kind->type);
  return config.bad(cat("type '", type, "' is not known (", known, ")"));
}

template <class Part>
Built<Part> build(std::span<const Kind<Part>* const> kinds, const ConfigView& config) {
  if (!config.json().is_object()) return config.bad("must be an object with a type");
  return build(kinds, config, TRY(config.string("type")));
}

}  // namespace

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
  if (!config.json().is_object()) return config.bad("must be an object");
  // Files older than tokenizers 0.9 do not name the type; only BPE has merges.
  if (!config.has("type") && config.has("merges")) return build(models::entries(), config, "BPE");
  return build(models::entries(), config);
}

}  // namespace hearth::tokenizers
