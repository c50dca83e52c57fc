#include "tokenizers/pipeline/split.h"

#include <algorithm>

namespace hearth::tokenizers {

Result<SplitBehavior> split_behavior(const ConfigView& config) {
  const auto name = TRY(config.as_string());
  if (name == "Removed") return SplitBehavior::removed;
  if (name == "Isolated") return SplitBehavior::isolated;
  if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
  if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
  if (name == "Contiguous") return SplitBehavior::contiguous;
  return config.bad(
      cat("'", name, "' is not known (Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous)"));
}

void cut(TextView text, std::vector<Stretch>& stretches, SplitBehavior behavior, PiecesView& out) {
  const auto add = [&](const Stretch& s) { out.add(text.sub(s.begin, s.end)); };
  switch (behavior) {
    case SplitBehavior::removed:
      for (const auto& s : stretches)
        if (!s.is_match) add(s);
      return;
    case SplitBehavior::isolated:
      for (const auto& s : stretches) add(s);
      return;
    case SplitBehavior::merged_with_next: {
      // From the end: a match joins what follows it, unless that is a match too.
      bool next_is_match = false;
      for (size_t i = stretches.size(); i-- > 0;) {
        const bool is_match = stretches[i].is_match;
        if (is_match && !next_is_match && i + 1 < stretches.size()) {
          stretches[i].end = stretches[i + 1].end;
          stretches[i + 1].begin = stretches[i + 1].end;
        }
        next_is_match = is_match;
      }
      for (const auto& s : stretches) add(s);
      return;
    }
    case SplitBehavior::merged_with_previous:
    case SplitBehavior::contiguous: {
      bool previous_is_match = false;
      std::optional<Stretch> open;
      for (const auto& s : stretches) {
        const bool joins =
            behavior == SplitBehavior::contiguous ? s.is_match == previous_is_match : s.is_match && !previous_is_match;
        previous_is_match = s.is_match;
        if (open && joins) {
          open->end = s.end;
          continue;
        }
        if (open) add(*open);
        open = s;
      }
      if (open) add(*open);
      return;
    }
  }
}

Result<Pattern> Pattern::build(const ConfigView& config) {
  Pattern out;
  if (config.has("String")) {
    out.source_ = TRY(config.string("String"));
    if (!out.source_.empty()) return out;
    out.regex_ = TRY(Regex::compile(""));  // matches between any two characters
    return out;
  }
  if (!config.has("Regex")) return config.bad(R"(must be {"String": "..."} or {"Regex": "..."})");
  out.source_ = TRY(config.string("Regex"));
  auto regex = Regex::compile(out.source_);
  if (!regex.ok()) return std::move(regex).status().with(config.place());
  out.regex_ = *std::move(regex);
  return out;
}

Pattern Pattern::literal(std::string text) {
  Pattern out;
  out.source_ = std::move(text);
  return out;
}

std::vector<Stretch> Pattern::stretches(std::string_view text) const {
  std::vector<Stretch> out;
  size_t covered = 0;
  const auto add = [&](size_t begin, size_t end) {
    if (begin > covered) out.push_back({covered, begin, false});
    out.push_back({begin, end, true});
    covered = end;
  };
  if (!regex_) {
    for (size_t at; (at = text.find(source_, covered)) != std::string_view::npos;) add(at, at + source_.size());
  } else {
    // An empty match counts, unless it stands where the last match ended: then the next one is looked for a character
    // further, as the crate onig does it.
    Regex::Match match{};
    std::optional<size_t> last;
    for (size_t from = 0; from <= text.size() && !text.empty() && regex_->search(text, from, match);) {
      if (match.begin < match.end || last != match.end) {
        add(match.begin, match.end);
        from = match.end;
        last = match.end;
      } else if (from < text.size()) {
        utf8_next(text, from);
      } else {
        break;
      }
    }
  }
  if (covered < text.size()) out.push_back({covered, text.size(), false});
  return out;
}

std::string Pattern::replace(std::string_view text, std::string_view content) const {
  if (!regex_ && !contains(text, source_)) return std::string(text);
  std::string out;
  for (const auto& s : stretches(text)) out += s.is_match ? content : text.substr(s.begin, s.end - s.begin);
  return out;
}

void Pattern::replace(AlignedText& text, std::string_view content) const {
  if (!regex_ && !contains(text.text(), source_)) return;
  const auto found = stretches(text.text());
  Rewriter rewriter(text);
  for (const auto& s : found) {
    if (!s.is_match) {
      rewriter.keep(s.end - s.begin);
    } else {
      rewriter.skip(s.end - s.begin);
      rewriter.insert(content);  // a part of the last character that went
    }
  }
  rewriter.finish();
}

}  // namespace hearth::tokenizers
