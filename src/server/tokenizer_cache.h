// TokenizerCache: the tokenizers of this hub's repositories, made when they are asked for, the last used ones kept.
//
// 1. A tokenizer is known by its repository and the contents that it is made of: commits that change none of them
//    share one. Whoever asks was allowed to read the repository before.
// 2. What is kept is bounded in number and by what the vocabularies weigh; the one that was not used for the longest
//    time goes first. A request that has one at work keeps it alive.
// 3. One is made at a time, from a folder of links and copies that is gone afterwards; when several wait already the
//    next is told to come back.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "hub/tree.h"
#include "server/request.h"
#include "tokenizers/tokenizer.h"

namespace hearth::server {

struct TokenizerLimits {
  size_t tokenizers = 8;
  int64_t entries = 1'500'000;      ///< of the vocabularies together, at some 200 bytes each
  uint64_t file_bytes = 64u << 20;  ///< of one file that is read as a whole
  int waiting = 4;                  ///< requests for tokenizers that are not made yet
};

class TokenizerCache {
 public:
  /// Makes its folders in `folder`, and empties it first.
  explicit TokenizerCache(std::string folder, TokenizerLimits limits = {});

  /// As AutoTokenizer reads the repository's root at the revision; where there is no vocabulary, from its tekken.json
  /// or its first GGUF file. entry_not_found when there is neither; bad_input, unsupported and too_large say what is
  /// wrong with the files; busy when too many wait.
  Result<Tokenizer> find(const Request& rq, const hub::Repo& repo, std::string_view revision);

  /// Whether `find` has something to read among the files of a repository's root.
  static bool has_tokenizer(std::span<const hub::TreeEntry> root);
  /// How many are kept.
  size_t size() const;

 private:
  struct Kept {
    std::string key;
    Tokenizer tokenizer;
  };
  std::optional<Tokenizer> recall(const std::string& key);
  void keep(const std::string& key, const Tokenizer& tokenizer);

  const std::string folder_;
  const TokenizerLimits limits_;
  Guarded<std::list<Kept>> kept_;  // the last used first
  BoundedQueue<int> turn_{1};      // whoever holds the one thing in it makes a tokenizer
  std::atomic<int> waiting_ = 0;
};

}  // namespace hearth::server
