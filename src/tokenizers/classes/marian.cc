// Marian: a SentencePiece model for each side, whose pieces are looked up in a vocabulary of its own; ">>fr<<" in front
// of a text names the language to translate into.
// Source: transformers 5.23.0 models/marian/tokenization_marian.py.
#include "base/text.h"
#include "tokenizers/classes_registry.h"
#include "tokenizers/pipeline/vocabulary.h"
#include "tokenizers/python/python_parts.h"
#include "tokenizers/python/python_text.h"
#include "tokenizers/python/sentencepiece_processor.h"

namespace hearth::tokenizers::classes {

namespace {

using Processor = std::shared_ptr<const SentencePieceProcessor>;

struct Vocabularies {
  Vocabulary encoder, decoder;
};

class MarianModel final : public PythonModel {
 public:
  MarianModel(Processor spm, Processor decoding, std::shared_ptr<const Vocabularies> both, bool as_target)
      : spm_(std::move(spm)),
        decoding_(std::move(decoding)),
        both_(std::move(both)),
        encoder_(as_target ? both_->decoder : both_->encoder) {}

  int64_t own_size() const override { return both_->encoder.size(); }
  TokenId own_id(std::string_view token) const override { return encoder_.find(token); }
  std::optional<std::string_view> own_text(TokenId id) const override {
    const auto text = both_->decoder.text(id);
    return text ? text : decoding_->id_to_piece(id);
  }
  int64_t own_ids_end() const override { return std::max(both_->encoder.ids_end(), both_->decoder.ids_end()); }

 protected:
  void cut(std::string_view text, std::vector<Token>& out) const override {
    size_t code = 0;
    if (text.starts_with(">>"))
      if (const auto end = text.find("<<"); end != text.npos) code = end + 2;
    const auto at = static_cast<uint32_t>(code);
    if (code > 0) out.push_back({std::string(text.substr(0, code)), {0, at}});
    for (auto& token : spm_->encode(text.substr(code)))
      out.push_back({std::move(token.text), {token.place.begin + at, token.place.end + at}});
  }

 private:
  Processor spm_, decoding_;
  std::shared_ptr<const Vocabularies> both_;
  const Vocabulary& encoder_;
};

class MarianDecoder final : public Decoder {
 public:
  MarianDecoder(Processor spm, std::unordered_set<std::string> special)
      : spm_(std::move(spm)), special_(std::move(special)) {}

  void decode(std::vector<std::string>& tokens) const override {
    std::string out;
    std::vector<std::string_view> pieces;
    for (const auto& token : tokens) {
      if (!special_.contains(token)) {
        pieces.push_back(token);
        continue;
      }
      out += cat(spm_->decode(pieces), token, " ");
      pieces.clear();
    }
    out += spm_->decode(pieces);
    tokens = {std::string(python::strip(replace_all(out, "▁", " ")))};
  }

 private:
  Processor spm_;
  std::unordered_set<std::string> special_;
};

Result<Processor> read_processor(Loading& l, const std::string& folder, std::string_view name) {
  auto bytes = TRY(read_class_file(l, folder, name));
  auto model = SentencePieceModel::parse(bytes);
  if (!model.ok()) return std::move(model).status().with(name);
  auto out = SentencePieceProcessor::make(*std::move(model));
  if (!out.ok()) return std::move(out).status().with(name);
  l.files.emplace_back(name, std::move(bytes));
  return std::make_shared<const SentencePieceProcessor>(*std::move(out));
}

Result<Vocabulary> read_vocabulary_file(Loading& l, const std::string& folder, std::string_view name) {
  auto text = TRY(read_class_file(l, folder, name));
  auto json = Json::parse(text);
  if (!json.ok()) return std::move(json).status().with(name);
  auto out = read_vocabulary({*json, std::string(name)});
  l.files.emplace_back(name, std::move(text));
  return out;
}

Status build(Loading& l, const std::string& folder) {
  if (l.kwargs.find("model_max_length") == nullptr) l.kwargs.set("model_max_length", 512);
  const bool separate = l.flag("separate_vocabs", false);
  auto both = std::make_shared<Vocabularies>();
  both->encoder = TRY(read_vocabulary_file(l, folder, "vocab.json"));
  both->decoder = separate ? TRY(read_vocabulary_file(l, folder, "target_vocab.json")) : both->encoder;
  const auto unk = l.argument("unk_token");
  if (both->encoder.find(unk) < 0)
    return Status(Code::bad_input, cat("vocab.json: the unknown token '", unk, "' is not in it"));
  const auto source = TRY(read_processor(l, folder, "source.spm"));
  const auto target = TRY(read_processor(l, folder, "target.spm"));
  const auto decoding = separate ? target : source;

  const auto make = [&](Processor spm, bool as_target) -> Result<std::shared_ptr<Tokenizer::Parts>> {
    auto model = std::make_shared<MarianModel>(std::move(spm), decoding, both, as_target && separate);
    const auto eos = l.token("eos_token").value_or("");
    const auto& tokens = l.python_tokens;
    std::vector<TokenId> marked;
    TokenId eos_id = model->own_id(unk);
    for (const auto& token : tokens) {
      if (token.special && token.content != unk) marked.push_back(token.id);
      if (token.content == eos) eos_id = token.id;
    }
    return python_parts(l, std::move(model), tokens,
                        std::make_unique<EosProcessor>(eos_id, EosProcessor::Where::all, std::move(marked)),
                        std::make_unique<MarianDecoder>(decoding, all_special_tokens(l)));
  };
  l.python_tokens = TRY(init_python(l, MarianModel(source, decoding, both, false)));
  l.parts = TRY(make(source, false));
  l.target_parts = TRY(make(target, true));
  return {};
}

constexpr TokenizerClass kRows[] = {{.name = "MarianTokenizer",
                                     .tokens = "unk_token=<unk> eos_token=</s> pad_token=<pad>",
                                     .vocab_file = "source.spm",
                                     .build_python = build}};

}  // namespace

extern constinit const TokenizerClasses marian_entry{kRows};

}  // namespace hearth::tokenizers::classes
