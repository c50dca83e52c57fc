// Encoding: one text's way through the parts, then truncation and the post-processor.
// Source: tokenizers tokenizer/mod.rs encode_single_sequence, post_process; tokenizer/pre_tokenizer.rs into_encoding.
#include <algorithm>
#include <atomic>
#include <thread>

#include "base/ascii.h"
#include "base/text.h"
#include "tokenizers/pipeline/pipeline.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

constexpr size_t kTextMax = size_t{1} << 31;
constexpr size_t kIdleMax = 8;  // scratches kept for the next calls

Status check(std::string_view text) {
  if (text.size() > kTextMax) return Status(Code::too_large, "a text to tokenize may have up to 2 GiB");
  if (const auto at = utf8_error(text); at != std::string_view::npos)
    return Status(Code::bad_input, cat("the text is not UTF-8: byte ", at, " begins no character"));
  return {};
}

// Offsets in bytes become offsets in characters. Offsets mostly grow, so each is counted from the one before. As in the
// original, one that begins beyond the text stays in bytes, and one that only ends beyond it has two characters,
// one inside a character is that one's: a model that spells a word's prefix in bytes gives more bytes than the text
// has.
void count_characters(std::string_view text, std::span<TextSpan> offsets) {
  size_t byte = 0;
  uint32_t character = 0;
  const auto begins_character = [&](size_t i) { return (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80; };
  const auto to_character = [&](uint32_t at) {
    while (byte < at) character += begins_character(byte++) ? 1 : 0;
    while (byte > at) character -= begins_character(--byte) ? 1 : 0;
    return at < text.size() && !begins_character(at) ? character - 1 : character;
  };
  for (auto& span : offsets) {
    if (span.begin >= text.size()) continue;
    span.begin = to_character(span.begin);
    span.end = span.end > text.size() ? span.begin + 2 : to_character(span.end);
  }
}

// A text without tokens had no offsets to show that they were asked for.
void fill_alignment(Encoding& e) {
  if (e.offsets.empty()) e.offsets.assign(e.size(), {});
  if (e.word_ids.empty()) e.word_ids.assign(e.size(), -1);
  for (auto& more : e.overflowing) fill_alignment(more);
}

}  // namespace

std::unique_ptr<Tokenizer::Parts::Scratch> Tokenizer::Parts::take_scratch() const {
  auto scratch = idle.with([](auto& list) {
    std::unique_ptr<Scratch> out;
    if (!list.empty()) {
      out = std::move(list.back());
      list.pop_back();
    }
    return out;
  });
  if (!scratch) {
    scratch = std::make_unique<Scratch>();
    scratch->model = model->scratch();
  }
  return scratch;
}

void Tokenizer::Parts::give_back(std::unique_ptr<Scratch> scratch) const {
  scratch->pieces.clear(false);
  idle.with([&](auto& list) {
    if (list.size() < kIdleMax) list.push_back(std::move(scratch));
  });
}

void Tokenizer::Parts::add_token(const AddedToken& token, TextView text, Scratch& s, Encoding& out) const {
  if (s.aligned) {
    if (text.text != this->token(token.id))
      out.spelt.push_back({static_cast<uint32_t>(out.ids.size()), std::string(text.text)});
    out.offsets.push_back(text.origin(0, text.size()));
    out.word_ids.push_back(s.word++);
  }
  out.ids.push_back(token.id);
}

