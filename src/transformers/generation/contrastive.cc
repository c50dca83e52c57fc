// Contrastive search: of the likeliest tokens the one that says something new, judged by how far its hidden state is
// from all before it.
// Source: transformers 4.49 generation/utils.py _contrastive_search, _ranking_fast (Su et al., arXiv:2202.06417);
// transformers 5 has it no more.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "transformers/generation/modes.h"

namespace hearth::generation {
namespace {

/// A text, and what the model thought at each of its tokens.
struct Text {
  Row row;
  std::vector<float> hidden;  // [length, width], each of length 1
  std::vector<float> logits;  // of the token behind it
  bool is_over = false;
};

struct Reading {
  std::vector<float> logits, hidden;
};

void normalize(std::span<float> rows, size_t width) {
  for (size_t begin = 0; begin < rows.size(); begin += width) {
    const auto row = rows.subspan(begin, width);
    double sum = 0;
    for (const auto value : row) sum += double{value} * value;
    const auto scale = static_cast<float>(1 / std::sqrt(sum));
    for (auto& value : row) value *= scale;
  }
}

class Contrastive {
 public:
  Contrastive(const Task& task, Prompts prompts) : task_(task) {
    for (size_t i = 0; i < prompts.ids.size(); ++i) {
      auto& text = texts_.emplace_back(Text{{std::move(prompts.sessions[i]), std::move(prompts.ids[i]), i}, {}, {}});
      text.logits = std::move(prompts.logits[i]);
      text.hidden = reread(text.row.session);
    }
  }

  Result<GenerateOutput> run() {
    std::vector<int32_t> next(texts_.size());
    for (bool is_over = false; !is_over;) {
      if (task_.options.stop.stop_requested()) return Status(Code::cancelled, "stopped while the text was written");
      for (size_t i = 0; i < texts_.size(); ++i) next[i] = texts_[i].is_over ? task_.padding() : advance(texts_[i]);
      is_over = true;
      for (size_t i = 0; i < texts_.size(); ++i) {
        auto& text = texts_[i];
        text.is_over = text.is_over || task_.is_over(text.row.ids, next[i]);
        text.row.ids.push_back(next[i]);
        is_over = is_over && text.is_over;
      }
      if (task_.options.streamer) task_.options.streamer(next);
      is_over = is_over || task_.is_late();
    }
    GenerateOutput out;
    for (auto& text : texts_) out.sequences.push_back(std::move(text.row.ids));
    return out;
  }

 private:
  /// The hidden states of all that a session has read, which reading alone does not keep.
  std::vector<float> reread(Session& session) {
    constexpr size_t kRows = 128;  // of logits, that nobody wants, at once
    session.cache.truncate(0);
    std::vector<float> out;
    const std::span<const int32_t> ids(session.ids);
    for (size_t at = 0; at < ids.size(); at += kRows) {
      const auto part = read(session, ids.subspan(at, std::min(kRows, ids.size() - at)), LogitRows::all);
      out.insert(out.end(), part.hidden.begin(), part.hidden.end());
    }
    normalize(out, width_);
    return out;
  }

  Reading read(Session& session, std::span<const int32_t> ids, LogitRows rows) {
    const SequenceView sequence{&session.cache, ids, rows};
    Tensor hidden;
    const auto logits = task_.model.forward({&sequence, 1}, hidden);
    width_ = static_cast<size_t>(hidden.size(-1));
    return {to_vector(logits), to_vector(hidden)};
  }

  /// The best of the top_k likeliest tokens. Each is read; the cache keeps the last one that was.
  int32_t advance(Text& text) {
    auto p = text.logits;
    task_.processors(text.row.ids, text.row.prompt, p);
    softmax(p);
    const auto count = std::min(static_cast<size_t>(task_.config.top_k), p.size());
    std::vector<int32_t> ids(p.size());
    std::iota(ids.begin(), ids.end(), 0);
    const auto p_of = [&](int32_t id) { return p[static_cast<size_t>(id)]; };
    std::ranges::partial_sort(ids, ids.begin() + static_cast<std::ptrdiff_t>(count),
                              [&](int32_t a, int32_t b) { return p_of(a) != p_of(b) ? p_of(a) > p_of(b) : a < b; });
    ids.resize(count);

    auto& session = text.row.session;
    const auto length = session.cache.length();
    const auto alpha = static_cast<float>(task_.config.penalty_alpha);
    Reading best;
    size_t picked = 0;
    float best_score = 0;
    for (size_t i = 0; i < count; ++i) {
      session.cache.truncate(length);
      auto reading = read(session, {&ids[i], 1}, LogitRows::last);
      normalize(reading.hidden, width_);
      const auto score = (1 - alpha) * p_of(ids[i]) - alpha * nearest(text.hidden, reading.hidden);
      if (i > 0 && !(score > best_score)) continue;
      best = std::move(reading);
      best_score = score;
      picked = i;
    }
    if (picked + 1 < count) {
      session.cache.truncate(length);
      read(session, {&ids[picked], 1}, LogitRows::last);
    }
    session.ids.push_back(ids[picked]);
    text.hidden.insert(text.hidden.end(), best.hidden.begin(), best.hidden.end());
    text.logits = std::move(best.logits);
    return ids[picked];
  }

  /// The largest cosine of `hidden` with a row of `before`.
  float nearest(std::span<const float> before, std::span<const float> hidden) const {
    float out = -1;
    for (size_t begin = 0; begin < before.size(); begin += width_)
      out = std::max(out, std::inner_product(hidden.begin(), hidden.end(),
                                             before.begin() + static_cast<std::ptrdiff_t>(begin), 0.0f));
    return out;
  }

  const Task& task_;
  std::vector<Text> texts_;
  size_t width_ = 0;
};

}  // namespace

Result<GenerateOutput> contrastive_search(const Task& task, Prompts prompts) {
  if (task.model.stack().rereads_after() > 0)
    return Status(Code::unsupported, "contrastive search is not offered for rotary positions that change with length");
  return Contrastive(task, std::move(prompts)).run();
}

}  // namespace hearth::generation
