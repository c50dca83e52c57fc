// Pages of keys and values: what a cache is made of. Source: Kwon et al., arXiv:2309.06180 (paged attention).
//
// 1. A page holds kKvPagePositions positions of ALL layers in one allocation, so that one reference counts for them
// all.
// 2. A page that has more than one holder is immutable: who wants to write takes a page of their own first.
// 3. A page's bytes count in its pool from take() until its last holder lets go; the pool outlives its pages.
// 4. Those who hold the same page belong to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "tensor/tensor.h"

namespace hearth {

constexpr int64_t kKvPagePositions = 64;  // a tile of the native attention kernel reads one page

/// What a model's caches hold for each position.
struct CacheShape {
  int64_t layers = 0, kv_heads = 0, head_dim = 0;
  bool values_are_keys = false;  ///< one tensor is both: latent attention
};

class KvPool;

class KvPage {
 public:
  KvPage(Tensor values, std::shared_ptr<KvPool> pool);
  ~KvPage();
  KvPage(const KvPage&) = delete;
  KvPage& operator=(const KvPage&) = delete;
  /// [layers, 2 (keys, values; 1 where they are the same), kv_heads, kKvPagePositions, head_dim]
  const Tensor& values() const { return values_; }

 private:
  Tensor values_;
  std::shared_ptr<KvPool> pool_;
};

/// Where the caches of one model take their pages, and the limit of all of them together. Any thread.
class KvPool : public std::enable_shared_from_this<KvPool> {
 public:
  /// `limit_bytes`: of all live pages; 0: none.
  static std::shared_ptr<KvPool> make(const CacheShape& shape, DType dtype, int64_t limit_bytes = 0);
  ~KvPool();

  const CacheShape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  int64_t page_bytes() const;
  int64_t limit_bytes() const { return limit_bytes_; }
  /// Of the pages that somebody holds.
  int64_t live_bytes() const;
  /// A page whose numbers are arbitrary; busy when it would pass the limit.
  Result<std::shared_ptr<KvPage>> take(const Backend& backend);

 private:
  friend class KvPage;
  struct State;
  KvPool(const CacheShape& shape, DType dtype, int64_t limit_bytes);
  Shape page_shape() const;
  void put_back(Tensor values);

  const CacheShape shape_;
  const DType dtype_;
  const int64_t limit_bytes_;
  const std::unique_ptr<State> state_;
};

}  // namespace hearth
