#include "transformers/causal_lm.h"

#include <algorithm>

#include "base/text.h"
#include "transformers/models_registry.h"

namespace hearth {
namespace {

Status check_size(std::string_view what, const std::vector<int32_t>& values, int64_t expected, bool may_be_empty) {
  if (values.empty() && may_be_empty) return {};
  if (static_cast<int64_t>(values.size()) == expected) return {};
  return {Code::bad_input, cat(what, " has ", values.size(), " numbers, not ", expected)};
}

Status check_ids(std::string_view what, const std::vector<int32_t>& ids, int64_t vocab_size) {
  for (const auto id : ids)
    if (id < 0 || id >= vocab_size)
      return {Code::bad_input, cat(what, " holds ", id, "; the model's vocabulary has ", vocab_size, " entries")};
  return {};
}

}  // namespace

PreTrainedModel::PreTrainedModel(std::unique_ptr<const TextModel> stack, std::unique_ptr<const Head> head,
                                 const ParamStore& store)
    : stack_(std::move(stack)), head_(std::move(head)), backend_(store.backend()), options_(store.options()) {}

std::string PreTrainedModel::numerics_name() const {
  if (options_.numerics == Numerics::fast) return "fast";
  return options_.dtype == DType::bf16 ? "exact bf16" : "exact f32";
}

DType PreTrainedModel::cache_dtype() const {
  return &backend_ == &native_bf16_backend() ? DType::f32 : options_.dtype;
}

Result<Batch> PreTrainedModel::batch_of(const ModelInputs& inputs, int64_t vocab_size) const {
  const auto count = inputs.batch * inputs.length;
  if (inputs.batch < 1 || inputs.length < 1) return Status(Code::bad_input, "an empty batch");
  TRY(check_size("input_ids", inputs.input_ids, count, false));
  TRY(check_size("attention_mask", inputs.attention_mask, count, true));
  TRY(check_size("token_type_ids", inputs.token_type_ids, count, true));
  TRY(check_size("position_ids", inputs.position_ids, count, true));
  TRY(check_ids("input_ids", inputs.input_ids, vocab_size));
  Batch out{.backend = backend_};
  for (int64_t row = 0; row < inputs.batch; ++row) {
    BatchSequence sequence{.begin = out.rows()};
    for (int64_t column = 0; column < inputs.length; ++column) {
      const auto at = static_cast<size_t>(row * inputs.length + column);
      if (!inputs.attention_mask.empty() && inputs.attention_mask[at] == 0) continue;
      out.ids.push_back(inputs.input_ids[at]);
      out.positions.push_back(inputs.position_ids.empty() ? static_cast<int32_t>(column) : inputs.position_ids[at]);
      if (!inputs.token_type_ids.empty()) out.token_type_ids.push_back(inputs.token_type_ids[at]);
    }
    sequence.count = out.rows() - sequence.begin;
    if (sequence.count == 0) return Status(Code::bad_input, cat("row ", row, " is padding alone"));
    out.sequences.push_back(sequence);
  }
  out.rope_length = int64_t{*std::ranges::max_element(out.positions)} + 1;
  return out;
}

namespace {

/// The decoder's tokens [batch, length] where the caller gave none.
Result<ModelInputs> shifted(const Seq2SeqModel& model, const ModelInputs& inputs) {
  const auto& config = model.config();
  if (model.decoder_inputs() == DecoderInputs::none)
    return Status(Code::bad_input, cat("decoder_input_ids are missing, which ", config.model_type, " needs"));
  const auto start = token_ids(config.raw["decoder_start_token_id"]);
  const bool is_wrapped = model.decoder_inputs() == DecoderInputs::after_last_token;
  if (start.empty() && !is_wrapped)
    return Status(Code::bad_input, "config.json has no decoder_start_token_id, and decoder_input_ids are missing");
  if (!config.pad_token_id)
    return Status(Code::bad_input, "config.json has no pad_token_id, and decoder_input_ids are missing");
  ModelInputs out{.batch = inputs.batch,
                  .length = inputs.length,
                  .input_ids = inputs.input_ids,
                  .attention_mask = {},
                  .token_type_ids = {},
                  .position_ids = {},
                  .decoder_input_ids = {}};
  for (auto row = out.input_ids.begin(); row != out.input_ids.end(); row += inputs.length) {
    const auto padding = std::count(row, row + inputs.length, *config.pad_token_id);
    const auto first = is_wrapped ? row[std::max<int64_t>(inputs.length - padding, 1) - 1] : start.front();
    std::shift_right(row, row + inputs.length, 1);
    *row = first;
  }
  return out;
}

}  // namespace

Result<ModelOutput> PreTrainedModel::forward(const ModelInputs& inputs, const ForwardOptions& options) const {
  if (dynamic_cast<const Seq2SeqModel*>(stack_.get())) return forward_seq2seq(inputs, options);
  ModelOutput out;
  auto batch = TRY(batch_of(inputs, config().vocab_size));
  if (options.output_hidden_states) batch.hidden_states = &out.hidden_states;
  TRY(stack_->check(batch));
  out.last_hidden_state = stack_->forward(batch);
  if (head_) (*head_)(out.last_hidden_state, batch, out);
  return out;
}

Result<ModelOutput> PreTrainedModel::forward_seq2seq(const ModelInputs& inputs, const ForwardOptions& options) const {
  const auto& model = static_cast<const Seq2SeqModel&>(*stack_);
  ModelOutput out;
  auto source = TRY(batch_of(inputs, config().vocab_size));
  if (options.output_hidden_states) source.hidden_states = &out.encoder_hidden_states;
  out.encoder_last_hidden_state = model.encode(source);
  const ModelInputs given{.batch = inputs.batch,
                          .length = inputs.decoder_length,
                          .input_ids = inputs.decoder_input_ids,
                          .attention_mask = {},
                          .token_type_ids = {},
                          .position_ids = {},
                          .decoder_input_ids = {}};
  auto target =
      TRY(batch_of(given.input_ids.empty() ? TRY(shifted(model, inputs)) : given, model.decoder_vocab_size()));
  target.source = &source;
  if (options.output_hidden_states) target.hidden_states = &out.decoder_hidden_states;
  std::vector<KvCache> caches;
  for (const auto& s : source.sequences)
    caches.emplace_back(
        model.cache_shape(), cache_dtype(),
        std::make_shared<const CrossCache>(model.cross(out.encoder_last_hidden_state.narrow(0, s.begin, s.count))));
  for (size_t i = 0; i < caches.size(); ++i) target.sequences[i].cache = &caches[i];
  target.reserve();
  out.last_hidden_state = model.forward(target);
  if (head_) (*head_)(out.last_hidden_state, target, out);
  return out;
}

CausalLM::CausalLM(std::unique_ptr<const TextModel> stack, std::unique_ptr<const RowHead> head, const ParamStore& store)
    : PreTrainedModel(std::move(stack), std::move(head), store),
      lm_head_(static_cast<const RowHead&>(*this->head())),
      seq2seq_(dynamic_cast<const Seq2SeqModel*>(&this->stack())) {}

Result<KvCache> CausalLM::make_cache(std::span<const int32_t> source) const {
  if (!seq2seq_) return Status(Code::bad_input, cat("a model of type ", config().model_type, " has no encoder"));
  if (source.empty()) return Status(Code::bad_input, "the text to answer has no tokens");
  if (static_cast<int64_t>(source.size()) > config().max_position_embeddings)
    return Status(Code::too_large, cat("the text to answer has ", source.size(),
                                       " tokens; the model has positions for ", config().max_position_embeddings));
  Batch batch{.backend = backend(), .ids = {source.begin(), source.end()}};
  TRY(check_ids("input_ids", batch.ids, config().vocab_size));
  batch.sequences.push_back({0, batch.rows()});
  batch.positions = batch.ranks();
  const auto encoded = seq2seq_->encode(batch);
  return KvCache(seq2seq_->cache_shape(), cache_dtype(), std::make_shared<const CrossCache>(seq2seq_->cross(encoded)));
}

struct CausalLM::Pass {
  Tensor* hidden = nullptr;
  int64_t rope_length = 0;
  const std::function<void()>* after_layer = nullptr;
};

Tensor CausalLM::forward(std::span<const SequenceView> sequences, const Pass& pass) const {
  Batch batch{.backend = backend(), .rope_length = pass.rope_length, .after_layer = pass.after_layer};
  std::vector<int64_t> wanted;
  for (const auto& s : sequences) {
    if (s.ids.empty()) throw ShapeError("a sequence without new tokens");
    const auto begin = batch.rows();
    batch.ids.insert(batch.ids.end(), s.ids.begin(), s.ids.end());
    const auto end = batch.rows();
    batch.sequences.push_back({begin, end - begin, s.cache, s.rope_length});
    if (s.logits == LogitRows::last) wanted.push_back(end - 1);
    for (int64_t row = begin; s.logits == LogitRows::all && row < end; ++row) wanted.push_back(row);
  }
  batch.positions = batch.ranks();
  for (const auto& s : batch.sequences)
    for (int64_t row = s.begin; s.cache->skipped() > 0 && row < s.begin + s.count; ++row)
      batch.positions[static_cast<size_t>(row)] += static_cast<int32_t>(s.cache->skipped());
  batch.reserve();
  const Tensor all = stack().forward(batch);
  batch.commit();
  if (wanted.empty()) return {};
  const bool in_a_row = wanted.back() - wanted.front() + 1 == static_cast<int64_t>(wanted.size());
  const Tensor hidden =
      in_a_row ? all.narrow(0, wanted.front(), static_cast<int64_t>(wanted.size())) : index_select(all, wanted);
  if (pass.hidden) *pass.hidden = hidden;
  return lm_head_.logits(hidden);
}

Tensor CausalLM::forward(std::span<const SequenceView> sequences, int64_t rope_length) const {
  return forward(sequences, Pass{.rope_length = rope_length});
}
Tensor CausalLM::forward(std::span<const SequenceView> sequences, Tensor& hidden, int64_t rope_length) const {
  return forward(sequences, Pass{.hidden = &hidden, .rope_length = rope_length});
}
Tensor CausalLM::forward(std::span<const SequenceView> sequences, const std::function<void()>& after_layer) const {
  return forward(sequences, Pass{.after_layer = &after_layer});
}

std::string_view auto_class(Task task) {
  switch (task) {
    case Task::base:
      return "AutoModel";
    case Task::pre_training:
      return "AutoModelForPreTraining";
    case Task::causal_lm:
      return "AutoModelForCausalLM";
    case Task::seq2seq_lm:
      return "AutoModelForSeq2SeqLM";
    case Task::masked_lm:
      return "AutoModelForMaskedLM";
    case Task::sequence_classification:
      return "AutoModelForSequenceClassification";
    case Task::token_classification:
      return "AutoModelForTokenClassification";
    case Task::question_answering:
      return "AutoModelForQuestionAnswering";
    case Task::multiple_choice:
      return "AutoModelForMultipleChoice";
    case Task::next_sentence_prediction:
      return "AutoModelForNextSentencePrediction";
    case Task::text_encoding:
      return "AutoModelForTextEncoding";
  }
  return "";
}

Result<const Family*> family_of(std::string_view model_type) {
  std::vector<std::string> known;
  for (const auto* family : transformers::models::entries()) {
    for (const std::string_view name : family->model_types) {
      if (name == model_type) return family;
      known.emplace_back(name);
    }
  }
  return Status(Code::unsupported, cat("model_type '", model_type, "' is not known; there are: ", join(known, ", ")));
}

}  // namespace hearth
