#include "transformers/sentence_transformer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/files.h"
#include "base/text.h"
#include "base/unicode.h"
#include "tokenizers/auto_tokenizer.h"

namespace hearth {
namespace {

using Vector = std::vector<float>;

Result<Json> read_json(const std::string& path) {
  auto json = Json::parse(TRY(read_file(path, /*max_bytes=*/16 << 20)));
  if (!json.ok()) return std::move(json).status().with(path);
  return json;
}

/// The object in a file; an empty one where there is no file.
Result<Json> read_json_if_there(const std::string& path) {
  return exists(path) ? read_json(path) : Json(Json::Object{});
}

/// The rows of one text, and how many of its first ones are the prompt's.
struct TextRows {
  std::span<const float> values;  // [count, width]
  int64_t count = 0, width = 0, prompt_rows = 0;
  std::span<const float> row(int64_t i) const {
    return values.subspan(static_cast<size_t>(i * width), static_cast<size_t>(width));
  }
};

enum class PoolingMode { cls, max, mean, mean_sqrt_len, weightedmean, lasttoken };
struct PoolingName {
  PoolingMode mode;
  std::string_view name, flag;  // `pooling_mode` of newer files names it; older ones have a key for each
};
constexpr PoolingName kPoolingNames[] = {
    {PoolingMode::cls, "cls", "pooling_mode_cls_token"},
    {PoolingMode::max, "max", "pooling_mode_max_tokens"},
    {PoolingMode::mean, "mean", "pooling_mode_mean_tokens"},
    {PoolingMode::mean_sqrt_len, "mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens"},
    {PoolingMode::weightedmean, "weightedmean", "pooling_mode_weightedmean_tokens"},
    {PoolingMode::lasttoken, "lasttoken", "pooling_mode_lasttoken"}};

/// Several modes give their vectors one after another: in the order of `pooling_mode`, older flags in the
/// enumeration's.
struct Pooling {
  std::vector<PoolingMode> modes = {};
  bool include_prompt = true;

  static Result<Pooling> from(const Json& json) {
    Pooling out{.include_prompt = json["include_prompt"].as_bool(true)};
    const auto& named = json["pooling_mode"];  // a name or several, in newer files
    for (const auto& one : named.is_string() ? Json::Array{named} : named.array()) {
      const auto found = std::ranges::find(kPoolingNames, one.as_string(), &PoolingName::name);
      if (found == std::end(kPoolingNames))
        return Status(Code::unsupported, cat("the pooling_mode ", printable(one.as_string()), " is not known"));
      out.modes.push_back(found->mode);
    }
    if (out.modes.empty())
      for (const auto& [mode, name, flag] : kPoolingNames)
        if (json[flag].as_bool(false)) out.modes.push_back(mode);
    if (out.modes.empty()) out.modes.push_back(PoolingMode::mean);
    return out;
  }

  void add(PoolingMode mode, const TextRows& text, Vector& out) const {
    const auto first = std::min(include_prompt ? 0 : text.prompt_rows, text.count);
    const auto width = static_cast<size_t>(text.width);
    if (mode == PoolingMode::cls || mode == PoolingMode::lasttoken) {
      const auto begin = first < text.count ? first : 0;  // of a prompt alone: its own first row
      const auto row = text.row(mode == PoolingMode::cls ? begin : text.count - 1);
      out.insert(out.end(), row.begin(), row.end());
      return;
    }
    std::vector<double> made(width, mode == PoolingMode::max ? -std::numeric_limits<double>::infinity() : 0);
    double weights = 0;
    for (int64_t i = first; i < text.count; ++i) {
      const auto row = text.row(i);
      const double weight = mode == PoolingMode::weightedmean ? static_cast<double>(i + 1) : 1;
      weights += weight;
      for (size_t c = 0; c < width; ++c)
        made[c] = mode == PoolingMode::max ? std::max(made[c], double{row[c]}) : made[c] + weight * row[c];
    }
    weights = std::max(weights, 1e-9);
    const double divisor = mode == PoolingMode::max             ? 1
                           : mode == PoolingMode::mean_sqrt_len ? std::sqrt(weights)
                                                                : weights;
    for (const double value : made) out.push_back(static_cast<float>(value / divisor));
  }

