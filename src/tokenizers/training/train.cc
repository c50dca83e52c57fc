// Training from texts to tokenizer.json. Source: tokenizers 0.23 tokenizer/mod.rs TokenizerImpl::train,
// train_from_files.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "tokenizers/auto/backend.h"
#include "tokenizers/pipeline/byte_alphabet.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/trainer.h"
#include "tokenizers/training/learnt.h"
#include "tokenizers/training/word_counter.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

constexpr size_t kReadBytes = size_t{4} << 20;
constexpr size_t kLineMax = size_t{1} << 30;

std::string_view model_type(const BpeTrainer&) {
  return "BPE";
}
std::string_view model_type(const WordPieceTrainer&) {
  return "WordPiece";
}
std::string_view model_type(const UnigramTrainer&) {
  return "Unigram";
}
std::string_view model_type(const WordLevelTrainer&) {
  return "WordLevel";
}

Status at_least(std::string_view option, int64_t value, int64_t low) {
  if (value >= low && value <= INT32_MAX) return {};
  return Status(Code::bad_input, cat(option, " is ", value, ": must be from ", low, " to ", INT32_MAX));
}

Status check_text(std::string_view option, std::string_view text) {
  if (is_utf8(text)) return {};
  return Status(Code::bad_input, cat(option, " is not UTF-8"));
}

template <class T>
Status check(const T& trainer) {
  TRY(at_least("vocab_size", trainer.vocab_size, 0));
  for (const auto& token : trainer.special_tokens) TRY(check_text("a special token", token.content));
  if constexpr (requires { trainer.min_frequency; }) TRY(at_least("min_frequency", trainer.min_frequency, 0));
  if constexpr (requires { trainer.limit_alphabet; }) {
    if (trainer.limit_alphabet) TRY(at_least("limit_alphabet", *trainer.limit_alphabet, 0));
    TRY(check_text("continuing_subword_prefix", trainer.continuing_subword_prefix.value_or("")));
    TRY(check_text("end_of_word_suffix", trainer.end_of_word_suffix.value_or("")));
  }
  if constexpr (requires { trainer.max_token_length; })
    if (trainer.max_token_length) TRY(at_least("max_token_length", *trainer.max_token_length, 0));
  if constexpr (requires { trainer.initial_alphabet; }) {
    for (const char32_t c : trainer.initial_alphabet)
      if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return Status(Code::bad_input, cat("initial_alphabet: ", static_cast<uint32_t>(c), " is no character"));
  }
  if constexpr (std::is_same_v<T, UnigramTrainer>) {
    TRY(at_least("max_piece_length", trainer.max_piece_length, 1));
    TRY(at_least("n_sub_iterations", trainer.n_sub_iterations, 1));
    TRY(check_text("unk_token", trainer.unk_token.value_or("")));
    if (!(trainer.shrinking_factor > 0 && trainer.shrinking_factor < 1))
      return Status(Code::bad_input, "shrinking_factor must be above 0 and below 1");
  }
  return {};
}

// The tokenizer before it is trained.
struct Untrained {
  Json json;
  WordCutter cutter;

  static Result<Untrained> make(std::string_view text, const Trainer& trainer) {
    TRY(std::visit([](const auto& t) { return check(t); }, trainer));
    Untrained out{TRY(Json::parse(text)), {}};
    const ConfigView root(out.json, "");
    if (!out.json.is_object()) return root.bad("a tokenizer.json is an object");
    const auto wanted = std::visit([](const auto& t) { return model_type(t); }, trainer);
    const auto type = TRY(root["model"].string("type"));
    if (type != wanted)
      return root["model"].bad(cat("its type is '", type, "', but the trainer is for '", wanted, "'"));
    out.cutter = TRY(WordCutter::make(root));
    return out;
  }
};

// The model's options without its vocabulary, which may be large.
Json options_of(const Json& model) {
  Json::Object out;
  for (const auto& [key, value] : model.object())
    if (key != "vocab" && key != "merges") out.emplace_back(key, value);
  return out;
}

Result<TokenId> new_id(const Backend& backend, std::string_view token) {
  if (const auto id = backend.token_to_id(token)) return *id;
  return Status(Code::bad_input, cat("the post-processor uses '", printable(token),
                                     "', which the new vocabulary does not have: make it a special token"));
}

// Source: transformers 5.23.0 tokenization_utils_tokenizers.py train_new_from_iterator. Differs: there a
// post-processor inside a Sequence keeps the old ids; here it gets the new ones too.
Status renew_post_processor(const Backend& backend, Json& processor) {
  for (const std::string_view role : {"cls", "sep"}) {
    const auto token = std::string(processor[role].size() > 0 ? processor[role].array()[0].as_string() : "");
    if (token.empty()) continue;
    const TokenId id = TRY(new_id(backend, token));
    processor.set(role, Json::Array{token, id});
  }
  Json::Object renewed;
  for (auto [name, row] : processor["special_tokens"].object()) {
    Json::Array ids;
    for (const auto& token : row["tokens"].array()) {
      const TokenId id = TRY(new_id(backend, token.as_string()));
      ids.emplace_back(id);
    }
    row.set("ids", std::move(ids));
    renewed.emplace_back(name, std::move(row));
  }
  if (!renewed.empty()) processor.set("special_tokens", std::move(renewed));
  Json::Array steps = processor["processors"].array();
  for (auto& step : steps) TRY(renew_post_processor(backend, step));
  if (!steps.empty()) processor.set("processors", std::move(steps));
  return {};
}

