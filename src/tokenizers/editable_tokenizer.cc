#include "tokenizers/editable_tokenizer.h"

#include <algorithm>

#include "base/text.h"
#include "tokenizers/auto/backend.h"
#include "tokenizers/pipeline/pipeline.h"

namespace hearth {

namespace {

using namespace tokenizers;  // NOLINT(google-build-using-namespace): the room's own

constexpr std::string_view kPartNames[] = {"normalizer", "pre_tokenizer", "post_processor", "decoder"};

}  // namespace

// `parts` are the last ones that were handed out. Of them a new tokenizer takes what `changed` does not name; the model
// only together with the pre-tokenizer, because the two agree on how bytes are spelt.
struct EditableTokenizer::State {
  Backend backend;
  std::string model_json;
  std::shared_ptr<Model> model;
  std::shared_ptr<const Tokenizer::Parts> parts;
  bool is_old = true, model_is_taken = false;
  bool changed[4] = {true, true, true, true};  // by PartKind

  Json& part(PartKind kind) {
    if (kind == PartKind::normalizer) return backend.normalizer;
    if (kind == PartKind::pre_tokenizer) return backend.pre_tokenizer;
    return kind == PartKind::post_processor ? backend.post_processor : backend.decoder;
  }
  bool has_changed(PartKind kind) const { return changed[static_cast<size_t>(kind)]; }
};

EditableTokenizer::EditableTokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
EditableTokenizer::EditableTokenizer(EditableTokenizer&&) noexcept = default;
EditableTokenizer& EditableTokenizer::operator=(EditableTokenizer&&) noexcept = default;
EditableTokenizer::~EditableTokenizer() = default;

Result<EditableTokenizer> EditableTokenizer::from_json(std::string_view text) {
  const Tokenizer tokenizer = TRY(Tokenizer::from_json(text));
  auto state = std::make_unique<State>();
  auto& s = *state;
  Json added, truncation, padding;
  for (const auto& [key, value] : TRY(json_members(text))) {
    const auto* name = std::find(std::begin(kPartNames), std::end(kPartNames), key);
    if (name != std::end(kPartNames)) {
      const auto kind = static_cast<PartKind>(name - std::begin(kPartNames));
      s.part(kind) = TRY(Json::parse(value));
    } else if (key == "model") {
      s.model_json = value;
    } else if (key == "added_tokens") {
      added = TRY(Json::parse(value));
    } else if (key == "truncation") {
      truncation = TRY(Json::parse(value));
    } else if (key == "padding") {
      padding = TRY(Json::parse(value));
    }
  }
  std::fill(std::begin(s.changed), std::end(s.changed), false);
  s.parts = tokenizer.shared_parts();
  s.model = s.parts->model;
  s.model_is_taken = true;
  s.is_old = false;
  s.backend.set_model(s.model, s.model_json);
  TRY(s.backend.add_tokens_of_file({added, "added_tokens"}));
  EditableTokenizer out(std::move(state));
  out.truncation = std::move(truncation);
  out.padding = std::move(padding);
  return out;
}

Result<EditableTokenizer> EditableTokenizer::from_model(std::string_view json) {
  EditableTokenizer out(std::make_unique<State>());
  TRY(out.set_model(json));
  return out;
}

Status EditableTokenizer::set_model(std::string_view json) {
  auto& s = *state_;
  const Json parsed = TRY(Json::parse(json));
  s.model = TRY(build_model({parsed, "model"}));
  s.model_json = std::string(json);
  const auto tokens = s.backend.tokens_to_find();
  s.backend.set_model(s.model, s.model_json);
  s.backend.add_tokens(tokens);
  s.model_is_taken = false;
  s.is_old = true;
  return {};
}

std::string_view EditableTokenizer::model_json() const {
  return state_->model_json;
}

const Json& EditableTokenizer::part(PartKind kind) const {
  return state_->part(kind);
}

Status EditableTokenizer::set_part(PartKind kind, Json json) {
  auto& s = *state_;
  if (!json.is_null()) TRY(TokenizerPart::build(kind, json));
  s.part(kind) = std::move(json);
  s.changed[static_cast<size_t>(kind)] = true;
  s.is_old = true;
  return {};
}

Result<Tokenizer> EditableTokenizer::tokenizer() {
  auto& s = *state_;
  if (!s.is_old) return Tokenizer(s.parts);
  auto parts = std::make_shared<Tokenizer::Parts>();
  const bool is_first = s.parts == nullptr;
  const auto part = [&](auto& to, auto Tokenizer::Parts::*member, PartKind kind, auto build) -> Status {
    const Json& json = s.part(kind);
    if (!is_first && !s.has_changed(kind)) {
      to = (*s.parts).*member;
    } else if (!json.is_null()) {
      to = TRY(build({json, std::string(kPartNames[static_cast<size_t>(kind)])}));
    }
    return {};
  };
  using P = Tokenizer::Parts;
  TRY(part(parts->normalizer, &P::normalizer, PartKind::normalizer, build_normalizer));
  TRY(part(parts->post_processor, &P::post_processor, PartKind::post_processor, build_postprocessor));
  TRY(part(parts->decoder, &P::decoder, PartKind::decoder, build_decoder));
  const bool keeps_words = !is_first && s.model_is_taken && !s.has_changed(PartKind::pre_tokenizer);
  if (!keeps_words) {
    const Json& json = s.backend.pre_tokenizer;
    if (!json.is_null()) parts->pre_tokenizer = TRY(build_pretokenizer({json, "pre_tokenizer"}));
    if (s.model_is_taken) TRY(set_model(s.model_json));
  }
  parts->added = AddedTokens::make(s.backend.tokens_to_find(), *s.model, parts->normalizer.get());
  if (keeps_words) {
    parts->finish_with_words_of(*s.parts);
  } else {
    parts->model = s.model;
    parts->finish();
  }
  s.parts = std::move(parts);
  s.model_is_taken = true;
  s.is_old = false;
  std::fill(std::begin(s.changed), std::end(s.changed), false);
  return Tokenizer(s.parts);
}

size_t EditableTokenizer::add_tokens(std::span<const AddedToken> tokens) {
  auto& s = *state_;
  size_t count = 0;
  for (const auto& token : tokens) {
    if (token.content.empty()) continue;
    const auto* before = s.backend.find_added(token.content);
    if (before != nullptr && same_token(*before, token)) continue;
    s.backend.add_tokens({&token, 1});
    ++count;
  }
  if (count > 0) s.is_old = true;
  return count;
}

std::vector<AddedToken> EditableTokenizer::added_tokens() const {
  auto out = state_->backend.added_tokens();
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

std::optional<TokenId> EditableTokenizer::token_to_id(std::string_view token) const {
  return state_->backend.token_to_id(token);
}

int64_t EditableTokenizer::vocab_size(bool with_added_tokens) const {
  return with_added_tokens ? state_->backend.vocab_size() : state_->model->size();
}

std::vector<std::pair<std::string_view, TokenId>> EditableTokenizer::vocabulary(bool with_added_tokens) const {
  const auto& model = *state_->model;
  std::vector<std::pair<std::string_view, TokenId>> out;
  for (TokenId id = 0; id < model.ids_end(); ++id)
    if (const auto text = model.id_to_token(id)) out.emplace_back(*text, id);
  if (with_added_tokens)
    for (const auto& token : state_->backend.added_tokens()) out.emplace_back(token.content, token.id);
  return out;
}

std::string EditableTokenizer::to_json(int indent) const {
  auto text = state_->backend.to_json(truncation, padding);  // the model's spacing is that of the file it came from
  const auto json = Json::parse(text);
  return json.ok() ? json->dump(indent) : text;
}

Result<TokenizerPart> TokenizerPart::build(PartKind kind, const Json& json) {
  const ConfigView config(json, std::string(kPartNames[static_cast<size_t>(kind)]));
  switch (kind) {
    case PartKind::normalizer:
      return TokenizerPart(kind, std::shared_ptr<const Normalizer>(TRY(build_normalizer(config))));
    case PartKind::pre_tokenizer:
      return TokenizerPart(kind, std::shared_ptr<const PreTokenizer>(TRY(build_pretokenizer(config))));
    case PartKind::post_processor:
      return TokenizerPart(kind, std::shared_ptr<const PostProcessor>(TRY(build_postprocessor(config))));
    case PartKind::decoder:
      return TokenizerPart(kind, std::shared_ptr<const Decoder>(TRY(build_decoder(config))));
  }
  return Status(Code::internal, "a kind of part that there is not");
}

namespace {

Status check_utf8(std::string_view text) {
  if (const auto at = utf8_error(text); at != std::string_view::npos)
    return Status(Code::bad_input, cat("the text is not UTF-8: byte ", at, " begins no character"));
  return {};
}

}  // namespace

Result<std::string> TokenizerPart::normalize(std::string_view text) const {
  TRY(check_utf8(text));
  AlignedText out({.text = text}, /*aligned=*/false);
  as<Normalizer>().normalize(out);
  return out.text();
}

Result<std::vector<PreTokenizedPiece>> TokenizerPart::pre_tokenize(std::string_view text) const {
  TRY(check_utf8(text));
  PiecesView pieces;
  pieces.clear(/*aligned=*/true);
  if (!text.empty()) as<PreTokenizer>().split({.text = text}, pieces);
  std::vector<uint32_t> characters(text.size() + 1);  // before each byte
  for (size_t i = 0; i < text.size(); ++i) characters[i + 1] = characters[i] + ((text[i] & 0xC0) != 0x80 ? 1 : 0);
  std::vector<PreTokenizedPiece> out;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto span = pieces[i].origin(0, pieces[i].size());
    out.push_back({std::string(pieces[i].text), {characters[span.begin], characters[span.end]}});
  }
  return out;
}

std::string TokenizerPart::decode(std::vector<std::string> tokens) const {
  as<Decoder>().decode(tokens);
  return join(tokens, "");
}

size_t TokenizerPart::num_special_tokens_to_add(bool is_pair) const {
  return as<PostProcessor>().added_tokens(is_pair);
}

Encoding TokenizerPart::process(std::vector<Encoding> encodings, bool add_special_tokens,
                                const Tokenizer& tokenizer) const {
  return tokenizer.parts().join_texts(std::move(encodings), add_special_tokens, &as<PostProcessor>());
}

Result<Encoding> post_process(const Tokenizer& tokenizer, std::vector<Encoding> encodings,
                              const EncodeOptions& options) {
  return tokenizer.parts().post_process(std::move(encodings), options);
}

size_t num_special_tokens_to_add(const Tokenizer& tokenizer, bool is_pair) {
  const auto& processor = tokenizer.parts().post_processor;
  return processor ? processor->added_tokens(is_pair) : 0;
}

}  // namespace hearth
