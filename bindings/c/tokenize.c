/* tokenize_c TOKENIZER: an example of the C interface, and its test. Reads standard input as one text and prints a line
 * for each id: the id, its token, where in the text it comes from; then what decoding gives, at once and as a stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hearth_tokenizers.h"

static int failed(const char* what) {
  fprintf(stderr, "tokenize_c: %s: %s\n", what, hearth_error_message());
  return 1;
}

static char* read_all(FILE* file, size_t* size) {
  size_t room = 4096, used = 0, got;
  char* data = malloc(room);
  while (data != NULL && (got = fread(data + used, 1, room - used, file)) > 0) {
    used += got;
    if (used == room) {
      char* more = realloc(data, room *= 2);
      if (more == NULL) free(data);
      data = more;
    }
  }
  *size = used;
  return data;
}

static int print_encoding(const hearth_tokenizer* tokenizer, const hearth_encoding* encoding) {
  const size_t size = hearth_encoding_size(encoding);
  const int32_t* ids = hearth_encoding_ids(encoding);
  const hearth_span* offsets = hearth_encoding_offsets(encoding);
  const int32_t* words = hearth_encoding_word_ids(encoding);
  size_t i;
  for (i = 0; i < size; ++i) {
    hearth_text token = {NULL, 0};
    if (!hearth_id_to_token(tokenizer, ids[i], &token)) return failed("an id without a token");
    printf("%d\t%.*s\t%u\t%u\t%d\t%d\t%d\n", (int)ids[i], (int)token.size, token.data, (unsigned)offsets[i].begin,
           (unsigned)offsets[i].end, (int)words[i], (int)hearth_encoding_special_tokens_mask(encoding)[i],
           hearth_encoding_sequence(encoding, i));
  }
  return 0;
}

static int print_decoded(const hearth_tokenizer* tokenizer, const hearth_encoding* encoding) {
  const size_t size = hearth_encoding_size(encoding);
  const int32_t* ids = hearth_encoding_ids(encoding);
  hearth_decode_stream* stream = NULL;
  hearth_text part;
  char* text = NULL;
  size_t i, text_size = 0;
  if (hearth_decode(tokenizer, ids, size, 1, &text, &text_size) != HEARTH_OK) return failed("decode");
  fwrite(text, 1, text_size, stdout);
  putchar('\n');
  hearth_string_free(text);
  if (hearth_decode_stream_new(tokenizer, 1, &stream) != HEARTH_OK) return failed("decode stream");
  for (i = 0; i < size; ++i) {
    if (hearth_decode_stream_push(stream, ids[i], &part) != HEARTH_OK) return failed("push");
    fwrite(part.data, 1, part.size, stdout);
  }
  if (hearth_decode_stream_flush(stream, &part) != HEARTH_OK) return failed("flush");
  fwrite(part.data, 1, part.size, stdout);
  putchar('\n');
  hearth_decode_stream_free(stream);
  return 0;
}

int main(int argc, char** argv) {
  hearth_tokenizer* tokenizer = NULL;
  hearth_encoding* both[2] = {NULL, NULL};
  hearth_encoding* encoding = NULL;
  hearth_encode_options options = HEARTH_ENCODE_DEFAULTS;
  hearth_text text, texts[2];
  char* input;
  int result;
  if (argc != 2 || hearth_tokenizers_abi() != HEARTH_TOKENIZERS_ABI) {
    fprintf(stderr, "usage: tokenize_c TOKENIZER < TEXT\n");
    return 2;
  }
  if (hearth_tokenizer_from_file(argv[1], &tokenizer) != HEARTH_OK) return failed("load");
  input = read_all(stdin, &text.size);
  text.data = input;
  options.offsets = HEARTH_OFFSETS_CHARACTERS;
  if (hearth_encode(tokenizer, text, &options, &encoding) != HEARTH_OK) return failed("encode");
  result = print_encoding(tokenizer, encoding) || print_decoded(tokenizer, encoding);

  texts[0] = texts[1] = text;
  options.offsets = HEARTH_OFFSETS_NONE;
  if (hearth_encode_batch(tokenizer, texts, 2, &options, both) != HEARTH_OK) return failed("batch");
  if (hearth_encoding_size(both[1]) != hearth_encoding_size(encoding) || hearth_encoding_offsets(both[1]) != NULL ||
      memcmp(hearth_encoding_ids(both[0]), hearth_encoding_ids(encoding), 4 * hearth_encoding_size(encoding)) != 0) {
    fprintf(stderr, "tokenize_c: a batch gives other ids\n");
    result = 1;
  }
  printf("%ld ids in the vocabulary\n", (long)hearth_vocab_size(tokenizer));
  hearth_encoding_free(both[0]);
  hearth_encoding_free(both[1]);
  hearth_encoding_free(encoding);
  hearth_tokenizer_free(tokenizer);
  free(input);
  return result;
}
