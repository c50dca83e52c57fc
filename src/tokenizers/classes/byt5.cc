// ByT5: each byte is a token, behind three special ones.
// Source: transformers 5.23.0 models/byt5/tokenization_byt5.py.
#include <array>

#include "base/text.h"
#include "tokenizers/classes_registry.h"
#include "tokenizers/python/python_parts.h"

namespace hearth::tokenizers::classes {

namespace {

constexpr TokenId kOffset = 3;
constexpr int64_t kExtraMax = 100'000;

// A byte as Python's chr() spells it.
std::string spelling(unsigned char byte) {
  std::string out;
  utf8_append(out, byte);
  return out;
}

class ByT5Model final : public PythonModel {
 public:
  ByT5Model() {
    for (size_t b = 0; b < 256; ++b) texts_[b] = spelling(static_cast<unsigned char>(b));
  }
  int64_t own_size() const override { return 256; }
  int64_t own_ids_end() const override { return 256 + kOffset; }
  TokenId own_id(std::string_view token) const override {
    if (token.empty()) return -1;
    size_t at = 0;
    const char32_t c = utf8_next(token, at);
    return at == token.size() && c < 256 ? static_cast<TokenId>(c) + kOffset : -1;
  }
  std::optional<std::string_view> own_text(TokenId id) const override {
    if (id < kOffset || id >= 256 + kOffset) return std::nullopt;
    return texts_[static_cast<size_t>(id - kOffset)];
  }

 protected:
  void cut(std::string_view text, std::vector<Token>& out) const override {
    for (uint32_t i = 0; i < text.size(); ++i)
      out.push_back({spelling(static_cast<unsigned char>(text[i])), {i, i + 1}});
  }

 private:
  std::array<std::string, 256> texts_;
};

// Bytes that are no UTF-8 are left out.
class ByT5Decoder final : public Decoder {
 public:
  explicit ByT5Decoder(const std::vector<AddedToken>& tokens) {
    for (const auto& token : tokens) added_.insert(token.content);
  }
  void decode(std::vector<std::string>& tokens) const override {
    std::string bytes;
    for (const auto& token : tokens) {
      size_t at = 0;
      if (added_.contains(token)) {
        bytes += token;
      } else if (!token.empty()) {
        bytes += static_cast<char>(utf8_next(token, at));
      }
    }
    std::string out;
    for (std::string_view rest = bytes; !rest.empty();) {
      const size_t bad = utf8_error(rest);
      out += rest.substr(0, bad);
      if (bad == rest.npos) break;
      rest.remove_prefix(bad + 1);
    }
    tokens = {std::move(out)};
  }

 private:
  std::unordered_set<std::string> added_;
};

Status build(Loading& l, const std::string&) {
  const auto count = l.kwargs["extra_ids"].as_int(125);
  if (count < 0 || count > kExtraMax)
    return Status(Code::bad_input, cat("extra_ids ", count, " is outside 0 to ", kExtraMax));
  if (count > 0 && l.kwargs["additional_special_tokens"].is_null() && l.kwargs["extra_special_tokens"].is_null()) {
    Json::Array tokens;
    for (int64_t i = 0; i < count; ++i) tokens.emplace_back(cat("<extra_id_", i, ">"));
    l.kwargs.set("additional_special_tokens", std::move(tokens));
  }
  std::map<TokenId, AddedToken> own;
  TokenId next = 0;
  for (const auto name : {"pad_token", "eos_token", "unk_token"}) {
    l.wrap(name, {.lstrip = true, .rstrip = true});
    AddedToken token = TRY(read_added_token({l.kwargs[name], name}));
    own[next++] = std::move(token);
  }
  auto model = std::make_shared<ByT5Model>();
  const auto tokens = TRY(init_python(l, *model, std::move(own)));
  TokenId eos = 1;
  for (const auto& token : tokens)
    if (token.content == l.token("eos_token")) eos = token.id;
  l.parts =
      python_parts(l, std::move(model), tokens, std::make_unique<EosProcessor>(eos, EosProcessor::Where::each_without),
                   std::make_unique<ByT5Decoder>(tokens));
  return {};
}

constexpr TokenizerClass kRows[] = {
    {.name = "ByT5Tokenizer", .tokens = "eos_token=</s> unk_token=<unk> pad_token=<pad>", .build_python = build}};

}  // namespace

extern constinit const TokenizerClasses byt5_entry{kRows};

}  // namespace hearth::tokenizers::classes
