// AutoTokenizer::from_pretrained: which class a folder's tokenizer has, what its files say, and the class at work.
// Source: transformers 5.23.0 models/auto/tokenization_auto.py (AutoTokenizer.from_pretrained),
// tokenization_utils_base.py (_from_pretrained), tokenization_utils_tokenizers.py (convert_to_native_format).
#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/text.h"
#include "tokenizers/auto/class_names.h"
#include "tokenizers/auto/loading.h"
#include "tokenizers/auto/state.h"
#include "tokenizers/auto/vocabulary_files.h"
#include "tokenizers/classes_registry.h"
#include "tokenizers/pipeline/pipeline.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

constexpr uint64_t kFileMax = 256u << 20;
constexpr TokenizerClass kBackend{.name = "TokenizersBackend", .rebuilds = false, .vocab_file = "tokenizer.model"};

Result<Json> read_json(const std::string& folder, std::string_view name) {
  const auto path = path_join(folder, name);
  if (!exists(path)) return Json();
  const auto text = TRY(read_file(path, kFileMax));
  auto json = Json::parse(text);
  if (!json.ok()) return std::move(json).status().with(path);
  if (!json->is_object()) return Status(Code::bad_input, cat(path, ": must be an object"));
  return json;
}

bool is_llama(std::string_view name) {
  return name == "LlamaTokenizer" || name == "LlamaTokenizerFast";
}

std::string_view without_fast(std::string_view name) {
  return name.ends_with("Fast") ? name.substr(0, name.size() - 4) : name;
}

bool is_plain_backend(std::string_view name) {
  return name == "TokenizersBackend" || name == "PythonBackend" || name == "PreTrainedTokenizerFast";
}

// The name of the class, step by step as AutoTokenizer decides.
Result<std::string> resolve(const std::string& folder, const Json& config, const Json& tokenizer_config,
                            std::string_view name_or_path) {
  const auto model_type = config["model_type"].as_string(), model_name = config["model_name"].as_string();
  const auto declared = tokenizer_config["tokenizer_class"].as_string();
  const std::string hub_class(declared.empty() ? config["tokenizer_class"].as_string() : declared);
  const auto registered = without_fast(class_of_model_type(model_type));
  const bool incorrect = has_incorrect_class(model_type) || has_incorrect_class(model_name);
  const auto& auto_map = tokenizer_config["auto_map"];
  const bool remote = auto_map.is_array() || !auto_map["AutoTokenizer"].is_null();

  if (!remote) {
    if (is_file_as_it_is(to_lower_ascii(name_or_path))) return "TokenizersBackend";
    if (is_llama(hub_class) && !incorrect) {
      const auto file = path_join(folder, "tokenizer.json");
      if (exists(file) && contains(TRY(read_file(file, kFileMax)), "\"ByteLevel\"")) return "TokenizersBackend";
    }
    if (!hub_class.empty() && !registered.empty() && registered != without_fast(hub_class)) {
      if (is_plain_backend(registered)) return "TokenizersBackend";
      const std::string name(canonical_class(incorrect ? registered : hub_class));
      return is_plain_backend(name) ? "TokenizersBackend" : name;
    }
  } else if (declared.empty() ||
             (find_tokenizer_class(canonical_class(declared)) == nullptr && !is_plain_backend(declared))) {
    // Python asks whether to run the repository's code, unless it knows the class itself.
    if (!has_incorrect_class(model_type) && registered.empty()) {
      return Status(Code::unsupported, cat(folder,
                                           ": its tokenizer is Python code of its own (auto_map), which Hearth does "
                                           "not run; save it as tokenizer.json without auto_map"));
    }
  }
  if (!hub_class.empty()) return std::string(canonical_class(hub_class));
  return registered.empty() ? "TokenizersBackend" : std::string(canonical_class(registered));
}

Status read_templates(const std::string& folder, Json& kwargs) {
  std::vector<std::pair<std::string, std::string>> templates;
  const auto file = path_join(folder, "chat_template.jinja");
  if (exists(file)) templates.emplace_back("default", TRY(read_file(file, kFileMax)));
  const auto more = path_join(folder, "additional_chat_templates");
  if (is_folder(more)) {
    auto names = TRY(list_folder(more));
    std::sort(names.begin(), names.end());
    for (const auto& name : names)
      if (name.ends_with(".jinja"))
        templates.emplace_back(name.substr(0, name.size() - 6), TRY(read_file(path_join(more, name), kFileMax)));
  }
  if (templates.empty()) return {};
  if (templates.size() == 1 && templates[0].first == "default") {
    kwargs.set("chat_template", templates[0].second);
    return {};
  }
  Json::Object dict;
  for (auto& [name, text] : templates) dict.push_back({std::move(name), std::move(text)});
  kwargs.set("chat_template", std::move(dict));
  return {};
}

