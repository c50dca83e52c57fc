// The whole grammar, statements and expressions, which call one another: one idea, hence one file.
#include "tokenizers/jinja/parser.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>

#include "base/text.h"
#include "tokenizers/jinja/lexer.h"

namespace hearth::jinja {
namespace {

constexpr int kMaxDepth = 200;  // of nested expressions and of nested blocks

using Names = std::initializer_list<std::string_view>;

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Body> program() { return body({}); }

 private:
  // ---------------------------------------------------------------- tokens
  const Token& now() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take() {
    auto token = now();
    if (token.kind != TokenKind::end) ++at_;
    return token;
  }
  bool skip_name(std::string_view name) {
    const bool there = now().is_name(name);
    if (there) take();
    return there;
  }
  bool skip_op(std::string_view op) {
    const bool there = now().is_op(op);
    if (there) take();
    return there;
  }
  static Status fail(int line, std::string message) { return error(cat("line ", line, ": ", message)); }
  static std::string describe(const Token& token) {
    switch (token.kind) {
      case TokenKind::end:
        return "end of template";
      case TokenKind::block_end:
        return "end of statement block";
      case TokenKind::variable_end:
        return "end of print statement";
      case TokenKind::data:
      case TokenKind::variable_begin:
      case TokenKind::block_begin:
        return "template text";
      default:
        return token.text;
    }
  }
  Status unexpected(std::string_view wanted) const {
    return fail(now().line, cat("expected ", wanted, ", got '", describe(now()), "'"));
  }
  Status expect_op(std::string_view op) {
    if (!skip_op(op)) return unexpected(cat("token '", op, "'"));
    return {};
  }
  Status expect_name(std::string_view name) {
    if (!skip_name(name)) return unexpected(cat("token '", name, "'"));
    return {};
  }
  Result<std::string> any_name() {
    if (now().kind != TokenKind::name) return unexpected("token 'name'");
    return take().text;
  }

  // ---------------------------------------------------------------- statements
  struct Deeper {
    explicit Deeper(int& counter) : depth(counter) { ++depth; }
    ~Deeper() { --depth; }
    int& depth;
  };

  // Statements up to a tag that begins with one of `ends`, which stays the current token; none: up to the end.
  Result<Body> body(Names ends) {
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return fail(now().line, "blocks nest too deep");
    Body out;
    while (true) {
      const int line = now().line;
      if (now().kind == TokenKind::data) {
        auto node = statement(StatementKind::data, line);
        node->text = take().text;
        out.push_back(std::move(node));
      } else if (now().kind == TokenKind::variable_begin) {
        take();
        auto node = statement(StatementKind::output, line);
        node->value = TRY(tuple());
        if (now().kind != TokenKind::variable_end) return unexpected("token 'end of print statement'");
        take();
        out.push_back(std::move(node));
      } else if (now().kind == TokenKind::block_begin) {
        take();
        for (const auto end : ends)
          if (now().is_name(end)) return out;
        TRY(tag(out));
        if (now().kind != TokenKind::block_end) return unexpected("token 'end of statement block'");
        take();
      } else if (ends.size() == 0) {
        return out;
      } else {
        return fail(line, cat("Unexpected end of template. Jinja was looking for the tag '", *(ends.end() - 1), "'"));
      }
    }
  }

  // The body of a tag: after its head up to (and with the name of) the end tag.
  Result<Body> block(Names ends) {
    skip_op(":");
    if (now().kind != TokenKind::block_end) return unexpected("token 'end of statement block'");
    take();
    return body(ends);
  }

  static std::unique_ptr<Statement> statement(StatementKind kind, int line) {
    auto node = std::make_unique<Statement>();
    node->kind = kind;
    node->line = line;
    return node;
  }

