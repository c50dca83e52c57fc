// SQLite behind store/db.h: WAL mode, every commit synced.
//
// SQLite's own wait for the write lock is to sleep and look again, up to 100 ms at a time, while the lock lies idle.
// The writers of one process therefore take turns before they ask for it; only another process's writer is slept for.
#include <sqlite3.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

#include "base/text.h"
#include "store/db/engine.h"

namespace hearth::store {
namespace {

constexpr int kBusyTimeoutMs = 15000;

// Extended result codes on: the low byte is the kind.
Code code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::busy;
    case SQLITE_FULL:
      return Code::no_space;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Code::forbidden;
    case SQLITE_CONSTRAINT:
      return Code::conflict;
    case SQLITE_TOOBIG:
      return Code::too_large;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::io;
    default:
      return Code::internal;
  }
}

int bind_value(sqlite3_stmt* statement, int index, const Value::Storage& value) {
  if (const auto* n = std::get_if<int64_t>(&value)) return sqlite3_bind_int64(statement, index, *n);
  if (const auto* d = std::get_if<double>(&value)) return sqlite3_bind_double(statement, index, *d);
  // The caller's parameters outlive the step, so nothing is copied.
  if (const auto* s = std::get_if<std::string>(&value))
    return sqlite3_bind_text64(statement, index, s->data(), s->size(), SQLITE_STATIC, SQLITE_UTF8);
  return sqlite3_bind_null(statement, index);
}

Value column_value(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, index));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, index);
    case SQLITE_NULL:
      return nullptr;
    default: {
      const auto* text = static_cast<const char*>(sqlite3_column_blob(statement, index));
      return std::string(text ? text : "", static_cast<size_t>(sqlite3_column_bytes(statement, index)));
    }
  }
}

