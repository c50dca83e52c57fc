// hearth logits: the logits of given token ids, and greedy continuations, as a safetensors file: what the tests lay
// beside transformers.
#include "base/files.h"
#include "base/text.h"
#include "inference/commands_registry.h"
#include "inference/load_options.h"
#include "safetensors/safetensors.h"
#include "transformers/generate.h"

namespace hearth::inference::commands {
namespace {

struct Output {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};

template <class T>
Output output(std::string name, DType dtype, std::vector<int64_t> shape, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  return {std::move(name), dtype, std::move(shape), {bytes.begin(), bytes.end()}};
}

/// All logits of one sequence, with the cache filled in two pieces when `split` says so.
Result<std::vector<float>> all_logits(const CausalLM& model, std::span<const int32_t> ids, size_t split) {
  std::vector<float> out;
  auto cache = model.make_cache();
  for (const auto piece : {ids.subspan(0, split), ids.subspan(split)}) {
    if (piece.empty()) continue;
    const SequenceView sequence{&cache, piece, LogitRows::all};
    const auto part = to_vector(model.forward({&sequence, 1}));
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

Result<std::vector<std::vector<int32_t>>> read_sequences(const Json& request) {
  std::vector<std::vector<int32_t>> out;
  for (const auto& row : request["sequences"].array()) {
    out.push_back(token_ids(row));
    if (out.back().empty() || out.back().size() != row.size())
      return Status(Code::bad_input, "sequences holds lists of token ids, none empty");
  }
  if (out.empty()) return Status(Code::bad_input, "the request has no sequences");
  return out;
}

Status write(const Arguments& arguments) {
  const auto words = arguments.positional();
  if (words.size() != 3) return {Code::bad_input, "hearth logits takes MODEL REQUEST.json OUTPUT.safetensors"};
  auto options = TRY(load_options(arguments));
  const auto request = TRY(Json::parse(TRY(read_file(words[1], 64 << 20))));
  const auto sequences = TRY(read_sequences(request));
  const auto new_tokens = request["max_new_tokens"].as_int(0);
  const auto split = static_cast<size_t>(request["split"].as_int(0));
  options.read_once = new_tokens == 0;
  const auto model = TRY(AutoModelForCausalLM::from_pretrained(words[0], options));

  std::vector<Output> outputs;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const auto& ids = sequences[i];
    for (const auto id : ids)
      if (id >= model->config().vocab_size)
        return {Code::bad_input, cat("token id ", id, " is outside the vocabulary")};
    if (request["logits"].as_bool(true)) {
      const auto logits = TRY(all_logits(*model, ids, std::min(split, ids.size())));
      outputs.push_back(output<float>(cat("logits.", i), DType::f32,
                                      {static_cast<int64_t>(ids.size()), model->config().vocab_size}, logits));
    }
    if (new_tokens == 0) continue;
    Session session(*model);
    GenerationConfig config;
    config.max_new_tokens = new_tokens;
    if (request["stop_at_eos"].as_bool(false)) config.eos_token_id = model->config().eos_token_id;
    const auto made = TRY(generate(*model, session, ids, config));
    outputs.push_back(output<int32_t>(cat("ids.", i), DType::i32, {static_cast<int64_t>(made.ids.size())}, made.ids));
  }
  std::vector<SafetensorsEntryView> entries;
  for (const auto& o : outputs) entries.push_back({o.name, o.dtype, o.shape, o.bytes});
  return write_safetensors(words[2], entries);
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = write(arguments);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody logits_entry{"logits", run};

}  // namespace hearth::inference::commands
