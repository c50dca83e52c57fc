#include "transformers/auto.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "transformers/gguf_checkpoint.h"
#include "transformers/gguf_tensors.h"
#include "transformers/quantized_weights.h"

namespace hearth {
namespace {

Result<std::vector<WeightSource>> safetensors_sources(const std::shared_ptr<const Weights>& weights) {
  std::vector<WeightSource> out;
  for (const auto* tensor : weights->tensors()) {
    if (tensor->shape.size() > Shape::kDimensionsMax)
      return Status(Code::bad_input, cat(tensor->name, " has ", tensor->shape.size(), " dimensions"));
    out.push_back({.name = tensor->name,
                   .dtype = tensor->dtype,
                   .shape = Shape(tensor->shape),
                   .data = tensor->data,
                   .owner = weights,
                   .file = weights});
  }
  return out;
}

/// Names that older files use: LayerNorm's gamma and beta, GPT-NeoX's head.
/// Source: transformers 5.23.0 modeling_utils.py _load_pretrained_model (legacy names), conversion_mapping.py.
std::string current_name(const std::string& name) {
  for (const auto& [old, now] : {std::pair{".gamma", ".weight"}, std::pair{".beta", ".bias"}})
    if (name.ends_with(cat("LayerNorm", old)))
      return cat(name.substr(0, name.size() - std::string_view(old).size()), now);
  constexpr std::string_view kOldHead = "embed_out.";
  return name.starts_with(kOldHead) ? cat("lm_head.", name.substr(kOldHead.size())) : name;
}

/// Tables that are computed here, which older files carry.
bool is_computed(std::string_view name) {
  for (const auto ending : {".position_ids", ".attn.bias", ".attn.masked_bias", ".attention.bias",
                            ".attention.masked_bias", ".attn.causal_mask", ".rotary_emb.inv_freq", "decoder.version"})
    if (name.ends_with(ending)) return true;
  return false;
}

/// The row for a task: the one that `architectures` names if it is of that task, else the family's first.
Result<const HeadRow*> find_head(const Config& config, const Family& family, std::optional<Task> task) {
  const auto named = config.architectures.empty() ? std::string() : config.architectures.front();
  std::vector<std::string> known;
  const HeadRow* first = nullptr;
  for (const auto& row : family.heads) {
    known.emplace_back(row.architecture);
    const bool is_asked = !task || row.task == *task;
    if (is_asked && named == row.architecture) return &row;
    if (is_asked && !first) first = &row;
  }
  if (!task && !named.empty())
    return Status(Code::unsupported, cat("architectures names ", named, "; of model_type ", config.model_type,
                                         " there are: ", join(known, ", ")));
  if (!first)
    return Status(Code::unsupported,
                  cat(auto_class(*task), " has no model of type ", config.model_type, "; it has: ", join(known, ", ")));
  // The stack can be taken out of any checkpoint; a head must be in it.
  const bool has_head = named.empty() || named == first->architecture;
  if (!has_head && first->build)
    return Status(Code::unsupported, cat("architectures names ", named, ", so the file has no weights of ",
                                         first->architecture, ", which ", auto_class(*task), " asks for"));
  return first;
}

/// What loading makes before it is put together.
struct Parts {
  std::unique_ptr<TextModel> stack;
  std::unique_ptr<Head> head;
};

Result<Parts> build_parts(const Config& config, const Family& family, const HeadRow& row, ParamStore& store) {
  const Params root(store);
  const std::string prefix = family.base_model_prefix;
  // A stack that was saved alone has no prefix, and its files are loaded into models with a head as well.
  const auto base = prefix.empty() || !store.has_prefix(cat(prefix, ".")) ? root : root / prefix;
  if (config.tie_word_embeddings && family.output_embeddings)
    store.tie((root / family.output_embeddings).name("weight"), (base / family.input_embeddings).name("weight"));
  Parts out;
  out.stack = TRY((row.build_stack ? row.build_stack : family.build)(config, base));
  if (row.build) out.head = TRY(row.build(config, root));
  const bool is_other_head = !config.architectures.empty() && config.architectures.front() != row.architecture;
  TRY(store.finish(is_other_head || !row.build));
  return out;
}

template <class Make>
auto load(const std::shared_ptr<const Weights>& weights, const std::string& path, std::optional<Task> task,
          const LoadOptions& options, Make&& make) -> decltype(make(Parts(), std::declval<const ParamStore&>())) {
  const auto work = [&]() -> decltype(make(Parts(), std::declval<const ParamStore&>())) {
    const bool is_gguf = weights->front().format() == WeightFormat::gguf;
    const Config config =
        is_gguf ? TRY(Config::from_json(TRY(gguf_config(*weights)))) : TRY(Config::from_pretrained(model_folder(path)));
    const auto* family = TRY(family_of(config.model_type));
    const auto* row = TRY(find_head(config, *family, task));
    auto sources = is_gguf ? TRY(gguf_sources(weights, config.raw)) : TRY(safetensors_sources(weights));
    const std::string backend_name = options.backend.empty() ? "native" : options.backend;
    const auto* backend = TRY(backend_by_name(backend_name, options.dtype));
    const bool has_fast = backend_name == "native" && options.dtype == DType::f32;
    const auto numerics_if_quantized = options.numerics.value_or(has_fast ? Numerics::fast : Numerics::exact);
    if (!is_gguf) TRY(unpack_quantized(sources, config.raw, numerics_if_quantized));
    const bool is_quantized = options.quantize || std::ranges::any_of(sources, [](const WeightSource& source) {
                                return is_block_type(source.dtype);
                              });
    const auto numerics = is_quantized ? numerics_if_quantized : options.numerics.value_or(Numerics::exact);
    ParamStore store(
        *backend,
        {.numerics = numerics, .dtype = options.dtype, .quantize = options.quantize, .read_once = options.read_once});
    for (auto& source : sources) {
      source.name = current_name(source.name);
      if (!is_computed(source.name)) store.set(std::move(source));
    }
    return make(TRY(build_parts(config, *family, *row, store)), store);
  };
  auto made = work();
  if (!made.ok()) return std::move(made).status().with(path);
  return made;
}

Result<std::shared_ptr<const CausalLM>> make_causal(Parts parts, const ParamStore& store) {
  auto* head = dynamic_cast<RowHead*>(parts.head.release());
  VERIFY(head, "a language model's head judges rows");
  return std::make_shared<const CausalLM>(std::move(parts.stack), std::unique_ptr<const RowHead>(head), store);
}

}  // namespace

std::string model_folder(const std::string& path) {
  if (is_folder(path)) return path;
  const auto parent = path_parent(path);
  return parent.empty() ? "." : std::string(parent);
}

Result<std::shared_ptr<const PreTrainedModel>> AutoModel::from_pretrained(std::optional<Task> task,
                                                                          const std::string& path,
                                                                          const LoadOptions& options) {
  const auto weights = TRY(Weights::open(path));
  return load(weights, path, task, options,
              [](Parts parts, const ParamStore& store) -> Result<std::shared_ptr<const PreTrainedModel>> {
                return std::make_shared<const PreTrainedModel>(std::move(parts.stack), std::move(parts.head), store);
              });
}

Result<std::shared_ptr<const CausalLM>> AutoModelForCausalLM::from_pretrained(const std::string& path,
                                                                              const LoadOptions& options) {
  return from_weights(TRY(Weights::open(path)), path, options);
}

Result<std::shared_ptr<const CausalLM>> AutoModelForCausalLM::from_weights(std::shared_ptr<const Weights> weights,
                                                                           const std::string& path,
                                                                           const LoadOptions& options) {
  return load(weights, path, Task::causal_lm, options, make_causal);
}

Result<std::shared_ptr<const CausalLM>> AutoModelForSeq2SeqLM::from_pretrained(const std::string& path,
                                                                               const LoadOptions& options) {
  return load(TRY(Weights::open(path)), path, Task::seq2seq_lm, options, make_causal);
}

}  // namespace hearth
