// render_template: reads lines {"template": ..., "variables": {...}} or {"template": ..., "conversation": {...}} and
// writes for each {"text": ..., "spans": [[first, last], ...]} or {"error": ...}. tests/oracle compares them with
// Python's.
#include <cstdio>
#include <string>

#include "base/json.h"
#include "tokenizers/chat_template.h"

namespace hearth {
namespace {

Result<Rendered> render(const Json& line) {
  const auto parsed = TRY(ChatTemplate::parse(std::string(line["template"].as_string())));
  const auto* conversation = line.find("conversation");
  if (conversation == nullptr) return parsed.render_with_spans(line["variables"]);
  const auto& c = *conversation;
  auto text = TRY(parsed.apply({.messages = c["messages"],
                                .tools = c["tools"],
                                .documents = c["documents"],
                                .variables = c["variables"],
                                .add_generation_prompt = c["add_generation_prompt"].as_bool(),
                                .continue_final_message = c["continue_final_message"].as_bool()}));
  return Rendered{std::move(text), {}};
}

std::string answer(const std::string& line) {
  JsonWriter out;
  out.begin_object();
  const auto request = Json::parse(line);
  auto rendered = request.ok() ? render(*request) : Result<Rendered>(request.status().clone());
  if (!rendered.ok()) return out.field("error", rendered.status().message()).end().take();
  out.field("text", rendered->text).key("spans").begin_array();
  for (const auto& [first, last] : rendered->generated) out.begin_array().value(first).value(last).end();
  return out.end().end().take();
}

}  // namespace
}  // namespace hearth

int main() {
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    std::puts(hearth::answer(line).c_str());
    line.clear();
  }
}