  Vector operator()(const TextRows& text) const {
    Vector out;
    for (const auto mode : modes) add(mode, text, out);
    return out;
  }
};

/// What comes after the pooling: vectors to vectors.
class Module {
 public:
  virtual ~Module() = default;
  virtual void operator()(std::vector<Vector>& vectors) const = 0;
};

class Normalize final : public Module {
 public:
  void operator()(std::vector<Vector>& vectors) const override {
    for (auto& vector : vectors) normalize_embedding(vector);
  }
};

/// act(linear(x)), and with use_residual the input added: as it is, or through `residual` where the widths differ.
class Dense final : public Module {
 public:
  /// `width`: of the vectors that come in; it becomes that of those that go out.
  static Result<std::unique_ptr<Module>> from(const std::string& folder, const Backend& backend, int64_t& width) {
    const auto json = TRY(read_json(path_join(folder, "config.json")));
    ConfigReader read(json);
    const auto inputs = read.size("in_features"), outputs = read.size("out_features");
    const auto bias = bias_if(read.flag("bias", true));
    const auto function = read.text("activation_function", "torch.nn.modules.activation.Tanh");
    const auto is_residual = read.flag("use_residual", false);
    TRY(read.take());
    if (inputs != width)
      return Status(Code::bad_input, cat(folder, ": the layer reads vectors of ", inputs,
                                         " numbers (in_features), and ", width, " come from the modules before it"));
    for (const auto key : {"module_input_name", "module_output_name"})
      if (const auto& name = json[key]; name.is_string() && name.as_string() != "sentence_embedding")
        return Status(Code::unsupported, cat(folder, ": ", key, " ", printable(name.as_string()),
                                             " is not offered, only sentence_embedding"));
    auto out = std::make_unique<Dense>();
    const auto name = to_lower_ascii(function.substr(function.rfind('.') + 1));
    if (name != "identity") out->act_ = TRY(activation_by_name(name));
    const auto safe = path_join(folder, "model.safetensors");
    const auto weights = TRY(Weights::open(exists(safe) ? safe : path_join(folder, "pytorch_model.bin")));
    ParamStore store(backend, {});
    for (const auto* tensor : weights->tensors())
      store.set({.name = tensor->name,
                 .dtype = tensor->dtype,
                 .shape = Shape(tensor->shape),
                 .data = tensor->data,
                 .owner = weights,
                 .file = weights});
    out->linear_.emplace(Params(store) / "linear", inputs, outputs, bias);
    if (is_residual && inputs != outputs)
      out->residual_.emplace(Params(store) / "residual", inputs, outputs, Bias::none);
    auto status = store.finish();
    if (!status.ok()) return std::move(status).with(folder);
    out->is_residual_ = is_residual;
    out->backend_ = &backend;
    width = outputs;
    return std::unique_ptr<Module>(std::move(out));
  }

  void operator()(std::vector<Vector>& vectors) const override {
    Vector all;
    for (const auto& vector : vectors) all.insert(all.end(), vector.begin(), vector.end());
    const auto count = static_cast<int64_t>(vectors.size());
    const Tensor x = backend_->from_host(all, {count, static_cast<int64_t>(all.size()) / count});
    Tensor y = (*linear_)(x);
    if (act_) y = activation(y, *act_);
    if (is_residual_) y = y + (residual_ ? (*residual_)(x) : x);
    const auto values = to_vector(y);
    const auto width = values.size() / vectors.size();
    for (size_t i = 0; i < vectors.size(); ++i)
      vectors[i].assign(values.begin() + static_cast<ptrdiff_t>(i * width),
                        values.begin() + static_cast<ptrdiff_t>((i + 1) * width));
  }

