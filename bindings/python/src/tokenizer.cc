// The hot half of Python's Tokenizer: encoding, decoding, the vocabulary. hearth_tokenizers/__init__.py adds the rest.
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "base/json.h"
#include "base/text.h"
#include "encoding.h"

namespace hearth::python {

namespace {

constexpr size_t kThreadBytes = 16 << 10;  // less text than this is not worth another thread

// TOKENIZERS_PARALLELISM and RAYON_NUM_THREADS as the original reads them.
size_t thread_count(size_t bytes) {
  if (const char* value = std::getenv("TOKENIZERS_PARALLELISM")) {
    const auto off = to_lower_ascii(value);
    for (const auto* word : {"", "off", "false", "f", "no", "n", "0"})
      if (off == word) return 1;
  }
  const char* wanted = std::getenv("RAYON_NUM_THREADS");
  const long named = wanted == nullptr ? 0 : std::strtol(wanted, nullptr, 10);
  const size_t most = named > 0 ? static_cast<size_t>(named) : std::max(1u, std::thread::hardware_concurrency());
  return std::min(most, bytes / kThreadBytes + 1);
}

class PyTokenizer {
 public:
  PyTokenizer(std::string_view json, bool whole)
      : editable_(check(whole ? EditableTokenizer::from_json(json) : EditableTokenizer::from_model(json))) {}

  Tokenizer now() { return check(editable_.tokenizer()); }
  EncodeOptions options(bool add_special_tokens) const {
    return {.add_special_tokens = add_special_tokens,
            .split_special_tokens = encode_special_tokens,
            .truncation = truncation};
  }

  nb::object encode(nb::handle sequence, nb::handle pair, bool is_pretokenized, bool add_special_tokens) {
    InputReader reader;
    reader.read_sequence(sequence, is_pretokenized, 0);
    if (!pair.is_none()) reader.read_sequence(pair, is_pretokenized, 1);
    const auto tokenizer = now();
    const auto o = options(add_special_tokens);
    const auto input = reader.input();
    const auto pads = padding;
    auto encoding = [&] {
      const nb::gil_scoped_release free;
      auto out = tokenizer.encode(input, o);
      if (out.ok() && pads) pad_and_spell({&*out, 1}, *pads, nullptr);
      return out;
    }();
    return wrap(check(std::move(encoding)), tokenizer, std::move(reader.held), o, pads);
  }

  std::vector<Encoding> encode_all(std::vector<InputReader>& readers, const Tokenizer& tokenizer,
                                   const EncodeOptions& o) {
    std::vector<EncodeInput> inputs;
    inputs.reserve(readers.size());
    size_t bytes = 0;
    for (const auto& reader : readers) {
      inputs.push_back(reader.input());
      bytes += inputs.back().text.text.size() + (inputs.back().pair ? inputs.back().pair->text.size() : 0);
      for (const auto& words : reader.words)
        for (const auto word : words) bytes += word.size();
    }
    const auto pads = padding;
    auto encodings = [&] {
      const nb::gil_scoped_release free;
      auto out = tokenizer.encode_batch(inputs, o, static_cast<int>(thread_count(bytes)));
      if (out.ok() && pads) pad_and_spell(*out, *pads, nullptr);
      return out;
    }();
    return check(std::move(encodings));
  }

  static std::vector<InputReader> read_batch(nb::handle input, bool is_pretokenized) {
    if (PyUnicode_Check(input.ptr())) raise(PyExc_TypeError, "Can't extract `str` to `Vec`");
    nb::object list = nb::steal(PySequence_Fast(input.ptr(), "the batch is not a sequence of texts"));
    if (!list.is_valid()) throw nb::python_error();
    std::vector<InputReader> out(static_cast<size_t>(PySequence_Fast_GET_SIZE(list.ptr())));
    for (size_t i = 0; i < out.size(); ++i)
      out[i].read_entry(PySequence_Fast_GET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i)), is_pretokenized);
    return out;
  }

  nb::object encode_batch(nb::handle input, bool is_pretokenized, bool add_special_tokens) {
    auto readers = read_batch(input, is_pretokenized);
    const auto tokenizer = now();
    const auto o = options(add_special_tokens);
    const auto pads = padding;
    auto encodings = encode_all(readers, tokenizer, o);
    return make_list(encodings.size(), [&](size_t i) {
      return wrap(std::move(encodings[i]), tokenizer, std::move(readers[i].held), o, pads);
    });
  }

