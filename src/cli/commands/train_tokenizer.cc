// hearth train-tokenizer: a tokenizer from texts, which Python's AutoTokenizer loads.
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands_registry.h"
#include "cli/hub_command.h"
#include "cli/output.h"
#include "huggingface_hub/snapshot_download.h"
#include "tokenizers/trainer.h"

namespace hearth::cli::commands {
namespace {

constexpr std::string_view kUsage = "FILE... --out FOLDER_OR_FILE";
constexpr uint64_t kFileMax = 256u << 20;

struct Part {
  std::string_view name, normalizer, pre_tokenizer, decoder;
};
constexpr Part kParts[] = {
    {"byte-level", "null", R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})",
     R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})"},
    {"bert",
     R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true})",
     R"({"type":"BertPreTokenizer"})", R"({"type":"WordPiece","prefix":"##","cleanup":true})"},
    {"metaspace", R"({"type":"NFKC"})",
     R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true})",
     R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true})"},
    {"whitespace", "null", R"({"type":"Whitespace"})", "null"},
    {"none", "null", "null", "null"},
};

struct ModelKind {
  std::string_view name, parts, model;
};
constexpr ModelKind kModels[] = {
    {"bpe", "byte-level",
     R"({"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false})"},
    {"wordpiece", "bert",
     R"({"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100})"},
    {"unigram", "metaspace", R"({"type":"Unigram","unk_id":null,"byte_fallback":false})"},
    {"wordlevel", "whitespace", R"({"type":"WordLevel","unk_token":"[UNK]"})"},
};

template <class Row, size_t n>
Result<const Row*> find(const Row (&rows)[n], std::string_view option, std::string_view name) {
  std::string known;
  for (const auto& row : rows) {
    if (row.name == name) return &row;
    known += cat(known.empty() ? "" : ", ", row.name);
  }
  return Status(Code::bad_input, cat("--", option, " '", printable(name), "' is not known (", known, ")"));
}

// The tokenizer.json that --like names: a file, a folder, or a repository.
Result<std::string> read_like(const Arguments& arguments) {
  std::string path(arguments.get("like"));
  if (!exists(path)) {
    const auto argument = TRY(parse_repo_argument(path));
    SnapshotOptions options;
    if (!argument.revision.empty()) options.download.revision = argument.revision;
    options.allow_patterns = {"tokenizer.json"};
    path = TRY(snapshot_download(make_api(arguments), argument.repo, options, interrupted())).folder;
  }
  if (is_folder(path)) path = path_join(path, "tokenizer.json");
  return read_file(path, kFileMax);
}

Result<UntrainedTokenizer> untrained(const Arguments& arguments) {
  if (arguments.has("like")) {
    for (const auto option : {"model", "pre-tokenizer", "byte-level"})
      if (arguments.has(option))
        return Status(Code::bad_input, cat("--like says what --", option, " says: give one of them"));
    auto out = untrained_like(TRY(read_like(arguments)));
    if (!out.ok()) return std::move(out).status().with(arguments.get("like"));
    return out;
  }
  const auto* model = TRY(find(kModels, "model", arguments.get("model", "bpe")));
  if (arguments.has("byte-level") && arguments.has("pre-tokenizer"))
    return Status(Code::bad_input, "--byte-level is --pre-tokenizer byte-level: give one of them");
  const auto* parts = arguments.has("byte-level")
                          ? &kParts[0]
                          : TRY(find(kParts, "pre-tokenizer", arguments.get("pre-tokenizer", model->parts)));
  auto out =
      TRY(untrained_like(cat(R"({"version":"1.0","added_tokens":[],"normalizer":)", parts->normalizer,
                             R"(,"pre_tokenizer":)", parts->pre_tokenizer, R"(,"post_processor":null,"decoder":)",
                             parts->decoder, R"(,"model":)", model->model, "}")));
  if (auto* unigram = std::get_if<UnigramTrainer>(&out.trainer)) unigram->unk_token = "<unk>";
  if (model->name == "wordpiece")
    std::get<WordPieceTrainer>(out.trainer).special_tokens = {{"[PAD]"}, {"[UNK]"}, {"[CLS]"}, {"[SEP]"}, {"[MASK]"}};
  if (model->name == "wordlevel") std::get<WordLevelTrainer>(out.trainer).special_tokens = {{"[UNK]"}};
  return out;
}

