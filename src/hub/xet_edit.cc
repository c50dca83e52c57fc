#include "hub/xet_edit.h"

#include <algorithm>

#include "base/text.h"
#include "huggingface_hub/xet_chunker.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kChunksMax = 1'000'000;
constexpr int64_t kTermsAtOnce = 1000;

bool is_calm(uint64_t size) {
  return size >= 2 * xet::kChunkMin && size < xet::kChunkMax - xet::kChunkMin;
}

// In order, merged, within the file.
std::vector<ByteRange> tidy(std::vector<ByteRange> ranges, uint64_t size_bytes) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<ByteRange> out;
  for (auto [begin, end] : ranges) {
    end = std::min(end, size_bytes);
    if (begin >= end) continue;
    if (!out.empty() && begin <= out.back().second)
      out.back().second = std::max(out.back().second, end);
    else
      out.emplace_back(begin, end);
  }
  return out;
}

}  // namespace

void WindowCutter::add(const xet::TreeEntry& chunk) {
  const auto begin = at_, end = at_ + chunk.size_bytes;
  at_ = end;
  ++plan_.chunks;
  while (next_ < changed_.size() && changed_[next_].second <= begin) ++next_;
  const bool is_changed = next_ < changed_.size() && changed_[next_].first < end;
  if (is_changed && !in_window_) {
    close_gap(/*at_end=*/false);
    plan_.windows.emplace_back(begin, end);
    in_window_ = true;
  }
  if (!in_window_) {
    gap_.push_back(chunk);
    return;
  }
  plan_.windows.back().second = end;
  const bool calm = !is_changed && is_calm(chunk.size_bytes);
  if (calm && last_is_calm_) in_window_ = false;
  last_is_calm_ = calm && in_window_;
}

void WindowCutter::close_gap(bool at_end) {
  auto tree = xet::make_subtree(gap_, /*at_start=*/plan_.windows.empty(), at_end);
  plan_.gaps.push_back(tree.nodes.empty() ? std::nullopt : std::optional(std::move(tree)));
  gap_.clear();
}

EditPlan WindowCutter::finish() {
  close_gap(/*at_end=*/true);
  return std::move(plan_);
}

Result<EditPlan> plan_edit(const Hub& hub, const XetFile& file, std::vector<ByteRange> changed) {
  changed = tidy(std::move(changed), file.size_bytes);
  if (changed.empty()) return Status(Code::bad_input, cat("no range lies within the ", file.size_bytes, " bytes"));
  WindowCutter cutter(std::move(changed));
  struct Term {
    ByteRange bytes;
    xet::Hash hash;
  };
  std::vector<Term> all;
  std::vector<xet::Hash> hashes;
  uint64_t chunks = 0;
  for (uint64_t at = 0; at < file.size_bytes;) {
    const auto terms = TRY(xet_terms(hub, file.hash, at, file.size_bytes, kTermsAtOnce));
    if (terms.empty()) return Status(Code::io, cat("stored file ", file.sha256, " has no bytes at ", at));
    for (const auto& term : terms) {
      const auto xorb = TRY(OpenXorb::open(hub, term.xorb));
      const auto& table = xorb->table();
      if (term.chunk_end > table.count())
        return Status(Code::io, cat("stored xorb ", term.xorb, " has too few chunks"));
      chunks += term.chunk_end - term.chunk_begin;
      if (chunks > kChunksMax) return Status(Code::too_large, "the file has too many chunks: send it as a whole");
      hashes.clear();
      for (uint32_t i = term.chunk_begin; i < term.chunk_end; ++i) {
        hashes.push_back(table.hash(i));
        cutter.add({hashes.back(), table.size_end(i) - table.size_begin(i)});
      }
      at = term.offset_bytes + term.size_bytes;
      all.push_back({{term.offset_bytes, at}, xet::range_hash(hashes)});
    }
  }
  auto out = cutter.finish();
  size_t window = 0;
  for (const auto& term : all) {
    while (window < out.windows.size() && out.windows[window].second <= term.bytes.first) ++window;
    if (window == out.windows.size() || out.windows[window].first >= term.bytes.second)
      out.range_hashes.push_back(term.hash.hex());
  }
  return out;
}

}  // namespace hearth::hub
