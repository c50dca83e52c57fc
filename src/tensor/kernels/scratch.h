// Memory that a thread keeps between calls, and the table of kernels in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tensor/kernels/kernel_table.h"

namespace hearth::kernels {

/// A buffer that grows, 64-byte aligned, its content not kept.
template <class T>
class Scratch {
 public:
  T* of(int64_t count) {
    if (count > count_) {
      count_ = count + count / 2;
      bytes_ = std::make_unique<std::byte[]>(static_cast<size_t>(count_) * sizeof(T) + 64);
    }
    return reinterpret_cast<T*>((reinterpret_cast<uintptr_t>(bytes_.get()) + 63) / 64 * 64);
  }

 private:
  int64_t count_ = 0;
  std::unique_ptr<std::byte[]> bytes_;
};

/// The kernels of the chosen instruction set.
const KernelTable& kernels();

}  // namespace hearth::kernels
