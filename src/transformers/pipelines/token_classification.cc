// token-classification: names of people, places, ... in a text: which label each token has, or each group of tokens.
// Source: transformers 5.23.0 pipelines/token_classification.py.
#include <algorithm>

#include "base/text.h"
#include "transformers/pipeline_parts.h"
#include "transformers/token_aggregation.h"

namespace hearth::transformers::pipelines {
namespace {

struct Settings {
  AggregationStrategy strategy = AggregationStrategy::none;
  std::vector<std::string> ignored = {"O"};
  std::optional<int64_t> stride;
  bool is_split_into_words = false;
  std::string delimiter = " ";
};

constexpr const char* kStrategies[] = {"none", "simple", "first", "average", "max"};

/// A text, by characters, or words that are cut already.
struct Sentence {
  std::string text;
  std::vector<size_t> at;               ///< the byte that each character begins with, and the end
  std::vector<std::string_view> words;  ///< the caller's
  std::vector<uint32_t> words_begin;    ///< the character that each word begins with

  void count() {
    for (size_t i = 0; i < text.size(); utf8_next(text, i)) at.push_back(i);
    at.push_back(text.size());
  }
  std::string_view part(uint32_t begin, uint32_t end) const {
    const size_t last = at.size() - 1, from = std::min<size_t>(begin, last), to = std::min<size_t>(end, last);
    return std::string_view(text).substr(at[from], at[std::max(from, to)] - at[from]);
  }
};

Result<Sentence> read_words(const Json& item, const std::string& delimiter) {
  Sentence out;
  uint32_t characters = 0;
  for (const auto& word : item.array()) {
    if (!word.is_string())
      return Status(Code::bad_input,
                    cat("is_split_into_words asks for lists of words; there is ", word.dump().substr(0, 80)));
    if (!out.words.empty()) out.text += delimiter;
    out.words.push_back(word.as_string());
    out.words_begin.push_back(characters);
    out.text += word.as_string();
    characters += static_cast<uint32_t>(utf8_length(word.as_string()) + utf8_length(delimiter));
  }
  if (out.words.empty())
    return Status(Code::bad_input,
                  cat("is_split_into_words asks for lists of words; there is ", item.dump().substr(0, 80)));
  out.count();
  return out;
}

class TokenClassification final : public Pipeline {
 public:
  explicit TokenClassification(TextReader reader)
      : reader_(std::move(reader)),
        has_word_prefix_(!reader_.tokenizer.continuing_subword_prefix().empty()),
        unk_(reader_.special_id("unk_token")),
        texts_{.label = [this](size_t id) { return reader_.label(id); },
               .to_string =
                   [this](std::vector<std::string> tokens) {
                     return reader_.tokenizer.convert_tokens_to_string(std::move(tokens));
                   }} {}
  const PreTrainedModel& model() const override { return *reader_.model; }

 private:
  Settings read_settings(PipelineParameters& parameters) const {
    Settings out;
    const auto name = parameters.choice("aggregation_strategy", "none", {"none", "simple", "first", "average", "max"});
    out.strategy =
        static_cast<AggregationStrategy>(std::ranges::find(kStrategies, std::string_view(name)) - kStrategies);
    if (const auto* ignored = parameters.find("ignore_labels"); ignored && !ignored->is_null())
      out.ignored = parameters.texts("ignore_labels", "a list of labels");
    if (const auto* stride = parameters.find("stride"); stride && !stride->is_null())
      out.stride = parameters.integer("stride", 0, 0);
    out.is_split_into_words = parameters.flag("is_split_into_words", false);
    out.delimiter = parameters.text("delimiter", " ");
    const auto* given = parameters.find("aggregation_strategy");
    if (out.stride && given && name == "none")
      parameters.fail("stride reads a long text in pieces, which asks for another aggregation_strategy than none");
    const auto limit = reader_.tokenizer.model_max_length();
    if (out.stride && limit && *out.stride >= *limit)
      parameters.fail(cat("stride is ", *out.stride, ", not below the tokenizer's model_max_length, ", *limit));
    if (!reader_.tokenizer.is_fast() &&
        (out.stride || out.is_split_into_words || name == "first" || name == "average" || name == "max"))
      parameters.fail(
          cat(reader_.tokenizer.class_name(), " knows no words: aggregation_strategy none or simple alone"));
    return out;
  }

  /// A token whose place is known: the piece of a word that it is.
  void place(ScoredToken& token, TokenId id, TextSpan span, const Sentence& sentence) const {
    token.place = span;
    const auto text = sentence.part(span.begin, span.end);
    token.is_subword = has_word_prefix_
                           ? utf8_length(token.word) != utf8_length(text)
                           : span.begin > 0 && !contains(sentence.part(span.begin - 1, span.begin + 1), " ");
    if (id != unk_) return;
    token.word = text;
    token.is_subword = false;
  }

