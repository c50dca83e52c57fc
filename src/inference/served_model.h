// ServedModel: one checkpoint of an engine process and what is loaded of it, each at its first use: the decoder's
// engine and the pipelines of its tasks.
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "inference/decoder.h"
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

 private:
  std::mutex mutex_;
  std::unique_ptr<T> made_;
};

/// Those that compute, one after another: each pass takes all cores. Thread-safe.
class Turns {
 public:
  /// Waits for the turn, which lasts as long as what is returned; cancelled when the stop comes before that.
  Result<std::shared_ptr<void>> take(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!free_.wait(lock, stop, [&] { return !taken_; })) return Status(Code::cancelled, "the client left");
    taken_ = true;
    return std::shared_ptr<void>(nullptr, [this](void*) {
      std::lock_guard again(mutex_);
      taken_ = false;
      free_.notify_one();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any free_;
  bool taken_ = false;
};

/// A sentence model with the tokenizer that counts its tokens.
struct Embedder {
  SentenceTransformer model;
  PreTrainedTokenizer tokenizer;
};

/// Thread-safe.
class ServedModel {
 public:
  /// Looks at the files and loads nothing: unsupported and bad_input as the loaders.
  static Result<std::unique_ptr<ServedModel>> open(std::string path, LoadOptions options,
                                                   EngineOptions engine_options = {});

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
  Result<const Embedder*> embedder();
  Result<const CrossEncoder*> ranker();
  Turns& turns() { return turns_; }

 private:
  ServedModel(std::string path, LoadOptions options, const EngineOptions& engine_options, bool continues_text)
      : path_(std::move(path)),
        options_(std::move(options)),
        engine_options_(engine_options),
        continues_text_(continues_text) {}

  const std::string path_;
  const LoadOptions options_;
  const EngineOptions engine_options_;
  const bool continues_text_;
  Lazy<Decoder> decoder_;
  std::mutex pipelines_mutex_;
  std::list<std::shared_ptr<const Pipeline>> pipelines_;  // the last used first, at most kPipelinesMax
  Lazy<Embedder> embedder_;
  Lazy<CrossEncoder> ranker_;
  Turns turns_;
};

}  // namespace hearth::inference