  nb::object encode_batch_to_numpy(nb::handle input, bool is_pretokenized, bool add_special_tokens) {
    auto readers = read_batch(input, is_pretokenized);
    const auto encodings = encode_all(readers, now(), options(add_special_tokens));
    size_t total = 0;
    for (const auto& e : encodings) total += e.size();
    auto ids = std::make_unique<int32_t[]>(total);
    auto ends = std::make_unique<int64_t[]>(encodings.size() + 1);
    size_t at = 0;
    for (size_t i = 0; i < encodings.size(); ++i) {
      std::copy(encodings[i].ids.begin(), encodings[i].ids.end(), ids.get() + at);
      ends[i + 1] = static_cast<int64_t>(at += encodings[i].size());
    }
    const auto array = [](auto owned, size_t size) {
      using T = std::remove_reference_t<decltype(owned[0])>;
      T* data = owned.release();
      const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<T*>(p); });
      return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(data, {size}, owner));
    };
    return nb::make_tuple(array(std::move(ids), total), array(std::move(ends), encodings.size() + 1));
  }

  nb::object decode_batch(nb::handle sequences, bool skip_special_tokens) {
    if (PyUnicode_Check(sequences.ptr())) raise(PyExc_TypeError, "Can't extract `str` to `Vec`");
    std::vector<std::vector<TokenId>> all;
    for (nb::handle ids : nb::iter(sequences)) all.push_back(read_ids(ids));
    const auto tokenizer = now();
    std::vector<std::string> texts(all.size());
    {
      const nb::gil_scoped_release free;
      std::atomic<size_t> next{0};
      const auto work = [&] {
        for (size_t i; (i = next.fetch_add(1)) < all.size();)
          texts[i] = tokenizer.decode(all[i], {.skip_special_tokens = skip_special_tokens});
      };
      size_t count = 0;
      for (const auto& ids : all) count += ids.size();
      std::vector<std::jthread> helpers;
      while (helpers.size() + 1 < std::min(thread_count(count * 4), all.size())) helpers.emplace_back(work);
      work();
    }
    return make_list(texts.size(), [&](size_t i) { return to_str(texts[i]); });
  }

  nb::dict get_vocab(bool with_added_tokens) {
    nb::dict out;
    for (const auto& [text, id] : editable_.vocabulary(with_added_tokens)) out[to_str(text)] = id;
    return out;
  }

  nb::object post_process(PyEncoding& encoding, nb::handle pair, bool add_special_tokens) {
    std::vector<PyEncoding*> given{&encoding};
    if (!pair.is_none()) given.push_back(nb::cast<PyEncoding*>(pair));
    std::vector<Encoding> texts;
    for (auto* e : given) texts.push_back(e->aligned());
    auto o = options(add_special_tokens);
    o.offsets = OffsetUnit::characters;
    const auto tokenizer = now();
    Encoding out = check(hearth::post_process(tokenizer, std::move(texts), o));
    if (padding) pad_and_spell({&out, 1}, *padding, &tokenizer);
    return nb::cast(PyEncoding(std::move(out), tokenizer));
  }

  static PartKind kind(int number) { return static_cast<PartKind>(number); }
  std::string part(int number) { return editable_.part(kind(number)).dump(); }
  void set_part(int number, std::string_view json) {
    check(editable_.set_part(kind(number), check(Json::parse(json))));
  }

  EditableTokenizer editable_;
  std::optional<Truncation> truncation;
  std::shared_ptr<const Padding> padding;
  bool encode_special_tokens = false;
};

// The text of what is handed out; what was given first counts as read.
class PyDecodeStream {
 public:
  PyDecodeStream(PyTokenizer& tokenizer, const std::vector<TokenId>& ids, bool skip_special_tokens)
      : stream_(tokenizer.now(), {.skip_special_tokens = skip_special_tokens}) {
    std::string before;
    for (const auto id : ids) before += stream_.push(id);
    if (tokenizer.now().decode(ids, {.skip_special_tokens = skip_special_tokens}).ends_with("\uFFFD")) held_ = before;
  }
  nb::object step(nb::handle id) {
    std::string text;
    for (const auto one : PyIndex_Check(id.ptr()) ? read_ids(nb::make_tuple(id)) : read_ids(id))
      text += stream_.push(one);
    if (text.empty()) return nb::none();
    text.insert(0, held_);
    held_.clear();
    return to_str(text);
  }

 private:
  DecodeStream stream_;
  std::string held_;
};

}  // namespace

