// hearth tokenize: text to token ids and back, with any tokenizer.json, GGUF file, model folder or repository.
#include <unistd.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"
#include "cli/output.h"
#include "huggingface_hub/snapshot_download.h"
#include "tokenizers/auto_tokenizer.h"
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
  const PreTrainedTokenizer* automatic;  ///< null when the file is taken as it is
  bool backwards;                        ///< ids to text
  bool stream;                           ///< through a DecodeStream, one id after another
};

// What a stream hands out for each id, and in the end.
std::vector<std::string> streamed(const Job& job, const std::vector<TokenId>& ids) {
  DecodeStream stream(job.tokenizer, job.decode);
  std::vector<std::string> out;
  for (const auto id : ids) out.push_back(stream.push(id));
  out.push_back(stream.flush());
  return out;
}

std::string decoded(const Job& job, const std::vector<TokenId>& ids) {
  return job.stream ? join(streamed(job, ids), "") : job.tokenizer.decode(ids, job.decode);
}

template <class T, class F>
Json list(const std::vector<T>& values, size_t size, F to_json) {
  Json::Array out;
  out.reserve(size);
  for (size_t i = 0; i < size; ++i) out.push_back(to_json(values.empty() ? T{} : values[i]));
  return out;
}

// Everything that is known of an encoding, by the names that Python gives it.
Json encoding_json(const Tokenizer& tokenizer, const Encoding& e) {
  const size_t n = e.size();
  Json::Array tokens, masks, sequences, overflowing;
  for (size_t i = 0; i < n; ++i) {
    tokens.emplace_back(std::string(tokenizer.token_text(e, i)));
    masks.emplace_back(e.attention_mask.empty() ? 1 : int{e.attention_mask[i]});
    const int sequence = e.sequence_of(i);
    sequences.push_back(sequence < 0 ? Json() : Json(sequence));
  }
  for (const auto& more : e.overflowing) overflowing.push_back(encoding_json(tokenizer, more));
  return Json::Object{{"ids", ids_json(e.ids)},
                      {"tokens", std::move(tokens)},
                      {"offsets", list(e.offsets, n,
                                       [](TextSpan s) {
                                         return Json(Json::Array{Json(s.begin), Json(s.end)});
                                       })},
                      {"word_ids", list(e.word_ids, n, [](int32_t w) { return w < 0 ? Json() : Json(w); })},
                      {"sequence_ids", std::move(sequences)},
                      {"type_ids", list(e.type_ids, n, [](int32_t t) { return Json(t); })},
                      {"attention_mask", std::move(masks)},
                      {"special_tokens_mask", list(e.special_tokens_mask, n, [](uint8_t m) { return Json(int{m}); })},
                      {"overflowing", std::move(overflowing)}};
}

// A string, or an array of words that are already cut.
struct TextOfJson {
  std::vector<std::string_view> words;
  TextInput input;

  Status read(const Json& json) {
    if (json.is_string()) {
      input.text = json.as_string();
      return {};
    }
    if (!json.is_array()) return Status(Code::bad_input, "a text is a string or an array of words");
    for (const auto& word : json.array()) {
      if (!word.is_string()) return Status(Code::bad_input, "a word is a string");
      words.push_back(word.as_string());
    }
    input.words = words;
    return {};
  }
};

// One line of JSON in, one out: a text, or {"text": ..., "pair": ...}, becomes an array of ids or, with --offsets, an
// object of all that is known; with --decode an array of ids becomes a string, with --stream too an array of what each
// id and the end hand out.
Result<std::string> json_line(const Job& job, std::string_view line) {
  const Json json = TRY(Json::parse(line));
  if (job.backwards) {
    const auto ids = TRY(ids_of(json));
    if (!job.stream) return Json(decoded(job, ids)).dump();
    const auto parts = streamed(job, ids);
    return Json(Json::Array(parts.begin(), parts.end())).dump();
  }
  TextOfJson text, pair;
  TRY(text.read(json.is_object() ? json["text"] : json));
  EncodeInput input{text.input};
  if (!json["pair"].is_null()) {
    TRY(pair.read(json["pair"]));
    input.pair = pair.input;
  }
  const auto encoding = TRY(job.tokenizer.encode(input, job.encode));
  if (job.encode.offsets == OffsetUnit::none) return ids_json(encoding.ids).dump();
  return encoding_json(job.tokenizer, encoding).dump();
}