Status Tokenizer::Parts::encode_plain(TextView text, Scratch& s, Encoding& out) const {
  auto& tokens = s.tokens;
  tokens.aligned = s.aligned;
  tokens.places.clear();
  tokens.spelt.clear();
  if (find_pieces != nullptr) {
    tokens.ids.swap(out.ids);  // the model appends to the ids themselves
    auto pieces = model->tokenize_text(text.text, find_pieces, *s.model, tokens);
    tokens.ids.swap(out.ids);
    const uint32_t count = TRY(std::move(pieces));
    for (const auto& place : tokens.places) {
      out.offsets.push_back(text.origin(place.begin, place.end));
      out.word_ids.push_back(s.word + static_cast<int32_t>(place.piece));
    }
    for (auto& token : tokens.spelt) out.spelt.push_back(std::move(token));
    s.word += static_cast<int32_t>(count);
    return {};
  }
  s.pieces.clear(s.aligned || (pre_tokenizer && pre_tokenizer->asks_start_of_pieces()));
  if (pre_tokenizer) {
    pre_tokenizer->split(text, s.pieces);
  } else {
    s.pieces.add(text);
  }
  tokens.ids.swap(out.ids);
  const size_t before = tokens.ids.size();
  auto status = model->tokenize(s.pieces.texts(), *s.model, tokens);
  tokens.ids.swap(out.ids);
  TRY(std::move(status));
  if (!s.aligned) return {};
  DVERIFY(tokens.places.size() == out.ids.size() - before, "a model gives each id its place");
  for (const auto& place : tokens.places) {
    const auto& piece = s.pieces[place.piece];
    const bool inside = place.end <= piece.size();
    s.beyond |= !inside;
    out.offsets.push_back(inside ? piece.origin(place.begin, place.end) : TextSpan{place.begin, place.end});
    out.word_ids.push_back(s.word + static_cast<int32_t>(place.piece));
  }
  for (auto& token : tokens.spelt) out.spelt.push_back(std::move(token));
  s.word += static_cast<int32_t>(s.pieces.size());
  return {};
}

Status Tokenizer::Parts::encode_section(TextView text, const EncodeOptions& options, Scratch& s, Encoding& out) const {
  if (normalizer && normalizer->may_change(text.text)) {
    s.normalized.assign(text, s.aligned || (pre_tokenizer && pre_tokenizer->asks_start()));
    normalizer->normalize(s.normalized);
    text = s.normalized.view();
  }
  if (added.normalized().empty()) return text.empty() ? Status() : encode_plain(text, s, out);
  s.inner.clear();
  added.normalized().cut(text.text, options.split_special_tokens, s.inner);
  for (const auto& section : s.inner) {
    const auto part = text.sub(section.begin, section.end);
    if (section.token != nullptr) {
      add_token(*section.token, part, s, out);
    } else {
      TRY(encode_plain(part, s, out));
    }
  }
  return {};
}

Status Tokenizer::Parts::encode_text(std::string_view text, const EncodeOptions& options, Scratch& s,
                                     Encoding& out) const {
  TRY(check(text));
  const size_t before = out.offsets.size();
  s.beyond = false;
  s.sections.clear();
  added.raw().cut(text, options.split_special_tokens, s.sections);
  const TextView whole{.text = text};
  for (const auto& section : s.sections) {
    const auto part = whole.sub(section.begin, section.end);
    if (section.token != nullptr) {
      add_token(*section.token, part, s, out);
    } else {
      TRY(encode_section(part, options, s, out));
    }
  }
  if (options.offsets == OffsetUnit::characters && (s.beyond || ascii_prefix(text) < text.size()))
    count_characters(text, std::span(out.offsets).subspan(before));
  return {};
}

std::string_view Tokenizer::Parts::text_of(const Encoding& encoding, size_t index) const {
  const auto by_index = [](const SpeltToken& token, size_t i) { return token.index < i; };
  const auto it = std::lower_bound(encoding.spelt.begin(), encoding.spelt.end(), index, by_index);
  if (it != encoding.spelt.end() && it->index == index) return it->text;
  return token(encoding.ids[index]).value_or("");
}

