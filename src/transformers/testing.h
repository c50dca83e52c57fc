// A small random model for tests.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "safetensors/safetensors.h"

namespace hearth::testing {

/// Writes config.json and model.safetensors of a LLaMA with 50 ids and two layers; the same numbers each time.
inline void write_tiny_llama(const std::string& folder, int64_t positions = 40) {
  REQUIRE(write_file(path_join(folder, "config.json"),
                     cat(R"({"model_type": "llama", "vocab_size": 50, "hidden_size": 32, "intermediate_size": 64,
                         "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                         "max_position_embeddings": )",
                         positions, R"(, "tie_word_embeddings": true})"))
              .ok());
  struct Row {
    std::string name;
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<Row> rows;
  const auto add = [&](std::string name, std::vector<int64_t> shape) {
    Row row{std::move(name), std::move(shape), {}};
    int64_t count = 1;
    for (const auto d : row.shape) count *= d;
    const float scale = row.shape.size() == 1 ? 1.0f : 1 / std::sqrt(static_cast<float>(row.shape[1]));
    for (int64_t i = 0; i < count; ++i) row.values.push_back(normal(random) * scale);
    rows.push_back(std::move(row));
  };
  add("model.embed_tokens.weight", {50, 32});
  add("model.norm.weight", {32});
  for (int layer = 0; layer < 2; ++layer) {
    const auto p = cat("model.layers.", layer, ".");
    add(p + "self_attn.q_proj.weight", {32, 32});
    add(p + "self_attn.k_proj.weight", {16, 32});
    add(p + "self_attn.v_proj.weight", {16, 32});
    add(p + "self_attn.o_proj.weight", {32, 32});
    add(p + "mlp.gate_proj.weight", {64, 32});
    add(p + "mlp.up_proj.weight", {64, 32});
    add(p + "mlp.down_proj.weight", {32, 64});
    add(p + "input_layernorm.weight", {32});
    add(p + "post_attention_layernorm.weight", {32});
  }
  std::vector<SafetensorsEntryView> entries;
  for (const auto& row : rows)
    entries.push_back({row.name, DType::f32, row.shape, std::as_bytes(std::span<const float>(row.values))});
  REQUIRE(write_safetensors(path_join(folder, "model.safetensors"), entries).ok());
}

/// A tokenizer.json for it: id 7 is the word "w7".
inline void write_tiny_tokenizer(const std::string& folder) {
  std::string vocabulary;
  for (int id = 0; id < 50; ++id) vocabulary += cat(id > 0 ? ", " : "", "\"w", id, "\": ", id);
  REQUIRE(write_file(path_join(folder, "tokenizer.json"),
                     cat(R"({"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"},
                         "model": {"type": "WordLevel", "unk_token": "w0", "vocab": {)",
                         vocabulary, "}}}"))
              .ok());
}

}  // namespace hearth::testing