 private:
  std::optional<Linear> linear_, residual_;
  std::optional<Activation> act_;
  bool is_residual_ = false;
  const Backend* backend_ = nullptr;
};

/// A model with its tokenizer, and how much of a text they read.
struct Reader {
  std::shared_ptr<const PreTrainedModel> model;
  PreTrainedTokenizer tokenizer;
  std::optional<int64_t> max_length;
  bool do_lower_case = false;

  static Result<Reader> from(const std::string& folder, std::optional<Task> task, const LoadOptions& options,
                             const Json& settings) {
    Reader out{.model = TRY(AutoModel::from_pretrained(task, folder, options)),
               .tokenizer = TRY(AutoTokenizer::from_pretrained(folder))};
    out.do_lower_case = settings["do_lower_case"].as_bool(false);
    // As Transformer.__init__: what the settings say, else what both model and tokenizer can take.
    out.max_length = out.tokenizer.model_max_length();
    const auto& positions = out.model->config().raw["max_position_embeddings"];
    if (settings["max_seq_length"].is_int()) {
      out.max_length = settings["max_seq_length"].as_int();
    } else if (positions.is_int() && positions.as_int() != -1) {
      out.max_length = std::min(out.max_length.value_or(positions.as_int()), positions.as_int());
    }
    if (out.max_length && *out.max_length < 1)
      return Status(Code::bad_input, cat("max_seq_length is ", *out.max_length, ", not above 0"));
    return out;
  }

  /// As the tokenizer of sentence-transformers gets a text.
  std::string cleaned(std::string_view text) const {
    return do_lower_case ? unicode::to_lower(text) : std::string(text);
  }

  Result<std::vector<Encoding>> tokenize(std::span<const EncodeInput> inputs) const {
    CallOptions call{.max_length = max_length};
    call.truncation = max_length ? Truncate::longest_first : Truncate::do_not_truncate;
    return std::move(TRY(tokenizer(inputs, call)).encodings);
  }

  Result<Encoding> prepare(const EncodeInput& input, const TextCut& cut) const {
    auto whole = std::move(TRY(tokenizer({&input, 1}, {.truncation = Truncate::do_not_truncate})).encodings.front());
    if (!max_length || static_cast<int64_t>(whole.size()) <= *max_length) return whole;
    if (!cut.may_cut)
      return Status(Code::too_large,
                    cat("`inputs` must have less than ", *max_length, " tokens. Given: ", whole.size()));
    if (cut.side == Side::right) return std::move(TRY(tokenize({&input, 1})).front());
    return tokenizer.backend_tokenizer().encode(
        input, {.truncation = Truncation{.max_length = static_cast<size_t>(*max_length), .side = Side::left}});
  }

  Result<ModelOutput> run(PreparedTexts texts) const {
    std::vector<const Encoding*> encodings;
    for (const auto* text : texts) encodings.push_back(&text->tokens);
    return run(encodings);
  }

