// text-generation: goes on with a text, or answers a conversation.
// Source: transformers 5.23.0 pipelines/text_generation.py.
#include <algorithm>

#include "base/text.h"
#include "transformers/pipeline_generation.h"

namespace hearth::transformers::pipelines {
namespace {

bool is_message(const Json& value) {
  return value.is_object() && value.find("role") && value.find("content");
}

/// A conversation: a list that begins with a message. bad_input when other items are none.
Result<bool> is_chat(const Json& value) {
  if (!value.is_array() || value.array().empty() || !is_message(value.array().front())) return false;
  if (std::ranges::all_of(value.array(), is_message)) return true;
  return Status(Code::bad_input, "each message of a conversation has a 'role' and a 'content'");
}

struct Settings {
  bool is_full_text = true, is_tensors = false, skip_special_tokens = true;
  std::optional<bool> clean_up, continue_final_message;
  std::string prefix;
  int64_t prefix_length = 0;
  bool leaves_a_hole = false;
  Json tools, documents, encode_arguments;  // the last: an object, the tokenizer's
};

struct Prompt {
  const Json* input;  // the caller's
  bool is_chat = false, is_continued = false;
  std::vector<TokenId> ids = {};
  size_t length = 0;  // what of the answer is not new
};

class TextGeneration final : public Pipeline {
 public:
  explicit TextGeneration(TextWriter writer) : writer_(std::move(writer)) {}
  const PreTrainedModel& model() const override { return *writer_.model; }

 private:
  Result<Settings> read_settings(PipelineParameters& parameters) const {
    Settings out;
    const auto* full = parameters.find("return_full_text");
    const bool is_given = full && !full->is_null();
    for (const auto* other : {"return_text", "return_tensors"})
      if (const auto* value = parameters.find(other); is_given && value && !value->is_null())
        parameters.fail(cat(other, " and return_full_text exclude each other"));
    parameters.flag("return_text", true);
    out.is_full_text = parameters.flag("return_full_text", true);
    out.is_tensors = parameters.flag("return_tensors", false);
    out.skip_special_tokens = parameters.flag("skip_special_tokens", true);
    const auto optional_flag = [&](std::string_view key, std::optional<bool>& value) {
      if (const auto* given = parameters.find(key); given && !given->is_null()) value = parameters.flag(key, false);
    };
    optional_flag("clean_up_tokenization_spaces", out.clean_up);
    optional_flag("continue_final_message", out.continue_final_message);
    out.prefix = parameters.text("prefix", model().config().raw["prefix"].as_string());
    out.leaves_a_hole = !parameters.choice("handle_long_generation", "", {"hole"}).empty();
    if (const auto* tools = parameters.find("tools")) out.tools = *tools;
    if (const auto* documents = parameters.find("documents")) out.documents = *documents;
    out.encode_arguments = Json::Object{};
    for (const auto* key : {"add_special_tokens", "truncation", "padding", "max_length"})
      if (const auto* value = parameters.find(key); value && !value->is_null()) out.encode_arguments.set(key, *value);
    if (const auto* more = parameters.find("tokenizer_encode_kwargs"); more && !more->is_null()) {
      if (!more->is_object()) parameters.fail(cat("tokenizer_encode_kwargs is ", more->dump(), ", not an object"));
      for (const auto& [key, value] : more->object()) out.encode_arguments.set(key, value);
    }
    if (!out.prefix.empty()) {
      const bool is_special = parameters.flag("add_special_tokens", false);
      const auto ids = TRY(writer_.tokenizer.encode(out.prefix, {.add_special_tokens = is_special}));
      out.prefix_length = static_cast<int64_t>(ids.size());
    }
    return out;
  }

  /// The arguments with what the pipeline sets where neither they nor the files do.
  Json with_defaults(Json arguments, int64_t prefix_length) const {
    const auto is_set = [&](std::string_view key) {
      return !arguments[key].is_null() || !writer_.set_by_file[key].is_null();
    };
    const auto value = [&](std::string_view key) {
      return arguments[key].is_null() ? writer_.set_by_file[key] : arguments[key];
    };
    if (!is_set("max_new_tokens") && !is_set("max_length")) arguments.set("max_new_tokens", 256);
    if (!is_set("do_sample")) arguments.set("do_sample", true);
    if (!is_set("temperature") && value("do_sample").as_bool(false)) arguments.set("temperature", 0.7);
    // Lengths that count the prompt do not count its prefix.
    for (const auto& [length, tokens] : {std::pair{"max_length", "max_new_tokens"}, {"min_length", "min_new_tokens"}})
      if (prefix_length > 0 && is_set(length) && !is_set(tokens))
        arguments.set(length, value(length).as_int() + prefix_length);
    return arguments;
  }

  Result<std::vector<TokenId>> encode_chat(const Prompt& prompt, const Settings& settings) const {
    ChatOptions chat{.tools = settings.tools,
                     .documents = settings.documents,
                     .chat_template = {},
                     .add_generation_prompt = !prompt.is_continued,
                     .continue_final_message = {},
                     .variables = Json::Object{}};
    if (prompt.is_continued) chat.continue_final_message = "content";
    Json own(Json::Object{});
    for (const auto& [key, value] : settings.encode_arguments.object()) {
      const bool is_tokenizers = key == "truncation" || key == "padding" || key == "max_length";
      if (key == "chat_template" && value.is_string()) {
        chat.chat_template = value.as_string();
      } else if (key != "add_special_tokens") {  // the template writes them
        (is_tokenizers ? own : chat.variables).set(key, value);
      }
    }
    PipelineParameters inner(own);
    const auto call = tokenizer_options(inner);
    TRY(inner.finish());
    return std::move(TRY(writer_.tokenizer.apply_chat_template({prompt.input, 1}, chat, call)).encodings.front().ids);
  }

