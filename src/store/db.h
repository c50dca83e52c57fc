// The database: rows of plain values, statements with `$1` placeholders, transactions, migrations. SQLite in WAL mode
// today; nothing in this header is SQLite's, so that another engine can stand behind it.
//
// 1. A connection serves one thread at a time; Db keeps idle ones, so any number of threads may use one Db.
// 2. Several processes may open the same file: a writer waits for another up to the busy timeout, readers never wait.
// 3. A committed transaction is on the disk (synchronous = FULL): kill -9 or a power cut keeps it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace hearth::store {

/// A value of a column or a parameter.
class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}  // NOLINT(google-explicit-constructor)
  template <class N>
  requires(std::is_integral_v<N>) Value(N n)
      : value_(static_cast<int64_t>(n)) {}               // NOLINT(google-explicit-constructor)
  Value(double d) : value_(d) {}                         // NOLINT(google-explicit-constructor)
  Value(std::string s) : value_(std::move(s)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view s) : value_(std::string(s)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* s) : value_(std::string(s)) {}       // NOLINT(google-explicit-constructor)
  template <class T>
  Value(const std::optional<T>& v) {  // NOLINT(google-explicit-constructor)
    if (v) *this = Value(*v);
  }

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  /// The value as asked for; 0 or empty when it has another type.
  int64_t integer() const;
  bool boolean() const { return integer() != 0; }
  double real() const;
  const std::string& text() const;
  /// Nothing for NULL.
  std::optional<std::string> optional_text() const;

  using Storage = std::variant<std::nullptr_t, int64_t, double, std::string>;
  const Storage& storage() const { return value_; }

 private:
  Storage value_ = nullptr;
};

using Row = std::vector<Value>;  ///< the columns in the order of the SELECT

/// One step of the schema. Steps are applied in order, each once under its name, and never edited
/// after a release.
struct Migration {
  std::string_view name;
  std::string_view sql;            ///< any number of statements
  std::string_view postgres = {};  ///< for PostgreSQL, where no translation of `sql` says the same
};

class Db;
class Connection;

/// A write transaction: rolled back unless `commit` succeeded. Statements see the transaction's own writes.
class Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<std::vector<Row>> query(std::string_view sql, std::initializer_list<Value> parameters = {});
  Result<std::optional<Row>> query_one(std::string_view sql, std::initializer_list<Value> parameters = {});
  /// The number of rows changed. A broken UNIQUE rule is Code::conflict.
  Result<int64_t> execute(std::string_view sql, std::initializer_list<Value> parameters = {});
  Status commit();

 private:
  friend class Db;
  Transaction(Db* db, std::unique_ptr<Connection> connection);
  Db* db_;
  std::unique_ptr<Connection> connection_;
};

/// A database file. Thread-safe.
class Db {
 public:
  /// Opens or creates the file and brings its schema up to date. A schema with steps that
  /// `migrations` lacks is refused.
  static Result<std::unique_ptr<Db>> open(const std::string& path, std::span<const Migration* const> migrations);
  ~Db();

  /// One statement on its own: reads see the last commit, `execute` commits by itself.
  Result<std::vector<Row>> query(std::string_view sql, std::span<const Value> parameters = {});
  Result<std::vector<Row>> query(std::string_view sql, std::initializer_list<Value> parameters) {
    return query(sql, std::span(parameters.begin(), parameters.size()));
  }
  /// The first row, or nothing.
  Result<std::optional<Row>> query_one(std::string_view sql, std::initializer_list<Value> parameters = {});
  Result<int64_t> execute(std::string_view sql, std::initializer_list<Value> parameters = {});
  /// Takes the write lock at once; busy when another writer holds it beyond the timeout.
  Result<Transaction> begin();

 private:
  friend class Transaction;
  struct State;
  explicit Db(std::unique_ptr<State> state);
  Result<std::unique_ptr<Connection>> take();
  void give_back(std::unique_ptr<Connection> connection);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::store
