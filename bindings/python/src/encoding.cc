#include "encoding.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace hearth::python {

namespace {

constexpr const char* kTextWanted = "TextInputSequence must be str";
constexpr const char* kWordsWanted = "PreTokenizedInputSequence must be Union[List[str], Tuple[str]]";
constexpr const char* kEntryWanted =
    "TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]";
constexpr const char* kWordsEntryWanted =
    "PreTokenizedEncodeInput must be Union[PreTokenizedInputSequence, Tuple[PreTokenizedInputSequence, "
    "PreTokenizedInputSequence]]";

bool is_list(nb::handle object) {
  return PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
}

// A sequence of str that is no list: a NumPy array.
bool is_array(nb::handle object) {
  return !PyUnicode_Check(object.ptr()) && !PyBytes_Check(object.ptr()) && PySequence_Check(object.ptr()) &&
         nb::hasattr(object, "dtype");
}

bool all_str(nb::handle sequence) {
  PyObject* s = sequence.ptr();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(s); ++i)
    if (!PyUnicode_Check(PySequence_Fast_GET_ITEM(s, i))) return false;
  return true;
}

// Padding is spelt as the caller says, even where the vocabulary has another text for its id.
void spell_padding(Encoding& e, size_t before, Side side, std::string_view pad_token, const Tokenizer* tokenizer) {
  if (e.size() == before) return;
  const size_t begin = side == Side::left ? 0 : before, count = e.size() - before;
  std::vector<SpeltToken> pads;
  if (tokenizer != nullptr) {
    const Encoding one{.ids = {e.ids[begin]}};
    if (tokenizer->token_text(one, 0) == pad_token) return;
  }
  for (size_t i = begin; i < begin + count; ++i) pads.push_back({static_cast<uint32_t>(i), std::string(pad_token)});
  e.spelt.insert(side == Side::left ? e.spelt.begin() : e.spelt.end(), pads.begin(), pads.end());
}

void pad_one(Encoding& e, size_t length, const Padding& p, const Tokenizer* tokenizer) {
  std::vector<size_t> before;
  for (const auto& more : e.overflowing) before.push_back(more.size());
  const size_t size = e.size();
  e.pad(length, p.pad_id, p.pad_type_id, p.side);
  spell_padding(e, size, p.side, p.pad_token, tokenizer);
  for (size_t i = 0; i < before.size(); ++i) spell_padding(e.overflowing[i], before[i], p.side, p.pad_token, tokenizer);
}

/// Padding has places too where there was nothing before it, which Encoding::pad takes for an encoding without places.
void place_padding(Encoding& e) {
  e.offsets.resize(e.size());
  e.word_ids.resize(e.size(), -1);
  for (auto& more : e.overflowing) place_padding(more);
}

TextSpan sequence_range(const Encoding& e, size_t which) {
  if (which < 2 && e.sequences[which]) return *e.sequences[which];
  return {0, static_cast<uint32_t>(e.size())};
}

size_t sequence_count(const Encoding& e) {
  return std::max<size_t>(1, (e.sequences[0] ? 1 : 0) + (e.sequences[1] ? 1 : 0));
}

std::optional<size_t> token_to_sequence(const Encoding& e, size_t token) {
  if (token > e.size()) return std::nullopt;
  if (!e.sequences[0] && !e.sequences[1]) return 0;
  for (size_t i = 0; i < 2; ++i)
    if (e.sequences[i] && token >= e.sequences[i]->begin && token < e.sequences[i]->end) return i;
  return std::nullopt;
}

std::optional<TextSpan> word_to_tokens(const Encoding& e, uint32_t word, size_t which) {
  const auto range = sequence_range(e, which);
  std::optional<TextSpan> out;
  const auto wanted = static_cast<int64_t>(word);
  for (uint32_t i = range.begin; i < range.end && e.word_ids[i] <= wanted; ++i) {
    if (e.word_ids[i] != wanted) continue;
    if (!out) out = TextSpan{i, i};
    out->end = i + 1;
  }
  return out;
}

std::optional<size_t> char_to_token(const Encoding& e, size_t position, size_t which) {
  const auto range = sequence_range(e, which);
  for (uint32_t i = range.begin; i < range.end; ++i)
    if (position >= e.offsets[i].begin && position < e.offsets[i].end) return i;
  return std::nullopt;
}

