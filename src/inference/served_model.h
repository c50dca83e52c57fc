// ServedModel: one checkpoint of an engine process and what is loaded of it, each at its first use: the decoder's
// engine and the pipelines of its tasks.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/decoder.h"
#include "inference/telemetry.h"
#include "inference/text_batcher.h"
#include "inference/turns.h"
#include "tokenizers/auto_tokenizer.h"
#include "transformers/auto.h"
#include "transformers/pipeline.h"
#include "transformers/sentence_transformer.h"

namespace hearth::inference {

/// A part that is made once it is asked for; a failure is told to who asked, and the next one tries again. Thread-safe.
template <class T>
class Lazy {
 public:
  template <class Make>
  Result<T*> get(const Make& make) {
    std::lock_guard lock(mutex_);
    if (!made_) made_ = TRY(make());
    return made_.get();
  }
  /// Null before that.
  T* made() {
    std::lock_guard lock(mutex_);
    return made_.get();
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<T> made_;
};

/// A sentence model, its tokenizer, and the texts that wait for it.
struct Embedder {
  Embedder(SentenceTransformer with, PreTrainedTokenizer reads, Turns& turns, const TextBatcher::OnPass& on_pass);
  const SentenceTransformer model;
  const PreTrainedTokenizer tokenizer;
  TextBatcher vectors, token_rows;
};

/// A model that gives each text numbers of its labels.
struct Judge {
  Judge(CrossEncoder with, PreTrainedTokenizer reads, Turns& turns, const TextBatcher::OnPass& on_pass);
  const CrossEncoder model;
  const PreTrainedTokenizer tokenizer;
  std::vector<std::string> labels;
  TextBatcher logits;
};

/// A masked language model as an encoder of sparse vectors.
struct SparseEmbedder {
  SparseEmbedder(SparseEncoder with, PreTrainedTokenizer reads, Turns& turns, const TextBatcher::OnPass& on_pass);
  const SparseEncoder model;
  const PreTrainedTokenizer tokenizer;
  TextBatcher vectors;
};

/// What a model that does not continue texts is for, as text-embeddings-inference sees it.
enum class TextUse : uint8_t { vectors, sparse_vectors, labels, ranking };

/// Thread-safe.
class ServedModel {
 public:
  /// Looks at the files and loads nothing: unsupported and bad_input as the loaders.
  static Result<std::unique_ptr<ServedModel>> open(std::string path, LoadOptions options,
                                                   EngineOptions engine_options = {}, Telemetry* telemetry = nullptr);

  const std::string& path() const { return path_; }
  /// A decoder that continues texts: it is served by an engine.
  bool continues_text() const { return continues_text_; }
  /// Vectors of texts are what the repository is for (modules.json).
  bool is_sentence_model() const;
  /// The task that a request means: the one it names, else the repository's. not_found for one that there is not.
  Result<std::string> task(std::string_view asked) const;

  /// bad_input when the model does not continue texts.
  Result<Decoder*> decoder();
  Result<std::shared_ptr<const Pipeline>> pipeline(const std::string& task);
  Result<TextUse> text_use() const;
  /// What is loaded and counts, of the decoder; null before its first use.
  Decoder* loaded_decoder() { return decoder_.made(); }
  int64_t waiting_texts();
  Result<Embedder*> embedder();
  Result<Judge*> judge();
  Result<SparseEmbedder*> sparse();
  Turns& turns() { return turns_; }

 private:
  ServedModel(std::string path, LoadOptions options, const EngineOptions& engine_options, bool continues_text,
              Telemetry* telemetry)
      : path_(std::move(path)),
        options_(std::move(options)),
        engine_options_(engine_options),
        continues_text_(continues_text),
        telemetry_(telemetry) {}
  TextBatcher::OnPass on_pass() const;

  const std::string path_;
  const LoadOptions options_;
  const EngineOptions engine_options_;
  const bool continues_text_;
  Telemetry* const telemetry_;  // or null
  Turns turns_;                 // first: what is below uses it
  Lazy<Decoder> decoder_;
  std::mutex pipelines_mutex_;
  std::list<std::shared_ptr<const Pipeline>> pipelines_;  // the last used first, at most kPipelinesMax
  Lazy<Embedder> embedder_;
  Lazy<Judge> judge_;
  Lazy<SparseEmbedder> sparse_;
};

}  // namespace hearth::inference
