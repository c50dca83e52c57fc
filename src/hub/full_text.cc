#include "hub/full_text.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/unicode.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

constexpr size_t kWordMin = 2, kWordMax = 40, kWordsKept = 400, kQueryWordsMax = 8;
constexpr int64_t kNameWeight = 40, kHeadingWeight = 8, kTagWeight = 10, kPathWeight = 1, kTextMax = 6;
constexpr int64_t kPostingsMax = 20'000, kCounted = 1000;
constexpr size_t kExcerpt = 300, kBefore = 60;
constexpr size_t kTextRead = 256 * 1024;

bool is_word(char32_t c) {
  return unicode::is(c, unicode::letter | unicode::number | unicode::mark);
}

// Calls `found(begin, end)` for each run of letters and digits.
template <class Found>
void each_word(std::string_view text, Found&& found) {
  size_t at = 0;
  while (at < text.size()) {
    auto begin = at;
    if (!is_word(utf8_next(text, at))) continue;
    auto end = at;
    while (at < text.size()) {
      auto next = at;
      if (!is_word(utf8_next(text, next))) break;
      at = end = next;
    }
    found(begin, end);
  }
}

// Does a lower-case word meet one of the query's? The last of them may be a beginning.
bool meets(std::string_view word, const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i)
    if (word == words[i] || (i + 1 == words.size() && word.starts_with(words[i]))) return true;
  return false;
}

// Cuts where a code point begins.
size_t boundary(std::string_view text, size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return std::min(at, text.size());
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  if (!is_utf8(text)) return out;
  each_word(text, [&](size_t begin, size_t end) {
    auto word = unicode::to_lower(text.substr(begin, end - begin));
    const auto length = utf8_length(word);
    if (length >= kWordMin && length <= kWordMax) out.push_back(std::move(word));
  });
  return out;
}

std::map<std::string, int64_t> weigh_words(const Repo& repo, std::string_view card_body,
                                           const std::vector<std::string>& tags,
                                           const std::vector<std::string>& paths) {
  std::map<std::string, int64_t> weights;
  for (auto& word : words_of(repo.full_name())) weights[std::move(word)] += kNameWeight;
  for (const auto& tag : tags)
    for (auto& word : words_of(tag)) weights.try_emplace(std::move(word), kTagWeight);
  std::map<std::string, int64_t> of_text;
  for (const auto line : split(card_body.substr(0, boundary(card_body, kTextRead)), '\n'))
    for (auto& word : words_of(line)) {
      auto& weight = of_text[std::move(word)];
      weight =
          line.starts_with('#') ? std::max(weight, kHeadingWeight) : std::max(weight, std::min(weight + 1, kTextMax));
    }
  for (const auto& [word, weight] : of_text) weights[word] += weight;
  for (const auto& path : paths)
    for (auto& word : words_of(path)) weights.try_emplace(std::move(word), kPathWeight);
  if (weights.size() <= kWordsKept) return weights;
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [word, weight] : weights) order.emplace_back(-weight, word);
  std::nth_element(order.begin(), order.begin() + kWordsKept, order.end());
  for (size_t i = kWordsKept; i < order.size(); ++i) weights.erase(order[i].second);
  return weights;
}

Status store_words(store::Transaction& transaction, int64_t repo_id, const std::map<std::string, int64_t>& words) {
  std::map<std::string, int64_t> stored;
  for (const auto& row : TRY(transaction.query("SELECT word, weight FROM repo_words WHERE repo_id = $1", {repo_id})))
    stored[row[0].text()] = row[1].integer();
  for (const auto& [word, weight] : stored)
    if (words.count(word) == 0)
      TRY(transaction.execute("DELETE FROM repo_words WHERE word = $1 AND repo_id = $2", {word, repo_id}));
  for (const auto& [word, weight] : words) {
    const auto found = stored.find(word);
    if (found != stored.end() && found->second == weight) continue;
    TRY(
        transaction.execute("INSERT INTO repo_words (word, repo_id, weight) VALUES ($1, $2, $3) ON CONFLICT (word, "
                            "repo_id) DO UPDATE SET weight = excluded.weight",
                            {word, repo_id, weight}));
  }
  return {};
}

