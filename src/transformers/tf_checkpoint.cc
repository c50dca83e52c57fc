#include "transformers/tf_checkpoint.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.h"
#include "safetensors/kernel_layout.h"

namespace hearth {
namespace {

/// TensorFlow's base models keep their main layer's name in front; PyTorch's `base_class` has no such prefix. Models
/// with a head have tensors in TensorFlow that PyTorch's have not: a bias and a pooler without use, a table by formula.
struct TfFamily {
  std::string_view model_type, prefix, base_class, surplus = {};
};
constexpr TfFamily kFamilies[] = {
    {"albert", "albert.", "AlbertModel", "predictions.decoder.bias"},
    {"bart", "model.", "BartModel"},
    {"bert", "bert.", "BertModel"},
    {"deberta", "deberta.", "DebertaModel"},
    {"deberta-v2", "deberta.", "DebertaV2Model"},
    {"distilbert", "distilbert.", "DistilBertModel"},
    {"gpt2", "transformer.", "GPT2Model"},
    {"marian", "model.", "MarianModel", ".embed_positions."},
    {"mbart", "model.", "MBartModel"},
    {"mistral", "model.", "MistralModel"},
    {"mpnet", "mpnet.", "MPNetModel", "mpnet.pooler."},
    {"mt5", "", ""},
    {"opt", "model.", "OPTModel"},
    {"pegasus", "model.", "PegasusModel"},
    {"roberta", "roberta.", "RobertaModel"},
    {"t5", "", ""},
    {"xlm-roberta", "roberta.", "XLMRobertaModel"},
};

Result<const TfFamily*> family_of_tf(std::string_view model_type) {
  const auto found = std::ranges::find(kFamilies, model_type, &TfFamily::model_type);
  if (found != std::end(kFamilies)) return found;
  std::string known;
  for (const auto& family : kFamilies) known += cat(known.empty() ? "" : ", ", family.model_type);
  if (model_type.empty())
    return Status(Code::bad_input,
                  cat("a TensorFlow file needs config.json beside it, with its model_type (", known, ")"));
  return Status(Code::unsupported,
                cat("model_type '", printable(model_type), "' is not read from TensorFlow's files (", known, ")"));
}

/// "a/mlm___cls/b_._0/kernel" -> {a, cls, b, 0, kernel}: what stands before ___ only tells TensorFlow's layers apart,
/// and _._ is a list's index.
std::vector<std::string> parts_of(std::string_view name) {
  std::vector<std::string> out;
  while (true) {
    auto part = name.substr(0, name.find('/'));
    const bool is_last = part.size() == name.size();
    if (const auto mark = part.rfind("___"); mark != std::string_view::npos && !is_last) part.remove_prefix(mark + 3);
    for (size_t at = 0; at <= part.size();) {
      const auto end = std::min(part.find("_._", at), part.size());
      if (end > at) out.emplace_back(part.substr(at, end - at));
      at = end + 3;
    }
    if (is_last) return out;
    name.remove_prefix(part.data() + part.size() + 1 - name.data());
  }
}

/// The kinds of variables that the classes of kFamilies have.
bool is_known_leaf(std::string_view leaf) {
  constexpr std::string_view kLeaves[] = {"bias",   "beta",   "embeddings", "final_logits_bias",     "gamma",
                                          "kernel", "q_bias", "v_bias",     "rel_embeddings.weight", "weight"};
  return std::ranges::find(kLeaves, leaf) != std::end(kLeaves);
}

/// The name with what the two call differently.
std::string module_name(std::string name, const TfFamily& family) {
  if (family.model_type != "deberta-v2") return name;
  // PyTorch's names for the projections of relative positions; transformers itself cannot load these from a .h5.
  for (const auto& [tf, torch] : {std::pair("pos_proj", "pos_key_proj"), std::pair("pos_q_proj", "pos_query_proj")})
    if (const auto at = name.find(cat(".", tf, ".")); at != std::string::npos)
      name.replace(at + 1, std::string_view(tf).size(), torch);
  return name;
}

}  // namespace

Status name_tf_tensors(WeightIndex& index, const Json& config) {
  const auto& family = *TRY(family_of_tf(config["model_type"].as_string()));
  for (auto& tensor : index.tensors) {
    auto parts = parts_of(tensor.name);
    if (parts.empty() || !is_known_leaf(parts.back()))
      return {Code::unsupported,
              cat("tensor '", printable(tensor.name), "' is none that TensorFlow's ", family.model_type, " has")};
    auto& leaf = parts.back();
    const auto rank = tensor.shape.size();
    if (leaf == "kernel" && rank >= 2 && rank <= 4) {
      auto turned = turned_kernel(tensor.data, static_cast<size_t>(block_bytes(tensor.dtype)), tensor.shape);
      index.strings.push_back(std::make_unique<const std::string>(std::move(turned)));
      tensor.data = std::as_bytes(std::span(*index.strings.back()));
    }
    // GPT-2's Conv1D has a bias of one row.
    if (leaf == "bias" && rank == 2 && tensor.shape[0] == 1) tensor.shape.erase(tensor.shape.begin());
    if (leaf == "kernel" || leaf == "embeddings" || leaf == "gamma") leaf = "weight";
    if (leaf == "beta") leaf = "bias";
    tensor.name = module_name(join(parts, "."), family);
  }
  const auto& classes = config["architectures"].array();
  const bool is_base = !classes.empty() && classes[0].as_string() == family.base_class;
  if (!is_base && !family.surplus.empty())
    std::erase_if(index.tensors, [&](const WeightTensorView& t) { return contains(t.name, family.surplus); });
  const auto has_prefix = [&](const WeightTensorView& t) { return t.name.starts_with(family.prefix); };
  if (is_base && std::ranges::all_of(index.tensors, has_prefix))
    for (auto& tensor : index.tensors) tensor.name.erase(0, family.prefix.size());
  std::ranges::sort(index.tensors, {}, &WeightTensorView::name);
  for (size_t i = 1; i < index.tensors.size(); ++i)
    if (index.tensors[i].name == index.tensors[i - 1].name)
      return {Code::bad_input, cat("tensor '", printable(index.tensors[i].name), "' stands twice")};
  return {};
}

}  // namespace hearth
