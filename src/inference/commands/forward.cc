// hearth forward: a batch through a model of any family and head, as safetensors files: what the tests lay beside
// transformers.
#include <cstring>

#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/load_options.h"
#include "safetensors/file.h"
#include "safetensors/safetensors.h"
#include "transformers/auto.h"
#include "transformers/generate.h"

namespace hearth::inference::commands {
namespace {

/// Tensors on their way into a file.
class Outputs {
 public:
  void add(std::string_view name, const Tensor& x) {
    if (!x.defined()) return;
    const auto dense = contiguous(x);
    rows_.push_back({cat("out.", name), {dense.shape().begin(), dense.shape().end()}, to_vector(dense)});
  }
  void add(std::string_view name, const std::vector<Tensor>& list) {
    for (size_t i = 0; i < list.size(); ++i) add(cat(name, ".", i), list[i]);
  }
  Status write(const std::string& path) const {
    std::vector<SafetensorsEntryView> entries;
    for (const auto& row : rows_)
      entries.push_back({row.name, DType::f32, row.shape, std::as_bytes(std::span(row.values))});
    return write_safetensors(path, entries);
  }

 private:
  struct Row {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  std::vector<Row> rows_;
};

/// A table of ids; the last dimension is the length, the others together the batch.
struct Table {
  int64_t rows = 0, columns = 0;
  std::vector<int32_t> values;
};

Result<Table> read_table(const Weights& file, std::string_view name) {
  const auto* tensor = file.find(cat("in.", name));
  if (!tensor) tensor = file.find(std::string(name));
  Table out;
  if (!tensor) return out;
  if (tensor->shape.empty() || (tensor->dtype != DType::i64 && tensor->dtype != DType::i32))
    return Status(Code::bad_input, cat(name, " is not an array of integers"));
  out.columns = tensor->shape.back();
  const auto count = tensor->elements();
  out.rows = out.columns > 0 ? count / out.columns : 0;
  out.values.resize(static_cast<size_t>(count));
  for (size_t i = 0; i < out.values.size(); ++i) {
    if (tensor->dtype == DType::i32) {
      std::memcpy(&out.values[i], tensor->data.data() + i * sizeof(int32_t), sizeof(int32_t));
      continue;
    }
    int64_t wide;
    std::memcpy(&wide, tensor->data.data() + i * sizeof wide, sizeof wide);
    if (wide < INT32_MIN || wide > INT32_MAX) return Status(Code::bad_input, cat(name, " holds ", wide));
    out.values[i] = static_cast<int32_t>(wide);
  }
  return out;
}

Result<ModelInputs> read_inputs(const std::string& path) {
  const auto file = TRY(Weights::open(path));
  auto ids = TRY(read_table(*file, "input_ids"));
  auto decoder = TRY(read_table(*file, "decoder_input_ids"));
  return ModelInputs{.batch = ids.rows,
                     .length = ids.columns,
                     .input_ids = std::move(ids.values),
                     .attention_mask = TRY(read_table(*file, "attention_mask")).values,
                     .token_type_ids = TRY(read_table(*file, "token_type_ids")).values,
                     .position_ids = TRY(read_table(*file, "position_ids")).values,
                     .decoder_length = decoder.columns,
                     .decoder_input_ids = std::move(decoder.values)};
}

Result<std::optional<Task>> read_task(std::string_view name) {
  constexpr std::pair<std::string_view, Task> kTasks[] = {{"base", Task::base},
                                                          {"pre_training", Task::pre_training},
                                                          {"causal_lm", Task::causal_lm},
                                                          {"seq2seq_lm", Task::seq2seq_lm},
                                                          {"masked_lm", Task::masked_lm},
                                                          {"sequence_classification", Task::sequence_classification},
                                                          {"token_classification", Task::token_classification},
                                                          {"question_answering", Task::question_answering},
                                                          {"multiple_choice", Task::multiple_choice},
                                                          {"next_sentence_prediction", Task::next_sentence_prediction},
                                                          {"text_encoding", Task::text_encoding}};
  if (name.empty()) return std::optional<Task>();
  std::vector<std::string> known;
  for (const auto& [text, task] : kTasks) {
    if (text == name) return std::optional(task);
    known.emplace_back(text);
  }
  return Status(Code::bad_input, cat("--task ", name, " is not known (", join(known, ", "), ")"));
}

/// The rows of a batch whose mask is not 0.
std::vector<std::vector<int32_t>> sequences_of(const ModelInputs& inputs, const std::vector<int32_t>& ids,
                                               int64_t length, bool masked) {
  std::vector<std::vector<int32_t>> out(static_cast<size_t>(inputs.batch));
  for (size_t i = 0; i < ids.size(); ++i)
    if (!masked || inputs.attention_mask.empty() || inputs.attention_mask[i] != 0)
      out[i / static_cast<size_t>(length)].push_back(ids[i]);
  return out;
}

/// out.logits, row by row through a cache: `split` tokens at once, then one by one.
Status cached(const CausalLM& model, const ModelInputs& inputs, size_t split, Outputs& outputs) {
  const bool answers = model.is_encoder_decoder();
  const auto sources = sequences_of(inputs, inputs.input_ids, inputs.length, true);
  const auto sequences =
      answers ? sequences_of(inputs, inputs.decoder_input_ids, inputs.decoder_length, false) : sources;
  std::vector<float> values;
  int64_t rows = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    auto cache = answers ? TRY(model.make_cache(sources[i])) : model.make_cache();
    const std::span<const int32_t> ids(sequences[i]);
    for (size_t at = 0; at < ids.size();) {
      const auto count = at == 0 ? std::min(std::max<size_t>(split, 1), ids.size()) : 1;
      const SequenceView sequence{&cache, ids.subspan(at, count), LogitRows::all};
      const auto part = to_vector(model.forward({&sequence, 1}));
      values.insert(values.end(), part.begin(), part.end());
      at += count;
    }
    rows += static_cast<int64_t>(ids.size());
  }
  const Shape shape{rows, static_cast<int64_t>(values.size()) / std::max<int64_t>(rows, 1)};
  outputs.add("logits", native_backend().from_host(values, shape));
  return {};
}

/// The causal or the seq2seq language model that a folder holds.
Result<std::shared_ptr<const CausalLM>> language_model(const std::string& path, const LoadOptions& options) {
  auto model = AutoModelForCausalLM::from_pretrained(path, options);
  if (model.ok()) return model;
  return AutoModelForSeq2SeqLM::from_pretrained(path, options);
}

/// generate() under the arguments `rules`, with the defaults of the model's folder.
Status generated(const std::string& path, const CausalLM& model, const ModelInputs& inputs, std::string_view rules,
                 const CausalLM* assistant, Outputs& outputs) {
  auto config = TRY(GenerationConfig::from_pretrained(path, model.config()));
  TRY(config.update(TRY(Json::parse(rules))));
  std::optional<Tokenizer> tokenizer;
  if (!config.stop_strings.empty()) tokenizer = TRY(Tokenizer::from_path(path));
  const GenerateOptions options{.assistant_model = assistant, .tokenizer = tokenizer ? &*tokenizer : nullptr};
  const auto out = TRY(generate(model, inputs, config, options));
  const auto rows = static_cast<int64_t>(out.sequences.size());
  std::vector<float> ids;  // exact: ids are below 2^24
  for (const auto& row : out.sequences) ids.insert(ids.end(), row.begin(), row.end());
  outputs.add("sequences", native_backend().from_host(ids, {rows, static_cast<int64_t>(ids.size()) / rows}));
  if (!out.sequences_scores.empty())
    outputs.add("sequences_scores", native_backend().from_host(out.sequences_scores, {rows}));
  return {};
}

Status forward(const Arguments& arguments) {
  const auto words = arguments.positional();
  if (words.size() != 3) return {Code::bad_input, "hearth forward takes MODEL INPUTS.safetensors OUTPUTS.safetensors"};
  auto options = TRY(load_options(arguments));
  const auto inputs = TRY(read_inputs(words[1]));
  auto task = TRY(read_task(arguments.get("task")));
  Outputs outputs;
  if (arguments.has("split")) {
    const auto split = static_cast<size_t>(TRY(arguments.get_int("split", 1, 1, int64_t{1} << 30)));
    TRY(cached(*TRY(language_model(words[0], options)), inputs, split, outputs));
    return outputs.write(words[2]);
  }
  if (arguments.has("generate")) {
    const auto model = TRY(language_model(words[0], options));
    const std::string assistant(arguments.get("assistant"));
    const auto helper = assistant.empty() ? nullptr : TRY(language_model(assistant, options));
    TRY(generated(words[0], *model, inputs, arguments.get("generate"), helper.get(), outputs));
    return outputs.write(words[2]);
  }
  options.read_once = true;
  const auto model = TRY(AutoModel::from_pretrained(task, words[0], options));
  const auto out = TRY(model->forward(inputs, {.output_hidden_states = true}));
  outputs.add("last_hidden_state", out.last_hidden_state);
  outputs.add("pooler_output", out.pooler_output);
  outputs.add("logits", out.logits);
  outputs.add("prediction_logits", out.prediction_logits);
  outputs.add("start_logits", out.start_logits);
  outputs.add("end_logits", out.end_logits);
  outputs.add("seq_relationship_logits", out.seq_relationship_logits);
  outputs.add("sop_logits", out.sop_logits);
  outputs.add("encoder_last_hidden_state", out.encoder_last_hidden_state);
  outputs.add("hidden_states", out.hidden_states);
  outputs.add("encoder_hidden_states", out.encoder_hidden_states);
  outputs.add("decoder_hidden_states", out.decoder_hidden_states);
  return outputs.write(words[2]);
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = forward(arguments);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody forward_entry{"forward", run};

}  // namespace hearth::inference::commands
