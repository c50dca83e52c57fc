// CodeGen: decoder whose attention and feed-forward part read the same layer norm; rotary positions in pairs
// (2i, 2i + 1) on a part of each head. Q, V and K lie in one matrix in four shards, one for each core that trained it.
// Source: Nijkamp et al., arXiv:2203.13474; transformers 5.23.0 models/codegen/modeling_codegen.py. Oracle: codegen.
#include "base/text.h"
#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

constexpr int64_t kShards = 4;
enum class Part { q, v, k };  // their order in a shard

/// Where a part's rows lie in qkv_proj. Those of queries and keys that turn are put in the order of halves.
Stored rows_of(const Config& c, int64_t rotary_dim, Part part) {
  const auto local = c.hidden_size / kShards;
  Stored out{.row_count = 3 * c.hidden_size};
  for (int64_t shard = 0; shard < kShards; ++shard) {
    const auto begin = (3 * shard + static_cast<int64_t>(part)) * local;
    const auto rows = part == Part::v ? std::vector<RowRange>{{begin, local}}
                                      : halves_of_pairs(begin, c.num_attention_heads / kShards,
                                                        c.hidden_size / c.num_attention_heads, rotary_dim);
    out.rows.insert(out.rows.end(), rows.begin(), rows.end());
  }
  return out;
}

struct Layer {
  LayerNorm ln_1;
  Linear q, k, v, out_proj, fc_in, fc_out;

  Layer(const Params& p, const Config& c, int64_t rotary_dim)
      : ln_1(p / "ln_1", c.hidden_size, c.layer_norm_eps),
        q(p / "attn" / "qkv_proj", c.hidden_size, c.hidden_size, Bias::none, rows_of(c, rotary_dim, Part::q)),
        k(p / "attn" / "qkv_proj", c.hidden_size, c.hidden_size, Bias::none, rows_of(c, rotary_dim, Part::k)),
        v(p / "attn" / "qkv_proj", c.hidden_size, c.hidden_size, Bias::none, rows_of(c, rotary_dim, Part::v)),
        out_proj(p / "attn" / "out_proj", c.hidden_size, c.hidden_size),
        fc_in(p / "mlp" / "fc_in", c.hidden_size, c.intermediate_size, Bias::present),
        fc_out(p / "mlp" / "fc_out", c.intermediate_size, c.hidden_size, Bias::present) {}

  /// x + attention(norm(x)) + mlp(norm(x)).
  Tensor operator()(const Config& c, Tensor x, Activation act, const Rope& rope, const Batch& batch,
                    size_t index) const {
    const auto heads = c.num_attention_heads;
    const Tensor normal = ln_1(x);
    auto [queries, keys, values] = project(normal, q, k, v);
    const Tensor out =
        batch.attention(index, rope(split_heads(std::move(queries), heads)), rope(split_heads(std::move(keys), heads)),
                        split_heads(std::move(values), heads));
    x = out_proj.add_to(std::move(x), out);
    return fc_out.add_to(std::move(x), activation(fc_in(normal), act));
  }
};

class CodeGenModel final : public TextModel {
 public:
  CodeGenModel(const Config& c, const Params& p, Activation act, int64_t rotary_dim, RopeFrequencies frequencies)
      : TextModel(c),
        act_(act),
        frequencies_(std::move(frequencies)),
        wte_(p / "wte", c.vocab_size, c.hidden_size),
        ln_f_(p / "ln_f", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) h_.emplace_back(p / "h" / i, c, rotary_dim);
  }

  Tensor forward(const Batch& batch) const override {
    const Rope rope(batch, frequencies_);
    return through(h_, wte_(batch.ids), batch, ln_f_, [&](const Layer& layer, Tensor x, size_t i) {
      return layer(config(), std::move(x), act_, rope, batch, i);
    });
  }

 private:
  Activation act_;
  RopeFrequencies frequencies_;
  Embedding wte_;
  std::vector<Layer> h_;
  LayerNorm ln_f_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const auto rotary_dim = read.size("rotary_dim", 64);
  TRY(read.take());
  const auto heads = c.num_attention_heads, head_dim = c.hidden_size / heads;
  if (heads % kShards != 0 || c.hidden_size % heads != 0)
    return Status(Code::bad_input, cat("config.json: n_head ", heads, " is not a multiple of ", kShards,
                                       " that divides n_embd ", c.hidden_size));
  if (rotary_dim > head_dim || rotary_dim % 2 != 0)
    return Status(Code::bad_input, cat("config.json: rotary_dim ", rotary_dim, " of a head of ", head_dim));
  const auto act = TRY(activation_by_name(c.hidden_act));
  auto frequencies = TRY(RopeFrequencies::from(c, {}, rotary_dim));
  return std::unique_ptr<TextModel>(std::make_unique<CodeGenModel>(c, p, act, rotary_dim, std::move(frequencies)));
}

}  // namespace

extern constinit const Family codegen_entry{
    .model_types = {"codegen"},
    .base_model_prefix = "transformer",
    .heads = {{"CodeGenForCausalLM", Task::causal_lm, lm_head_with_bias}, {"CodeGenModel", Task::base}},
    .attribute_map = {{"hidden_size", "n_embd"},
                      {"num_hidden_layers", "n_layer"},
                      {"num_attention_heads", "n_head"},
                      {"max_position_embeddings", "n_positions"},
                      {"intermediate_size", "n_inner"},
                      {"hidden_act", "activation_function"},
                      {"layer_norm_eps", "layer_norm_epsilon"}},
    .defaults = R"({"hidden_act": "gelu_new", "layer_norm_eps": 1e-5, "max_position_embeddings": 2048,
                    "eos_token_id": 50256})",
    .input_embeddings = "wte",
    .build = build};

}  // namespace hearth::transformers::models
