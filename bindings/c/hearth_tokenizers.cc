// The C interface of the tokenizers: every function unwraps its handles, calls one function of the room, and turns a
// Status, or an exception on its way out, into a number and a message.
#include "hearth_tokenizers.h"

#include <cstring>
#include <exception>
#include <new>

#include "base/text.h"
#include "tokenizers/tokenizer.h"

struct hearth_tokenizer {
  hearth::Tokenizer tokenizer;
};
struct hearth_encoding {
  hearth::Encoding encoding;
};
struct hearth_decode_stream {
  hearth::DecodeStream stream;
  std::string text;  // what was handed out last
};

namespace {

using hearth::Code;
using hearth::Encoding;
using hearth::Status;

// A message must not fail for want of memory, so it has its place.
thread_local char message[1024];

hearth_status fail(hearth_status status, std::string_view text) {
  const size_t size = std::min(text.size(), sizeof message - 1);
  std::memcpy(message, text.data(), size);
  message[size] = '\0';
  return status;
}

hearth_status fail(const Status& status) {
  switch (status.code()) {
    case Code::not_found:
      return fail(HEARTH_NOT_FOUND, status.message());
    case Code::unsupported:
      return fail(HEARTH_UNSUPPORTED, status.message());
    case Code::io:
    case Code::forbidden:
      return fail(HEARTH_IO, status.message());
    case Code::internal:
      return fail(HEARTH_INTERNAL, status.message());
    default:
      return fail(HEARTH_BAD_INPUT, status.message());
  }
}

// Exceptions end here: the caller is not C++.
template <class Call>
hearth_status guarded(const Call& call) {
  try {
    const Status status = call();
    return status.ok() ? HEARTH_OK : fail(status);
  } catch (const std::bad_alloc&) {
    return fail(HEARTH_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(HEARTH_INTERNAL, error.what());
  }
}

Status refuse(std::string_view what) {
  return Status(Code::bad_input, std::string(what));
}

std::string_view view(hearth_text text) {
  return text.data == nullptr ? std::string_view() : std::string_view(text.data, text.size);
}

hearth_text text_of(std::string_view text) {
  return {text.data(), text.size()};
}

hearth::Result<hearth::EncodeOptions> read_options(const hearth_encode_options* given, int* threads = nullptr) {
  hearth_encode_options o = HEARTH_ENCODE_DEFAULTS;
  if (given != nullptr) {
    if (given->struct_size < sizeof(size_t) || given->struct_size > 4096)
      return refuse("options: struct_size is not set; begin with HEARTH_ENCODE_DEFAULTS");
    std::memcpy(&o, given, std::min(sizeof o, given->struct_size));
  }
  hearth::EncodeOptions out{.add_special_tokens = o.add_special_tokens != 0,
                            .split_special_tokens = o.split_special_tokens != 0};
  switch (o.offsets) {
    case HEARTH_OFFSETS_NONE:
      break;
    case HEARTH_OFFSETS_BYTES:
      out.offsets = hearth::OffsetUnit::bytes;
      break;
    case HEARTH_OFFSETS_CHARACTERS:
      out.offsets = hearth::OffsetUnit::characters;
      break;
    default:
      return refuse("options: offsets are none, bytes or characters");
  }
  if (o.max_length > 0) {
    out.truncation = hearth::Truncation{.max_length = o.max_length,
                                        .side = o.truncate_left != 0 ? hearth::Side::left : hearth::Side::right};
  }
  if (threads != nullptr) *threads = o.threads;
  return out;
}

std::unique_ptr<hearth_encoding> hold(Encoding encoding) {
  encoding.overflowing.clear();
  if (encoding.type_ids.empty()) encoding.type_ids.assign(encoding.size(), 0);
  return std::make_unique<hearth_encoding>(hearth_encoding{std::move(encoding)});
}

template <class T>
const T* data_or_null(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

static_assert(sizeof(hearth_span) == sizeof(hearth::TextSpan) && alignof(hearth_span) == alignof(hearth::TextSpan));

}  // namespace

int hearth_tokenizers_abi(void) {
  return HEARTH_TOKENIZERS_ABI;
}

const char* hearth_error_message(void) {
  return message;
}

hearth_status hearth_tokenizer_from_file(const char* path, hearth_tokenizer** tokenizer) {
  return guarded([&]() -> Status {
    if (path == nullptr) return refuse("path is NULL");
    *tokenizer = new hearth_tokenizer{TRY(hearth::Tokenizer::from_path(path))};
    return {};
  });
}

hearth_status hearth_tokenizer_from_json(hearth_text json, hearth_tokenizer** tokenizer) {
  return guarded([&]() -> Status {
    *tokenizer = new hearth_tokenizer{TRY(hearth::Tokenizer::from_json(view(json)))};
    return {};
  });
}

void hearth_tokenizer_free(hearth_tokenizer* tokenizer) {
  delete tokenizer;
}

int64_t hearth_vocab_size(const hearth_tokenizer* tokenizer) {
  return tokenizer->tokenizer.vocab_size();
}

int32_t hearth_token_to_id(const hearth_tokenizer* tokenizer, hearth_text token) {
  return tokenizer->tokenizer.token_to_id(view(token)).value_or(-1);
}

int hearth_id_to_token(const hearth_tokenizer* tokenizer, int32_t id, hearth_text* token) {
  const auto text = tokenizer->tokenizer.id_to_token(id);
  if (text) *token = text_of(*text);
  return text ? 1 : 0;
}

hearth_status hearth_encode(const hearth_tokenizer* tokenizer, hearth_text text, const hearth_encode_options* options,
                            hearth_encoding** encoding) {
  return guarded([&]() -> Status {
    const auto o = TRY(read_options(options));
    *encoding = hold(TRY(tokenizer->tokenizer.encode(view(text), o))).release();
    return {};
  });
}

hearth_status hearth_encode_pair(const hearth_tokenizer* tokenizer, hearth_text text, hearth_text pair,
                                 const hearth_encode_options* options, hearth_encoding** encoding) {
  return guarded([&]() -> Status {
    const auto o = TRY(read_options(options));
    const hearth::EncodeInput input{{.text = view(text)}, hearth::TextInput{.text = view(pair)}};
    *encoding = hold(TRY(tokenizer->tokenizer.encode(input, o))).release();
    return {};
  });
}

hearth_status hearth_encode_batch(const hearth_tokenizer* tokenizer, const hearth_text* texts, size_t count,
                                  const hearth_encode_options* options, hearth_encoding** encodings) {
  return guarded([&]() -> Status {
    int threads = 0;
    const auto o = TRY(read_options(options, &threads));
    std::vector<hearth::EncodeInput> inputs(count);
    for (size_t i = 0; i < count; ++i) inputs[i].text.text = view(texts[i]);
    auto made = TRY(tokenizer->tokenizer.encode_batch(inputs, o, threads));
    std::vector<std::unique_ptr<hearth_encoding>> held;
    held.reserve(count);
    for (auto& encoding : made) held.push_back(hold(std::move(encoding)));
    for (size_t i = 0; i < count; ++i) encodings[i] = held[i].release();
    return {};
  });
}

void hearth_encoding_free(hearth_encoding* encoding) {
  delete encoding;
}

size_t hearth_encoding_size(const hearth_encoding* encoding) {
  return encoding->encoding.size();
}

const int32_t* hearth_encoding_ids(const hearth_encoding* encoding) {
  return encoding->encoding.ids.data();
}

const int32_t* hearth_encoding_type_ids(const hearth_encoding* encoding) {
  return encoding->encoding.type_ids.data();
}

const uint8_t* hearth_encoding_special_tokens_mask(const hearth_encoding* encoding) {
  return encoding->encoding.special_tokens_mask.data();
}

const hearth_span* hearth_encoding_offsets(const hearth_encoding* encoding) {
  return reinterpret_cast<const hearth_span*>(data_or_null(encoding->encoding.offsets));
}

const int32_t* hearth_encoding_word_ids(const hearth_encoding* encoding) {
  return data_or_null(encoding->encoding.word_ids);
}

int hearth_encoding_sequence(const hearth_encoding* encoding, size_t index) {
  return encoding->encoding.sequence_of(index);
}

hearth_status hearth_decode(const hearth_tokenizer* tokenizer, const int32_t* ids, size_t count,
                            int skip_special_tokens, char** text, size_t* size) {
  return guarded([&]() -> Status {
    const auto out = tokenizer->tokenizer.decode({ids, count}, {.skip_special_tokens = skip_special_tokens != 0});
    auto owned = std::make_unique<char[]>(out.size() + 1);
    std::memcpy(owned.get(), out.c_str(), out.size() + 1);
    if (size != nullptr) *size = out.size();
    *text = owned.release();
    return {};
  });
}

void hearth_string_free(char* text) {
  delete[] text;
}

hearth_status hearth_decode_stream_new(const hearth_tokenizer* tokenizer, int skip_special_tokens,
                                       hearth_decode_stream** stream) {
  return guarded([&]() -> Status {
    *stream = new hearth_decode_stream{
        hearth::DecodeStream(tokenizer->tokenizer, {.skip_special_tokens = skip_special_tokens != 0}), {}};
    return {};
  });
}

hearth_status hearth_decode_stream_push(hearth_decode_stream* stream, int32_t id, hearth_text* text) {
  return guarded([&]() -> Status {
    stream->text = stream->stream.push(id);
    *text = text_of(stream->text);
    return {};
  });
}

hearth_status hearth_decode_stream_flush(hearth_decode_stream* stream, hearth_text* text) {
  return guarded([&]() -> Status {
    stream->text = stream->stream.flush();
    *text = text_of(stream->text);
    return {};
  });
}

void hearth_decode_stream_free(hearth_decode_stream* stream) {
  delete stream;
}