Result<std::vector<Encoding>> Tokenizer::encode_batch(std::span<const EncodeInput> inputs, const EncodeOptions& options,
                                                      int threads) const {
  const size_t n = inputs.size();
  const size_t wanted = threads > 0 ? static_cast<size_t>(threads) : std::max(1u, std::thread::hardware_concurrency());
  const size_t workers = std::clamp<size_t>(n, 1, wanted);
  // Short texts are taken several at a time, so that threads seldom meet, and few enough that all end together.
  const size_t block = std::clamp<size_t>(n / workers / 64, 1, 256);
  std::vector<Encoding> out(n);
  std::vector<Status> failed(n);
  std::atomic<size_t> next{0};
  const auto work = [&] {
    auto scratch = parts_->take_scratch();
    for (size_t begin; (begin = next.fetch_add(block, std::memory_order_relaxed)) < n;) {
      for (size_t i = begin; i < std::min(begin + block, n); ++i) {
        auto encoding = parts_->encode(inputs[i], options, *scratch);
        if (encoding.ok()) {
          out[i] = *std::move(encoding);
        } else {
          failed[i] = std::move(encoding).status().with(cat("input ", i));
        }
      }
    }
    parts_->give_back(std::move(scratch));
  };
  {
    std::vector<std::jthread> helpers;
    while (helpers.size() + 1 < workers) helpers.emplace_back(work);
    work();
  }
  for (auto& status : failed)
    if (!status.ok()) return std::move(status);
  return out;
}

Result<Encoding> Tokenizer::Parts::post_process(std::vector<Encoding> texts, const EncodeOptions& options) const {
  if (options.truncation) {
    auto truncation = *options.truncation;
    const size_t more =
        options.add_special_tokens && post_processor ? post_processor->added_tokens(texts.size() == 2) : 0;
    if (more > truncation.max_length && !truncation.is_lenient) {
      return Status(Code::bad_input, cat("truncation: max_length ", truncation.max_length, " has no room for the ",
                                         more, " special tokens"));
    }
    truncation.max_length -= std::min(more, truncation.max_length);
    TRY(truncate(texts, truncation));
  }
  Encoding out = join_texts(std::move(texts), options.add_special_tokens, post_processor.get());
  if (options.offsets != OffsetUnit::none) fill_alignment(out);
  return out;
}

Encoding Tokenizer::Parts::join_texts(std::vector<Encoding> texts, bool add_special_tokens,
                                      const PostProcessor* processor) const {
  for (size_t i = 0; i < texts.size() && (processor != nullptr || texts.size() == 2); ++i) {
    const auto mark = [&](Encoding& e) { e.sequences[i] = TextSpan{0, static_cast<uint32_t>(e.ids.size())}; };
    mark(texts[i]);
    if (processor == nullptr) continue;  // as the original: what was cut off does not learn which text it is of
    texts[i].type_ids.assign(i == 0 ? 0 : texts[i].size(), 1);
    for (auto& more : texts[i].overflowing) mark(more);
  }
  if (processor != nullptr) processor->process(texts, add_special_tokens, *this);
  Encoding out = std::move(texts.front());
  for (size_t i = 1; i < texts.size(); ++i) out.append(texts[i]);
  return out;
}

Result<Encoding> Tokenizer::Parts::encode(const EncodeInput& input, const EncodeOptions& options, Scratch& s) const {
  s.aligned = options.offsets != OffsetUnit::none;
  std::vector<Encoding> texts;
  const auto encode_one = [&](const TextInput& text) -> Status {
    auto& out = texts.emplace_back();
    s.word = 0;
    if (!text.words) {
      out.ids.reserve(text.text.size() / 4 + 8);
      TRY(encode_text(text.text, options, s, out));
    }
    for (size_t i = 0; text.words && i < text.words->size(); ++i) {
      const auto before = static_cast<ptrdiff_t>(out.word_ids.size());
      TRY(encode_text((*text.words)[i], options, s, out));
      std::fill(out.word_ids.begin() + before, out.word_ids.end(), static_cast<int32_t>(i));
    }
    out.special_tokens_mask.assign(out.ids.size(), 0);
    if (texts.size() == 2) out.type_ids.assign(out.ids.size(), 1);
    return {};
  };
  TRY(encode_one(input.text));
  if (input.pair) TRY(encode_one(*input.pair));
  return post_process(std::move(texts), options);
}

Result<Encoding> Tokenizer::encode(const EncodeInput& input, const EncodeOptions& options) const {
  auto scratch = parts_->take_scratch();
  auto out = parts_->encode(input, options, *scratch);
  parts_->give_back(std::move(scratch));
  return out;
}

std::string_view Tokenizer::token_text(const Encoding& encoding, size_t index) const {
  return parts_->text_of(encoding, index);
}

}  // namespace hearth