  Status tag(Body& out) {
    const int line = now().line;
    if (now().kind != TokenKind::name) return unexpected("tag name");
    const auto name = take().text;
    auto node = statement(StatementKind::scope, line);
    if (name == "for") {
      TRY(for_loop(*node));
    } else if (name == "if") {
      TRY(if_else(*node));
    } else if (name == "set") {
      TRY(set(*node));
    } else if (name == "macro") {
      node->kind = StatementKind::macro;
      node->text = TRY(any_name());
      TRY(signature(*node));
      TRY(macro_body(*node, "endmacro"));
    } else if (name == "call") {
      node->kind = StatementKind::call_block;
      if (now().is_op("(")) TRY(signature(*node));
      node->value = TRY(expression());
      if (node->value->kind != ExpressionKind::call) return fail(line, "expected call");
      TRY(macro_body(*node, "endcall"));
    } else if (name == "filter") {
      node->kind = StatementKind::filter_block;
      node->value = TRY(filters(nullptr, true));
      node->body = TRY(block({"endfilter"}));
      take();
    } else if (name == "with") {
      TRY(with(*node));
    } else if (name == "generation") {
      node->kind = StatementKind::generation;
      node->body = TRY(block({"endgeneration"}));
      take();
    } else if (name == "autoescape") {
      TRY(expression());
      node->body = TRY(block({"endautoescape"}));
      take();
    } else if (name == "block") {
      const auto block_name = TRY(any_name());
      skip_name("scoped");
      skip_name("required");
      node->body = TRY(block({"endblock"}));
      take();
      skip_name(block_name);
    } else if (name == "print") {
      while (now().kind != TokenKind::block_end) {
        if (!node->body.empty()) TRY(expect_op(","));
        auto part = statement(StatementKind::output, line);
        part->value = TRY(expression());
        node->body.push_back(std::move(part));
      }
    } else if (name == "break" || name == "continue") {
      node->kind = name == "break" ? StatementKind::break_loop : StatementKind::continue_loop;
      if (loops_ == 0) return fail(line, cat("'", name, "' outside loop"));
    } else if (name == "include" || name == "import" || name == "from" || name == "extends") {
      return fail(line, cat("'", name, "': a chat template has no other templates to load"));
    } else {
      return fail(line, cat("Encountered unknown tag '", name, "'"));
    }
    out.push_back(std::move(node));
    return {};
  }

  Status for_loop(Statement& node) {
    node.kind = StatementKind::for_loop;
    node.target = TRY(target({"in"}, false));
    TRY(expect_name("in"));
    node.value = TRY(tuple(false, {"recursive"}));
    if (skip_name("if")) node.condition = TRY(expression());
    node.recursive = skip_name("recursive");
    ++loops_;
    auto loop_body = block({"endfor", "else"});
    --loops_;
    node.body = TRY(std::move(loop_body));
    if (take().text == "else") {
      node.orelse = TRY(block({"endfor"}));
      take();
    }
    return {};
  }

  Status if_else(Statement& first) {
    Statement* node = &first;
    while (true) {
      node->kind = StatementKind::if_else;
      node->value = TRY(tuple(false));
      node->body = TRY(block({"elif", "else", "endif"}));
      const auto token = take();
      if (token.text == "elif") {
        node->orelse.push_back(statement(StatementKind::if_else, now().line));
        node = node->orelse.back().get();
        if (++elifs_ > 2000) return fail(token.line, "too many elif branches");
        continue;
      }
      if (token.text == "else") {
        node->orelse = TRY(block({"endif"}));
        take();
      }
      return {};
    }
  }

  Status set(Statement& node) {
    node.kind = StatementKind::set;
    node.target = TRY(target({}, true));
    if (skip_op("=")) {
      node.value = TRY(tuple());
      return {};
    }
    node.kind = StatementKind::set_block;
    node.value = TRY(filters(nullptr, false));
    node.body = TRY(block({"endset"}));
    take();
    return {};
  }

  Status with(Statement& node) {
    node.kind = StatementKind::with;
    while (now().kind != TokenKind::block_end) {
      if (!node.assignments.empty()) TRY(expect_op(","));
      auto name = TRY(target({}, false));
      TRY(expect_op("="));
      auto value = TRY(expression());
      node.assignments.emplace_back(std::move(name), std::move(value));
    }
    node.body = TRY(block({"endwith"}));
    take();
    return {};
  }

  Status signature(Statement& node) {
    TRY(expect_op("("));
    while (!now().is_op(")")) {
      if (!node.parameters.empty()) TRY(expect_op(","));
      Parameter parameter;
      parameter.name = TRY(any_name());
      if (skip_op("="))
        parameter.otherwise = TRY(expression());
      else if (!node.parameters.empty() && node.parameters.back().otherwise)
        return fail(now().line, "non-default argument follows default argument");
      node.parameters.push_back(std::move(parameter));
    }
    take();
    return {};
  }

