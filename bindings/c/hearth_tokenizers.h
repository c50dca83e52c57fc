/* The tokenizers of Hearth for C and for everything that can call C: libhearth_tokenizers.so.
 *
 * Texts are UTF-8, given as pointer and size: they may hold NUL and need none at the end. What is not UTF-8 is refused.
 * Paths are NUL-terminated.
 *
 * Owners. Each object that a function hands out through its last parameter is the caller's, to be given to the _free of
 * its type; _free of NULL does nothing. What a function returns as a pointer to const belongs to the object it was
 * asked of, and lives as long as that does unless the function says less.
 *
 * Errors. A function that can fail returns a hearth_status; its results are written only with HEARTH_OK. The message of
 * the last failure on this thread is hearth_error_message(). No C++ exception leaves the library.
 *
 * Threads. A hearth_tokenizer and a hearth_encoding never change after they are made: any number of threads may use one
 * at once, and free it when all are done. A hearth_decode_stream is for one thread at a time. Nothing is kept between
 * calls that a fork() would break.
 *
 * The interface is version HEARTH_TOKENIZERS_ABI: within it functions are added, none is changed. Options are structs
 * to which fields may be added at the end, therefore they begin with their size: set it with the _DEFAULTS macro.
 */
#ifndef HEARTH_TOKENIZERS_H
#define HEARTH_TOKENIZERS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HEARTH_TOKENIZERS_ABI 1

typedef struct hearth_tokenizer hearth_tokenizer;
typedef struct hearth_encoding hearth_encoding;
typedef struct hearth_decode_stream hearth_decode_stream;

typedef enum {
  HEARTH_OK = 0,
  HEARTH_BAD_INPUT = 1,   /* a text that is not UTF-8, a file that is broken, an argument out of range */
  HEARTH_NOT_FOUND = 2,   /* no such file */
  HEARTH_UNSUPPORTED = 3, /* a valid file of a kind that is not known */
  HEARTH_IO = 4,          /* the disk failed */
  HEARTH_NO_MEMORY = 5,
  HEARTH_INTERNAL = 6 /* a bug in the library */
} hearth_status;

/* The version that the library has: HEARTH_TOKENIZERS_ABI of the header it was built with. */
int hearth_tokenizers_abi(void);
/* What went wrong last on this thread, "" before anything did. Lives until the next failure on this thread. */
const char* hearth_error_message(void);

/* A text that belongs to somebody else. */
typedef struct {
  const char* data;
  size_t size; /* in bytes */
} hearth_text;

/* ---- tokenizers ---- */

/* A tokenizer.json, a .gguf with a vocabulary, or a model's folder with a tokenizer.json. */
hearth_status hearth_tokenizer_from_file(const char* path, hearth_tokenizer** tokenizer);
/* The bytes of a tokenizer.json; they are not needed afterwards. */
hearth_status hearth_tokenizer_from_json(hearth_text json, hearth_tokenizer** tokenizer);
void hearth_tokenizer_free(hearth_tokenizer* tokenizer);

/* One more than the largest id, added tokens among them. */
int64_t hearth_vocab_size(const hearth_tokenizer* tokenizer);
/* -1: no such token. */
int32_t hearth_token_to_id(const hearth_tokenizer* tokenizer, hearth_text token);
/* The token as the vocabulary spells it; 1, or 0 when there is no such id. */
int hearth_id_to_token(const hearth_tokenizer* tokenizer, int32_t id, hearth_text* token);

/* ---- encoding ---- */

typedef enum {
  HEARTH_OFFSETS_NONE = 0, /* ids alone: the fastest */
  HEARTH_OFFSETS_BYTES = 1,
  HEARTH_OFFSETS_CHARACTERS = 2 /* code points, as Python counts */
} hearth_offsets;

typedef struct {
  size_t struct_size;       /* sizeof(hearth_encode_options) */
  int add_special_tokens;   /* what the post-processor adds: <s> ... </s> */
  int split_special_tokens; /* text that spells a special token is text, not the token */
  hearth_offsets offsets;
  size_t max_length; /* ids in all, special tokens among them; 0: no limit. What is cut off is dropped. */
  int truncate_left; /* cut at the begin instead of the end */
  int threads;       /* of hearth_encode_batch; 0: as many as there are cores */
} hearth_encode_options;

#define HEARTH_ENCODE_DEFAULTS \
  { sizeof(hearth_encode_options), 1, 0, HEARTH_OFFSETS_NONE, 0, 0, 0 }

/* A stretch [begin, end) of the text. */
typedef struct {
  uint32_t begin, end;
} hearth_span;

/* `options` may be NULL: the defaults. */
hearth_status hearth_encode(const hearth_tokenizer* tokenizer, hearth_text text, const hearth_encode_options* options,
                            hearth_encoding** encoding);
/* Two texts that belong together: a question and its context. */
hearth_status hearth_encode_pair(const hearth_tokenizer* tokenizer, hearth_text text, hearth_text pair,
                                 const hearth_encode_options* options, hearth_encoding** encoding);
/* `count` texts, on several threads; fills `count` entries of `encodings`, each to be freed. One bad text fails all. */
hearth_status hearth_encode_batch(const hearth_tokenizer* tokenizer, const hearth_text* texts, size_t count,
                                  const hearth_encode_options* options, hearth_encoding** encodings);
void hearth_encoding_free(hearth_encoding* encoding);

/* How many ids there are: the length of each of the arrays below. */
size_t hearth_encoding_size(const hearth_encoding* encoding);
const int32_t* hearth_encoding_ids(const hearth_encoding* encoding);
/* 0, or 1 for the second text, as the post-processor has it. */
const int32_t* hearth_encoding_type_ids(const hearth_encoding* encoding);
/* 1 where the post-processor added the id. */
const uint8_t* hearth_encoding_special_tokens_mask(const hearth_encoding* encoding);
/* Where in its text each id comes from, {0, 0} for added ones; NULL unless asked for. */
const hearth_span* hearth_encoding_offsets(const hearth_encoding* encoding);
/* The word of its text that each id is of, -1 for added ones; NULL unless offsets were asked for. */
const int32_t* hearth_encoding_word_ids(const hearth_encoding* encoding);
/* The text that each id is of, 0 or 1; -1 for added ones. `index` < size. */
int hearth_encoding_sequence(const hearth_encoding* encoding, size_t index);

/* ---- decoding ---- */

/* The text, NUL-terminated; `size`, which may be NULL, does not count that NUL. Ids outside the vocabulary are left
 * out. The text is the caller's, for hearth_string_free. */
hearth_status hearth_decode(const hearth_tokenizer* tokenizer, const int32_t* ids, size_t count,
                            int skip_special_tokens, char** text, size_t* size);
void hearth_string_free(char* text);

/* Decodes as the ids come and never hands out half a character: all that push and flush hand out, one after another, is
 * the text of all ids. The tokenizer may be freed before the stream. */
hearth_status hearth_decode_stream_new(const hearth_tokenizer* tokenizer, int skip_special_tokens,
                                       hearth_decode_stream** stream);
/* What is complete now, perhaps nothing. The text lives until the next call with this stream. */
hearth_status hearth_decode_stream_push(hearth_decode_stream* stream, int32_t id, hearth_text* text);
/* What was held back; the stream then begins anew. */
hearth_status hearth_decode_stream_flush(hearth_decode_stream* stream, hearth_text* text);
void hearth_decode_stream_free(hearth_decode_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