  Result<Prompt> encode(const Json& input, const Settings& settings) const {
    Prompt out{.input = &input, .is_chat = TRY(is_chat(input))};
    if (out.is_chat) {
      const auto& last = input.array().back();
      out.is_continued = settings.continue_final_message.value_or(last["role"].as_string() == "assistant");
      if (out.is_continued && !last["content"].is_string())
        return Status(Code::bad_input, "the message to continue has no text as its content");
      out.ids = TRY(encode_chat(out, settings));
    } else if (input.is_string()) {
      PipelineParameters inner(settings.encode_arguments);
      const auto call = tokenizer_options(inner);
      if (auto status = inner.finish(); !status.ok()) return std::move(status).with("tokenizer_encode_kwargs");
      out.ids = TRY(writer_.tokenizer.encode(cat(settings.prefix, input.as_string()), call));
    } else {
      return Status(Code::bad_input, cat("the inputs are no text, no conversation and no list of such: there is ",
                                         input.dump().substr(0, 80)));
    }
    out.length = out.ids.size();
    if (out.ids.empty() && writer_.config.bos_token_id) out.ids = {*writer_.config.bos_token_id};
    return out;
  }

  /// Cuts the beginning of a prompt that leaves no room for the answer.
  Status leave_a_hole(Prompt& prompt, const GenerationConfig& config) const {
    const auto limit = writer_.tokenizer.model_max_length();
    const auto length = static_cast<int64_t>(prompt.ids.size());
    const auto wanted = config.max_new_tokens.value_or(config.max_length.value_or(length) - length);
    if (wanted < 0) return {Code::bad_input, cat("max_length leaves no room behind ", length, " tokens of the prompt")};
    if (!limit || length + wanted <= *limit) return {};
    const auto kept = *limit - wanted;
    if (kept <= 0)
      return {Code::bad_input, cat("an answer of ", wanted, " tokens leaves no room for a prompt in ", *limit)};
    prompt.ids.erase(prompt.ids.begin(), prompt.ids.end() - kept);
    prompt.length = prompt.ids.size();
    return {};
  }

  Json text_of(const Prompt& prompt, const std::string& text, bool is_full_text) const {
    if (!is_full_text) return text;
    if (!prompt.is_chat) return cat(prompt.input->as_string(), text);
    auto messages = prompt.input->array();
    if (!prompt.is_continued) {
      messages.push_back(Json::Object{{"role", "assistant"}, {"content", text}});
      return messages;
    }
    const auto last = std::move(messages.back());
    messages.back() = Json::Object{{"role", last["role"]}, {"content", cat(last["content"].as_string(), text)}};
    return messages;
  }

  Result<Json> run(const Json& inputs, PipelineParameters& parameters, std::stop_token stop) const override {
    const auto settings = TRY(read_settings(parameters));
    const auto stops = parameters.texts("stop_sequence", "a text or a list of texts");
    const auto arguments = with_defaults(writer_.generate_arguments(parameters), settings.prefix_length);
    const auto passes = pass_options(parameters, stop);
    TRY(parameters.finish());
    auto rules = TRY(writer_.rules(writer_.config, arguments));
    rules.config.stop_strings.insert(rules.config.stop_strings.end(), stops.begin(), stops.end());
    rules.batch_size = std::min(passes.batch_size, rules.batch_size);

    const bool is_one = inputs.is_string() || TRY(is_chat(inputs));
    const auto asked = is_one ? PipelineInputs{.items = {&inputs}} : TRY(PipelineInputs::from(inputs));
    std::vector<Prompt> prompts;
    std::vector<std::vector<TokenId>> ids;
    for (const auto* item : asked.items) {
      prompts.push_back(TRY(encode(*item, settings)));
      if (settings.leaves_a_hole) TRY(leave_a_hole(prompts.back(), rules.config));
      ids.push_back(prompts.back().ids);
    }
    const auto written = TRY(writer_.write(ids, rules, stop));
    Json::Array out;
    for (size_t i = 0; i < prompts.size(); ++i) {
      Json::Array rows;
      for (const auto& row : written[i]) {
        if (settings.is_tensors) {
          rows.push_back(Json::Object{{"generated_token_ids", to_json(row)}});
          continue;
        }
        const auto text = writer_.tokenizer.decode(std::span(row).subspan(std::min(prompts[i].length, row.size())),
                                                   settings.skip_special_tokens, settings.clean_up);
        rows.push_back(Json::Object{{"generated_text", text_of(prompts[i], text, settings.is_full_text)}});
      }
      out.emplace_back(std::move(rows));
    }
    return asked.answer(std::move(out));
  }

  TextWriter writer_;
};

Result<std::unique_ptr<Pipeline>> build(std::string_view, const std::string& path, const LoadOptions& options) {
  return std::make_unique<TextGeneration>(TRY(TextWriter::from(Task::causal_lm, path, options)));
}

}  // namespace

extern constinit const PipelineTask text_generation_entry{
    .tasks = {"text-generation"}, .heads = {Task::causal_lm}, .build = build};

}  // namespace hearth::transformers::pipelines
