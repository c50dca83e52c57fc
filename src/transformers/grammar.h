// Grammar: the texts that an answer may be, from a regular expression, a JSON Schema or a GBNF grammar; and Constraint,
// which keeps a model to them: a token that no text of the grammar goes on with is out, and the end is allowed only
// where a text of the grammar ends.
//
// All three sources become one automaton over the bytes of UTF-8 whose edges may call rules (grammar/automaton.h). It
// is made deterministic where a text leads (grammar/matcher.h), and the tokens that a state allows are found in one
// walk over the trie of the vocabulary, once for each state.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth {

namespace grammar {
struct Automaton;
class MaskCache;
}  // namespace grammar

/// A text in parts, for Grammar::from_parts.
struct GrammarPart {
  /// `without`: every text in which `text` does not stand. `any_number`: its parts one after another, any number of
  /// times, none too.
  enum class Kind : uint8_t { literal, json_schema, without, sequence, any_of, any_number };
  Kind kind = Kind::sequence;
  std::string text = {};
  Json schema = {};
  std::vector<GrammarPart> parts = {};
};

/// Immutable and cheap to copy; any number of threads may use one.
class Grammar {
 public:
  /// All texts that Python's re.fullmatch(pattern, text, re.ASCII) takes. unsupported names what no automaton has
  /// (back references, look-around) and the flags.
  static Result<Grammar> from_regex(std::string_view pattern);
  /// The JSON texts of a schema (2020-12, and what pydantic writes): members in the schema's order, at most one space
  /// or line break with its indentation between two parts. unsupported names a keyword that would be ignored. Differs:
  /// an object with `properties` has no others unless additionalProperties says so, as OpenAI's strict schemas and
  /// llama.cpp have it; oneOf is anyOf.
  static Result<Grammar> from_json_schema(const Json& schema);
  /// llama.cpp's grammars/README.md: rules, from `root` on. bad_input names the line.
  static Result<Grammar> from_gbnf(std::string_view text);
  /// Every JSON object.
  static Grammar json_object();
  /// Fixed texts around JSON, as a model's tool calls are.
  static Result<Grammar> from_parts(const GrammarPart& whole);

  /// Whether the whole text is one of the grammar's.
  bool accepts(std::string_view text) const;
  /// A text drawn by `seed`; nothing when it would grow over `max_bytes`.
  std::optional<std::string> sample(uint64_t seed, size_t max_bytes) const;

  explicit Grammar(std::shared_ptr<const grammar::Automaton> automaton) : automaton_(std::move(automaton)) {}
  const grammar::Automaton& automaton() const { return *automaton_; }

 private:
  std::shared_ptr<const grammar::Automaton> automaton_;
};

/// The bytes of a vocabulary's tokens as a tree. Immutable.
class TokenTrie {
 public:
  /// `bytes`: of each token, by id; empty: never allowed.
  explicit TokenTrie(std::vector<std::string> bytes);
  std::string_view bytes(int32_t id) const {
    return id >= 0 && static_cast<size_t>(id) < bytes_.size() ? std::string_view(bytes_[static_cast<size_t>(id)]) : "";
  }
  size_t size() const { return bytes_.size(); }

  /// In the order of the bytes; the tree below a node follows it.
  struct Node {
    uint8_t byte = 0, depth = 0;  ///< tokens over kDepthMax bytes are never allowed
    uint32_t skip = 0;            ///< the node behind all below this one
    uint32_t tokens_begin = 0, tokens_end = 0;
  };
  static constexpr size_t kDepthMax = 200;
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const int32_t> tokens(const Node& node) const {
    return std::span(tokens_).subspan(node.tokens_begin, node.tokens_end - node.tokens_begin);
  }

 private:
  std::vector<std::string> bytes_;
  std::vector<Node> nodes_;
  std::vector<int32_t> tokens_;
};

/// A grammar over a vocabulary. Threads may share one: they wait for each other, and find each other's work done.
class Constraint {
 public:
  /// `eos`: the tokens that end an answer.
  Constraint(Grammar grammar, std::shared_ptr<const TokenTrie> vocabulary, std::vector<int32_t> eos);
  ~Constraint();
  Constraint(const Constraint&) = delete;
  Constraint& operator=(const Constraint&) = delete;

  /// -inf for each token that may not follow the answer `made`. Where the vocabulary has none that may, the end is
  /// allowed, whether or not the text is whole.
  void apply(std::span<const int32_t> made, std::span<float> scores) const;
  /// The text is whole and nothing can follow: an answer without an end token ends here.
  bool is_complete(std::span<const int32_t> made) const;

 private:
  const Grammar grammar_;
  const std::shared_ptr<const TokenTrie> vocabulary_;
  const std::vector<int32_t> eos_;
  mutable std::mutex mutex_;
  const std::unique_ptr<grammar::MaskCache> cache_;  // under mutex_
};

}  // namespace hearth