template <class T>
Status configure(const Arguments& arguments, T& trainer) {
  trainer.vocab_size = TRY(arguments.get_int("vocab-size", trainer.vocab_size, 1, 100'000'000));
  for (const auto token : split(arguments.get("special-tokens"), ',')) {
    const auto known = [&](const AddedToken& t) { return t.content == token; };
    if (!token.empty() && std::none_of(trainer.special_tokens.begin(), trainer.special_tokens.end(), known))
      trainer.special_tokens.push_back({std::string(token)});
  }
  if constexpr (requires { trainer.min_frequency; })
    trainer.min_frequency = TRY(arguments.get_int("min-frequency", trainer.min_frequency, 0, INT32_MAX));
  else if (arguments.has("min-frequency"))
    return Status(Code::bad_input, "--min-frequency is not for a Unigram model");
  return {};
}

Status only_for(const Arguments& arguments, std::initializer_list<std::string_view> options, std::string_view models) {
  for (const auto option : options)
    if (arguments.has(option)) return Status(Code::bad_input, cat("--", option, " is for ", models));
  return {};
}

// The options that only some of Python's trainers have, by their names.
template <class T>
Status configure_kind(const Arguments& arguments, T& trainer) {
  const auto number = [&](std::string_view option, auto& out, int64_t low) -> Status {
    if (arguments.has(option)) out = TRY(arguments.get_int(option, 0, low, INT32_MAX));
    return {};
  };
  const auto text = [&](std::string_view option, std::optional<std::string>& out) {
    if (arguments.has(option)) out = std::string(arguments.get(option));
  };
  if constexpr (requires { trainer.limit_alphabet; }) {
    TRY(number("limit-alphabet", trainer.limit_alphabet, 0));
    text("continuing-subword-prefix", trainer.continuing_subword_prefix);
    text("end-of-word-suffix", trainer.end_of_word_suffix);
  } else {
    TRY(only_for(arguments, {"limit-alphabet", "continuing-subword-prefix", "end-of-word-suffix"}, "bpe, wordpiece"));
  }
  if constexpr (requires { trainer.max_token_length; }) {
    TRY(number("max-token-length", trainer.max_token_length, 0));
  } else {
    TRY(only_for(arguments, {"max-token-length"}, "bpe"));
  }
  if constexpr (requires { trainer.initial_alphabet; }) {
    const auto alphabet = arguments.get("initial-alphabet");
    if (!is_utf8(alphabet)) return Status(Code::bad_input, "--initial-alphabet is not UTF-8");
    for (size_t i = 0; i < alphabet.size();) trainer.initial_alphabet += utf8_next(alphabet, i);
  } else {
    TRY(only_for(arguments, {"initial-alphabet"}, "bpe, wordpiece, unigram"));
  }
  if constexpr (std::is_same_v<T, UnigramTrainer>) {
    text("unk-token", trainer.unk_token);
    TRY(number("max-piece-length", trainer.max_piece_length, 1));
    TRY(number("n-sub-iterations", trainer.n_sub_iterations, 1));
    trainer.shrinking_factor = TRY(arguments.get_double("shrinking-factor", trainer.shrinking_factor, 0.01, 0.99));
  } else {
    TRY(only_for(arguments, {"max-piece-length", "n-sub-iterations", "shrinking-factor"}, "unigram"));
  }
  return {};
}

// What the model and the decoder say of the trainer's options: the unknown token, and what marks the ends of words.
Status configure_json(const Arguments& arguments, UntrainedTokenizer& wanted) {
  Json json = TRY(Json::parse(wanted.json));
  Json model = json["model"], decoder = json["decoder"];
  const auto type = model["type"].as_string();
  if (arguments.has("unk-token") && type != "Unigram") {
    const std::string unk(arguments.get("unk-token")), before(model["unk_token"].as_string());
    model.set("unk_token", unk);
    std::visit(
        [&](auto& trainer) {
          auto& tokens = trainer.special_tokens;
          std::erase_if(tokens, [&](const auto& t) { return t.content == unk; });
          const auto old =
              std::find_if(tokens.begin(), tokens.end(), [&](const auto& t) { return t.content == before; });
          if (old == tokens.end())
            tokens.insert(tokens.begin(), AddedToken{.content = unk});
          else
            *old = AddedToken{.content = unk};
        },
        wanted.trainer);
  }
  if (arguments.has("continuing-subword-prefix") && decoder["type"].as_string() == "WordPiece")
    decoder.set("prefix", arguments.get("continuing-subword-prefix"));
  if (arguments.has("end-of-word-suffix") && type == "BPE" && decoder.is_null())
    decoder = Json(Json::Object{{"type", "BPEDecoder"}, {"suffix", arguments.get("end-of-word-suffix")}});
  json.set("model", std::move(model));
  json.set("decoder", std::move(decoder));
  wanted.json = json.dump();
  return {};
}

// The values of --field in lines of JSON, one file after another.
class Fields {
 public:
  Fields(std::span<const std::string> files, std::string field) : files_(files), field_(std::move(field)) {}

