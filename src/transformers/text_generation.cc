#include "transformers/text_generation.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace hearth {
namespace {

/// `folder`/generation_config.json where there is one; else what config.json says about the end.
Result<GenerationConfig> read_generation_config(const Config& config, const std::string& folder, bool is_gguf) {
  GenerationConfig out;
  out.eos_token_id = config.eos_token_id;
  const auto path = path_join(folder, "generation_config.json");
  if (is_gguf || !exists(path)) return out;
  const auto text = TRY(read_file(path, /*max_bytes=*/1 << 20));
  auto json = Json::parse(text);
  if (!json.ok()) return std::move(json).status().with(path);
  auto status = out.update(*json);
  if (!status.ok()) return std::move(status).with(path);
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
  for (const auto& stop : stop_)
    if (!stop.empty()) cut = std::min(cut, held_.find(stop));
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

Result<TextGenerationPipeline> TextGenerationPipeline::from_pretrained(const std::string& path,
                                                                       const LoadOptions& options) {
  auto weights = TRY(Weights::open(path));
  const bool is_gguf = weights->front().format() == WeightFormat::gguf;
  const auto folder = model_folder(path);
  auto tokenizer = is_gguf ? Tokenizer::from_gguf(weights->front()) : Tokenizer::from_folder(folder);
  if (!tokenizer.ok()) return std::move(tokenizer).status().with(path);
  auto model = TRY(AutoModelForCausalLM::from_weights(std::move(weights), path, options));
  TextGenerationPipeline out(std::move(model), *std::move(tokenizer));
  out.generation_config_ = TRY(read_generation_config(out.model_->config(), folder, is_gguf));
  if (out.generation_config_.eos_token_id.empty())
    if (const auto eos = out.tokenizer_.special_tokens().eos) out.generation_config_.eos_token_id = {*eos};
  if (!out.tokenizer_.chat_template().empty()) {
    auto parsed = ChatTemplate::parse(out.tokenizer_.chat_template());
    if (!parsed.ok()) return std::move(parsed).status().with(cat(path, ": chat template"));
    out.chat_template_ = *std::move(parsed);
  }
  return out;
}

Result<std::vector<int32_t>> TextGenerationPipeline::encode(std::string_view text) const {
  return TRY(tokenizer_.encode(text)).ids;
}

Result<std::vector<int32_t>> TextGenerationPipeline::encode_chat(Conversation conversation) const {
  if (!chat_template_) return Status(Code::unsupported, "this model has no chat template");
  const auto& special = tokenizer_.special_tokens();
  const std::pair<std::string_view, std::optional<TokenId>> named[] = {
      {"bos_token", special.bos}, {"eos_token", special.eos}, {"unk_token", special.unk}, {"pad_token", special.pad}};
  conversation.variables.object();
  for (const auto& [key, id] : named)
    if (id && !conversation.variables.find(key))
      conversation.variables.set(key, tokenizer_.id_to_token(*id).value_or(""));
  const auto text = TRY(chat_template_->apply(conversation));
  // The template has written the special tokens itself.
  return TRY(tokenizer_.encode(text, {.add_special_tokens = false})).ids;
}

Result<GeneratedText> TextGenerationPipeline::generate(Session& session, std::span<const int32_t> prompt,
                                                       const GenerationConfig& config, const OnText& on_text,
                                                       std::stop_token stop) const {
  GeneratedText out;
  TextStream stream(tokenizer_, config.stop);
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

}  // namespace hearth