void bind_tokenizer(nb::module_& m) {
  using T = PyTokenizer;
  nb::class_<T>(m, "Tokenizer", nb::is_weak_referenceable())
      .def(nb::init<std::string_view, bool>(), nb::arg("json"), nb::arg("whole"))
      .def("encode", &T::encode, nb::arg("sequence"), nb::arg("pair").none() = nb::none(),
           nb::arg("is_pretokenized") = false, nb::arg("add_special_tokens") = true,
           nb::sig("def encode(self, sequence: str | collections.abc.Sequence[str], pair: str | "
                   "collections.abc.Sequence[str] | None = None, is_pretokenized: bool = False, add_special_tokens: "
                   "bool = True) -> Encoding"),
           "A text, or a text and its pair; with `is_pretokenized` each is a list of words.")
      .def("encode_batch", &T::encode_batch, nb::arg("input"), nb::arg("is_pretokenized") = false,
           nb::arg("add_special_tokens") = true,
           nb::sig("def encode_batch(self, input: collections.abc.Sequence, is_pretokenized: bool = False, "
                   "add_special_tokens: bool = True) -> list[Encoding]"),
           "Many texts, or tuples of a text and its pair, on all cores.")
      .def("encode_batch_fast", &T::encode_batch, nb::arg("input"), nb::arg("is_pretokenized") = false,
           nb::arg("add_special_tokens") = true,
           nb::sig("def encode_batch_fast(self, input: collections.abc.Sequence, is_pretokenized: bool = False, "
                   "add_special_tokens: bool = True) -> list[Encoding]"),
           "The same: here offsets cost nothing until they are read.")
      .def("encode_batch_to_numpy", &T::encode_batch_to_numpy, nb::arg("input"), nb::arg("is_pretokenized") = false,
           nb::arg("add_special_tokens") = true,
           "All ids in one array of int32, and where each text's end in it (int64, one more than texts, from 0).",
           nb::sig("def encode_batch_to_numpy(self, input: collections.abc.Sequence, is_pretokenized: bool = False, "
                   "add_special_tokens: bool = True) -> tuple[numpy.typing.NDArray[numpy.int32], "
                   "numpy.typing.NDArray[numpy.int64]]"))
      .def(
          "decode",
          [](T& self, nb::handle ids, bool skip) {
            return to_str(self.now().decode(read_ids(ids), {.skip_special_tokens = skip}));
          },
          nb::arg("ids"), nb::arg("skip_special_tokens") = true,
          nb::sig("def decode(self, ids: collections.abc.Sequence[int], skip_special_tokens: bool = True) -> str"),
          "The text of ids; those outside the vocabulary are left out.")
      .def("decode_batch", &T::decode_batch, nb::arg("sequences"), nb::arg("skip_special_tokens") = true,
           nb::sig("def decode_batch(self, sequences: collections.abc.Sequence[collections.abc.Sequence[int]], "
                   "skip_special_tokens: bool = True) -> list[str]"),
           "The texts of many lists of ids, on all cores.")
      .def(
          "token_to_id", [](const T& self, std::string_view token) { return self.editable_.token_to_id(token); },
          nb::arg("token"), "The id of a token, None where there is none.")
      .def(
          "id_to_token",
          [](T& self, nb::handle id) {
            const uint32_t number = read_u32(id);
            const auto tokenizer = self.now();
            const auto token = tokenizer.id_to_token(number > INT32_MAX ? -1 : static_cast<TokenId>(number));
            return token ? to_str(*token) : nb::none();
          },
          nb::arg("id"), nb::sig("def id_to_token(self, id: int) -> str | None"),
          "The token of an id, None where there is none.")
      .def("get_vocab", &T::get_vocab, nb::arg("with_added_tokens") = true,
           nb::sig("def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]"), "Every token and its id.")
      .def(
          "get_vocab_size", [](const T& self, bool added) { return self.editable_.vocab_size(added); },
          nb::arg("with_added_tokens") = true, "How many tokens there are.")
      .def(
          "num_special_tokens_to_add",
          [](T& self, bool is_pair) { return hearth::num_special_tokens_to_add(self.now(), is_pair); },
          nb::arg("is_pair"), "How many special tokens the post-processor adds to a text or pair.")
      .def("post_process", &T::post_process, nb::arg("encoding"), nb::arg("pair").none() = nb::none(),
           nb::arg("add_special_tokens") = true,
           nb::sig("def post_process(self, encoding: Encoding, pair: Encoding | None = None, add_special_tokens: bool "
                   "= True) -> Encoding"),
           "Truncation, special tokens and padding for what was encoded without.")
      .def_rw("encode_special_tokens", &T::encode_special_tokens, "True: a text that spells a special token is text.")
      .def("_part", &T::part)
      .def("_set_part", &T::set_part)
      .def("_model", [](const T& self) { return std::string(self.editable_.model_json()); })
      .def("_set_model", [](T& self, std::string_view json) { check(self.editable_.set_model(json)); })
      .def("_add_tokens",
           [](T& self, const std::string& content, bool single_word, bool lstrip, bool rstrip, bool normalized,
              bool special) {
             const AddedToken token{.content = content,
                                    .special = special,
                                    .single_word = single_word,
                                    .lstrip = lstrip,
                                    .rstrip = rstrip,
                                    .normalized = normalized};
             return self.editable_.add_tokens({&token, 1});
           })
      .def("_added_tokens",
           [](const T& self) {
             nb::list out;
             for (const auto& t : self.editable_.added_tokens())
               out.append(nb::make_tuple(t.id, t.content, t.single_word, t.lstrip, t.rstrip, t.normalized, t.special));
             return out;
           })
      .def(
          "_settings",
          [](const T& self) { return nb::make_tuple(self.editable_.truncation.dump(), self.editable_.padding.dump()); })
      .def(
          "_set_truncation",
          [](T& self, std::string_view json, std::optional<size_t> max_length, size_t stride, int strategy,
             bool is_left) {
            self.editable_.truncation = check(Json::parse(json));
            self.truncation.reset();
            if (max_length)
              self.truncation = Truncation{*max_length, stride, static_cast<TruncationStrategy>(strategy),
                                           is_left ? Side::left : Side::right};
          },
          nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg())
      .def(
          "_set_padding",
          [](T& self, std::string_view json, std::optional<size_t> length, size_t multiple, TokenId id, int32_t type,
             const std::string& token, bool is_left) {
            self.editable_.padding = check(Json::parse(json));
            self.padding = nullptr;
            if (!self.editable_.padding.is_null())
              self.padding = std::make_shared<const Padding>(
                  Padding{length, multiple, id, type, token, is_left ? Side::left : Side::right});
          },
          nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg())
      .def("_to_str", [](const T& self, bool pretty) { return self.editable_.to_json(pretty ? 2 : 0); });

  nb::class_<PyDecodeStream>(m, "DecodeStream")
      .def(nb::init<PyTokenizer&, const std::vector<TokenId>&, bool>())
      .def("step", &PyDecodeStream::step);

  nb::class_<TokenizerPart>(m, "Part")
      .def("__init__",
           [](TokenizerPart* self, int kind, std::string_view json) {
             new (self)
                 TokenizerPart(check(TokenizerPart::build(static_cast<PartKind>(kind), check(Json::parse(json)))));
           })
      .def("normalize_str", [](const TokenizerPart& p, std::string_view text) { return check(p.normalize(text)); })
      .def("pre_tokenize_str",
           [](const TokenizerPart& p, std::string_view text) {
             const auto pieces = check(p.pre_tokenize(text));
             return make_list(pieces.size(), [&](size_t i) {
               return nb::object(
                   nb::make_tuple(to_str(pieces[i].text), span_tuple(pieces[i].offsets.begin, pieces[i].offsets.end)));
             });
           })
      .def("decode", [](const TokenizerPart& p, std::vector<std::string> t) { return to_str(p.decode(std::move(t))); })
      .def("num_special_tokens_to_add", &TokenizerPart::num_special_tokens_to_add)
      .def(
          "process",
          [](const TokenizerPart& p, PyEncoding& encoding, PyEncoding* pair, bool add) {
            if (!encoding.tokenizer()) raise(PyExc_Exception, "an encoding without its tokenizer has no tokens to cut");
            std::vector<Encoding> texts{encoding.aligned()};
            if (pair != nullptr) texts.push_back(pair->aligned());
            return PyEncoding(p.process(std::move(texts), add, *encoding.tokenizer()), encoding.tokenizer());
          },
          nb::arg(), nb::arg().none(), nb::arg());
}

NB_MODULE(_core, m) {
  m.attr("__version__") = HEARTH_VERSION;
  bind_encoding(m);
  bind_tokenizer(m);
  bind_training(m);
}

}  // namespace hearth::python