  Result<std::optional<std::string_view>> next() {
    while (true) {
      const size_t end = held_.find('\n', at_);
      if (end == std::string::npos && !ended_) {
        TRY(read_more());
        continue;
      }
      if (end == std::string::npos && at_ == held_.size()) {
        if (file_ == files_.size()) return std::optional<std::string_view>();
        TRY(open());
        continue;
      }
      const auto line = trim(std::string_view(held_).substr(at_, end == std::string::npos ? end : end - at_));
      ++line_;
      const bool empty = line.empty();
      auto json = empty ? Result<Json>(Json()) : Json::parse(line);
      at_ = end == std::string::npos ? held_.size() : end + 1;
      if (!json.ok()) return std::move(json).status().with(place());
      if (empty) continue;
      value_ = *std::move(json);
      const auto* text = value_.find(field_);
      if (text == nullptr || !text->is_string())
        return Status(Code::bad_input, cat(place(), ": has no text under '", printable(field_), "' (--field)"));
      return std::optional(text->as_string());
    }
  }

 private:
  std::string place() const { return cat(files_[file_ - 1], ": line ", line_); }
  Status open() {
    const auto& file = files_[file_++];
    fd_ = file == "-" ? Fd() : TRY(open_read(file));
    line_ = 0;
    ended_ = false;
    return {};
  }
  Status read_more() {
    constexpr size_t kBytes = size_t{1} << 20;
    held_.erase(0, at_);
    at_ = 0;
    const size_t before = held_.size();
    if (before > size_t{1} << 30) return Status(Code::too_large, cat(place(), ": a line has over 1 GiB"));
    held_.resize(before + kBytes);
    const ssize_t got = ::read(fd_ ? fd_.get() : STDIN_FILENO, held_.data() + before, kBytes);
    held_.resize(before + static_cast<size_t>(got < 0 ? 0 : got));
    if (got < 0 && errno != EINTR) return errno_status("cannot read", files_[file_ - 1]);
    ended_ = got == 0;
    return {};
  }

  std::span<const std::string> files_;
  std::string field_;
  size_t file_ = 0;  // the next one
  Fd fd_;
  std::string held_;
  size_t at_ = 0;
  uint64_t line_ = 0;
  bool ended_ = true;
  Json value_;
};

// tokenizer_config.json, from which AutoTokenizer learns that tokenizer.json is all there is.
std::string config_json(const TrainedTokenizer& trained, std::string_view unk_token) {
  Json config{Json::Object{{"model_max_length", 1e30}, {"tokenizer_class", "PreTrainedTokenizerFast"}}};
  const std::pair<std::string_view, std::string_view> roles[] = {
      {"bos_token", "<s>"},     {"eos_token", "</s>"},    {"eos_token", "<|endoftext|>"}, {"pad_token", "<pad>"},
      {"pad_token", "[PAD]"},   {"unk_token", unk_token}, {"cls_token", "[CLS]"},         {"sep_token", "[SEP]"},
      {"mask_token", "[MASK]"}, {"mask_token", "<mask>"}};
  for (const auto& [role, token] : roles)
    if (!token.empty() && trained.tokenizer.token_to_id(token)) config.set(role, token);
  return config.dump(2) + "\n";
}

Status check_size(const TrainedTokenizer& trained, int64_t asked) {
  if (trained.words == 0) return Status(Code::bad_input, "the files have no text to train on");
  if (trained.tokenizer.vocab_size() <= asked || trained.merges > 0) return {};
  return Status(Code::bad_input,
                cat("--vocab-size ", asked, " is too small: the alphabet and the special tokens alone are ",
                    trained.tokenizer.vocab_size(), "; give more, or --limit-alphabet"));
}

