#include "transformers/text_generation.h"

#include <algorithm>
#include <mutex>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "tokenizers/auto_tokenizer.h"
#include "transformers/token_bytes.h"

namespace hearth {
namespace {

/// A GGUF file says nothing of generation but where texts end.
Result<GenerationConfig> read_generation_config(const Config& config, const std::string& folder, bool is_gguf) {
  if (!is_gguf) return GenerationConfig::from_pretrained(folder, config);
  GenerationConfig out;
  out.eos_token_id = config.eos_token_id;
  return out;
}

}  // namespace

std::string TextStream::push(int32_t id) {
  return release(decode_.push(id), /*at_end=*/false);
}

std::string TextStream::flush() {
  return release(decode_.flush(), /*at_end=*/true);
}

std::string TextStream::release(std::string text, bool at_end) {
  if (stopped_) return {};
  held_ += text;
  size_t cut = std::string::npos;
  for (const auto& stop : stop_) {
    const auto at = stop.empty() ? cut : held_.find(stop);
    if (at < cut) cut = at, stop_text_ = stop;
  }
  if (cut != std::string::npos) {
    stopped_ = true;
    held_.resize(cut);
    return std::move(held_);
  }
  // The longest end that could still become a stop text waits.
  size_t wait = 0;
  for (const auto& stop : stop_)
    for (size_t n = std::min(held_.size(), stop.empty() ? 0 : stop.size() - 1); !at_end && n > wait; --n)
      if (held_.ends_with(std::string_view(stop).substr(0, n))) wait = n;
  std::string out = held_.substr(0, held_.size() - wait);
  held_.erase(0, out.size());
  return out;
}

Result<TextGenerationPipeline::Text> TextGenerationPipeline::Text::from_folder(const std::string& folder) {
  const auto automatic = TRY(AutoTokenizer::from_pretrained(folder));
  Text out{.tokenizer = automatic.backend_tokenizer(), .special_tokens = automatic.special_tokens_map()};
  out.split_special_tokens = automatic.split_special_tokens();
  if (automatic.chat_templates().empty()) return out;
  const auto parse = [&](bool has_tools) -> Result<std::optional<ChatTemplate>> {
    const auto source = automatic.get_chat_template({}, has_tools);
    if (!source.ok()) return std::optional<ChatTemplate>();  // only templates with names of their own
    auto parsed = ChatTemplate::parse(*source);
    if (!parsed.ok()) return std::move(parsed).status().with("chat template");
    return std::optional(*std::move(parsed));
  };
  out.chat_template = TRY(parse(/*has_tools=*/false));
  out.tool_template = TRY(parse(/*has_tools=*/true));
  return out;
}

Result<TextGenerationPipeline::Text> TextGenerationPipeline::Text::from_gguf(const WeightFile& file) {
  Text out{.tokenizer = TRY(Tokenizer::from_gguf(file))};
  const auto& special = out.tokenizer.special_tokens();
  const std::pair<std::string_view, std::optional<TokenId>> named[] = {
      {"bos_token", special.bos}, {"eos_token", special.eos}, {"unk_token", special.unk}, {"pad_token", special.pad}};
  for (const auto& [name, id] : named)
    if (id) out.special_tokens.emplace_back(name, out.tokenizer.id_to_token(*id).value_or(""));
  if (out.tokenizer.chat_template().empty()) return out;
  auto parsed = ChatTemplate::parse(out.tokenizer.chat_template());
  if (!parsed.ok()) return std::move(parsed).status().with("chat template");
  out.chat_template = *parsed;
  out.tool_template = *std::move(parsed);
  return out;
}

struct TextGenerationPipeline::Vocabulary {
  std::once_flag once, special_once;
  std::shared_ptr<const TokenTrie> trie, special_trie;
};

TextGenerationPipeline::TextGenerationPipeline(std::shared_ptr<const CausalLM> model, Text text)
    : model_(std::move(model)), text_(std::move(text)), vocabulary_(std::make_shared<Vocabulary>()) {}

std::shared_ptr<const Constraint> TextGenerationPipeline::constrain(Grammar grammar, bool spells_special_tokens) const {
  const auto& eos = generation_config_.eos_token_id;
  if (!spells_special_tokens) {
    std::call_once(vocabulary_->once,
                   [&] { vocabulary_->trie = std::make_shared<TokenTrie>(token_bytes(tokenizer())); });
    return std::make_shared<Constraint>(std::move(grammar), vocabulary_->trie, eos);
  }
  std::call_once(vocabulary_->special_once, [&] {
    auto bytes = token_bytes(tokenizer());
    for (size_t id = 0; id < bytes.size(); ++id) {
      const auto token = static_cast<TokenId>(id);
      if (tokenizer().is_special(token) && std::ranges::find(eos, token) == eos.end())
        bytes[id] = tokenizer().id_to_token(token).value_or("");
    }
    vocabulary_->special_trie = std::make_shared<TokenTrie>(std::move(bytes));
  });
  return std::make_shared<Constraint>(std::move(grammar), vocabulary_->special_trie, eos);
}

Result<TextGenerationPipeline> TextGenerationPipeline::from_pretrained(const std::string& path,
                                                                       const LoadOptions& options) {
  auto weights = TRY(Weights::open(path));
  const bool is_gguf = weights->front().format() == WeightFormat::gguf;
  const auto folder = model_folder(path);
  auto text = is_gguf ? Text::from_gguf(weights->front()) : Text::from_folder(folder);
  if (!text.ok()) return std::move(text).status().with(path);
  auto model = TRY(AutoModelForCausalLM::from_weights(std::move(weights), path, options));
  TextGenerationPipeline out(std::move(model), *std::move(text));
  out.generation_config_ = TRY(read_generation_config(out.model_->config(), folder, is_gguf));
  if (out.generation_config_.eos_token_id.empty())
    if (const auto eos = out.tokenizer().special_tokens().eos) out.generation_config_.eos_token_id = {*eos};
  return out;
}

std::string_view TextGenerationPipeline::chat_template_source(bool has_tools) const {
  const auto& source = has_tools ? text_.tool_template : text_.chat_template;
  return source ? std::string_view(source->source()) : std::string_view();
}

Result<std::vector<int32_t>> TextGenerationPipeline::encode(std::string_view text) const {
  return TRY(tokenizer().encode(text, {.split_special_tokens = text_.split_special_tokens})).ids;
}

Result<std::string> TextGenerationPipeline::chat_text(Conversation conversation) const {
  const auto& chat_template = conversation.tools.is_null() ? text_.chat_template : text_.tool_template;
  if (!chat_template) return Status(Code::unsupported, "this model has no chat template");
  conversation.variables.object();
  for (const auto& [name, token] : text_.special_tokens)
    if (!conversation.variables.find(name)) conversation.variables.set(name, token);
  return chat_template->apply(conversation);
}

Result<std::vector<int32_t>> TextGenerationPipeline::encode_chat(Conversation conversation) const {
  // The template has written the special tokens itself.
  const EncodeOptions options{.add_special_tokens = false, .split_special_tokens = text_.split_special_tokens};
  return TRY(tokenizer().encode(TRY(chat_text(std::move(conversation))), options)).ids;
}

Result<Encoding> TextGenerationPipeline::encode_with_places(std::string_view text, bool add_special_tokens) const {
  return tokenizer().encode(text, {.add_special_tokens = add_special_tokens,
                                   .split_special_tokens = text_.split_special_tokens,
                                   .offsets = OffsetUnit::characters});
}

Result<GeneratedText> TextGenerationPipeline::generate(Session& session, std::span<const int32_t> prompt,
                                                       const GenerationConfig& config, const OnText& on_text,
                                                       std::stop_token stop) const {
  if (config.num_beams > 1 || config.is_contrastive() || config.prompt_lookup_num_tokens > 0)
    return generate_whole(prompt, config, on_text, stop);
  GeneratedText out;
  TextStream stream(tokenizer(), config.stop);
  const auto show = [&](const std::string& piece) {
    if (piece.empty()) return true;
    out.text += piece;
    return !on_text || on_text(piece);
  };
  bool wanted = true;
  out.tokens = TRY(hearth::generate(
      *model_, session, prompt, config,
      [&](int32_t id) {
        wanted = show(stream.push(id));
        return wanted && !stream.stopped();
      },
      stop));
  if (wanted) show(stream.flush());
  if (!wanted) out.tokens.finish = FinishReason::cancelled;
  return out;
}

Result<GeneratedText> TextGenerationPipeline::generate_whole(std::span<const int32_t> prompt,
                                                             const GenerationConfig& config, const OnText& on_text,
                                                             std::stop_token stop) const {
  const ModelInputs inputs{.batch = 1,
                           .length = static_cast<int64_t>(prompt.size()),
                           .input_ids = {prompt.begin(), prompt.end()},
                           .attention_mask = {},
                           .token_type_ids = {},
                           .position_ids = {},
                           .decoder_input_ids = {}};
  const double begin_s = monotonic_s();
  const auto made = TRY(hearth::generate(*model_, inputs, config, {.stop = stop, .tokenizer = &tokenizer()}));
  GeneratedText out;
  auto& ids = out.tokens.ids;
  ids.assign(made.sequences[0].begin() + static_cast<std::ptrdiff_t>(prompt.size()), made.sequences[0].end());
  const auto end = std::ranges::find_first_of(ids, config.eos_token_id);
  if (end != ids.end()) {
    ids.erase(end + 1, ids.end());
    out.tokens.finish = FinishReason::stop;
  }
  TextStream stream(tokenizer(), config.stop);
  for (const auto id : ids) out.text += stream.push(id);
  out.text += stream.flush();
  if (stream.stopped()) out.tokens.finish = FinishReason::stop;
  out.tokens.prompt_tokens = inputs.length;
  out.tokens.decode_s = monotonic_s() - begin_s;
  if (on_text && !out.text.empty()) on_text(out.text);
  return out;
}

}  // namespace hearth