Status renew_post_processor(Backend& backend) {
  return renew_post_processor(backend, backend.post_processor);
}

Result<TrainedTokenizer> finish(const Untrained& untrained, const Trainer& trainer, WordCounter& counter, Meter& meter,
                                bool renew) {
  const auto words = TRY(counter.finish());
  auto learnt = TRY(
      std::visit([&](const auto& t) { return learn(words, t, options_of(untrained.json["model"]), meter); }, trainer));
  Backend backend;
  backend.normalizer = untrained.json["normalizer"];
  backend.pre_tokenizer = untrained.json["pre_tokenizer"];
  backend.post_processor = untrained.json["post_processor"];
  backend.decoder = untrained.json["decoder"];
  TRY(backend.set_model(std::move(learnt.config)));
  TRY(backend.add_tokens_of_file({untrained.json["added_tokens"], "added_tokens"}));
  auto special = std::visit([](const auto& any) { return any.special_tokens; }, trainer);
  for (auto& token : special) token.special = true;
  backend.add_tokens(special);
  if (renew) TRY(renew_post_processor(backend));
  auto json = backend.to_json();
  return TrainedTokenizer{.tokenizer = Tokenizer(TRY(backend.take_parts())),
                          .json = std::move(json),
                          .words = static_cast<int64_t>(words.total()),
                          .merges = learnt.merges};
}

bool is_shown(const Trainer& trainer) {
  return std::visit([](const auto& t) { return t.show_progress; }, trainer);
}

// Hands on whole lines; what is left of one waits for its rest.
Status read_lines(const std::string& file, WordCounter& counter, Meter& meter, uint64_t& done) {
  Fd opened;
  if (file != "-") opened = TRY(open_read(file));
  const int fd = file == "-" ? STDIN_FILENO : opened.get();
  const std::string name = file == "-" ? "standard input" : file;
  std::string held;
  uint64_t begin = 0;  // where `held` begins in the file
  while (true) {
    const size_t before = held.size();
    held.resize(before + kReadBytes);
    const ssize_t got = ::read(fd, held.data() + before, kReadBytes);
    held.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    TRY(meter.advance(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_status("cannot read", name);
    if (got == 0) break;
    done += static_cast<uint64_t>(got);
    const size_t line_end = std::string_view(held).substr(before).rfind('\n');
    if (line_end == std::string::npos) {
      if (held.size() > kLineMax) return Status(Code::too_large, cat(name, ": a line has over 1 GiB"));
      continue;
    }
    std::string rest = held.substr(before + line_end + 1);
    held.resize(before + line_end + 1);
    const size_t size = held.size();
    TRY(counter.add_lines(std::move(held), name, begin));
    begin += size;
    held = std::move(rest);
  }
  return held.empty() ? Status() : counter.add_lines(std::move(held), name, begin);
}

}  // namespace

std::u32string byte_level_alphabet() {
  return {kByteAlphabet.of_byte.begin(), kByteAlphabet.of_byte.end()};
}

Result<TrainedTokenizer> train_from_iterator(std::string_view tokenizer_json, const Trainer& trainer,
                                             const NextText& next, const TrainingOptions& options,
                                             std::stop_token stop) {
  const auto untrained = TRY(Untrained::make(tokenizer_json, trainer));
  Meter meter(options, is_shown(trainer), std::move(stop));
  WordCounter counter(untrained.cutter, options.threads);
  meter.begin("Read texts", 0);
  uint64_t number = 0;
  for (;; ++number) {
    const auto text = TRY(next());
    if (!text) break;
    TRY(counter.add_text(*text, number));
    TRY(meter.advance(number));
  }
  meter.finish(number);
  return finish(untrained, trainer, counter, meter, options.renew_post_processor);
}

Result<TrainedTokenizer> train(std::string_view tokenizer_json, const Trainer& trainer,
                               std::span<const std::string> files, const TrainingOptions& options,
                               std::stop_token stop) {
  const auto untrained = TRY(Untrained::make(tokenizer_json, trainer));
  Meter meter(options, is_shown(trainer), std::move(stop));
  uint64_t total = 0;
  for (const auto& file : files) total += file == "-" ? 0 : TRY(file_size(file));
  WordCounter counter(untrained.cutter, options.threads);
  meter.begin("Read files", total);
  uint64_t done = 0;
  for (const auto& file : files) TRY(read_lines(file, counter, meter, done));
  meter.finish(done);
  return finish(untrained, trainer, counter, meter, options.renew_post_processor);
}

}  // namespace hearth
