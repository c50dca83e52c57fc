// Full-text search over the names, cards and file names of main.
//
// 1. Each repository's words lie in `repo_words` with a weight: a word of the name counts most, then of the card's
//    headings and tags, then of its text, then of file names.
// 2. A hit has every word asked for (the last one may be the beginning of a word). Its rank is the sum of the words'
//    weights, rare words counting more, and a little for downloads and likes.
// Source: Robertson and Zaragoza, The Probabilistic Relevance Framework (the idf of BM25).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"
#include "hub/index.h"

namespace hearth::hub {

/// The words of a text in lower case: letters and digits, two to forty characters of them.
std::vector<std::string> words_of(std::string_view text);

/// A repository's words with their weights, the 400 weightiest.
std::map<std::string, int64_t> weigh_words(const Repo& repo, std::string_view card_body,
                                           const std::vector<std::string>& tags, const std::vector<std::string>& paths);
/// Replaces what is stored of a repository's words.
Status store_words(store::Transaction& transaction, int64_t repo_id, const std::map<std::string, int64_t>& words);

struct TextQuery {
  std::string text;
  std::optional<RepoKind> kind;
  int64_t skip = 0, limit = 20;
};
struct TextHit {
  Repo repo;
  double score = 0;
};
struct TextHits {
  std::vector<TextHit> hits;
  int64_t total = 0;  ///< of those that the caller may know of; at most 1000 are counted
};
/// What the caller may know of, best first. bad_input without a word.
Result<TextHits> search_text(const Hub& hub, const Caller& caller, const TextQuery& query);

/// A piece of a text, matching words apart from the rest.
struct TextPiece {
  std::string text;
  bool is_match = false;
};
/// The lines of a text around its first match, at most 300 bytes; nothing when no word is in it.
std::vector<TextPiece> excerpt(std::string_view text, const std::vector<std::string>& words);
/// All of a short text, its matches marked.
std::vector<TextPiece> mark_matches(std::string_view text, const std::vector<std::string>& words);

}  // namespace hearth::hub