Result<TextHits> search_text(const Hub& hub, const Caller& caller, const TextQuery& query) {
  auto words = words_of(query.text);
  if (words.empty()) return Status(Code::bad_input, "'q' needs a word of two letters or more");
  if (words.size() > kQueryWordsMax) words.resize(kQueryWordsMax);
  const auto total = TRY(hub.db().query_one("SELECT count(*) FROM repo_index"));
  const auto repos = static_cast<double>(std::max<int64_t>((*total)[0].integer(), 1));
  std::map<int64_t, double> scores;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool prefix = i + 1 == words.size();
    // U+10FFFF sorts after every letter, in bytes and so in both databases' collation of repo_words.
    const auto rows =
        prefix ? TRY(hub.db().query("SELECT repo_id, max(weight) FROM repo_words WHERE word >= $1 AND word < $2 GROUP "
                                    "BY repo_id LIMIT $3",
                                    {words[i], cat(words[i], "\U0010FFFF"), kPostingsMax}))
               : TRY(hub.db().query("SELECT repo_id, weight FROM repo_words WHERE word = $1 LIMIT $2",
                                    {words[i], kPostingsMax}));
    const auto found = static_cast<double>(rows.size());
    const double idf = std::log(1 + (repos - found + 0.5) / (found + 0.5));
    std::map<int64_t, double> next;
    for (const auto& row : rows) {
      const auto id = row[0].integer();
      const auto before = scores.find(id);
      if (i > 0 && before == scores.end()) continue;
      const auto weight = static_cast<double>(row[1].integer());
      next[id] = (i > 0 ? before->second : 0) + (0.1 + idf) * weight / (weight + 5);
    }
    scores = std::move(next);
  }
  std::vector<std::pair<double, int64_t>> order;
  for (const auto& [id, score] : scores) order.emplace_back(-score, id);
  const auto looked = std::min<size_t>(order.size(), 4 * kCounted);
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(looked), order.end());
  TextHits out;
  for (size_t i = 0; i < looked && out.total < kCounted; ++i) {
    const auto row = TRY(hub.db().query_one(
        cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners, " WHERE repos.id = $1"), {order[i].second}));
    if (!row) continue;
    auto repo = repo_of(*row);
    if ((query.kind && repo.kind != *query.kind) || !check_access(caller, repo, Right::metadata).ok()) continue;
    ++out.total;
    const double popular = 0.05 * std::log1p(static_cast<double>(repo.downloads + 10 * repo.likes));
    out.hits.push_back({std::move(repo), -order[i].first + popular});
  }
  std::stable_sort(out.hits.begin(), out.hits.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  const auto skip = std::min<size_t>(static_cast<size_t>(std::max<int64_t>(query.skip, 0)), out.hits.size());
  out.hits.erase(out.hits.begin(), out.hits.begin() + static_cast<ptrdiff_t>(skip));
  if (out.hits.size() > static_cast<size_t>(query.limit)) out.hits.resize(static_cast<size_t>(query.limit));
  return out;
}

std::vector<TextPiece> mark_matches(std::string_view text, const std::vector<std::string>& words) {
  std::vector<TextPiece> out;
  if (!is_utf8(text)) return out;
  size_t done = 0;
  each_word(text, [&](size_t begin, size_t end) {
    if (!meets(unicode::to_lower(text.substr(begin, end - begin)), words)) return;
    if (begin > done) out.push_back({std::string(text.substr(done, begin - done)), false});
    out.push_back({std::string(text.substr(begin, end - begin)), true});
    done = end;
  });
  if (done < text.size()) out.push_back({std::string(text.substr(done)), false});
  return out;
}

std::vector<TextPiece> excerpt(std::string_view text, const std::vector<std::string>& words) {
  if (!is_utf8(text)) return {};
  auto first = std::string_view::npos;
  each_word(text, [&](size_t begin, size_t end) {
    if (first == std::string_view::npos && meets(unicode::to_lower(text.substr(begin, end - begin)), words))
      first = begin;
  });
  if (first == std::string_view::npos) return {};
  const auto begin = boundary(text, first > kBefore ? first - kBefore : 0);
  const auto end = boundary(text, std::min(begin + kExcerpt, text.size()));
  return mark_matches(text.substr(begin, end - begin), words);
}

}  // namespace hearth::hub