  Result<ModelOutput> run(std::span<const Encoding* const> texts) const {
    ModelInputs inputs{.batch = static_cast<int64_t>(texts.size())};
    for (const auto* text : texts) inputs.length = std::max(inputs.length, static_cast<int64_t>(text->size()));
    if (inputs.length == 0) return Status(Code::bad_input, "a text without any token");
    // A model is given types only where its tokenizer names them among its outputs.
    const bool has_types = std::ranges::count(tokenizer.model_input_names(), "token_type_ids") > 0;
    const auto padded = static_cast<size_t>(inputs.batch * inputs.length);
    inputs.input_ids.assign(padded, 0);
    inputs.attention_mask.assign(padded, 0);
    if (has_types) inputs.token_type_ids.assign(padded, 0);
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto begin = i * static_cast<size_t>(inputs.length);
      for (size_t t = 0; t < texts[i]->size(); ++t) {
        inputs.input_ids[begin + t] = static_cast<int32_t>(texts[i]->ids[t]);
        inputs.attention_mask[begin + t] = 1;
        if (has_types && !texts[i]->type_ids.empty()) inputs.token_type_ids[begin + t] = texts[i]->type_ids[t];
      }
    }
    return model->forward(inputs);
  }
};

/// The rows of a table of `count` rows.
std::vector<Vector> rows_of(const Vector& values, size_t count) {
  std::vector<Vector> out(count);
  const auto width = static_cast<ptrdiff_t>(values.size() / std::max<size_t>(count, 1));
  for (size_t i = 0; i < count; ++i) {
    const auto begin = values.begin() + static_cast<ptrdiff_t>(i) * width;
    out[i].assign(begin, begin + width);
  }
  return out;
}

/// What belongs to each text of a table of a row a token.
std::vector<Vector> rows_of_tokens(const Vector& values, PreparedTexts texts) {
  size_t rows = 0;
  for (const auto* text : texts) rows += text->tokens.size();
  const auto width = values.size() / std::max<size_t>(rows, 1);
  std::vector<Vector> out;
  auto at = values.begin();
  for (const auto* text : texts) {
    const auto end = at + static_cast<ptrdiff_t>(text->tokens.size() * width);
    out.emplace_back(at, end);
    at = end;
  }
  return out;
}

/// The order of lengths, longest first: a batch then holds texts of about one length.
std::vector<size_t> longest_first(const std::vector<Encoding>& encodings) {
  std::vector<size_t> out(encodings.size());
  std::iota(out.begin(), out.end(), size_t{0});
  std::ranges::stable_sort(out, [&](size_t a, size_t b) { return encodings[a].size() > encodings[b].size(); });
  return out;
}

/// Calls work(indices, their encodings) for each batch.
template <class Work>
Status in_batches(const std::vector<Encoding>& encodings, int64_t batch_size, const Work& work) {
  if (batch_size < 1) return {Code::bad_input, cat("a batch size of ", batch_size, " is not above 0")};
  const auto order = longest_first(encodings);
  for (size_t begin = 0; begin < order.size(); begin += static_cast<size_t>(batch_size)) {
    const auto indices =
        std::span(order).subspan(begin, std::min(static_cast<size_t>(batch_size), order.size() - begin));
    std::vector<const Encoding*> texts;
    for (const auto i : indices) texts.push_back(&encodings[i]);
    TRY(work(indices, texts));
  }
  return {};
}

}  // namespace

struct SentenceTransformer::State {
  Reader reader;
  Pooling pooling;
  std::vector<std::unique_ptr<Module>> modules = {};
  std::vector<std::pair<std::string, std::string>> prompts = {};
  std::string default_prompt_name = {};

  Result<std::string> prompt_of(const SentenceEncodeOptions& options) const {
    if (options.prompt) return *options.prompt;
    const auto& name = options.prompt_name.empty() ? default_prompt_name : options.prompt_name;
    if (name.empty()) return std::string();
    std::vector<std::string> known;
    for (const auto& [key, text] : prompts) {
      if (key == name) return text;
      known.push_back(key);
    }
    return Status(Code::bad_input,
                  cat("there is no prompt '", name, "'; the model has: ", known.empty() ? "none" : join(known, ", ")));
  }

  /// A vector a text, in one pass. `prompt_rows(i)`: of the text's first rows, those of a prompt.
  template <class PromptRows>
  Result<std::vector<Vector>> encode(std::span<const Encoding* const> texts, const PromptRows& prompt_rows) const {
    const auto hidden = TRY(reader.run(texts)).last_hidden_state;
    const auto values = to_vector(contiguous(hidden));
    const auto width = hidden.size(1);
    std::vector<Vector> out;
    size_t at = 0;
    for (const auto* text : texts) {
      const auto count = text->size() * static_cast<size_t>(width);
      out.push_back(pooling({.values = std::span(values).subspan(at, count),
                             .count = static_cast<int64_t>(text->size()),
                             .width = width,
                             .prompt_rows = prompt_rows(out.size())}));
      at += count;
    }
    for (const auto& module : modules) (*module)(out);
    return out;
  }

