#include "tensor/kv_pages.h"

#include <vector>

#include "base/guarded.h"
#include "base/text.h"
#include "tensor/backend.h"

namespace hearth {
namespace {

// Storage kept for the next taker: fresh memory costs a fault for each 4 KiB that is touched, more than a beam's copy.
constexpr size_t kFreePages = 16;

}  // namespace

struct KvPool::State {
  struct Pages {
    int64_t live = 0;
    std::vector<Tensor> free = {};
  };
  Guarded<Pages> pages;
};

KvPage::KvPage(Tensor values, std::shared_ptr<KvPool> pool) : values_(std::move(values)), pool_(std::move(pool)) {}

KvPage::~KvPage() {
  pool_->put_back(std::move(values_));
}

KvPool::KvPool(const CacheShape& shape, DType dtype, int64_t limit_bytes)
    : shape_(shape), dtype_(dtype), limit_bytes_(limit_bytes), state_(std::make_unique<State>()) {}

KvPool::~KvPool() = default;

std::shared_ptr<KvPool> KvPool::make(const CacheShape& shape, DType dtype, int64_t limit_bytes) {
  return std::shared_ptr<KvPool>(new KvPool(shape, dtype, limit_bytes));
}

Shape KvPool::page_shape() const {
  return {shape_.layers, shape_.values_are_keys ? 1 : 2, shape_.kv_heads, kKvPagePositions, shape_.head_dim};
}

int64_t KvPool::page_bytes() const {
  return size_bytes(dtype_, page_shape().numel()).value_or(0);
}

int64_t KvPool::live_bytes() const {
  return state_->pages.with([](const auto& p) { return p.live; }) * page_bytes();
}

Result<std::shared_ptr<KvPage>> KvPool::take(const Backend& backend) {
  Tensor values;
  const bool is_left = state_->pages.with([&](auto& p) {
    if (limit_bytes_ > 0 && (p.live + 1) * page_bytes() > limit_bytes_) return false;
    ++p.live;
    if (!p.free.empty()) {
      values = std::move(p.free.back());
      p.free.pop_back();
    }
    return true;
  });
  if (!is_left)
    return Status(Code::busy, cat("the cache's memory is full: its limit is ", limit_bytes_, " bytes, in pages of ",
                                  page_bytes(), "; wait until others have ended, or raise the limit"));
  try {
    if (!values.defined()) values = backend.empty(page_shape(), dtype_);
    return std::make_shared<KvPage>(std::move(values), shared_from_this());
  } catch (...) {
    state_->pages.with([](auto& p) { --p.live; });
    throw;
  }
}

void KvPool::put_back(Tensor values) {
  state_->pages.with([&](auto& p) {
    --p.live;
    if (p.free.size() < kFreePages) p.free.push_back(std::move(values));
  });
}

}  // namespace hearth