/// Who of a process's connections may write. A transaction may begin on one thread and end on another.
class Turn {
 public:
  bool take() {
    std::unique_lock lock(mutex_);
    if (!free_.wait_for(lock, std::chrono::milliseconds(kBusyTimeoutMs), [&] { return !taken_; })) return false;
    taken_ = true;
    return true;
  }
  void give() {
    {
      std::lock_guard lock(mutex_);
      taken_ = false;
    }
    free_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

class SqliteConnection final : public Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::string& path, std::shared_ptr<Turn> turn) {
    auto connection = std::unique_ptr<SqliteConnection>(new SqliteConnection(path, std::move(turn)));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (const int r = sqlite3_open_v2(path.c_str(), &connection->handle_, flags, nullptr); r != SQLITE_OK)
      return connection->failure(r);
    sqlite3_extended_result_codes(connection->handle_, 1);
    sqlite3_busy_timeout(connection->handle_, kBusyTimeoutMs);
    for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON",
                               "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -4096"})
      TRY(connection->script(pragma));
    return std::unique_ptr<Connection>(std::move(connection));
  }

  ~SqliteConnection() override {
    forget_statements();
    sqlite3_close(handle_);
    end_turn();
  }
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  Status script(std::string_view sql) override {
    const int r = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (r != SQLITE_OK) return failure(r);
    return {};
  }

  Result<Answer> run(std::string_view sql, std::span<const Value> parameters, bool first_only) override {
    Answer answer;
    auto status = step(sql, parameters, [&](Row&& row) {
      answer.rows.push_back(std::move(row));
      return first_only ? Status(Code::cancelled, "") : Status();
    });
    if (!status.ok() && status.code() != Code::cancelled) return status;
    answer.changes = sqlite3_changes64(handle_);
    return answer;
  }
  Status each(std::string_view sql, std::span<const Value> parameters,
              const std::function<Status(const Row&)>& row) override {
    return step(sql, parameters, [&](Row&& one) { return row(one); });
  }

  // The lock at once: a transaction that reads first and writes later would fail where another wrote in between.
  Status begin_write() override {
    TRY(begin_turn());
    auto status = script("BEGIN IMMEDIATE");
    if (!status.ok()) end_turn();
    return status;
  }
  // In WAL mode a reader stays at the moment of its first read.
  Status begin_snapshot() override {
    TRY(script("BEGIN"));
    return script("SELECT count(*) FROM sqlite_master");
  }
  Status commit() override {
    TRY(script("COMMIT"));
    end_turn();
    return {};
  }
  Status rollback() override {
    // Some failures end the transaction by themselves.
    if (sqlite3_get_autocommit(handle_) == 0) TRY(script("ROLLBACK"));
    end_turn();
    return {};
  }
  bool usable() const override { return sqlite3_get_autocommit(handle_) != 0; }

 private:
  SqliteConnection(std::string path, std::shared_ptr<Turn> turn) : path_(std::move(path)), turn_(std::move(turn)) {}

  Status begin_turn() {
    if (!turn_->take())
      return Status(Code::busy, cat("database ", path_, ": another writer holds it for too long; try again"));
    has_turn_ = true;
    return {};
  }
  void end_turn() {
    if (std::exchange(has_turn_, false)) turn_->give();
  }

  Status failure(int result) const {
    const char* text = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(result);
    return Status(code_of(result), cat("database ", path_, ": ", std::string_view(text)));
  }

  void forget_statements() {
    for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    statements_.clear();
  }

  Result<sqlite3_stmt*> prepare(std::string_view sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
    if (statements_.size() >= kStatementsMax) forget_statements();
    sqlite3_stmt* statement = nullptr;
    const int r = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                     &statement, nullptr);
    if (r != SQLITE_OK) return failure(r).with(sql);
    statements_.emplace(std::string(sql), statement);
    return statement;
  }

  // `$3` is a named parameter to SQLite: its index follows the first use, so it is looked up by name.
  Status bind(sqlite3_stmt* statement, std::span<const Value> parameters) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      const int index = sqlite3_bind_parameter_index(statement, cat("$", i + 1).c_str());
      if (index == 0) continue;  // a query composed of parts need not use every parameter
      const int r = bind_value(statement, index, parameters[i].storage());
      if (r != SQLITE_OK) return failure(r);
    }
    return {};
  }

  template <class F>
  Status step(std::string_view sql, std::span<const Value> parameters, const F& take) {
    auto* statement = TRY(prepare(sql));
    const bool writes_alone = sqlite3_stmt_readonly(statement) == 0 && sqlite3_get_autocommit(handle_) != 0;
    if (writes_alone) TRY(begin_turn());
    auto status = [&]() -> Status {
      TRY(bind(statement, parameters));
      for (;;) {
        const int r = sqlite3_step(statement);
        if (r == SQLITE_DONE) return {};
        if (r != SQLITE_ROW) return failure(r);
        Row row;
        const int columns = sqlite3_column_count(statement);
        row.reserve(static_cast<size_t>(columns));
        for (int i = 0; i < columns; ++i) row.push_back(column_value(statement, i));
        TRY(take(std::move(row)));
      }
    }();
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (writes_alone) end_turn();
    return status;
  }

  std::string path_;
  std::shared_ptr<Turn> turn_;
  bool has_turn_ = false;
  sqlite3* handle_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

class Sqlite final : public Engine {
 public:
  explicit Sqlite(std::string path) : path_(std::move(path)) {}
  Result<std::unique_ptr<Connection>> connect() const override { return SqliteConnection::open(path_, turn_); }
  bool locks_writes() const override { return false; }  // every statement that writes does by itself
  Status before_steps(Connection&) const override { return {}; }
  Status after_steps(Connection&) const override { return {}; }
  std::string step_sql(const Migration& step) const override { return std::string(step.sql); }
  std::string description() const override { return path_; }

  Result<std::vector<TableInfo>> tables(Connection& connection) const override {
    std::vector<TableInfo> out;
    TRY(connection.each(
        "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND "
        "m.name NOT LIKE 'sqlite%' ORDER BY m.name, c.cid",
        {}, [&](const Row& row) {
          if (out.empty() || out.back().name != row[0].text()) out.push_back({row[0].text(), {}});
          out.back().columns.push_back(row[1].text());
          return Status();
        }));
    return out;
  }

 private:
  std::string path_;
  std::shared_ptr<Turn> turn_ = std::make_shared<Turn>();
};

}  // namespace

std::unique_ptr<Engine> sqlite_engine(std::string path) {
  return std::make_unique<Sqlite>(std::move(path));
}

}  // namespace hearth::store