  /// Rows that a prompt takes at a text's beginning: its tokens without the one that ends a text.
  Result<int64_t> prompt_rows(const std::string& prompt) const {
    if (prompt.empty() || pooling.include_prompt) return 0;
    const auto text = reader.cleaned(prompt);
    const EncodeInput input{.text = {.text = text}};
    const auto made = TRY(reader.tokenize({&input, 1}));
    const auto& mask = made.front().special_tokens_mask;
    const auto count = static_cast<int64_t>(made.front().size());
    return count > 0 && !mask.empty() && mask.back() != 0 ? count - 1 : count;
  }
};

Result<SentenceTransformer> SentenceTransformer::from_pretrained(const std::string& folder,
                                                                 const LoadOptions& options) {
  const auto modules_path = path_join(folder, "modules.json");
  const bool has_modules = exists(modules_path);
  const Json modules = has_modules ? TRY(read_json(modules_path)) : Json(Json::Array{});
  const auto folder_of = [&](const Json& module) { return path_join(folder, module["path"].as_string()); };
  if (has_modules && (modules.array().empty() || contains(modules.array().front()["path"].as_string(), "..")))
    return Status(Code::bad_input, cat(modules_path, " lists no module that begins"));
  const auto first =
      has_modules && !modules.array().front()["path"].as_string().empty() ? folder_of(modules.array().front()) : folder;
  auto settings = TRY(read_json_if_there(path_join(first, "sentence_bert_config.json")));
  auto state = std::make_shared<State>(
      State{.reader = TRY(Reader::from(first, Task::base, options, settings)), .pooling = {{PoolingMode::mean}}});
  bool has_pooling = !has_modules;
  const auto hidden_size = state->reader.model->config().hidden_size;
  auto width = hidden_size;  // of the vectors that the next module reads
  for (const auto& module : modules.array()) {
    const auto type = module["type"].as_string();
    const auto kind = type.substr(type.rfind('.') + 1);  // packages moved between the releases, names did not
    if (contains(module["path"].as_string(), ".."))
      return Status(Code::bad_input,
                    cat(modules_path, ": the path ", module["path"].as_string(), " leaves the folder"));
    if (&module == &modules.array().front()) {
      if (kind != "Transformer")
        return Status(Code::unsupported, cat(modules_path, " begins with ", type, "; only Transformer is offered"));
    } else if (kind == "Pooling" && !has_pooling) {
      state->pooling = TRY(Pooling::from(TRY(read_json(path_join(folder_of(module), "config.json")))));
      width = hidden_size * static_cast<int64_t>(state->pooling.modes.size());
      has_pooling = true;
    } else if (kind == "Dense" && has_pooling) {
      state->modules.push_back(TRY(Dense::from(folder_of(module), state->reader.model->backend(), width)));
    } else if (kind == "Normalize" && has_pooling) {
      state->modules.push_back(std::make_unique<Normalize>());
    } else if (kind != "Dropout") {
      return Status(Code::unsupported, cat(modules_path, ": a module ", type,
                                           " at this place is not offered (Transformer, Pooling, Dense, Normalize)"));
    }
  }
  if (!has_pooling) return Status(Code::unsupported, cat(modules_path, " has no Pooling"));
  const auto config = TRY(read_json_if_there(path_join(folder, "config_sentence_transformers.json")));
  for (const auto& [name, text] : config["prompts"].object())
    if (text.is_string()) state->prompts.emplace_back(name, text.as_string());
  state->default_prompt_name = config["default_prompt_name"].as_string();
  return SentenceTransformer(std::move(state));
}