Json typed_token(const AddedToken& token) {
  Json out = added_token_json(token);
  out.set("__type", "AddedToken");
  return out;
}

// special_tokens_map.json and added_tokens.json, which only counted before added_tokens_decoder was, and the tokens of
// tokenizer.json.
Status read_legacy(const std::string& folder, const Json& file, const Json& asked, Json& kwargs,
                   std::map<TokenId, AddedToken>& tokens) {
  const Json map = TRY(read_json(folder, "special_tokens_map.json"));
  for (const auto& [key, value] : map.object()) {
    if (!asked[key].is_null()) continue;
    if (value.is_object() && key != "extra_special_tokens") {
      auto token = TRY(read_added_token({value, cat("special_tokens_map.json: ", key)}));
      if (value["normalized"].is_null()) token.normalized = false;
      token.special = true;
      kwargs.set(key, typed_token(token));
    } else if (key == "extra_special_tokens" && value.is_array()) {
      Json::Array merged = kwargs["extra_special_tokens"].array();
      for (const auto& token : value.array())
        if (std::find(merged.begin(), merged.end(), token) == merged.end()) merged.push_back(token);
      kwargs.set(key, std::move(merged));
    } else {
      kwargs.set(key, value);
    }
  }
  const Json added = TRY(read_json(folder, "added_tokens.json"));
  for (const auto& [content, id] : added.object()) {
    bool special = false;
    const auto names = [&](const Json& value) {
      return (value.is_object() ? value["content"].as_string() : value.as_string()) == content;
    };
    for (const auto key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
      special |= names(kwargs[key]);
    for (const auto& token : kwargs["extra_special_tokens"].array()) special |= names(token);
    AddedToken token;
    token.content = content;
    token.special = special;
    token.normalized = !special;
    if (!id.is_int() || id.as_int() < 0 || id.as_int() > INT32_MAX)
      return Status(Code::bad_input, cat("added_tokens.json: the id of '", content, "' must be a whole number"));
    tokens[static_cast<TokenId>(id.as_int())] = std::move(token);
  }
  if (!file["added_tokens"].is_null()) {
    for (const auto& row : TRY(ConfigView(file["added_tokens"], "added_tokens").elements()))
      tokens[static_cast<TokenId>(TRY(row.integer("id", 0, INT32_MAX)))] = TRY(read_added_token(row));
  }
  return {};
}

Status read_added_tokens(const std::string& folder, const Json& file, const Json& asked, Loading& l) {
  std::map<TokenId, AddedToken> tokens;
  if (const auto* rows = l.kwargs.find("added_tokens_decoder")) {
    for (const auto& [id, row] : rows->object()) {
      const auto number = parse_int(id);
      if (!number || *number < 0 || *number > INT32_MAX)
        return Status(Code::bad_input, cat("added_tokens_decoder: '", id, "' is no token id"));
      tokens[static_cast<TokenId>(*number)] = TRY(read_added_token({row, cat("added_tokens_decoder.", id)}));
    }
  } else {
    TRY(read_legacy(folder, file, asked, l.kwargs, tokens));
  }
  for (const auto key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
    const auto name = l.argument(key);
    if (name.empty()) continue;
    for (const auto& [id, token] : tokens)
      if (token.content == name) l.kwargs.set(key, typed_token(token));
  }
  for (auto& [id, token] : tokens) {
    token.id = id;
    l.added_tokens.push_back(std::move(token));
  }
  return {};
}

void apply_defaults(Loading& l) {
  for (const auto word : split(l.type->tokens, ' ')) {
    const auto equals = word.find('=');
    if (equals == word.npos || l.kwargs.find(word.substr(0, equals)) != nullptr) continue;
    const auto value = word.substr(equals + 1);
    l.kwargs.set(word.substr(0, equals), value.empty() ? Json() : Json(value));
  }
}

Json* member(Json& json, std::string_view key) {
  for (auto& [name, value] : json.object())
    if (name == key) return &value;
  return nullptr;
}

void find_charsmap(const Json& normalizer, Json& out) {
  const auto& steps = normalizer["normalizers"].array();
  for (size_t i = 0; i < std::max<size_t>(steps.size(), 1); ++i) {
    const auto& step = steps.empty() ? normalizer : steps[i];
    if (step["type"].as_string() != "Precompiled" || step["precompiled_charsmap"].is_null()) continue;
    out = step["precompiled_charsmap"];
    return;
  }
}

Status take_file(Loading& l, Json& file) {
  l.truncation = file["truncation"];
  l.padding = file["padding"];
  if (!l.type->rebuilds) {
    auto& b = l.backend;
    b.normalizer = file["normalizer"];
    b.pre_tokenizer = file["pre_tokenizer"];
    b.post_processor = file["post_processor"];
    b.decoder = file["decoder"];
    auto* model = member(file, "model");
    TRY(b.set_model(model == nullptr ? Json() : std::move(*model)));
    return b.add_tokens_of_file({file["added_tokens"], "added_tokens"});
  }
  l.file_post_processor = file["post_processor"];
  find_charsmap(file["normalizer"], l.charsmap);
  if (auto* model = member(file, "model")) {
    if (auto* vocab = member(*model, "vocab")) l.vocab = std::move(*vocab);
    if (auto* merges = member(*model, "merges")) l.merges = std::move(*merges);
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> named_templates(const Json& json) {
  std::vector<std::pair<std::string, std::string>> out;
  if (json.is_string()) out.emplace_back("default", json.as_string());
  for (const auto& [name, text] : json.object()) out.emplace_back(name, text.as_string());
  for (const auto& row : json.array()) out.emplace_back(row["name"].as_string(), row["template"].as_string());
  return out;
}

// The backend becomes `parts`, and with another post-processor `target_parts`.
Status take_backend(Loading& l) {
  Json for_target;
  if (l.type->finish_target != nullptr) {
    const Json for_source = l.backend.post_processor;
    TRY(l.type->finish_target(l));
    for_target = std::exchange(l.backend.post_processor, for_source);
  }
  const auto tokens = l.backend.tokens_to_find();
  l.parts = TRY(l.backend.take_parts());
  if (for_target.is_null()) return {};
  auto target = std::make_shared<Tokenizer::Parts>();
  target->normalizer = l.parts->normalizer;
  target->decoder = l.parts->decoder;
  target->post_processor = TRY(build_postprocessor({for_target, "post_processor"}));
  target->added = AddedTokens::make(tokens, *l.parts->model, l.parts->normalizer.get());
  target->finish_with_words_of(*l.parts);
  l.target_parts = std::move(target);
  return {};
}

Result<PreTrainedTokenizer> load(const std::string& folder, const TokenizerClass& type, Json tokenizer_config,
                                 const Json& asked) {
  Loading l;
  l.type = &type;
  l.kwargs = tokenizer_config.is_object() ? std::move(tokenizer_config) : Json(Json::Object{});
  auto& kwargs = l.kwargs;
  const auto drop = [&](std::string_view key) {
    std::erase_if(kwargs.object(), [&](const auto& member) { return member.first == key; });
  };
  for (const auto name : split(type.model_input_names, ' ')) l.model_input_names.emplace_back(name);
  l.padding_side = type.padding_side;
  drop("tokenizer_class");
  Json file = TRY(read_json(folder, "tokenizer.json"));
  if (file.is_object()) {
    drop("add_bos_token");
    drop("add_eos_token");
  }
  TRY(read_templates(folder, kwargs));
  for (const auto& [key, value] : asked.object()) kwargs.set(key, value);
  if (kwargs.find("additional_special_tokens") != nullptr && kwargs["extra_special_tokens"].size() == 0) {
    kwargs.set("extra_special_tokens", kwargs["additional_special_tokens"]);
    drop("additional_special_tokens");
  }
  TRY(read_added_tokens(folder, file, asked, l));
  if (type.build_python != nullptr) {
    apply_defaults(l);
    TRY(type.build_python(l, folder));
    return finish_loading(l);
  }
  if (file.is_object()) {
    auto taken = take_file(l, file);
    if (!taken.ok()) return std::move(taken).with(path_join(folder, "tokenizer.json"));
  } else {
    TRY(read_vocabulary_files(folder, l));
  }
  apply_defaults(l);
  if (type.build != nullptr && !l.backend.has_model()) TRY(type.build(l));
  if (!l.backend.has_model()) {
    return Status(Code::not_found,
                  cat(folder, ": no tokenizer.json, and no vocabulary file that ", type.name, " reads (",
                      type.vocab_file, type.merges_file.empty() ? "" : ", ", type.merges_file, ")"));
  }
  TRY(l.init_base());
  if (type.finish != nullptr) TRY(type.finish(l));
  return finish_loading(l);
}

}  // namespace

const TokenizerClass* tokenizers::find_tokenizer_class(std::string_view name) {
  for (const auto* entry : classes::entries())
    for (const auto& row : entry->rows)
      if (row.name == name) return &row;
  return name == kBackend.name ? &kBackend : nullptr;
}

Result<PreTrainedTokenizer> finish_loading(Loading& l) {
  const std::string model_type(l.backend.model_type());
  std::string json = l.parts ? std::string() : l.backend.to_json();
  auto state = std::make_shared<PreTrainedTokenizer::State>(Tokenizer(nullptr));
  state->class_name = std::string(l.type->name);
  state->model_type = model_type;
  state->json = std::move(json);
  state->added_tokens = l.added_tokens;
  state->model_input_names = std::move(l.model_input_names);
  if (const auto& names = l.kwargs["model_input_names"]; names.is_array()) {
    state->model_input_names.clear();
    for (const auto& name : names.array()) state->model_input_names.emplace_back(name.as_string());
  }
  const auto& limit = l.kwargs.find("model_max_length") != nullptr ? l.kwargs["model_max_length"] : l.kwargs["max_len"];
  // Python's "no limit" is a number beyond 10^20.
  if (limit.is_int() || (limit.is_double() && limit.as_double() < 9e18)) {
    state->model_max_length = limit.is_int() ? limit.as_int() : static_cast<int64_t>(limit.as_double());
  }
  state->padding_side = l.padding_side;
  state->truncation_side = l.truncation_side;
  state->clean_up_tokenization_spaces = l.flag("clean_up_tokenization_spaces", false);
  state->clean_up_even_bpe = l.flag("clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", false);
  state->split_special_tokens = l.flag("split_special_tokens", false);
  state->pad_token_type_id = l.pad_token_type_id;
  for (const auto& [name, value] : l.special_tokens) state->special_tokens_map.emplace_back(name, value.token.content);
  for (const auto& value : l.extra_special_tokens) state->extra_special_tokens.push_back(value.token.content);
  const auto& templates = l.kwargs["chat_template"];
  state->chat_templates = named_templates(templates);
  state->several_templates = !templates.is_string();

  if (!l.parts) TRY(take_backend(l));
  for (const auto& parts : {l.parts, l.target_parts}) {
    if (!parts) continue;
    const Tokenizer tokenizer(parts);
    const auto role = [&](std::string_view name) -> std::optional<TokenId> {
      const auto text = l.token(name);
      return text ? tokenizer.token_to_id(*text) : std::nullopt;
    };
    parts->special_tokens = {
        .bos = role("bos_token"), .eos = role("eos_token"), .unk = role("unk_token"), .pad = role("pad_token")};
    for (const auto& [name, text] : state->chat_templates)
      if (name == "default") parts->chat_template = text;
  }
  state->tokenizer = Tokenizer(std::move(l.parts));
  if (l.target_parts) state->target = Tokenizer(std::move(l.target_parts));
  state->files = std::move(l.files);
  state->config = std::move(l.kwargs);
  return PreTrainedTokenizer(std::move(state));
}

Result<PreTrainedTokenizer> AutoTokenizer::from_pretrained(const std::string& folder,
                                                           const AutoTokenizerOptions& options) {
  if (!is_folder(folder)) return Status(Code::not_found, cat(folder, ": is no folder of a model"));
  const Json config = TRY(read_json(folder, "config.json"));
  Json tokenizer_config = TRY(read_json(folder, "tokenizer_config.json"));
  const auto name = TRY(resolve(folder, config, tokenizer_config, options.name_or_path));
  const auto* type = find_tokenizer_class(name);
  if (type == nullptr) {
    if (is_own_code(name)) {
      return Status(Code::unsupported, cat(folder, ": ", name,
                                           " tokenizes in Python code of its own, which Hearth has not; "
                                           "Tokenizer::from_file reads its tokenizer.json as it is"));
    }
    type = &kBackend;
  }
  auto out = load(folder, *type, std::move(tokenizer_config), options.kwargs);
  if (!out.ok()) return std::move(out).status().with(cat(folder, " (", type->name, ")"));
  return out;
}

}  // namespace hearth
