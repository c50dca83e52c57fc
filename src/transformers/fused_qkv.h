// Q, K and V in one matrix, laid out by key-value heads: for each its queries, its key and its value. With one query a
// key that is [heads, 3, head_dim] (GPT-NeoX, BLOOM); with one key-value head, all queries, then the key and the value.
// Source: transformers 5.23.0 models/falcon/modeling_falcon.py _split_heads; models/gpt_neox, models/bloom.
#pragma once

#include <cstdint>

#include "tensor/params.h"

namespace hearth {

enum class QkvPart { q, k, v };

/// Where a part's rows lie in query_key_value.
inline Stored qkv_rows(QkvPart part, int64_t heads, int64_t kv_heads, int64_t head_dim) {
  const auto group = heads / kv_heads;
  Stored out{.row_count = (heads + 2 * kv_heads) * head_dim};
  for (int64_t i = 0; i < kv_heads; ++i) {
    const auto begin = i * (group + 2) * head_dim;
    if (part == QkvPart::q) out.rows.push_back({begin, group * head_dim});
    if (part == QkvPart::k) out.rows.push_back({begin + group * head_dim, head_dim});
    if (part == QkvPart::v) out.rows.push_back({begin + (group + 1) * head_dim, head_dim});
  }
  return out;
}

}  // namespace hearth
