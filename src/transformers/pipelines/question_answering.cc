// question-answering: the stretch of a context that answers a question.
// Source: transformers 4.57.6 pipelines/question_answering.py; 5.0 has left the task out.
#include <algorithm>

#include "base/text.h"
#include "base/unicode.h"
#include "transformers/answer_spans.h"
#include "transformers/pipeline_parts.h"

namespace hearth::transformers::pipelines {
namespace {

struct Settings {
  int64_t top_k = 1, max_answer_len = 15;
  std::optional<int64_t> doc_stride, max_seq_len;
  bool handle_impossible_answer = false, align_to_words = true;

  static Settings from(PipelineParameters& parameters) {
    Settings out;
    out.top_k = parameters.integer("top_k", parameters.integer("topk", 1, 1), 1);  // the latter is its older name
    out.max_answer_len = parameters.integer("max_answer_len", 15, 1);
    if (const auto stride = parameters.integer("doc_stride", 0, 0); parameters.find("doc_stride"))
      out.doc_stride = stride;
    if (const auto length = parameters.integer("max_seq_len", 0, 1); length > 0) out.max_seq_len = length;
    parameters.integer("max_question_len", 64, 1);  // fast tokenizers never looked at it
    parameters.find("padding");
    out.handle_impossible_answer = parameters.flag("handle_impossible_answer", false);
    out.align_to_words = parameters.flag("align_to_words", true);
    return out;
  }
};

/// Views into the caller's JSON.
struct ExampleView {
  std::string_view question, context;
};

Status add_examples(const Json& item, std::vector<ExampleView>& out) {
  const auto &questions = item["question"], &contexts = item["context"];
  const bool is_known = item.is_object() && item.size() == 2;
  const auto is_texts = [](const Json& value) {
    return value.is_string() || (value.is_array() && std::ranges::all_of(value.array(), &Json::is_string));
  };
  if (!is_known || !is_texts(questions) || !is_texts(contexts) || (contexts.is_array() && !questions.is_array()))
    return {Code::bad_input,
            cat("the inputs are no {\"question\", \"context\"} of texts and no list of such: there is ",
                item.dump().substr(0, 80))};
  if (contexts.is_array() && contexts.size() != questions.size())
    return {Code::bad_input, cat(questions.size(), " questions, but ", contexts.size(), " contexts")};
  for (size_t i = 0; i < (questions.is_array() ? questions.size() : 1); ++i) {
    const auto& question = questions.is_array() ? questions.array()[i] : questions;
    const auto& context = contexts.is_array() ? contexts.array()[i] : contexts;
    if (question.as_string().empty()) return {Code::bad_input, "the question is empty"};
    if (context.as_string().empty()) return {Code::bad_input, "the context is empty"};
    out.push_back({question.as_string(), context.as_string()});
  }
  return {};
}

struct Answer {
  double score = 0;
  TextSpan place;
  std::string text;
};

class QuestionAnswering final : public Pipeline {
 public:
  explicit QuestionAnswering(TextReader reader)
      : reader_(std::move(reader)),
        cls_(reader_.special_id("cls_token")),
        question_first_(reader_.tokenizer.padding_side() == Side::right) {}
  const PreTrainedModel& model() const override { return *reader_.model; }

 private:
  Result<BatchEncoding> encode(const std::vector<ExampleView>& examples, const Settings& settings) const {
    constexpr int64_t kLength = 384, kStride = 128;
    const auto length =
        settings.max_seq_len.value_or(std::min(reader_.tokenizer.model_max_length().value_or(kLength), kLength));
    const auto stride = settings.doc_stride.value_or(std::min(length / 2, kStride));
    if (stride > length)
      return Status(Code::bad_input, cat("doc_stride (", stride, ") is larger than max_seq_len (", length, ")"));
    std::vector<EncodeInput> inputs;
    for (const auto& example : examples) {
      const TextInput question{.text = example.question}, context{.text = example.context};
      inputs.push_back(question_first_ ? EncodeInput{question, context} : EncodeInput{context, question});
    }
    return reader_.tokenizer(inputs, {.truncation = question_first_ ? Truncate::only_second : Truncate::only_first,
                                      .max_length = length,
                                      .stride = stride,
                                      .return_overflowing_tokens = true,
                                      .return_offsets_mapping = true});
  }

