// The database: rows of plain values, statements with `$1` placeholders, transactions, migrations. Two engines stand
// behind it: SQLite (a file, WAL mode) and PostgreSQL (a server, for several fronts at once).
//
// 1. A connection serves one thread at a time; Db keeps idle ones, so any number of threads may use one Db.
// 2. There is one write lock. Whoever holds a Transaction holds it, a single statement that writes takes it for itself:
//    what a transaction has read stays so until it ends, in every process and on every machine. A writer waits for
//    another up to the busy timeout, readers never wait. (PostgreSQL: an advisory lock under READ COMMITTED.)
// 3. A committed transaction is on the disk: kill -9 or a power cut keeps it.
// 4. After a failed statement a transaction can only be dropped. (PostgreSQL's rule, kept on both.)
// 5. Text is UTF-8 without binary zeros; other bytes go into BLOB columns. (PostgreSQL refuses them, SQLite does not.)
//
// SQL is what both understand: INSERT ... ON CONFLICT, RETURNING, integers 0 and 1 for booleans, LIKE on lower()ed
// text; no function that only one has. Schema steps are written in SQLite's types, see store/db/translate.h.
#pragma once

#include <cstdint>
#include <functional>
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

/// A table as the database has it.
struct TableInfo {
  std::string name;
  std::vector<std::string> columns;
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
  Result<int64_t> execute(std::string_view sql, std::initializer_list<Value> parameters = {}) {
    return execute(sql, std::span(parameters.begin(), parameters.size()));
  }
  Result<int64_t> execute(std::string_view sql, std::span<const Value> parameters);
  /// unavailable when the connection broke in between: then nobody knows whether it was done.
  Status commit();

 private:
  friend class Db;
  Transaction(Db* db, std::unique_ptr<Connection> connection);
  template <class T>
  Result<T> watched(Result<T> result);
  Db* db_;
  std::unique_ptr<Connection> connection_;
  bool failed_ = false;
};

/// A moment of the whole database, whatever is written meanwhile. Writers do not wait for it.
class Snapshot {
 public:
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) = delete;
  ~Snapshot();
  Result<std::vector<TableInfo>> tables();
  /// Rows one by one; a failure of `row` ends it and is returned.
  Status each(std::string_view sql, const std::function<Status(const Row&)>& row);

 private:
  friend class Db;
  Snapshot(Db* db, std::unique_ptr<Connection> connection);
  Db* db_;
  std::unique_ptr<Connection> connection_;
};

/// A database. Thread-safe.
class Db {
 public:
  /// `where` is a file's path (SQLite; made when absent) or `postgresql://user:password@host/database`. Brings the
  /// schema up to date. A schema with steps that `migrations` lacks is refused.
  static Result<std::unique_ptr<Db>> open(const std::string& where, std::span<const Migration* const> migrations);
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
  Result<Snapshot> snapshot();
  /// The file, or the server and database, without credentials.
  std::string description() const;

 private:
  friend class Transaction;
  friend class Snapshot;
  struct State;
  explicit Db(std::unique_ptr<State> state);
  Result<std::unique_ptr<Connection>> take();
  template <class F>
  Result<std::unique_ptr<Connection>> started(const F& start);
  Result<std::vector<Row>> run(std::string_view sql, std::span<const Value> parameters, bool first_only,
                               int64_t* changes);
  void give_back(std::unique_ptr<Connection> connection);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::store