  Status macro_body(Statement& node, std::string_view end) {
    macros_.push_back(&node);
    const int loops = std::exchange(loops_, 0);  // a loop around the macro is not the macro's
    auto macro_body = block({end});
    loops_ = loops;
    macros_.pop_back();
    node.body = TRY(std::move(macro_body));
    take();
    return {};
  }

  Result<ExpressionPtr> target(Names ends, bool with_namespace) {
    const int line = now().line;
    auto parse = [&]() -> Result<ExpressionPtr> {
      if (with_namespace && now().kind == TokenKind::name && ahead().is_op(".")) {
        auto node = expression_node(ExpressionKind::namespace_attribute, now().line);
        node->text = take().text;
        take();
        node->attribute = TRY(any_name());
        return node;
      }
      return primary();
    };
    auto node = TRY(tuple_of(parse, ends, false));
    const auto assignable = [](const Expression& e) {
      return e.kind == ExpressionKind::name || e.kind == ExpressionKind::namespace_attribute;
    };
    bool fine = assignable(*node);
    if (node->kind == ExpressionKind::tuple)
      fine = std::all_of(node->parts.begin(), node->parts.end(), [&](const auto& part) {
        return assignable(*part) || (part->kind == ExpressionKind::tuple &&
                                     std::all_of(part->parts.begin(), part->parts.end(),
                                                 [&](const auto& inner) { return assignable(*inner); }));
      });
    if (!fine) return fail(line, "can't assign to this expression");
    return node;
  }

  // ---------------------------------------------------------------- expressions
  static ExpressionPtr expression_node(ExpressionKind kind, int line) {
    auto node = std::make_unique<Expression>();
    node->kind = kind;
    node->line = line;
    return node;
  }

  // Every node passes here once its children are there: the tree's depth bounds all later recursion over it.
  static Result<ExpressionPtr> finish(ExpressionPtr node) {
    int deepest = 0;
    const auto see = [&](const ExpressionPtr& part) {
      if (part) deepest = std::max(deepest, part->depth);
    };
    for (const auto& part : node->parts) see(part);
    for (const auto& part : node->arguments.positional) see(part);
    for (const auto& [name, part] : node->arguments.named) see(part);
    see(node->arguments.star);
    see(node->arguments.star_star);
    node->depth = deepest + 1;
    if (node->depth > kMaxDepth) return fail(node->line, "the expression nests too deep");
    return node;
  }

  Result<ExpressionPtr> finish(ExpressionKind kind, int line, ExpressionPtr a, ExpressionPtr b = nullptr) {
    auto node = expression_node(kind, line);
    node->parts.push_back(std::move(a));
    if (b) node->parts.push_back(std::move(b));
    return finish(std::move(node));
  }

  Result<ExpressionPtr> expression(bool with_condition = true) {
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return fail(now().line, "the expression nests too deep");
    return with_condition ? conditional() : logical_or();
  }

  Result<ExpressionPtr> conditional() {
    const int line = now().line;
    auto value = TRY(logical_or());
    while (skip_name("if")) {
      auto condition = TRY(logical_or());
      auto node = expression_node(ExpressionKind::conditional, line);
      node->parts.push_back(std::move(value));
      node->parts.push_back(std::move(condition));
      node->parts.push_back(skip_name("else") ? TRY(expression()) : nullptr);
      value = TRY(finish(std::move(node)));
    }
    return value;
  }

  Result<ExpressionPtr> logical_or() {
    auto left = TRY(logical_and());
    while (now().is_name("or")) {
      const int line = take().line;
      left = TRY(finish(ExpressionKind::logical_or, line, std::move(left), TRY(logical_and())));
    }
    return left;
  }

  Result<ExpressionPtr> logical_and() {
    auto left = TRY(logical_not());
    while (now().is_name("and")) {
      const int line = take().line;
      left = TRY(finish(ExpressionKind::logical_and, line, std::move(left), TRY(logical_not())));
    }
    return left;
  }

  Result<ExpressionPtr> logical_not() {
    if (!now().is_name("not")) return comparison();
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return fail(now().line, "the expression nests too deep");
    const int line = take().line;
    return finish(ExpressionKind::logical_not, line, TRY(logical_not()));
  }

