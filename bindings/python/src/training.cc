// Tokenizer.train: the options come as JSON from hearth_tokenizers/trainers.py, the texts from files or from Python.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "base/json.h"
#include "base/text.h"
#include "encoding.h"
#include "tokenizers/trainer.h"

namespace hearth::python {

namespace {

std::optional<int64_t> number(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.as_int());
}
std::optional<std::string> string(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(std::string(json.as_string()));
}

template <class T>
T read(const Json& o) {
  T out;
  out.vocab_size = o["vocab_size"].as_int();
  out.show_progress = o["show_progress"].as_bool();
  for (const auto& token : o["special_tokens"].array())
    out.special_tokens.push_back(check(added_token_of(token, "special_tokens")));
  if constexpr (requires { out.min_frequency; }) out.min_frequency = o["min_frequency"].as_int();
  if constexpr (requires { out.initial_alphabet; }) {
    const auto letters = o["initial_alphabet"].as_string();
    for (size_t at = 0; at < letters.size();) out.initial_alphabet += utf8_next(letters, at);
  }
  if constexpr (requires { out.continuing_subword_prefix; }) {
    out.limit_alphabet = number(o["limit_alphabet"]);
    out.continuing_subword_prefix = string(o["continuing_subword_prefix"]);
    out.end_of_word_suffix = string(o["end_of_word_suffix"]);
  }
  if constexpr (requires { out.max_token_length; }) out.max_token_length = number(o["max_token_length"]);
  if constexpr (requires { out.shrinking_factor; }) {
    out.shrinking_factor = o["shrinking_factor"].as_double();
    out.unk_token = string(o["unk_token"]);
    out.max_piece_length = o["max_piece_length"].as_int();
    out.n_sub_iterations = o["n_sub_iterations"].as_int();
  }
  return out;
}

Trainer read_trainer(const Json& options) {
  const auto type = options["type"].as_string();
  if (type == "BPE") return read<BpeTrainer>(options);
  if (type == "WordPiece") return read<WordPieceTrainer>(options);
  if (type == "Unigram") return read<UnigramTrainer>(options);
  return read<WordLevelTrainer>(options);
}

// The tokenizer.json of the trained tokenizer. The GIL is taken for each text of an iterator, and else free.
std::string train_json(std::string_view tokenizer_json, std::string_view options,
                       const std::optional<std::vector<std::string>>& files, nb::object texts) {
  const auto trainer = read_trainer(check(Json::parse(options)));
  std::optional<nb::python_error> failed;
  nb::object text;  // keeps its letters until the next call
  const NextText next = [&]() -> Result<std::optional<std::string_view>> {
    const nb::gil_scoped_acquire hold;
    text = nb::steal(PyIter_Next(texts.ptr()));
    if (text.is_valid()) {
      if (const auto found = letters(text)) return found;
      PyErr_SetString(PyExc_TypeError, "the iterator gives something else than str");
    }
    if (!PyErr_Occurred()) return std::optional<std::string_view>();
    failed.emplace();
    return Status(Code::cancelled, "the iterator failed");
  };
  auto trained = [&] {
    const nb::gil_scoped_release free;
    return files ? train(tokenizer_json, trainer, *files) : train_from_iterator(tokenizer_json, trainer, next);
  }();
  if (failed) throw nb::python_error(*failed);
  return check(std::move(trained)).json;
}

}  // namespace

void bind_training(nb::module_& m) {
  m.def("train", &train_json, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
}

}  // namespace hearth::python