// A line of plain ids becomes a line of text.
Result<std::string> ids_line(const Job& job, std::string_view line) {
  std::vector<TokenId> ids;
  for (const auto word : split(line, ' ')) {
    if (trim(word).empty()) continue;
    const auto id = parse_int(trim(word));
    if (!id || *id < 0 || *id > INT32_MAX)
      return Status(Code::bad_input, cat("'", word.substr(0, 40), "' is no token id"));
    ids.push_back(static_cast<TokenId>(*id));
  }
  return decoded(job, ids);
}

using LineFunction = Result<std::string> (*)(const Job& job, std::string_view line);

// Each line of what is there so far is answered before more is read.
Status run_lines(const Job& job, LineFunction answer, Terminal& terminal) {
  std::string pending;
  size_t number = 0;
  const auto run_line = [&](std::string_view line, std::string& out) -> Status {
    ++number;
    auto made = answer(job, line);
    if (made.ok()) return out += *made, out += '\n', Status();
    terminal.print(out);
    return std::move(made).status().with(cat("line ", number));
  };
  std::string buffer(1 << 18, '\0');
  for (ssize_t n; (n = ::read(STDIN_FILENO, buffer.data(), buffer.size())) != 0;) {
    if (n < 0) return errno_status("read", "standard input");
    pending.append(buffer, 0, static_cast<size_t>(n));
    size_t begin = 0;
    std::string out;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
      TRY(run_line(std::string_view(pending).substr(begin, end - begin), out));
    pending.erase(0, begin);
    terminal.print(out);
  }
  if (pending.empty()) return {};
  std::string out;
  TRY(run_line(pending, out));
  terminal.print(out);
  return {};
}

Status run_text(const Job& job, std::string_view text, Terminal& terminal) {
  if (job.backwards) {
    terminal.print_line(TRY(ids_line(job, text)));
    return {};
  }
  const auto encoding = TRY(job.tokenizer.encode(text, job.encode));
  if (job.encode.offsets != OffsetUnit::none) {
    for (size_t i = 0; i < encoding.size(); ++i) {
      const auto span = encoding.offsets[i];
      terminal.print_line(
          cat(encoding.ids[i], "\t", span.begin, "\t", span.end, "\t", job.tokenizer.token_text(encoding, i)));
    }
    return {};
  }
  std::string line;
  for (const auto id : encoding.ids) line += cat(line.empty() ? "" : " ", id);
  terminal.print_line(line);
  return {};
}

Result<std::optional<Truncation>> truncation(const Arguments& arguments) {
  if (!arguments.has("max-length")) return std::optional<Truncation>();
  Truncation out;
  out.max_length = static_cast<size_t>(TRY(arguments.get_int("max-length", 512, 0, INT32_MAX)));
  out.stride = static_cast<size_t>(TRY(arguments.get_int("stride", 0, 0, INT32_MAX)));
  const auto strategy = arguments.get("truncation", "longest_first");
  if (strategy == "only_first") {
    out.strategy = TruncationStrategy::only_first;
  } else if (strategy == "only_second") {
    out.strategy = TruncationStrategy::only_second;
  } else if (strategy != "longest_first") {
    return Status(Code::bad_input,
                  cat("--truncation '", strategy, "' is not known (longest_first, only_first, only_second)"));
  }
  if (arguments.has("truncate-left")) out.side = Side::left;
  return std::optional(out);
}

// The files of a repository that a tokenizer is made of: from the Hub, or what the cache has of them.
Result<std::string> fetch_tokenizer(const Arguments& arguments, const std::string& name) {
  const auto argument = TRY(parse_repo_argument(name));
  SnapshotOptions options;
  if (!argument.revision.empty()) options.download.revision = argument.revision;
  options.allow_patterns = {"tokenizer*",
                            "config.json",
                            "special_tokens_map.json",
                            "added_tokens.json",
                            "vocab.*",
                            "merges.txt",
                            "target_vocab.json",
                            "tekken.json",
                            "*.model",
                            "*.spm",
                            "*.tiktoken",
                            "*.jinja",
                            "chat_template.json",
                            "additional_chat_templates/*"};
  return std::move(TRY(snapshot_download(make_api(arguments), argument.repo, options, interrupted())).folder);
}

struct Opened {
  Tokenizer tokenizer;
  std::optional<PreTrainedTokenizer> automatic;
};

