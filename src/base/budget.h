// A bound on the memory that many requests take together: each has a share of it, given back with the share.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace hearth {

/// Thread-safe. Outlives its shares.
class Budget {
 public:
  explicit Budget(uint64_t max_bytes) : max_bytes_(max_bytes) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  uint64_t taken() const { return taken_.load(); }

  class Share {
   public:
    Share() = default;
    explicit Share(Budget* budget) : budget_(budget) {}
    Share(Share&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (budget_) budget_->taken_.fetch_sub(bytes_);
    }
    /// Takes more. False, and nothing taken, when all would be over the bound; whoever is alone may be over it, or what
    /// is larger than all could never be done. Without a budget there is no bound.
    bool grow(uint64_t bytes) {
      if (!budget_) return true;
      const auto before = budget_->taken_.fetch_add(bytes);
      if (before + bytes > budget_->max_bytes_ && before != bytes_) {
        budget_->taken_.fetch_sub(bytes);
        return false;
      }
      bytes_ += bytes;
      return true;
    }

   private:
    Budget* budget_ = nullptr;
    uint64_t bytes_ = 0;
  };

 private:
  const uint64_t max_bytes_;
  std::atomic<uint64_t> taken_ = 0;
};

}  // namespace hearth
