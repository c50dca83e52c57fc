// What a database engine gives store/db.h: connections that run statements, and its words for a schema step.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/db.h"

namespace hearth::store {

struct Answer {
  std::vector<Row> rows;
  int64_t changes = 0;  ///< rows inserted, updated, deleted
};

/// How many prepared statements a connection keeps. Statements with lists of numbers in them are many; all are dropped
/// when it is full.
inline constexpr size_t kStatementsMax = 500;

/// One connection with its prepared statements. Serves one thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;
  /// One statement; `first_only` stops after the first row.
  virtual Result<Answer> run(std::string_view sql, std::span<const Value> parameters, bool first_only) = 0;
  /// A SELECT whose rows are handed over one by one, never all in memory.
  virtual Status each(std::string_view sql, std::span<const Value> parameters,
                      const std::function<Status(const Row&)>& row) = 0;
  /// Statements of a schema step, in the engine's own words.
  virtual Status script(std::string_view sql) = 0;

  /// Starts a transaction that holds the one write lock: nobody else writes until it ends.
  virtual Status begin_write() = 0;
  /// Starts a transaction whose reads all see the same moment; nobody waits for it.
  virtual Status begin_snapshot() = 0;
  virtual Status commit() = 0;
  virtual Status rollback() = 0;
  /// False when it cannot serve again: lost, or in a transaction that would not end.
  virtual bool usable() const = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual Result<std::unique_ptr<Connection>> connect() const = 0;
  /// Must a single statement that writes take the write lock by a transaction of its own?
  virtual bool locks_writes() const = 0;
  /// Inside the transaction that brings the schema up to date: before the first step, and after the last.
  virtual Status before_steps(Connection& connection) const = 0;
  virtual Status after_steps(Connection& connection) const = 0;
  /// A schema step in the engine's own words.
  virtual std::string step_sql(const Migration& step) const = 0;
  /// The tables, each after those that it refers to, with the names of their columns in order.
  virtual Result<std::vector<TableInfo>> tables(Connection& connection) const = 0;
  /// For messages; without credentials.
  virtual std::string description() const = 0;
};

std::unique_ptr<Engine> sqlite_engine(std::string path);
/// `url`: postgresql://user:password@host:port/database?options, as libpq reads it.
std::unique_ptr<Engine> postgresql_engine(std::string url);

}  // namespace hearth::store
