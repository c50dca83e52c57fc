// hearth tokenize: text to token ids and back, with any tokenizer.json, model folder or GGUF file.
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/output.h"
#include "tokenizers/tokenizer.h"

namespace hearth::cli::commands {
namespace {

Result<std::string> read_standard_input() {
  std::string out;
  char buffer[1 << 16];
  for (ssize_t n; (n = ::read(STDIN_FILENO, buffer, sizeof buffer)) != 0;) {
    if (n < 0) return errno_status("read", "standard input");
    out.append(buffer, static_cast<size_t>(n));
  }
  return out;
}

Json ids_json(const std::vector<TokenId>& ids) {
  Json::Array out;
  out.reserve(ids.size());
  for (const auto id : ids) out.emplace_back(id);
  return out;
}

Result<std::vector<TokenId>> ids_of(const Json& json) {
  std::vector<TokenId> out;
  for (const auto& id : json.array()) {
    if (!id.is_int() || id.as_int() < INT32_MIN || id.as_int() > INT32_MAX)
      return Status(Code::bad_input, "a token id is a whole number of 32 bits");
    out.push_back(static_cast<TokenId>(id.as_int()));
  }
  return out;
}

struct Job {
  const Tokenizer& tokenizer;
  EncodeOptions encode;
  DecodeOptions decode;
  bool backwards;  ///< ids to text
  bool stream;     ///< through a DecodeStream, one id after another
};

Result<std::string> decoded(const Job& job, const std::vector<TokenId>& ids) {
  if (!job.stream) return job.tokenizer.decode(ids, job.decode);
  DecodeStream stream(job.tokenizer, job.decode);
  std::string out;
  for (const auto id : ids) out += stream.push(id);
  return out + stream.flush();
}

// One line of JSON in, one out: a string becomes an array of ids, with --decode an array of ids a string.
Result<std::string> json_line(const Job& job, std::string_view line) {
  const Json json = TRY(Json::parse(line));
  if (job.backwards) return Json(TRY(decoded(job, TRY(ids_of(json))))).dump();
  if (!json.is_string()) return Status(Code::bad_input, "a line is a JSON string");
  return ids_json(TRY(job.tokenizer.encode(json.as_string(), job.encode)).ids).dump();
}

Status run_lines(const Job& job, std::string_view text, Terminal& terminal) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  size_t number = 0;
  for (const auto line : split(text, '\n')) {
    ++number;
    auto out = json_line(job, line);
    if (!out.ok()) return std::move(out).status().with(cat("line ", number));
    terminal.print_line(*out);
  }
  return {};
}

Status run_text(const Job& job, std::string_view text, Terminal& terminal) {
  if (job.backwards) {
    std::vector<TokenId> ids;
    for (const auto word : split(text, ' ')) {
      if (trim(word).empty()) continue;
      const auto id = parse_int(trim(word));
      if (!id || *id < 0 || *id > INT32_MAX)
        return Status(Code::bad_input, cat("'", word.substr(0, 40), "' is no token id"));
      ids.push_back(static_cast<TokenId>(*id));
    }
    terminal.print(TRY(decoded(job, ids)));
    return {};
  }
  const auto encoding = TRY(job.tokenizer.encode(text, job.encode));
  std::string line;
  for (const auto id : encoding.ids) line += cat(line.empty() ? "" : " ", id);
  terminal.print_line(line);
  return {};
}

Status run_checked(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.empty() || words.size() > 2)
    return Status(Code::bad_input, cat("tokenize takes a FILE and at most one TEXT, not ", words.size(), " words"));
  const auto tokenizer = TRY(Tokenizer::from_path(words[0]));
  const Job job{.tokenizer = tokenizer,
                .encode = {.add_special_tokens = !arguments.has("no-special"),
                           .split_special_tokens = arguments.has("split-special")},
                .decode = {.skip_special_tokens = arguments.has("no-special")},
                .backwards = arguments.has("decode"),
                .stream = arguments.has("stream")};
  const std::string text = words.size() == 2 ? words[1] : TRY(read_standard_input());
  return arguments.has("json") ? run_lines(job, text, terminal) : run_text(job, text, terminal);
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = run_checked(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

constexpr Option kOptions[] = {
    {"decode", "", "From ids to text."},
    {"json", "", "A JSON string a line in, a JSON array of ids a line out; with --decode the other way round."},
    {"no-special", "", "Add no special tokens around the text; leave them out of decoded text."},
    {"split-special", "", "Text that spells a special token is text."},
    {"stream", "", "Decode id by id, as a streamed answer is."},
};
constexpr Command kRows[] = {{
    .verb = "tokenize",
    .usage = "FILE [TEXT]",
    .summary = "Turn text into token ids, or ids into text.",
    .options = kOptions,
    .help = "FILE is a tokenizer.json, a model's folder, or a GGUF file. Without TEXT standard input is read.\n\n"
            "Examples\n"
            "  $ hearth tokenize SmolLM2-135M-Instruct.Q4_1.gguf \"Hello world\"\n"
            "  $ hearth tokenize model/tokenizer.json --decode \"19556 905\"\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands tokenize_entry{Group::files, "tokenize", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