// encoding.rs merge_with: `other`'s offsets go on where ours end, if they grow.
void append(Encoding& to, const Encoding& other, bool growing_offsets) {
  std::vector<Encoding> combined;
  const auto combine = [&](Encoding left, const Encoding& right) {
    append(left, right, growing_offsets);
    combined.push_back(std::move(left));
  };
  for (const auto& mine : to.overflowing) {
    combine(mine, other);
    for (const auto& theirs : other.overflowing) combine(mine, theirs);
  }
  for (const auto& theirs : other.overflowing) combine(to, theirs);
  Encoding more = other;
  more.overflowing.clear();
  to.overflowing.clear();
  const uint32_t shift = growing_offsets && !to.offsets.empty() ? to.offsets.back().end : 0;
  for (auto& span : more.offsets) span = {span.begin + shift, span.end + shift};
  to.append(more);
  to.overflowing = std::move(combined);
}

nb::object or_none(std::optional<size_t> value) {
  return value ? to_int(static_cast<int64_t>(*value)) : nb::none();
}
nb::object or_none(const std::optional<TextSpan>& span) {
  return span ? span_tuple(span->begin, span->end) : nb::none();
}

template <class T>
nb::object int_list(const std::vector<T>& values, size_t size, T otherwise) {
  if (!values.empty()) return make_list(size, [&](size_t i) { return to_int(values[i]); });
  const nb::object same = to_int(otherwise);
  return make_list(size, [&](size_t) { return same; });
}

nb::object word_list(PyEncoding& self) {
  const auto& e = self.aligned();
  return make_list(e.size(), [&](size_t i) { return e.word_ids[i] < 0 ? nb::none() : to_int(e.word_ids[i]); });
}

Json numbers(const auto& values, size_t size, int64_t otherwise) {
  Json::Array out;
  for (size_t i = 0; i < size; ++i) out.emplace_back(values.empty() ? otherwise : static_cast<int64_t>(values[i]));
  return out;
}

}  // namespace

void InputReader::read_sequence(nb::handle sequence, bool is_pretokenized, int which) {
  auto& slot = which == 0 ? held.text : held.pair;
  if (!is_pretokenized) {
    if (!letters(sequence)) raise(PyExc_TypeError, kTextWanted);
    slot = nb::borrow(sequence);
    return;
  }
  if (!is_list(sequence) && !is_array(sequence)) raise(PyExc_TypeError, kWordsWanted);
  slot = nb::steal(PySequence_Tuple(sequence.ptr()));  // a list could change meanwhile
  if (!slot.is_valid()) throw nb::python_error();
  auto& views = words[which];
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(slot.ptr()); ++i) {
    const auto word = letters(PyTuple_GET_ITEM(slot.ptr(), i));
    if (!word) raise(PyExc_TypeError, kWordsWanted);
    views.push_back(*word);
  }
}

void InputReader::read_entry(nb::handle entry, bool is_pretokenized) {
  if (!is_pretokenized && PyUnicode_Check(entry.ptr())) return read_sequence(entry, false, 0);
  const bool is_pair = is_list(entry) && PySequence_Fast_GET_SIZE(entry.ptr()) == 2;
  if (is_pretokenized && (is_array(entry) || (is_list(entry) && all_str(entry)))) return read_sequence(entry, true, 0);
  if (!is_pair) raise(PyExc_TypeError, is_pretokenized ? kWordsEntryWanted : kEntryWanted);
  for (int i : {0, 1}) read_sequence(PySequence_Fast_GET_ITEM(entry.ptr(), i), is_pretokenized, i);
}

EncodeInput InputReader::input() const {
  const auto text = [&](const nb::object& object, int which) {
    TextInput out;
    if (PyUnicode_Check(object.ptr())) {
      out.text = *letters(object);
    } else {
      out.words = words[which];
    }
    return out;
  };
  EncodeInput out{text(held.text, 0)};
  if (held.pair.is_valid()) out.pair = text(held.pair, 1);
  return out;
}

void pad_and_spell(std::span<Encoding> batch, const Padding& p, const Tokenizer* tokenizer) {
  size_t length = p.length.value_or(0);
  if (!p.length)
    for (const auto& e : batch) length = std::max(length, e.size());
  if (p.to_multiple_of > 0 && length % p.to_multiple_of > 0) length += p.to_multiple_of - length % p.to_multiple_of;
  for (auto& e : batch) pad_one(e, length, p, tokenizer);
}

