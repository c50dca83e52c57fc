// POST /api/{kind}/{repo}/tokenize/{revision}: the tokens of texts, as the repository's AutoTokenizer makes them.
// Source: text-embeddings-inference 1.9 POST /tokenize: `inputs` is a text or a list of them, `add_special_tokens` true
// unless it says otherwise; the answer is a list of tokens a text: {"id", "text", "special", "start", "stop"}, the
// places counted in characters and null for what was put around the text. Beyond it: `special` is also true for a
// special token that the text spells, unless `split_special_tokens` makes it text; `token` is the vocabulary's
// spelling; `bytes`, in hex, is there where a token is a part of a character.
#include "base/encoding.h"
#include "base/text.h"
#include "server/route.h"
#include "server/services.h"
#include "server/tokenizer_cache.h"

namespace hearth::server::routes {
namespace {

constexpr uint64_t kBodyMax = 128 << 10;
constexpr size_t kTextsMax = 32;

// Where each character of a text begins, and its end.
std::vector<size_t> character_begins(std::string_view text) {
  std::vector<size_t> out;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] & 0xC0) != 0x80) out.push_back(i);
  out.push_back(text.size());
  return out;
}

bool is_part(std::string_view bytes, std::string_view characters) {
  return bytes.size() < characters.size() && !is_utf8(bytes);
}

void write_tokens(JsonWriter& out, const Tokenizer& tokenizer, std::string_view text, const Encoding& e) {
  const auto begins = character_begins(text);
  out.begin_array();
  for (size_t i = 0; i < e.size(); ++i) {
    const auto id = e.ids[i];
    const auto token = tokenizer.token_text(e, i);
    out.begin_object().field("id", id);
    if (e.special_tokens_mask[i] != 0) {
      out.field("text", token).field("special", true).key("start").null().key("stop").null().end();
      continue;
    }
    const auto span = e.offsets[i];
    const auto characters = text.substr(begins[span.begin], begins[span.end] - begins[span.begin]);
    out.field("text", characters).field("special", tokenizer.is_special(id));
    out.field("start", span.begin).field("stop", span.end).field("token", token);
    if (const auto bytes = tokenizer.token_bytes(id); bytes && is_part(*bytes, characters))
      out.field("bytes", to_hex(*bytes));
    out.end();
  }
  out.end();
}

Result<Response> tokenize(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  if (rq.services().tokenizers == nullptr) return Status(Code::unsupported, "this hub reads no tokenizers");
  const auto body = TRY(rq.json());
  const auto& inputs = body["inputs"];
  std::vector<std::string_view> texts;
  for (const auto& text : inputs.array()) {
    if (!text.is_string()) return Status(Code::bad_input, "'inputs' must be a text or a list of texts");
    texts.push_back(text.as_string());
  }
  if (inputs.is_string()) texts.push_back(inputs.as_string());
  if (texts.empty()) return Status(Code::bad_input, "'inputs' must be a text or a list of texts, with at least one");
  if (texts.size() > kTextsMax)
    return Status(Code::too_large, cat(texts.size(), " texts were sent, the limit is ", kTextsMax));
  const auto tokenizer = TRY(rq.services().tokenizers->find(rq, repo, rq.arg("rev")));
  const EncodeOptions options{.add_special_tokens = body["add_special_tokens"].as_bool(true),
                              .split_special_tokens = body["split_special_tokens"].as_bool(false),
                              .offsets = OffsetUnit::characters};
  JsonWriter out;
  out.begin_array();
  for (const auto text : texts) write_tokens(out, tokenizer, text, TRY(tokenizer.encode(text, options)));
  return json_response(out.end().take());
}

constexpr Route kRoutes[] = {
    {"POST", "/api/{kind}/{repo}/tokenize/{rev}", Access::content, tokenize, BodyMode::memory, kBodyMax}};

}  // namespace
extern constinit const Routes tokenize_entry{kRoutes};
}  // namespace hearth::server::routes