  Result<ExpressionPtr> comparison() {
    const int line = now().line;
    auto node = expression_node(ExpressionKind::compare, line);
    node->parts.push_back(TRY(sum()));
    while (true) {
      constexpr std::string_view kOps[] = {"==", "!=", "<", "<=", ">", ">="};
      std::string op;
      if (now().kind == TokenKind::op && std::find(std::begin(kOps), std::end(kOps), now().text) != std::end(kOps)) {
        op = take().text;
      } else if (skip_name("in")) {
        op = "in";
      } else if (now().is_name("not") && ahead().is_name("in")) {
        take();
        take();
        op = "not in";
      } else {
        break;
      }
      node->operators.push_back(std::move(op));
      node->parts.push_back(TRY(sum()));
    }
    if (node->operators.empty()) return std::move(node->parts[0]);
    return finish(std::move(node));
  }

  // One level of left-associative operators.
  template <class Next>
  Result<ExpressionPtr> chain(Names operators, const Next& next) {
    auto left = TRY(next());
    while (now().kind == TokenKind::op &&
           std::find(operators.begin(), operators.end(), now().text) != operators.end()) {
      const auto op = take();
      auto node = expression_node(ExpressionKind::binary, op.line);
      node->text = op.text;
      node->parts.push_back(std::move(left));
      node->parts.push_back(TRY(next()));
      left = TRY(finish(std::move(node)));
    }
    return left;
  }

  Result<ExpressionPtr> sum() {
    return chain({"+", "-"}, [this] { return concat(); });
  }
  Result<ExpressionPtr> concat() {
    auto first = TRY(product());
    if (!now().is_op("~")) return first;
    auto node = expression_node(ExpressionKind::concat, now().line);
    node->parts.push_back(std::move(first));
    while (skip_op("~")) node->parts.push_back(TRY(product()));
    return finish(std::move(node));
  }
  Result<ExpressionPtr> product() {
    return chain({"*", "/", "//", "%"}, [this] { return power(); });
  }
  Result<ExpressionPtr> power() {
    return chain({"**"}, [this] { return unary(true); });
  }

  Result<ExpressionPtr> unary(bool with_filter) {
    const Deeper deeper(depth_);
    if (depth_ > kMaxDepth) return fail(now().line, "the expression nests too deep");
    const int line = now().line;
    ExpressionPtr node;
    if (skip_op("-"))
      node = TRY(finish(ExpressionKind::negate, line, TRY(unary(false))));
    else if (skip_op("+"))
      node = TRY(finish(ExpressionKind::plus, line, TRY(unary(false))));
    else
      node = TRY(primary());
    node = TRY(postfix(std::move(node)));
    return with_filter ? filter_or_test(std::move(node)) : Result<ExpressionPtr>(std::move(node));
  }

  Result<ExpressionPtr> primary() {
    const auto token = take();
    auto node = expression_node(ExpressionKind::constant, token.line);
    if (token.kind == TokenKind::name) {
      if (token.text == "true" || token.text == "True") {
        node->constant = Value(true);
      } else if (token.text == "false" || token.text == "False") {
        node->constant = Value(false);
      } else if (token.text != "none" && token.text != "None") {
        node->kind = ExpressionKind::name;
        node->text = token.text;
        for (auto* macro : macros_) {
          macro->uses_caller |= token.text == "caller";
          macro->uses_kwargs |= token.text == "kwargs";
          macro->uses_varargs |= token.text == "varargs";
        }
      }
      return node;
    }
    if (token.kind == TokenKind::string) {
      std::string text = token.text;
      while (now().kind == TokenKind::string) text += take().text;
      node->constant = Value(std::move(text));
      return node;
    }
    if (token.kind == TokenKind::integer) {
      node->constant = TRY(integer(token));
      return node;
    }
    if (token.kind == TokenKind::real) {
      node->constant = Value(parse_double(token.text).value_or(HUGE_VAL));
      return node;
    }
    if (token.is_op("(")) {
      auto inner = TRY(tuple(true, {}, true));
      TRY(expect_op(")"));
      return inner;
    }
    if (token.is_op("[")) return list(std::move(node));
    if (token.is_op("{")) return dict(std::move(node));
    return fail(token.line, cat("unexpected '", describe(token), "'"));
  }