Encoding& PyEncoding::aligned() {
  if (!input_.text.is_valid()) return encoding_;
  InputReader reader;
  reader.read_sequence(input_.text, !PyUnicode_Check(input_.text.ptr()), 0);
  if (input_.pair.is_valid()) reader.read_sequence(input_.pair, !PyUnicode_Check(input_.pair.ptr()), 1);
  auto options = options_;
  options.offsets = OffsetUnit::characters;
  auto again = check(tokenizer_->encode(reader.input(), options));
  if (padding_) {
    pad_one(again, encoding_.size(), *padding_, &*tokenizer_);
    place_padding(again);
  }
  VERIFY(again.ids == encoding_.ids, "a tokenizer gives a text the same ids with offsets and without");
  encoding_ = std::move(again);
  input_ = {};
  return encoding_;
}

nb::object PyEncoding::token(size_t index) {
  const auto& e = aligned();
  if (tokenizer_) return to_str(tokenizer_->token_text(e, index));
  return to_str(index < e.spelt.size() ? std::string_view(e.spelt[index].text) : std::string_view());
}

void PyEncoding::spell_all() {
  auto& e = aligned();
  const auto spell = [&](Encoding& one) {
    std::vector<SpeltToken> all;
    for (uint32_t i = 0; tokenizer_ && i < one.size(); ++i)
      all.push_back({i, std::string(tokenizer_->token_text(one, i))});
    if (tokenizer_) one.spelt = std::move(all);
  };
  spell(e);
  for (auto& more : e.overflowing) spell(more);
  tokenizer_.reset();
}

void PyEncoding::pad(size_t length, Side side, TokenId pad_id, int32_t pad_type_id, std::string_view pad_token) {
  const Padding padding{
      .pad_id = pad_id, .pad_type_id = pad_type_id, .pad_token = std::string(pad_token), .side = side};
  auto& whole = aligned();
  pad_one(whole, length, padding, tokenizer_ ? &*tokenizer_ : nullptr);
  place_padding(whole);
}

std::string PyEncoding::state() {
  const auto write = [&](const auto& self, const Encoding& e) -> Json {
    const size_t n = e.size();
    Json::Array tokens, words, offsets, overflowing;
    PyEncoding part(e, tokenizer_);
    for (size_t i = 0; i < n; ++i) {
      tokens.emplace_back(*letters(part.token(i)));
      words.push_back(e.word_ids.empty() || e.word_ids[i] < 0 ? Json() : Json(e.word_ids[i]));
      const auto span = e.offsets.empty() ? TextSpan{} : e.offsets[i];
      offsets.push_back(Json::Array{span.begin, span.end});
    }
    for (const auto& more : e.overflowing) overflowing.push_back(self(self, more));
    Json::Object ranges;
    for (size_t i = 0; i < 2; ++i) {
      if (e.sequences[i])
        ranges.push_back(
            {std::to_string(i), Json::Object{{"start", e.sequences[i]->begin}, {"end", e.sequences[i]->end}}});
    }
    return Json::Object{{"ids", numbers(e.ids, n, 0)},
                        {"type_ids", numbers(e.type_ids, n, 0)},
                        {"tokens", std::move(tokens)},
                        {"words", std::move(words)},
                        {"offsets", std::move(offsets)},
                        {"special_tokens_mask", numbers(e.special_tokens_mask, n, 0)},
                        {"attention_mask", numbers(e.attention_mask, n, 1)},
                        {"overflowing", std::move(overflowing)},
                        {"sequence_ranges", std::move(ranges)}};
  };
  return write(write, aligned()).dump();
}