Result<std::vector<std::vector<float>>> SentenceTransformer::encode(std::span<const std::string> texts,
                                                                    const SentenceEncodeOptions& options) const {
  const auto& s = *state_;
  const auto prompt = TRY(s.prompt_of(options));
  const auto prompt_rows = TRY(s.prompt_rows(prompt));
  std::vector<std::string> cleaned;
  for (const auto& text : texts) cleaned.push_back(s.reader.cleaned(cat(prompt, text)));
  std::vector<EncodeInput> inputs;
  for (const auto& text : cleaned) inputs.push_back({.text = {.text = text}});
  auto encodings = TRY(s.reader.tokenize(inputs));
  std::vector<Vector> out(texts.size());
  TRY(in_batches(encodings, options.batch_size,
                 [&](std::span<const size_t> indices, std::span<const Encoding* const> batch) -> Status {
                   auto vectors = TRY(s.encode(batch, [&](size_t) { return prompt_rows; }));
                   if (options.normalize_embeddings) Normalize()(vectors);
                   for (size_t i = 0; i < indices.size(); ++i) out[indices[i]] = std::move(vectors[i]);
                   return {};
                 }));
  return out;
}

Result<PreparedText> SentenceTransformer::prepare(std::string_view text, const SentenceEncodeOptions& options,
                                                  const TextCut& cut) const {
  const auto prompt = TRY(state_->prompt_of(options));
  const auto cleaned = state_->reader.cleaned(cat(prompt, text));
  return PreparedText{TRY(state_->reader.prepare({.text = {.text = cleaned}}, cut)), TRY(state_->prompt_rows(prompt))};
}

Result<std::vector<Vector>> SentenceTransformer::encode(PreparedTexts texts) const {
  std::vector<const Encoding*> encodings;
  for (const auto* text : texts) encodings.push_back(&text->tokens);
  return state_->encode(encodings, [&](size_t i) { return texts[i]->prompt_rows; });
}

Result<std::vector<Vector>> SentenceTransformer::token_embeddings(PreparedTexts texts) const {
  return rows_of_tokens(to_vector(contiguous(TRY(state_->reader.run(texts)).last_hidden_state)), texts);
}

std::optional<int64_t> SentenceTransformer::max_seq_length() const {
  return state_->reader.max_length;
}
const std::vector<std::pair<std::string, std::string>>& SentenceTransformer::prompts() const {
  return state_->prompts;
}
Result<std::string> SentenceTransformer::prompt(const std::string& name) const {
  return state_->prompt_of({.prompt_name = name});
}
std::string_view SentenceTransformer::pooling_name() const {
  return std::ranges::find(kPoolingNames, state_->pooling.modes.front(), &PoolingName::mode)->name;
}
const PreTrainedModel& SentenceTransformer::model() const {
  return *state_->reader.model;
}

struct CrossEncoder::State {
  Reader reader;
  bool has_sigmoid;
};

Result<CrossEncoder> CrossEncoder::from_pretrained(const std::string& folder, const LoadOptions& options) {
  auto reader = TRY(Reader::from(folder, Task::sequence_classification, options, Json(Json::Object{})));
  const auto& raw = reader.model->config().raw;
  // Of sentence-transformers 6, 4 and 3.
  const auto newest = TRY(read_json_if_there(path_join(folder, "config_sentence_transformers.json")));
  const Json* places[] = {&newest["activation_fn"], &raw["sentence_transformers"]["activation_fn"],
                          &raw["sbert_ce_default_activation_function"]};
  const auto place = std::ranges::find_if(places, [](const Json* one) { return one->is_string(); });
  const auto named = place == std::end(places) ? std::string_view() : (*place)->as_string();
  const auto kind = named.substr(named.rfind('.') + 1);
  if (!kind.empty() && kind != "Sigmoid" && kind != "Identity")
    return Status(Code::unsupported, cat(folder, ": the activation ", named, " is not known (Sigmoid, Identity)"));
  const bool has_sigmoid = kind.empty() ? reader.model->config().num_labels == 1 : kind == "Sigmoid";
  return CrossEncoder(std::make_shared<const State>(State{std::move(reader), has_sigmoid}));
}

