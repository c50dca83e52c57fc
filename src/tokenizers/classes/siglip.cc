// SigLIP: the sentencepiece library over text in small letters, without punctuation.
// Source: transformers 5.23.0 models/siglip/tokenization_siglip.py, tokenization_utils_sentencepiece.py.
#include "base/text.h"
#include "tokenizers/classes_registry.h"
#include "tokenizers/python/python_parts.h"
#include "tokenizers/python/python_text.h"
#include "tokenizers/python/sentencepiece_processor.h"

namespace hearth::tokenizers::classes {

namespace {

using Processor = std::shared_ptr<const SentencePieceProcessor>;

constexpr std::string_view kUnderline = "▁";

// string.punctuation
bool is_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// In front of the input stands "▁", which in it is a space.
class SiglipPreTokenizer final : public PreTokenizer {
 public:
  bool asks_start() const override { return true; }
  void split(TextView view, PiecesView& out) const override {
    AlignedText text(view, out.aligned());
    Rewriter rewriter(text);
    while (!rewriter.done()) {
      size_t end = rewriter.position();
      const bool is_underline = utf8_next(text.text(), end) == U'▁';
      const size_t size = end - rewriter.position();
      is_underline ? rewriter.replace(size, ' ') : rewriter.keep(size);
    }
    rewriter.finish();
    if (view.at_start()) text.prepend(kUnderline);
    out.add(out.keep(std::move(text)));
  }
};

class SiglipModel final : public PythonModel {
 public:
  SiglipModel(Processor spm, std::string unk, bool lower_case)
      : spm_(std::move(spm)), unk_(std::move(unk)), unk_size_(spm_->encode(unk_).size()), lower_case_(lower_case) {
    set_unknown(spm_->piece_to_id(""));
  }
  int64_t own_size() const override { return spm_->size(); }
  int64_t own_ids_end() const override { return spm_->size(); }
  TokenId own_id(std::string_view token) const override {
    const TokenId id = spm_->piece_to_id(token);
    return spm_->id_to_piece(id) == token ? id : -1;
  }
  std::optional<std::string_view> own_text(TokenId id) const override { return spm_->id_to_piece(id); }

 protected:
  // The library would strip a leading space: so the unknown token's text stands in front of it, and is cut off again.
  void cut(std::string_view text, std::vector<Token>& out) const override {
    auto tokens = spm_->encode(unk_ + canonical(text));
    const size_t skip = tokens.size() >= unk_size_ ? unk_size_ : 0;
    for (size_t i = skip; i < tokens.size(); ++i)
      out.push_back({std::move(tokens[i].text), {0, static_cast<uint32_t>(text.size())}});
  }

 private:
  std::string canonical(std::string_view text) const {
    const std::string lowered = lower_case_ ? python::lower(text) : std::string(text);
    std::string out;
    bool after_space = false;
    for (size_t i = 0; i < lowered.size();) {
      const size_t begin = i;
      const char32_t c = utf8_next(lowered, i);
      if (is_punctuation(c)) continue;
      const bool is_space = python::is_space(c);
      if (is_space && !after_space) out += ' ';
      if (!is_space) out.append(lowered, begin, i - begin);
      after_space = is_space;
    }
    return std::string(python::strip(out));
  }

  Processor spm_;
  std::string unk_;
  size_t unk_size_;
  bool lower_case_;
};

class SiglipDecoder final : public Decoder {
 public:
  SiglipDecoder(Processor spm, std::unordered_set<std::string> special)
      : spm_(std::move(spm)), special_(std::move(special)) {}

  void decode(std::vector<std::string>& tokens) const override {
    std::string out;
    std::vector<std::string_view> pieces;
    bool after_special = false;
    for (const auto& token : tokens) {
      const bool is_special = special_.contains(token);
      if (is_special) {
        out += cat(after_special ? "" : " ", spm_->decode(pieces), token);
        pieces.clear();
      } else {
        pieces.push_back(token);
      }
      after_special = is_special;
    }
    out += spm_->decode(pieces);
    tokens = {std::string(python::strip(out))};
  }

 private:
  Processor spm_;
  std::unordered_set<std::string> special_;
};

Status build(Loading& l, const std::string& folder) {
  if (l.kwargs.find("model_max_length") == nullptr) l.kwargs.set("model_max_length", 64);
  auto bytes = TRY(read_class_file(l, folder, "spiece.model"));
  auto parsed = SentencePieceModel::parse(bytes);
  if (!parsed.ok()) return std::move(parsed).status().with("spiece.model");
  if (!l.flag("legacy", true)) parsed->add_dummy_prefix = false;
  auto made = SentencePieceProcessor::make(*std::move(parsed));
  if (!made.ok()) return std::move(made).status().with("spiece.model");
  l.files.emplace_back("spiece.model", std::move(bytes));
  const auto spm = std::make_shared<const SentencePieceProcessor>(*std::move(made));
  auto model = std::make_shared<SiglipModel>(spm, l.argument("unk_token"), l.flag("do_lower_case", true));
  const auto tokens = TRY(init_python(l, *model));
  TokenId eos = spm->piece_to_id("");
  std::vector<TokenId> special;
  for (const auto& token : tokens) {
    if (token.content == l.token("eos_token")) eos = token.id;
    // Differs: an id does not tell whether "<unk>" was spelt, which Python's text does.
    if (token.special && token.content != l.token("unk_token")) special.push_back(token.id);
  }
  auto processor = std::make_unique<EosProcessor>(eos, EosProcessor::Where::each_without);
  processor->drop_first(model->own_id(kUnderline), std::move(special));
  l.parts = python_parts(l, std::move(model), tokens, std::move(processor),
                         std::make_unique<SiglipDecoder>(spm, all_special_tokens(l)));
  l.parts->pre_tokenizer = std::make_shared<SiglipPreTokenizer>();
  return {};
}

constexpr TokenizerClass kRows[] = {{.name = "SiglipTokenizer",
                                     .tokens = "eos_token=</s> unk_token=<unk> pad_token=</s>",
                                     .vocab_file = "spiece.model",
                                     .build_python = build}};

}  // namespace

extern constinit const TokenizerClasses siglip_entry{kRows};

}  // namespace hearth::tokenizers::classes