// A folder or a repository is read as transformers' AutoTokenizer does, a file as it is.
Result<Opened> open_tokenizer(const Arguments& arguments, const std::string& name) {
  if (arguments.has("auto") && arguments.has("raw"))
    return Status(Code::bad_input, "--auto and --raw exclude each other");
  const auto ends = [&](const char* end) { return name.ends_with(end); };
  const bool is_repository = !exists(name) && !name.starts_with('/') && !name.starts_with('.') && !ends(".json") &&
                             !ends(".gguf") && !ends(".model") && !ends(".spm") && !ends(".tiktoken");
  auto path = is_repository ? TRY(fetch_tokenizer(arguments, name)) : name;
  if (!is_folder(path)) {
    if (!arguments.has("auto")) return Opened{TRY(Tokenizer::from_path(path)), std::nullopt};
    if (path_name(path) != "tokenizer.json")
      return Status(Code::bad_input, cat("--auto reads a model's folder or its tokenizer.json, not ", path));
    path = path_parent(path).empty() ? "." : std::string(path_parent(path));
  }
  if (arguments.has("raw")) return Opened{TRY(Tokenizer::from_folder(path)), std::nullopt};
  auto tokenizer = TRY(AutoTokenizer::from_pretrained(path, {.name_or_path = is_repository ? name : path}));
  return Opened{tokenizer.backend_tokenizer(), tokenizer};
}

Status run_checked(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.empty() || words.size() > 2)
    return Status(Code::bad_input,
                  cat("tokenize takes a FILE_OR_REPO and at most one TEXT, not ", words.size(), " words"));
  const auto opened = TRY(open_tokenizer(arguments, words[0]));
  const Job job{.tokenizer = opened.tokenizer,
                .encode = {.add_special_tokens = !arguments.has("no-special"),
                           .split_special_tokens = arguments.has("split-special"),
                           .offsets = arguments.has("offsets") ? OffsetUnit::characters : OffsetUnit::none,
                           .truncation = TRY(truncation(arguments))},
                .decode = {.skip_special_tokens = arguments.has("no-special")},
                .automatic = opened.automatic ? &*opened.automatic : nullptr,
                .backwards = arguments.has("decode"),
                .stream = arguments.has("stream")};
  const bool json = arguments.has("json");
  if (words.size() == 2 && json) {
    terminal.print_line(TRY(json_line(job, words[1])));
    return {};
  }
  if (words.size() == 2) return run_text(job, words[1], terminal);
  if (json || job.backwards) return run_lines(job, json ? json_line : ids_line, terminal);
  return run_text(job, TRY(read_standard_input()), terminal);
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = run_checked(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

constexpr Option kOptions[] = {
    {"auto", "", "As AutoTokenizer reads a folder, which is how folders and repositories are read unasked."},
    {"decode", "", "From ids to text: of standard input a line of ids is a line of text."},
    {"json", "",
     "A text a line in (a JSON string, words, or {\"text\", \"pair\"}), its ids a line out; --decode: the reverse."},
    {"max-length", "N", "Cut to N ids; with --offsets the rest is in `overflowing`."},
    {"no-special", "", "Add no special tokens around the text; leave them out of decoded text."},
    {"offsets", "", "Each token with the characters it stands for; with --json all that is known of the text."},
    {"raw", "", "tokenizer.json as it is, also that of a folder or repository."},
    {"split-special", "", "Text that spells a special token is text."},
    {"stream", "", "Decode id by id, as a streamed answer is."},
    {"stride", "N", "Ids that neighbouring parts share where --max-length cuts."},
    kTokenOption,
    {"truncate-left", "", "Cut at the begin of the text."},
    {"truncation", "STRATEGY", "Which text of a pair is cut: longest_first, only_first or only_second."},
};
constexpr Command kRows[] = {{
    .verb = "tokenize",
    .usage = "FILE_OR_REPO [TEXT]",
    .summary = "Turn text into token ids, or ids into text.",
    .options = kOptions,
    .help =
        "FILE_OR_REPO is a tokenizer.json, a GGUF file, a SentencePiece model, a tiktoken file (cl100k_base.tiktoken), "
        "a "
        "tekken.json, a model's folder, or a repository on the Hub. Without TEXT standard input is read; with --json "
        "or "
        "--decode a line of it is an input, answered at once.\n\n"
        "A tokenizer.json is taken as it is. A folder or repository is read as transformers' AutoTokenizer reads it: "
        "for many model classes that takes only the vocabulary out of tokenizer.json and cuts text as the class does; "
        "--raw takes the file as it is there too.\n\n"
        "Examples\n"
        "  $ hearth tokenize SmolLM2-135M-Instruct.Q4_1.gguf \"Hello world\"\n"
        "  $ hearth tokenize alice/my-model --offsets \"Hello world\"\n"
        "  $ hearth tokenize model/tokenizer.json --decode \"19556 905\"\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands tokenize_entry{Group::files, "tokenize", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