  static Result<Value> integer(const Token& token) {
    std::string_view digits = token.text;
    int base = 10;
    if (digits.size() > 2 && digits[0] == '0') {
      const char letter = static_cast<char>(digits[1] | 0x20);
      base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
      if (base != 10) digits.remove_prefix(2);
    }
    int64_t number = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (failed != std::errc() || end != digits.data() + digits.size())
      return fail(token.line, cat("the number ", token.text, " does not fit into 64 bits"));
    return Value(number);
  }

  Result<ExpressionPtr> list(ExpressionPtr node) {
    node->kind = ExpressionKind::list;
    while (!now().is_op("]")) {
      if (!node->parts.empty()) TRY(expect_op(","));
      if (now().is_op("]")) break;
      node->parts.push_back(TRY(expression()));
    }
    TRY(expect_op("]"));
    return finish(std::move(node));
  }

  Result<ExpressionPtr> dict(ExpressionPtr node) {
    node->kind = ExpressionKind::dict;
    while (!now().is_op("}")) {
      if (!node->parts.empty()) TRY(expect_op(","));
      if (now().is_op("}")) break;
      node->parts.push_back(TRY(expression()));
      TRY(expect_op(":"));
      node->parts.push_back(TRY(expression()));
    }
    TRY(expect_op("}"));
    return finish(std::move(node));
  }

  bool tuple_ends(Names ends) const {
    if (now().kind == TokenKind::variable_end || now().kind == TokenKind::block_end || now().is_op(")")) return true;
    return std::any_of(ends.begin(), ends.end(), [this](auto name) { return now().is_name(name); });
  }

  // Expressions with commas between are a tuple; one alone is itself.
  template <class Parse>
  Result<ExpressionPtr> tuple_of(const Parse& parse, Names ends, bool parenthesized) {
    auto node = expression_node(ExpressionKind::tuple, now().line);
    bool is_tuple = false;
    while (true) {
      if (!node->parts.empty()) TRY(expect_op(","));
      if (tuple_ends(ends)) break;
      node->parts.push_back(TRY(parse()));
      if (!now().is_op(",")) break;
      is_tuple = true;
    }
    if (!is_tuple) {
      if (!node->parts.empty()) return std::move(node->parts[0]);
      if (!parenthesized) return fail(now().line, cat("Expected an expression, got '", describe(now()), "'"));
    }
    return finish(std::move(node));
  }
  Result<ExpressionPtr> tuple(bool with_condition = true, Names ends = {}, bool parenthesized = false) {
    return tuple_of([&] { return expression(with_condition); }, ends, parenthesized);
  }

  Result<ExpressionPtr> postfix(ExpressionPtr node) {
    while (true) {
      if (now().is_op("."))
        node = TRY(attribute(std::move(node)));
      else if (now().is_op("["))
        node = TRY(subscript(std::move(node)));
      else if (now().is_op("("))
        node = TRY(call(std::move(node)));
      else
        return node;
    }
  }

  Result<ExpressionPtr> filter_or_test(ExpressionPtr node) {
    while (true) {
      if (now().is_op("|"))
        node = TRY(filters(std::move(node), false));
      else if (now().is_name("is"))
        node = TRY(test(std::move(node)));
      else if (now().is_op("("))
        node = TRY(call(std::move(node)));
      else
        return node;
    }
  }

  Result<ExpressionPtr> attribute(ExpressionPtr object) {
    const int line = take().line;
    const auto token = take();
    if (token.kind == TokenKind::integer) {
      auto index = expression_node(ExpressionKind::constant, token.line);
      index->constant = TRY(integer(token));
      return finish(ExpressionKind::item, line, std::move(object), std::move(index));
    }
    if (token.kind != TokenKind::name) return fail(token.line, "expected name or number");
    auto node = expression_node(ExpressionKind::attribute, line);
    node->text = token.text;
    node->parts.push_back(std::move(object));
    return finish(std::move(node));
  }

  Result<ExpressionPtr> subscript(ExpressionPtr object) {
    const int line = take().line;
    auto indices = expression_node(ExpressionKind::tuple, line);
    while (!now().is_op("]")) {
      if (!indices->parts.empty()) TRY(expect_op(","));
      indices->parts.push_back(TRY(slice_or_expression()));
    }
    TRY(expect_op("]"));
    auto index = indices->parts.size() == 1 ? std::move(indices->parts[0]) : TRY(finish(std::move(indices)));
    return finish(ExpressionKind::item, line, std::move(object), std::move(index));
  }