  std::vector<ScoredToken> score(const Encoding& encoding, const Sentence& sentence,
                                 std::span<const float> logits) const {
    std::vector<ScoredToken> out;
    const auto width = logits.size() / encoding.size();
    for (size_t i = 0; i < encoding.size(); ++i) {
      if (!encoding.special_tokens_mask.empty() && encoding.special_tokens_mask[i] != 0) continue;
      const auto row = logits.subspan(i * width, width);
      auto& token = out.emplace_back();
      token.word = reader_.tokenizer.backend_tokenizer().id_to_token(encoding.ids[i]).value_or("");
      token.scores.assign(row.begin(), row.end());
      softmax_in_place(token.scores);
      token.index = static_cast<int64_t>(i);
      if (encoding.offsets.empty() || !reader_.tokenizer.is_fast()) continue;
      auto span = encoding.offsets[i];
      if (!sentence.words.empty() && encoding.word_ids[i] >= 0) {
        const auto begin = sentence.words_begin[static_cast<size_t>(encoding.word_ids[i])];
        span = {span.begin + begin, span.end + begin};
      }
      place(token, encoding.ids[i], span, sentence);
    }
    return out;
  }

  static Json to_json(const Entity& entity, AggregationStrategy strategy) {
    Json out(Json::Object{});
    const bool is_token = strategy == AggregationStrategy::none;
    out.set(is_token ? "entity" : "entity_group", entity.label);
    out.set("score", double{entity.score});
    if (is_token) out.set("index", entity.index);
    out.set("word", entity.word);
    out.set("start", entity.place ? Json(entity.place->begin) : Json());
    out.set("end", entity.place ? Json(entity.place->end) : Json());
    return out;
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto settings = read_settings(parameters);
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    // A list of words alone is one sentence, and still has a list of answers.
    const bool is_one = settings.is_split_into_words && std::ranges::none_of(inputs.array(), &Json::is_array);
    const auto asked = is_one                         ? PipelineInputs{.items = {&inputs}, .is_list = true}
                       : settings.is_split_into_words ? TRY(PipelineInputs::from(inputs))
                                                      : TRY(PipelineInputs::texts(inputs));
    std::vector<Sentence> sentences;
    for (const auto* item : asked.items) {
      if (settings.is_split_into_words) {
        sentences.push_back(TRY(read_words(*item, settings.delimiter)));
      } else {
        sentences.push_back({.text = std::string(item->as_string())});
        sentences.back().count();
      }
    }
    std::vector<EncodeInput> texts;
    for (const auto& sentence : sentences) {
      EncodeInput input{.text = {.text = sentence.text}};
      if (!sentence.words.empty()) input.text.words = sentence.words;
      texts.push_back(input);
    }
    const CallOptions call{.truncation = Truncate::longest_first,
                           .stride = settings.stride.value_or(0),
                           .return_overflowing_tokens = settings.stride.has_value(),
                           .return_special_tokens_mask = true,
                           .return_offsets_mapping = reader_.tokenizer.is_fast()};
    const auto encoded = TRY(reader_.tokenizer(texts, call));
    std::vector<std::vector<Entity>> found(encoded.encodings.size());
    TRY(reader_.run(encoded.encodings, passes, {&ModelOutput::logits},
                    [&](size_t i, std::span<const std::span<const float>> values) {
                      const auto& sentence = sentences[static_cast<size_t>(encoded.overflow_to_sample_mapping[i])];
                      found[i] = aggregate(score(encoded.encodings[i], sentence, values[0]), settings.strategy, texts_);
                      std::erase_if(found[i], [&](const Entity& e) {
                        return std::ranges::find(settings.ignored, e.label) != settings.ignored.end();
                      });
                    }));
    Json::Array out;
    for (size_t i = 0, piece = 0; i < sentences.size(); ++i) {
      std::vector<Entity> all;
      const auto first = piece;
      for (; piece < found.size() && encoded.overflow_to_sample_mapping[piece] == static_cast<int64_t>(i); ++piece)
        std::ranges::move(found[piece], std::back_inserter(all));
      if (piece - first > 1) all = without_overlaps(std::move(all));
      Json::Array row;
      for (const auto& entity : all) row.push_back(to_json(entity, settings.strategy));
      out.emplace_back(std::move(row));
    }
    return asked.answer(std::move(out));
  }

  TextReader reader_;
  bool has_word_prefix_;
  std::optional<TokenId> unk_;
  AggregationTexts texts_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<TokenClassification>(TRY(TextReader::from(Task::token_classification, path, options)));
}

}  // namespace

extern constinit const PipelineTask token_classification_entry{.tasks = {"token-classification"},
                                                               .aliases = {{"ner", "token-classification"}},
                                                               .heads = {Task::token_classification},
                                                               .build = build};

}  // namespace hearth::transformers::pipelines
