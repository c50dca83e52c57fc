#include "tokenizers/python/python_parts.h"

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace hearth::tokenizers {

namespace {

constexpr uint64_t kFileMax = 256u << 20;

}  // namespace

Status PythonModel::tokenize(std::span<const std::string_view> pieces, ModelScratch&, Tokens& out) const {
  std::vector<Token> found;
  for (uint32_t i = 0; i < pieces.size(); ++i) {
    found.clear();
    cut(pieces[i], found);
    for (auto& token : found) {
      TokenId id = token_to_id(token.text);
      if (id < 0) id = unknown_;
      if (id < 0) {
        return Status(Code::bad_input,
                      cat("'", token.text.substr(0, 40), "' is not in the vocabulary, and there is no unknown token"));
      }
      if (out.aligned) {
        if (id_to_token(id) != token.text)
          out.spelt.push_back({static_cast<uint32_t>(out.ids.size()), std::move(token.text)});
        out.places.push_back({i, token.place.begin, token.place.end});
      }
      out.ids.push_back(id);
    }
  }
  return {};
}

TokenId PythonModel::token_to_id(std::string_view token) const {
  const auto it = added_ids_.find(std::string(token));
  return it == added_ids_.end() ? own_id(token) : it->second;
}

std::optional<std::string_view> PythonModel::id_to_token(TokenId id) const {
  const auto it = added_texts_.find(id);
  return it == added_texts_.end() ? own_text(id) : std::optional<std::string_view>(it->second);
}

void PythonModel::set_added(const std::vector<AddedToken>& tokens) {
  ids_end_ = own_ids_end();
  for (const auto& token : tokens) {
    added_ids_[token.content] = token.id;
    added_texts_[token.id] = token.content;
    ids_end_ = std::max<int64_t>(ids_end_, token.id + int64_t{1});
  }
}

Result<std::vector<AddedToken>> init_python(Loading& l, const PythonModel& model, std::map<TokenId, AddedToken> own) {
  TRY(l.read_arguments());
  for (const auto& token : l.added_tokens) {
    if (token.id > model.own_ids_end() + 1'000'000)
      return Status(Code::bad_input, cat("added_tokens_decoder: the id ", token.id, " is far beyond the vocabulary"));
    own[token.id] = token;
  }
  std::unordered_set<std::string> known;
  int64_t next_id = model.own_size();
  const auto is_new = [&](const std::string& text) { return known.insert(text).second && model.own_id(text) < 0; };
  for (const auto& [id, token] : own) next_id += is_new(token.content) ? 1 : 0;
  std::vector<AddedToken> out;
  for (auto& [id, token] : own)
    out.push_back({.content = token.content, .id = id, .lstrip = token.lstrip, .rstrip = token.rstrip});
  const auto add = [&](const std::string& text) {
    if (text.empty() || known.contains(text)) return;
    const TokenId id = model.own_id(text);
    known.insert(text);
    out.push_back({.content = text, .id = id >= 0 ? id : static_cast<TokenId>(next_id++)});
  };
  for (const auto& row : l.special_tokens) add(row.second.token.content);
  for (const auto& value : l.extra_special_tokens) add(value.token.content);
  const auto special = all_special_tokens(l);
  for (auto& token : out) token.special = special.contains(token.content);
  return out;
}

std::shared_ptr<Tokenizer::Parts> python_parts(Loading& l, std::shared_ptr<PythonModel> model,
                                               const std::vector<AddedToken>& tokens,
                                               std::unique_ptr<PostProcessor> post_processor,
                                               std::unique_ptr<Decoder> decoder) {
  model->set_added(tokens);
  const auto unk = l.token("unk_token");
  if (unk && !model->knows_unknown()) model->set_unknown(model->token_to_id(*unk));
  auto out = std::make_shared<Tokenizer::Parts>();
  out->added = AddedTokens::make(tokens, *model, nullptr);
  out->model = std::move(model);
  out->post_processor = std::move(post_processor);
  out->decoder = std::move(decoder);
  out->finish();
  return out;
}

std::unordered_set<std::string> all_special_tokens(const Loading& l) {
  std::unordered_set<std::string> out;
  for (const auto& row : l.special_tokens) out.insert(row.second.token.content);
  for (const auto& value : l.extra_special_tokens) out.insert(value.token.content);
  return out;
}

// The type ids of a pair are Python's: as many as the first text with its eos has are 0, though that eos stands in the
// end.
void EosProcessor::process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts&) const {
  const auto is_in = [](const std::vector<TokenId>& list, TokenId id) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  for (auto& part : parts) {
    part.type_ids.clear();
    if (part.size() < 2 || part.ids[0] != lonely_ || !is_in(special_, part.ids[1])) continue;
    part.ids.erase(part.ids.begin());
    part.special_tokens_mask.erase(part.special_tokens_mask.begin());
    if (!part.offsets.empty()) part.offsets.erase(part.offsets.begin());
    if (!part.word_ids.empty()) part.word_ids.erase(part.word_ids.begin());
    std::erase_if(part.spelt, [](const auto& token) { return token.index == 0; });
    for (auto& token : part.spelt) --token.index;
  }
  if (!add_special_tokens) return;
  Encoding eos;
  eos.ids = {eos_};
  eos.special_tokens_mask = {1};
  if (std::any_of(parts.begin(), parts.end(), [](const auto& p) { return !p.offsets.empty(); })) {
    eos.offsets = {{}};
    eos.word_ids = {-1};
  }
  for (auto& part : parts) {
    for (size_t i = 0; i < part.size(); ++i)
      if (is_in(marked_, part.ids[i])) part.special_tokens_mask[i] = 1;
  }
  if (where_ == Where::all && parts.size() == 2) {
    parts[1].type_ids.assign(parts[1].size(), 1);
    if (!parts[1].type_ids.empty()) parts[1].type_ids.front() = 0;
    eos.type_ids = {parts[1].type_ids.empty() ? 0 : 1};
  }
  for (size_t i = where_ == Where::all ? parts.size() - 1 : 0; i < parts.size(); ++i) {
    const auto& ids = parts[i].ids;
    if (where_ == Where::all || ids.empty() || ids.back() != eos_) {
      parts[i].append(eos);
    } else {
      parts[i].special_tokens_mask.back() = 1;
    }
  }
}

Result<std::string> read_class_file(const Loading& l, const std::string& folder, std::string_view name) {
  const auto path = path_join(folder, name);
  if (!exists(path)) return Status(Code::not_found, cat(path, ": ", l.type->name, " needs it"));
  return read_file(path, kFileMax);
}

}  // namespace hearth::tokenizers