Status run_checked(const Arguments& arguments, Terminal& terminal) {
  const auto files = arguments.positional();
  const auto output = TRY(Output::make(arguments, terminal));
  if (files.empty()) return Status(Code::bad_input, cat("train-tokenizer takes ", kUsage));
  const std::string out(arguments.get("out"));
  if (out.empty())
    return Status(Code::bad_input, "--out says where the tokenizer goes: a folder, or a file ending .json");
  auto wanted = TRY(untrained(arguments));
  TRY(configure_json(arguments, wanted));
  TRY(std::visit([&](auto& t) { return configure(arguments, t); }, wanted.trainer));
  TRY(std::visit([&](auto& t) { return configure_kind(arguments, t); }, wanted.trainer));

  std::optional<Progress> bar;
  const TrainingOptions options{
      .progress =
          [&](const TrainingProgress& p) {
            if (p.stage == "Read files") {  // in bytes; the others count words, steps, tokens
              if (!bar) bar.emplace(terminal, std::string(p.stage), p.total);
              return bar->set(p.done);
            }
            bar.reset();
            terminal.status_line(p.total == 0 ? cat(p.stage, "  ", p.done) : cat(p.stage, "  ", p.done, "/", p.total));
          },
      .threads = static_cast<int>(TRY(arguments.get_int("threads", 0, 0, 1024))),
      .renew_post_processor = true};
  const auto stop = interrupted();
  Fields fields(files, std::string(arguments.get("field")));
  auto done = arguments.has("field") ? train_from_iterator(
                                           wanted.json, wanted.trainer, [&] { return fields.next(); }, options, stop)
                                     : train(wanted.json, wanted.trainer, files, options, stop);
  bar.reset();
  const auto trained = TRY(std::move(done));
  TRY(check_size(trained, std::visit([](const auto& t) { return t.vocab_size; }, wanted.trainer)));

  if (out.ends_with(".json")) {
    TRY(write_file(out, trained.json));
  } else {
    const auto json = TRY(Json::parse(wanted.json));
    const auto* unigram = std::get_if<UnigramTrainer>(&wanted.trainer);
    const std::string unk(unigram != nullptr ? unigram->unk_token.value_or("")
                                             : std::string(json["model"]["unk_token"].as_string()));
    TRY(make_folders(out));
    TRY(write_file(path_join(out, "tokenizer.json"), trained.json));
    TRY(write_file(path_join(out, "tokenizer_config.json"), config_json(trained, unk)));
  }
  output.result(cat("Trained on ", trained.words, " words"),
                Json::Object{{"path", out},
                             {"vocab_size", trained.tokenizer.vocab_size()},
                             {"words", trained.words},
                             {"merges", trained.merges}});
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = run_checked(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

constexpr Option kOptions[] = {
    {"byte-level", "", "Cut and spell the text as GPT-2 does: the same as --pre-tokenizer byte-level."},
    {"continuing-subword-prefix", "TEXT", "Begins each piece that begins no word (bpe; wordpiece, where it is ##)."},
    {"end-of-word-suffix", "TEXT", "Ends each piece that ends a word (bpe, wordpiece)."},
    {"field", "NAME", "The files hold JSON lines; the text of each is under NAME."},
    kJsonOption,
    kFormatOption,
    {"initial-alphabet", "LETTERS", "Characters that are kept even if no text has them."},
    {"like", "REPO_OR_FILE", "All but the vocabulary is as another tokenizer has it, its special tokens too."},
    {"limit-alphabet", "N", "Keep the N most frequent characters (bpe, wordpiece)."},
    {"max-piece-length", "N", "The longest piece, in characters (unigram: 16)."},
    {"max-token-length", "N", "The longest token, in characters (bpe)."},
    {"min-frequency", "N", "Merge no pair, keep no word, that comes less often (0)."},
    {"model", "KIND", "bpe (the default), wordpiece, unigram or wordlevel."},
    {"n-sub-iterations", "N", "Rounds of expectation and maximization before pieces go (unigram: 2)."},
    {"out", "PATH", "Where it goes: a folder, or a file that ends .json."},
    {"pre-tokenizer", "NAME",
     "How text becomes words: byte-level (bpe's), bert (wordpiece's), metaspace (unigram's), whitespace (wordlevel's) "
     "or none."},
    kQuietOption,
    {"shrinking-factor", "X", "The share of the pieces that stays in each round (unigram: 0.75)."},
    {"special-tokens", "A,B", "Tokens that come first and are never cut."},
    {"threads", "N", "As many threads; all cores unasked."},
    kTokenOption,
    {"unk-token", "TEXT", "The unknown token (unigram <unk>; wordpiece and wordlevel [UNK]; bpe none)."},
    {"vocab-size", "N", "How many tokens (30000; unigram 8000)."},
};
constexpr Command kRows[] = {{
    .verb = "train-tokenizer",
    .usage = kUsage,
    .summary = "Train a tokenizer on texts.",
    .options = kOptions,
    .help =
        "Each line of a FILE is a text; '-' is standard input. The tokenizer is written when the training is done: an "
        "interrupted one leaves nothing. A folder loads with Python's AutoTokenizer.\n\n"
        "Examples\n"
        "  $ hearth train-tokenizer corpus.txt --vocab-size 32000 --special-tokens \"<|endoftext|>\" --out "
        "my-tokenizer\n"
        "  $ hearth train-tokenizer data.jsonl --field text --model unigram --vocab-size 8000 --out tokenizer.json\n"
        "  $ hearth train-tokenizer corpus.txt --like alice/my-model --vocab-size 16000 --out my-tokenizer\n",
    .run = run,
}};

}  // namespace

extern constinit const Commands train_tokenizer_entry{Group::files, "train-tokenizer", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
