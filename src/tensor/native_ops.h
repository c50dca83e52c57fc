// The native backend's operations that move numbers or reduce rows, and its attention (native_attention.cc), apart from
// the products of native.cc.
// Shapes as in tensor/backend.h.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "tensor/backend.h"
#include "tensor/tensor.h"

namespace hearth::native {

Tensor empty_f32(const Shape& shape);
/// The numbers of a dense f32 tensor; ShapeError when it is not dense.
float* dense(const Tensor& x);
/// `x` itself when nobody else can see it, else a copy: what an operation may write into.
Tensor own(Tensor x);

/// A matrix packed for products, as a weight of `backend`.
Result<std::shared_ptr<const Weight>> packed_weight(const Backend& backend, const WeightSource& source,
                                                    const WeightOptions& options);
/// After a product.
void was_read(const Weight& weight);
/// ShapeError, named by `what`, unless x is [rows, width].
void expect_matrix(const Tensor& x, int64_t width, std::string_view what);
kernels::Product product_of(const LinearWeight& linear, float* y, bool add = false);

Tensor layer_norm(const Tensor& x, const NormWeight& norm);
Tensor scale(const Tensor& x, double factor);
Tensor index_add(Tensor out, std::span<const int64_t> rows, const Tensor& x, std::span<const float> factors);
Tensor concat(std::span<const Tensor> tensors, int64_t dimension);
Tensor contiguous(const Tensor& x);
Tensor matmul_nt(const Tensor& a, const Tensor& b);
Tensor gather(const Tensor& x, std::span<const int32_t> index, int64_t columns);

void kv_write(const KvPagesView& to, int64_t position, const Tensor& k, const Tensor& v, int64_t row_begin,
              int64_t row_count);
void kv_copy(const KvPage& from, const KvPage& to, int64_t positions);
Tensor attention(const Tensor& q, std::span<const AttentionSequence> sequences, const AttentionOptions& options);

}  // namespace hearth::native