void PyEncoding::set_state(std::string_view text) {
  const auto json = check(Json::parse(text));
  const auto read = [&](const auto& self, const Json& j) -> Encoding {
    Encoding e;
    const size_t n = j["ids"].size();
    for (const auto* key : {"type_ids", "tokens", "words", "offsets", "special_tokens_mask", "attention_mask"})
      if (j[key].size() != n) raise(PyExc_Exception, cat("Error while attempting to unpickle Encoding: ", key));
    for (uint32_t i = 0; i < n; ++i) {
      const auto number = [&](const char* key) { return j[key].array()[i].as_int(); };
      e.ids.push_back(static_cast<TokenId>(number("ids")));
      e.type_ids.push_back(static_cast<int32_t>(number("type_ids")));
      e.special_tokens_mask.push_back(static_cast<uint8_t>(number("special_tokens_mask")));
      e.attention_mask.push_back(static_cast<uint8_t>(number("attention_mask")));
      e.word_ids.push_back(static_cast<int32_t>(j["words"].array()[i].as_int(-1)));
      const auto& span = j["offsets"].array()[i].array();
      if (span.size() != 2) raise(PyExc_Exception, "Error while attempting to unpickle Encoding: offsets");
      e.offsets.push_back({static_cast<uint32_t>(span[0].as_int()), static_cast<uint32_t>(span[1].as_int())});
      e.spelt.push_back({i, std::string(j["tokens"].array()[i].as_string())});
    }
    for (size_t i = 0; i < 2; ++i) {
      const auto& range = j["sequence_ranges"][std::to_string(i)];
      const int64_t begin = range["start"].as_int(), end = range["end"].as_int();
      if (range.is_object() && begin >= 0 && begin <= end && end <= static_cast<int64_t>(n))
        e.sequences[i] = TextSpan{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    }
    for (const auto& more : j["overflowing"].array()) e.overflowing.push_back(self(self, more));
    return e;
  };
  *this = PyEncoding(read(read, json), std::nullopt);
}

PyEncoding PyEncoding::merge(std::vector<PyEncoding*> encodings, bool growing_offsets) {
  if (encodings.empty()) return {};
  const auto same = [&](const PyEncoding* e) {
    return e->tokenizer_ && encodings[0]->tokenizer_ && &e->tokenizer_->parts() == &encodings[0]->tokenizer_->parts();
  };
  if (!std::all_of(encodings.begin(), encodings.end(), same))
    for (auto* e : encodings) e->spell_all();
  PyEncoding out(encodings[0]->aligned(), encodings[0]->tokenizer_);
  for (size_t i = 1; i < encodings.size(); ++i) append(out.encoding_, encodings[i]->aligned(), growing_offsets);
  return out;
}

nb::object wrap(Encoding encoding, const Tokenizer& tokenizer, HeldInput held, const EncodeOptions& options,
                std::shared_ptr<const Padding> padding) {
  return nb::cast(PyEncoding(std::move(encoding), tokenizer, std::move(held), options, std::move(padding)));
}

void bind_encoding(nb::module_& m) {
  nb::class_<PyEncoding>(m, "Encoding", "What a Tokenizer makes of a text: ids, tokens, masks, offsets.")
      .def(nb::init<>())
      .def("__len__", [](const PyEncoding& self) { return self.ids().size(); })
      .def("__repr__",
           [](const PyEncoding& self) {
             return cat("Encoding(num_tokens=", self.ids().size(),
                        ", attributes=[ids, type_ids, tokens, offsets, attention_mask, special_tokens_mask, "
                        "overflowing])");
           })
      .def("__getstate__",
           [](PyEncoding& self) {
             const auto state = self.state();
             return nb::bytes(state.data(), state.size());
           })
      .def("__setstate__",
           [](PyEncoding& self, const nb::bytes& state) {
             new (&self) PyEncoding();
             self.set_state({static_cast<const char*>(state.data()), state.size()});
           })
      .def_prop_ro(
          "ids",
          [](const PyEncoding& self) {
            const auto& e = self.ids();
            return make_list(e.size(), [&](size_t i) { return to_int(e.ids[i]); });
          },
          nb::sig("def ids(self) -> list[int]"), "The ids.")
      .def_prop_ro(
          "type_ids", [](const PyEncoding& self) { return int_list(self.ids().type_ids, self.ids().size(), 0); },
          nb::sig("def type_ids(self) -> list[int]"),
          "Which segment each id is of, as the post-processor numbers them.")
      .def_prop_ro(
          "attention_mask",
          [](const PyEncoding& self) { return int_list<uint8_t>(self.ids().attention_mask, self.ids().size(), 1); },
          nb::sig("def attention_mask(self) -> list[int]"), "1, and 0 for padding.")
      .def_prop_ro(
          "special_tokens_mask",
          [](const PyEncoding& self) {
            return int_list<uint8_t>(self.ids().special_tokens_mask, self.ids().size(), 0);
          },
          nb::sig("def special_tokens_mask(self) -> list[int]"), "1 for what the post-processor or padding added.")
      .def_prop_ro(
          "tokens",
          [](PyEncoding& self) { return make_list(self.ids().size(), [&](size_t i) { return self.token(i); }); },
          nb::sig("def tokens(self) -> list[str]"), "The tokens as the vocabulary spells them.")
      .def_prop_ro(
          "offsets",
          [](PyEncoding& self) {
            const auto& e = self.aligned();
            return make_list(e.size(), [&](size_t i) { return span_tuple(e.offsets[i].begin, e.offsets[i].end); });
          },
          nb::sig("def offsets(self) -> list[tuple[int, int]]"),
          "Where each token comes from: the characters [begin, end) of its text.")
      .def_prop_ro("word_ids", word_list, nb::sig("def word_ids(self) -> list[int | None]"),
                   "The word of its text that each token is of; None for special tokens.")
      .def_prop_ro("words", word_list, nb::sig("def words(self) -> list[int | None]"), "The older name of word_ids.")
      .def_prop_ro(
          "sequence_ids",
          [](const PyEncoding& self) {
            const auto& e = self.ids();
            std::vector<int> ids(e.size(), -1);
            for (size_t s = 0; s < sequence_count(e); ++s) {
              const auto range = sequence_range(e, s);
              for (uint32_t i = range.begin; i < range.end; ++i) ids[i] = static_cast<int>(s);
            }
            return make_list(ids.size(), [&](size_t i) { return ids[i] < 0 ? nb::none() : to_int(ids[i]); });
          },
          nb::sig("def sequence_ids(self) -> list[int | None]"),
          "The text that each token is of, 0 or 1; None for special tokens.")
      .def_prop_ro(
          "n_sequences", [](const PyEncoding& self) { return sequence_count(self.ids()); },
          nb::sig("def n_sequences(self) -> int"), "How many texts it is of, 1 or 2.")
      .def_prop_ro(
          "overflowing",
          [](PyEncoding& self) {
            if (self.ids().overflowing.empty()) return nb::object(nb::list());
            const auto& e = self.aligned();
            return make_list(e.overflowing.size(),
                             [&](size_t i) { return nb::cast(PyEncoding(e.overflowing[i], self.tokenizer())); });
          },
          nb::sig("def overflowing(self) -> list[Encoding]"), "What truncation cut off, one Encoding after another.")
      .def_prop_ro(
          "ids_array",
          [](nb::handle self) {
            const auto& ids = nb::cast<PyEncoding&>(self).ids().ids;
            return nb::cast(nb::ndarray<nb::numpy, const int32_t, nb::ndim<1>>(ids.data(), {ids.size()}),
                            nb::rv_policy::copy);
          },
          "The ids as a NumPy array of int32.", nb::sig("def ids_array(self) -> numpy.typing.NDArray[numpy.int32]"))
      .def(
          "set_sequence_id",
          [](PyEncoding& self, size_t sequence_id) {
            if (sequence_id > 1) raise(PyExc_ValueError, "sequence_id must be 0 or 1: a text and its pair");
            auto& e = self.aligned();
            e.sequences[sequence_id] = TextSpan{0, static_cast<uint32_t>(e.size())};
          },
          nb::arg("sequence_id"), nb::sig("def set_sequence_id(self, sequence_id: int) -> None"),
          "Declares all of it to be of the first (0) or second text (1).")
      .def(
          "token_to_sequence",
          [](const PyEncoding& self, nb::handle token_index) {
            return or_none(token_to_sequence(self.ids(), read_u32(token_index)));
          },
          nb::arg("token_index"), nb::sig("def token_to_sequence(self, token_index: int) -> int | None"),
          "The text that a token is of.")
      .def(
          "token_to_chars",
          [](PyEncoding& self, nb::handle token_index) {
            const size_t i = read_u32(token_index);
            const auto& e = self.aligned();
            return i < e.size() && token_to_sequence(e, i) ? span_tuple(e.offsets[i].begin, e.offsets[i].end)
                                                           : nb::none();
          },
          nb::arg("token_index"), nb::sig("def token_to_chars(self, token_index: int) -> tuple[int, int] | None"),
          "The characters [begin, end) that a token comes from.")
      .def(
          "token_to_word",
          [](PyEncoding& self, nb::handle token_index) {
            const size_t i = read_u32(token_index);
            const auto& e = self.aligned();
            return i < e.size() && token_to_sequence(e, i) && e.word_ids[i] >= 0 ? to_int(e.word_ids[i]) : nb::none();
          },
          nb::arg("token_index"), nb::sig("def token_to_word(self, token_index: int) -> int | None"),
          "The word that a token is of.")
      .def(
          "word_to_tokens",
          [](PyEncoding& self, nb::handle word_index, size_t sequence_index) {
            return or_none(word_to_tokens(self.aligned(), read_u32(word_index), sequence_index));
          },
          nb::arg("word_index"), nb::arg("sequence_index") = 0,
          nb::sig("def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None"),
          "The tokens [begin, end) of a word.")
      .def(
          "word_to_chars",
          [](PyEncoding& self, nb::handle word_index, size_t sequence_index) {
            const auto& e = self.aligned();
            const auto tokens = word_to_tokens(e, read_u32(word_index), sequence_index);
            return tokens ? span_tuple(e.offsets[tokens->begin].begin, e.offsets[tokens->end - 1].end) : nb::none();
          },
          nb::arg("word_index"), nb::arg("sequence_index") = 0,
          nb::sig("def word_to_chars(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None"),
          "The characters [begin, end) of a word.")
      .def(
          "char_to_token",
          [](PyEncoding& self, nb::handle char_pos, size_t sequence_index) {
            return or_none(char_to_token(self.aligned(), read_u32(char_pos), sequence_index));
          },
          nb::arg("char_pos"), nb::arg("sequence_index") = 0,
          nb::sig("def char_to_token(self, char_pos: int, sequence_index: int = 0) -> int | None"),
          "The token that a character became part of.")
      .def(
          "char_to_word",
          [](PyEncoding& self, nb::handle char_pos, size_t sequence_index) {
            const auto& e = self.aligned();
            const auto token = char_to_token(e, read_u32(char_pos), sequence_index);
            return token && token_to_sequence(e, *token) && e.word_ids[*token] >= 0 ? to_int(e.word_ids[*token])
                                                                                    : nb::none();
          },
          nb::arg("char_pos"), nb::arg("sequence_index") = 0,
          nb::sig("def char_to_word(self, char_pos: int, sequence_index: int = 0) -> int | None"),
          "The word that a character is in.")
      .def(
          "pad",
          [](PyEncoding& self, size_t length, std::string_view direction, nb::handle pad_id, nb::handle pad_type_id,
             std::string_view pad_token) {
            const auto side =
                read_side(direction, cat("Unknown `direction`: `", direction, "`. Use one of `left` or `right`"));
            self.pad(length, side, static_cast<TokenId>(read_u32(pad_id)), static_cast<int32_t>(read_u32(pad_type_id)),
                     pad_token);
          },
          nb::arg("length"), nb::arg("direction") = "right", nb::arg("pad_id") = 0, nb::arg("pad_type_id") = 0,
          nb::arg("pad_token") = "[PAD]",
          nb::sig("def pad(self, length: int, direction: str = 'right', pad_id: int = 0, pad_type_id: int = 0, "
                  "pad_token: str = '[PAD]') -> None"),
          "Adds padding up to `length`, here and to what overflows.")
      .def(
          "truncate",
          [](PyEncoding& self, size_t max_length, size_t stride, std::string_view direction) {
            const auto side = read_side(direction, cat("Invalid truncation direction value : ", direction));
            auto& e = self.aligned();
            if (max_length > 0 && max_length < e.size() && stride >= max_length) {
              raise(PyExc_ValueError,
                    cat("`stride` must be strictly less than `max_length` (", stride, " against ", max_length, ")"));
            }
            e.truncate(max_length, stride, side);
          },
          nb::arg("max_length"), nb::arg("stride") = 0, nb::arg("direction") = "right",
          nb::sig("def truncate(self, max_length: int, stride: int = 0, direction: str = 'right') -> None"),
          "Cuts it to `max_length`; the rest becomes `overflowing`, each piece sharing `stride` tokens with its "
          "neighbour.")
      .def_static(
          "merge", &PyEncoding::merge, nb::arg("encodings"), nb::arg("growing_offsets") = true,
          nb::sig("def merge(encodings: collections.abc.Sequence[Encoding], growing_offsets: bool = True) -> Encoding"),
          "One after another; the offsets go on growing, or stay.");
}

}  // namespace hearth::python