  Result<ExpressionPtr> slice_or_expression() {
    auto node = expression_node(ExpressionKind::slice, now().line);
    ExpressionPtr start;
    if (!now().is_op(":")) {
      start = TRY(expression());
      if (!now().is_op(":")) return start;
    }
    node->parts.push_back(std::move(start));
    const auto optional_part = [&]() -> Result<ExpressionPtr> {
      if (!skip_op(":") || now().is_op("]") || now().is_op(",") || now().is_op(":")) return ExpressionPtr();
      return expression();
    };
    node->parts.push_back(TRY(optional_part()));
    node->parts.push_back(TRY(optional_part()));
    return finish(std::move(node));
  }

  Status arguments(CallSyntax& out) {
    const int line = now().line;
    TRY(expect_op("("));
    const auto invalid = [&] { return fail(line, "invalid syntax for function call expression"); };
    bool first = true;
    while (!now().is_op(")")) {
      if (!first) {
        TRY(expect_op(","));
        if (now().is_op(")")) break;
      }
      first = false;
      if (skip_op("*")) {
        if (out.star || out.star_star) return invalid();
        out.star = TRY(expression());
      } else if (skip_op("**")) {
        if (out.star_star) return invalid();
        out.star_star = TRY(expression());
      } else if (now().kind == TokenKind::name && ahead().is_op("=")) {
        if (out.star_star) return invalid();
        auto name = take().text;
        take();
        out.named.emplace_back(std::move(name), TRY(expression()));
      } else {
        if (out.star || out.star_star || !out.named.empty()) return invalid();
        out.positional.push_back(TRY(expression()));
      }
    }
    return expect_op(")");
  }

  Result<ExpressionPtr> call(ExpressionPtr function) {
    auto node = expression_node(ExpressionKind::call, now().line);
    node->parts.push_back(std::move(function));
    TRY(arguments(node->arguments));
    return finish(std::move(node));
  }

  Result<std::string> dotted_name() {
    auto name = TRY(any_name());
    while (skip_op(".")) (name += '.') += TRY(any_name());
    return name;
  }

  Result<ExpressionPtr> filters(ExpressionPtr node, bool inline_start) {
    while (inline_start || skip_op("|")) {
      inline_start = false;
      const int line = now().line;
      auto filter = expression_node(ExpressionKind::filter, line);
      filter->text = TRY(dotted_name());
      if (now().is_op("(")) TRY(arguments(filter->arguments));
      filter->parts.push_back(std::move(node));
      node = TRY(finish(std::move(filter)));
    }
    return node;
  }

  Result<ExpressionPtr> test(ExpressionPtr value) {
    const int line = take().line;
    const bool negated = skip_name("not");
    auto node = expression_node(ExpressionKind::test, line);
    node->text = TRY(dotted_name());
    node->parts.push_back(std::move(value));
    const auto& next = now();
    if (next.is_op("(")) {
      TRY(arguments(node->arguments));
    } else if ((next.kind == TokenKind::name && next.text != "else" && next.text != "or" && next.text != "and") ||
               next.kind == TokenKind::string || next.kind == TokenKind::integer || next.kind == TokenKind::real ||
               next.is_op("[") || next.is_op("{")) {
      if (next.text == "is" && next.kind == TokenKind::name)
        return fail(next.line, "You cannot chain multiple tests with is");
      node->arguments.positional.push_back(TRY(postfix(TRY(primary()))));
    }
    auto out = TRY(finish(std::move(node)));
    if (!negated) return out;
    return finish(ExpressionKind::logical_not, line, std::move(out));
  }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;
  int elifs_ = 0;
  std::vector<Statement*> macros_;  // around the current place
};

}  // namespace

Result<std::shared_ptr<const Program>> parse_program(std::string source) {
  Parser parser(TRY(tokenize(source)));
  auto program = std::make_shared<Program>();
  program->body = TRY(parser.program());
  program->source = std::move(source);
  return std::shared_ptr<const Program>(std::move(program));
}

}  // namespace hearth::jinja
