// TextGenerationPipeline: model, tokenizer, chat template and generation defaults of one checkpoint, shared by
// `hearth run`, `hearth chat` and the engine.
// Source: transformers 5.23.0 pipelines/text_generation.py.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tokenizers/chat_template.h"
#include "tokenizers/tokenizer.h"
#include "transformers/auto.h"
#include "transformers/generate.h"
#include "transformers/grammar.h"

namespace hearth {

/// Text as tokens make it: whole characters only, and never the beginning of a stop text that then comes true.
class TextStream {
 public:
  /// `keeps_special_tokens`: spelt in the text, not left out.
  TextStream(Tokenizer tokenizer, std::vector<std::string> stop, bool keeps_special_tokens = false)
      : decode_(std::move(tokenizer), {.skip_special_tokens = !keeps_special_tokens}), stop_(std::move(stop)) {}
  /// The text that may be shown now.
  std::string push(int32_t id);
  /// What was held back at the end.
  std::string flush();
  /// A stop text has come: nothing more is shown.
  bool stopped() const { return stopped_; }
  /// That stop text; empty before.
  const std::string& stop_text() const { return stop_text_; }

 private:
  std::string release(std::string text, bool at_end);
  DecodeStream decode_;
  std::vector<std::string> stop_;
  std::string held_, stop_text_;
  bool stopped_ = false;
};

struct GeneratedText {
  std::string text;
  GenerateResult tokens;
};

/// Called with each new piece of text; false ends the answer.
using OnText = std::function<bool(std::string_view piece)>;

/// Immutable and cheap to copy; any number of threads may use one, each with a Session of its own.
class TextGenerationPipeline {
 public:
  /// A model's folder or weight file; of a GGUF file the tokenizer and chat template are its own.
  static Result<TextGenerationPipeline> from_pretrained(const std::string& path, const LoadOptions& options = {});

  const CausalLM& model() const { return *model_; }
  const Tokenizer& tokenizer() const { return text_.tokenizer; }
  /// What the checkpoint's generation_config.json sets, with the ids that end an answer.
  const GenerationConfig& generation_config() const { return generation_config_; }
  bool has_chat_template() const { return text_.chat_template.has_value(); }
  /// Of the template for conversations with tools, or without; empty when there is none.
  std::string_view chat_template_source(bool has_tools) const;

  /// The tokens of a text as the model was trained to read it (with <s> where it wants one).
  Result<std::vector<int32_t>> encode(std::string_view text) const;
  /// A conversation as the chat template writes it. unsupported when there is none.
  Result<std::string> chat_text(Conversation conversation) const;
  /// The tokens of a conversation. unsupported when there is no chat template.
  Result<std::vector<int32_t>> encode_chat(Conversation conversation) const;
  /// With the places that the tokens have in the text, in characters. `add_special_tokens`: <s> where the model wants
  /// one.
  Result<Encoding> encode_with_places(std::string_view text, bool add_special_tokens) const;

  /// Holds answers to a grammar. The vocabulary is looked through at the first call. Where a vocabulary knows
  /// characters by their text alone (SentencePiece), a token is what it adds in the middle of a text.
  /// `spells_special_tokens`: those that do not end an answer are tokens of the text that spells them.
  std::shared_ptr<const Constraint> constrain(Grammar grammar, bool spells_special_tokens = false) const;

  /// Text is handed out as it comes, but of beams, contrastive search and guesses, which do without the session: all at
  /// the end.
  Result<GeneratedText> generate(Session& session, std::span<const int32_t> prompt, const GenerationConfig& config,
                                 const OnText& on_text = {}, std::stop_token stop = {}) const;

 private:
  // The tokenizer, with what a checkpoint says about chats.
  struct Text {
    Tokenizer tokenizer;
    bool split_special_tokens = false;
    std::vector<std::pair<std::string, std::string>> special_tokens = {};  // "bos_token" and the like
    std::optional<ChatTemplate> chat_template = {}, tool_template = {};    // the latter where tools are given

    // A folder's, as transformers' AutoTokenizer reads it.
    static Result<Text> from_folder(const std::string& folder);
    static Result<Text> from_gguf(const WeightFile& file);
  };

  TextGenerationPipeline(std::shared_ptr<const CausalLM> model, Text text);

  std::shared_ptr<const CausalLM> model_;
  Text text_;
  GenerationConfig generation_config_;
  Result<GeneratedText> generate_whole(std::span<const int32_t> prompt, const GenerationConfig& config,
                                       const OnText& on_text, std::stop_token stop) const;

  struct Vocabulary;  // made once, when it is asked for
  std::shared_ptr<Vocabulary> vocabulary_;
};

}  // namespace hearth