  /// Tokens of the context, and the one that stands for no answer. All, for a tokenizer that pads on the left.
  std::vector<bool> may_answer(const Encoding& encoding) const {
    std::vector<bool> out(encoding.size(), !question_first_);
    for (size_t i = 0; i < out.size() && question_first_; ++i)
      out[i] = encoding.sequence_of(i) == 1 || (cls_ && encoding.ids[i] == *cls_);
    return out;
  }

  /// Adds the answers of a piece of a context; the same words in another place make an answer surer.
  void add_answers(const AnswerSpans& found, const Encoding& encoding, std::string_view context,
                   const Settings& settings, std::vector<Answer>& answers) const {
    std::vector<size_t> at;  // the byte that each character begins with, and the end
    for (size_t i = 0; i < context.size(); utf8_next(context, i)) at.push_back(i);
    at.push_back(context.size());
    for (const auto& one : found.spans) {
      const auto place =
          answer_characters(encoding, one.begin, one.end, question_first_ ? 1 : 0, settings.align_to_words);
      const auto begin = at[std::min<size_t>(place.begin, at.size() - 1)];
      const auto end = std::max(begin, at[std::min<size_t>(place.end, at.size() - 1)]);
      std::string text(context.substr(begin, end - begin));
      const auto lower = unicode::to_lower(text);
      const auto same =
          std::ranges::find_if(answers, [&](const Answer& a) { return unicode::to_lower(a.text) == lower; });
      if (same != answers.end())
        same->score += double{one.score};
      else
        answers.push_back({.score = double{one.score}, .place = place, .text = std::move(text)});
    }
  }

  static Json to_json(std::vector<Answer> answers, int64_t top_k) {
    std::ranges::stable_sort(answers, std::greater(), &Answer::score);
    Json::Array out;
    for (const auto& answer : answers)
      if (static_cast<int64_t>(out.size()) < top_k)
        out.push_back(Json::Object{{"score", answer.score},
                                   {"start", answer.place.begin},
                                   {"end", answer.place.end},
                                   {"answer", answer.text}});
    return out.size() == 1 ? std::move(out.front()) : Json(std::move(out));
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto settings = Settings::from(parameters);
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    std::vector<ExampleView> examples;
    for (const auto* item : TRY(PipelineInputs::from(inputs)).items) TRY(add_examples(*item, examples));
    if (examples.empty()) return Status(Code::bad_input, "an empty list of questions");
    const auto encoded = TRY(encode(examples, settings));
    const auto& pieces = encoded.encodings;
    std::vector<AnswerSpans> found(pieces.size());
    const auto count = settings.align_to_words ? settings.top_k * 2 + 10 : settings.top_k;  // some become one
    TRY(reader_.run(pieces, passes, {&ModelOutput::start_logits, &ModelOutput::end_logits},
                    [&](size_t i, std::span<const std::span<const float>> values) {
                      found[i] =
                          select_answers(values[0], values[1], may_answer(pieces[i]), count, settings.max_answer_len);
                    }));
    Json::Array out;
    for (size_t i = 0, piece = 0; i < examples.size(); ++i) {
      std::vector<Answer> answers;
      double null_score = 1e6;
      for (; piece < pieces.size() && encoded.overflow_to_sample_mapping[piece] == static_cast<int64_t>(i); ++piece) {
        null_score = std::min(null_score, double{found[piece].null_score});
        add_answers(found[piece], pieces[piece], examples[i].context, settings, answers);
      }
      if (settings.handle_impossible_answer) answers.push_back({.score = null_score, .place = {}, .text = ""});
      out.push_back(to_json(std::move(answers), settings.top_k));
    }
    return out.size() == 1 ? std::move(out.front()) : Json(std::move(out));
  }

  TextReader reader_;
  std::optional<TokenId> cls_;
  bool question_first_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  auto reader = TRY(TextReader::from(Task::question_answering, path, options));
  if (!reader.tokenizer.is_fast())
    return Status(Code::unsupported, cat(path, ": ", reader.tokenizer.class_name(),
                                         " knows no places of tokens, which ", "question-answering asks for"));
  return std::make_unique<QuestionAnswering>(std::move(reader));
}

}  // namespace

extern constinit const PipelineTask question_answering_entry{
    .tasks = {"question-answering"}, .heads = {Task::question_answering}, .build = build};

}  // namespace hearth::transformers::pipelines