void normalize_embedding(std::span<float> vector) {
  double sum = 0;
  for (const float value : vector) sum += double{value} * value;
  const double length = std::max(std::sqrt(sum), 1e-12);
  for (auto& value : vector) value = static_cast<float>(value / length);
}

Result<std::vector<std::vector<float>>> CrossEncoder::predict(
    std::span<const std::pair<std::string, std::string>> pairs, int64_t batch_size, std::optional<bool> sigmoid) const {
  std::vector<EncodeInput> inputs;
  for (const auto& [a, b] : pairs) inputs.push_back({.text = {.text = a}, .pair = TextInput{.text = b}});
  const auto encodings = TRY(state_->reader.tokenize(inputs));
  std::vector<Vector> out(pairs.size());
  TRY(in_batches(encodings, batch_size,
                 [&](std::span<const size_t> indices, std::span<const Encoding* const> batch) -> Status {
                   const auto logits = TRY(state_->reader.run(batch)).logits;
                   auto values = to_vector(contiguous(logits));
                   if (sigmoid.value_or(state_->has_sigmoid))
                     for (auto& value : values) value = 1 / (1 + std::exp(-value));
                   const auto width = static_cast<size_t>(logits.size(1));
                   for (size_t i = 0; i < indices.size(); ++i)
                     out[indices[i]].assign(values.begin() + static_cast<ptrdiff_t>(i * width),
                                            values.begin() + static_cast<ptrdiff_t>((i + 1) * width));
                   return {};
                 }));
  return out;
}

Result<PreparedText> CrossEncoder::prepare(std::string_view text, std::optional<std::string_view> pair,
                                           const TextCut& cut) const {
  EncodeInput input{.text = {.text = text}};
  if (pair) input.pair = TextInput{.text = *pair};
  return PreparedText{TRY(state_->reader.prepare(input, cut))};
}

Result<std::vector<Vector>> CrossEncoder::logits(PreparedTexts texts) const {
  return rows_of(to_vector(contiguous(TRY(state_->reader.run(texts)).logits)), texts.size());
}

std::optional<int64_t> CrossEncoder::max_seq_length() const {
  return state_->reader.max_length;
}
const PreTrainedModel& CrossEncoder::model() const {
  return *state_->reader.model;
}

struct SparseEncoder::State {
  Reader reader;
};

Result<SparseEncoder> SparseEncoder::from_pretrained(const std::string& folder, const LoadOptions& options) {
  return SparseEncoder(
      std::make_shared<const State>(State{TRY(Reader::from(folder, Task::masked_lm, options, Json(Json::Object{})))}));
}

Result<PreparedText> SparseEncoder::prepare(std::string_view text, const TextCut& cut) const {
  return PreparedText{TRY(state_->reader.prepare({.text = {.text = text}}, cut))};
}

Result<std::vector<Vector>> SparseEncoder::encode(PreparedTexts texts) const {
  const auto logits = TRY(state_->reader.run(texts)).logits;
  const auto width = static_cast<size_t>(logits.size(-1));
  auto rows = rows_of_tokens(to_vector(contiguous(logits)), texts);
  for (auto& values : rows) {
    Vector most(width, 0);  // relu of the greatest: log1p grows with its argument
    for (size_t i = 0; i < values.size(); ++i) most[i % width] = std::max(most[i % width], values[i]);
    for (auto& value : most) value = std::log1p(value);
    values = std::move(most);
  }
  return rows;
}

std::optional<int64_t> SparseEncoder::max_seq_length() const {
  return state_->reader.max_length;
}

}  // namespace hearth
