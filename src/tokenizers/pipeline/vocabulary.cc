#include "tokenizers/pipeline/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "tokenizers/pipeline/hash.h"

namespace hearth::tokenizers {

namespace {
// Ids may have gaps, but the table by id must stay in proportion to the file.
constexpr int64_t kGapMax = 1 << 20;
}  // namespace

Result<Vocabulary> Vocabulary::make(std::span<const VocabularyRow> rows, OneText one_text) {
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t id_limit = std::max(kGapMax, 8 * count);
  size_t bytes = 0;
  int64_t ids_end = 0;
  for (const auto& [text, id] : rows) {
    if (id < 0) return Status(Code::bad_input, cat("the id of '", text.substr(0, 80), "' is negative: ", id));
    if (id >= id_limit) {
      return Status(Code::bad_input, cat("the id of '", text.substr(0, 80), "' is ", id, ", far beyond the ", count,
                                         " tokens of the vocabulary"));
    }
    bytes += text.size();
    ids_end = std::max(ids_end, id + 1);
  }
  if (bytes >= kNone) return Status(Code::too_large, "the vocabulary has over 4 GB of text");

  Vocabulary out;
  out.arena_.reserve(bytes);
  out.spans_.resize(static_cast<size_t>(ids_end));
  out.table_.assign(std::bit_ceil(rows.size() * 2 + 2), -1);
  for (const auto& [text, id] : rows) {
    auto& span = out.spans_[static_cast<size_t>(id)];
    if (span.size != kNone) {
      return Status(Code::bad_input,
                    cat("the id ", id, " is given to '", out.text(static_cast<TokenId>(id))->substr(0, 80),
                        "' and to '", text.substr(0, 80), "'"));
    }
    auto& entry = out.table_[out.slot(text)];
    if (entry >= 0 && one_text == OneText::last_id_wins) {
      out.spans_[static_cast<size_t>(entry)].size = kNone;
      --out.count_;
    } else if (entry >= 0) {
      out.twins_.push_back(entry);
    }
    span = {static_cast<uint32_t>(out.arena_.size()), static_cast<uint32_t>(text.size())};
    out.arena_.append(text);
    entry = static_cast<TokenId>(id);
    ++out.count_;
  }
  return out;
}

size_t Vocabulary::slot(std::string_view key) const {
  const size_t mask = table_.size() - 1;
  size_t i = hash_bytes(key) & mask;
  while (table_[i] >= 0 && *text(table_[i]) != key) i = (i + 1) & mask;
  return i;
}

TokenId Vocabulary::find(std::string_view key) const {
  return table_.empty() ? -1 : table_[slot(key)];
}

Result<Vocabulary> read_vocabulary(const ConfigView& vocab) {
  if (!vocab.json().is_object()) return vocab.bad("must be an object of token to id");
  std::vector<VocabularyRow> rows;
  rows.reserve(vocab.json().size());
  for (const auto& [text, id] : vocab.json().object()) {
    if (!id.is_int()) return vocab.bad(cat("the id of '", text.substr(0, 80), "' must be a whole number"));
    rows.push_back({text, id.as_int()});
  }
  auto vocabulary = Vocabulary::make(rows);
  if (!vocabulary.ok()) return std::move(vocabulary).status().with(vocab.place());
  return vocabulary;
}

}  // namespace hearth::tokenizers
