// hearth pipeline: a task's inputs of the command line or of standard input, its answers as JSON.
#include "transformers/pipeline.h"
#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/load_options.h"
#include "transformers/model_source.h"

namespace hearth::inference::commands {
namespace {

/// A text that is JSON of a list, an object or a quoted text stands for it; any other is itself.
Json read_value(const std::string& text) {
  const auto trimmed = trim(text);
  if (trimmed.empty() || !contains("{[\"", trimmed.substr(0, 1))) return text;
  auto json = Json::parse(trimmed);
  return json.ok() ? *std::move(json) : Json(text);
}

/// Each line of standard input; the first failure, when all are answered.
Status answer_lines(const Pipeline& task, const Json& parameters, Terminal& terminal) {
  Status first;
  for (auto line = terminal.read_line(); line.ok(); line = terminal.read_line()) {
    const auto value = read_value(*line);
    const bool is_request = value.find("inputs") != nullptr;
    const auto* own = is_request ? value.find("parameters") : nullptr;
    auto answer = task(is_request ? value["inputs"] : value, own ? *own : parameters);
    terminal.print_line(answer.ok() ? answer->dump() : Json(Json::Object{{"error", answer.status().message()}}).dump());
    if (!answer.ok() && first.ok()) first = std::move(answer).status();
  }
  return first;
}

Status answer(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.empty()) return {Code::bad_input, "no model named: hearth pipeline TASK MODEL --input \"TEXT\""};
  if (words.size() > 2)
    return {Code::bad_input, cat("unexpected word '", words[2], "': give the text with --input, in quotes")};
  Json parameters;
  if (arguments.has("parameters")) {
    auto read = Json::parse(arguments.get("parameters"));
    if (!read.ok() || !read->is_object())
      return {Code::bad_input, cat("--parameters is no JSON object: ", arguments.get("parameters"))};
    parameters = *std::move(read);
  }
  const auto task = words.size() == 2 ? TRY(pipeline_task(words[0])) : std::string();
  const auto loaded = TRY(pipeline(task, TRY(resolve_model(words.back())), TRY(load_options(arguments))));
  const auto inputs = arguments.all("input");
  if (inputs.empty()) return answer_lines(*loaded, parameters, terminal);
  Json::Array list;
  for (const auto& input : inputs) list.push_back(read_value(input));
  const auto made = TRY((*loaded)(list.size() == 1 ? list.front() : Json(std::move(list)), parameters));
  terminal.print_line(made.dump(terminal.out_is_terminal() ? 2 : 0));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = answer(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody pipeline_entry{"pipeline", run};

}  // namespace hearth::inference::commands
