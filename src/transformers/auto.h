// AutoModel and its siblings: a model from a folder as on the Hub (config.json, safetensors or PyTorch's files, one or
// in shards) or from a GGUF file. Source: transformers 5.23.0 models/auto/auto_factory.py,
// modeling_gguf_pytorch_utils.py.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "safetensors/shards.h"
#include "transformers/causal_lm.h"

namespace hearth {

struct LoadOptions {
  /// Absent: fast where a matrix is quantized and the backend has it, else exact.
  std::optional<Numerics> numerics = {};
  DType dtype = DType::f32;            ///< of exact arithmetic: f32 or bf16
  std::string backend = {};            ///< "native" or "aten"; empty: native
  std::optional<DType> quantize = {};  ///< WeightOptions': makes quantized matrices of plain ones
  bool read_once = false;              ///< WeightOptions'
};

/// Any head: AutoModelForSequenceClassification is from_pretrained(Task::sequence_classification, path). The stack
/// alone is taken out of a checkpoint with another head; a head that the checkpoint lacks is refused. Without a task:
/// what `architectures` names.
class AutoModel {
 public:
  static Result<std::shared_ptr<const PreTrainedModel>> from_pretrained(std::optional<Task> task,
                                                                        const std::string& path,
                                                                        const LoadOptions& options = {});
};

class AutoModelForCausalLM {
 public:
  /// `path`: a folder or a weight file. bad_input and unsupported name the key or tensor that is wrong.
  static Result<std::shared_ptr<const CausalLM>> from_pretrained(const std::string& path,
                                                                 const LoadOptions& options = {});
  /// The same for files that are open already; `path` is that of config.json's folder.
  static Result<std::shared_ptr<const CausalLM>> from_weights(std::shared_ptr<const Weights> weights,
                                                              const std::string& path, const LoadOptions& options);
};

class AutoModelForSeq2SeqLM {
 public:
  static Result<std::shared_ptr<const CausalLM>> from_pretrained(const std::string& path,
                                                                 const LoadOptions& options = {});
};

/// The folder that holds config.json and the tokenizer: `path`, or the folder of the file.
std::string model_folder(const std::string& path);

}  // namespace hearth
