#include "store/db.h"

#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/guarded.h"
#include "base/text.h"

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
    case SQLITE_IOERR:
      return Code::io;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Code::forbidden;
    case SQLITE_CONSTRAINT:
      return Code::conflict;
    case SQLITE_TOOBIG:
      return Code::too_large;
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

}  // namespace

int64_t Value::integer() const {
  const auto* n = std::get_if<int64_t>(&value_);
  return n ? *n : 0;
}
double Value::real() const {
  if (const auto* d = std::get_if<double>(&value_)) return *d;
  return static_cast<double>(integer());
}
const std::string& Value::text() const {
  static const std::string empty;
  const auto* s = std::get_if<std::string>(&value_);
  return s ? *s : empty;
}
std::optional<std::string> Value::optional_text() const {
  if (is_null()) return std::nullopt;
  return text();
}

/// One SQLite handle with its prepared statements.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::string& path) {
    auto connection = std::unique_ptr<Connection>(new Connection(path));
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (const int r = sqlite3_open_v2(path.c_str(), &connection->handle_, flags, nullptr); r != SQLITE_OK)
      return connection->failure(r);
    sqlite3_extended_result_codes(connection->handle_, 1);
    sqlite3_busy_timeout(connection->handle_, kBusyTimeoutMs);
    for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON",
                               "PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -4096"})
      TRY(connection->script(pragma));
    return connection;
  }

  ~Connection() {
    for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Statements without parameters or rows, several in one text.
  Status script(std::string_view sql) {
    const int r = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
    if (r != SQLITE_OK) return failure(r);
    return {};
  }

  Result<std::vector<Row>> run(std::string_view sql, std::span<const Value> parameters, bool first_only = false) {
    auto* statement = TRY(prepare(sql));
    auto rows = step(statement, parameters, first_only);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rows;
  }

  int64_t changes() const { return sqlite3_changes64(handle_); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

 private:
  explicit Connection(std::string path) : path_(std::move(path)) {}

  Status failure(int result) const {
    const char* text = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(result);
    return Status(code_of(result), cat("database ", path_, ": ", std::string_view(text)));
  }

  Result<sqlite3_stmt*> prepare(std::string_view sql) {
    if (const auto found = statements_.find(sql); found != statements_.end()) return found->second;
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

  Result<std::vector<Row>> step(sqlite3_stmt* statement, std::span<const Value> parameters, bool first_only) {
    TRY(bind(statement, parameters));
    std::vector<Row> rows;
    for (;;) {
      const int r = sqlite3_step(statement);
      if (r == SQLITE_DONE) return rows;
      if (r != SQLITE_ROW) return failure(r);
      Row row;
      const int columns = sqlite3_column_count(statement);
      row.reserve(static_cast<size_t>(columns));
      for (int i = 0; i < columns; ++i) row.push_back(column_value(statement, i));
      rows.push_back(std::move(row));
      if (first_only) return rows;
    }
  }

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

struct Db::State {
  std::string path;
  Guarded<std::vector<std::unique_ptr<Connection>>> idle;
};

Db::Db(std::unique_ptr<State> state) : state_(std::move(state)) {}
Db::~Db() = default;

namespace {

// The names of the steps that the database has; unsupported when one of them is not known here.
Result<std::set<std::string>> steps_done(Transaction& transaction, std::span<const Migration* const> migrations,
                                         const std::string& path) {
  std::set<std::string> done;
  for (const auto& row : TRY(transaction.query("SELECT name FROM migrations"))) {
    const auto& name = row[0].text();
    if (std::none_of(migrations.begin(), migrations.end(), [&](const auto* step) { return step->name == name; }))
      return Status(Code::unsupported, cat("database ", path, " has the schema step '", name,
                                           "', which this Hearth does not know: run the newer version that wrote it"));
    done.insert(name);
  }
  return done;
}

}  // namespace

Result<std::unique_ptr<Db>> Db::open(const std::string& path, std::span<const Migration* const> migrations) {
  auto state = std::make_unique<State>();
  state->path = path;
  auto db = std::unique_ptr<Db>(new Db(std::move(state)));
  TRY(db->execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL)"));
  // The write lock first: two processes that start at once do not both migrate.
  auto transaction = TRY(db->begin());
  const auto done = TRY(steps_done(transaction, migrations, path));
  auto number = done.size();
  for (const auto* step : migrations) {
    if (done.count(std::string(step->name)) != 0) continue;
    auto status = transaction.connection_->script(step->sql);
    if (!status.ok()) return std::move(status).with(cat("migration ", step->name));
    TRY(transaction.execute("INSERT INTO migrations (number, name) VALUES ($1, $2)", {++number, step->name}));
  }
  TRY(transaction.commit());
  return db;
}

Result<std::unique_ptr<Connection>> Db::take() {
  auto connection = state_->idle.with([](auto& idle) {
    std::unique_ptr<Connection> out;
    if (!idle.empty()) {
      out = std::move(idle.back());
      idle.pop_back();
    }
    return out;
  });
  if (connection) return connection;
  return Connection::open(state_->path);
}

void Db::give_back(std::unique_ptr<Connection> connection) {
  state_->idle.with([&](auto& idle) { idle.push_back(std::move(connection)); });
}

Result<std::vector<Row>> Db::query(std::string_view sql, std::span<const Value> parameters) {
  auto connection = TRY(take());
  auto rows = connection->run(sql, parameters);
  give_back(std::move(connection));
  return rows;
}

Result<std::optional<Row>> Db::query_one(std::string_view sql, std::initializer_list<Value> parameters) {
  auto connection = TRY(take());
  auto rows = connection->run(sql, std::span(parameters.begin(), parameters.size()), /*first_only=*/true);
  give_back(std::move(connection));
  if (!rows.ok()) return std::move(rows).status();
  if (rows->empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows->front()));
}

Result<int64_t> Db::execute(std::string_view sql, std::initializer_list<Value> parameters) {
  auto connection = TRY(take());
  auto rows = connection->run(sql, std::span(parameters.begin(), parameters.size()));
  const auto changes = connection->changes();
  give_back(std::move(connection));
  if (!rows.ok()) return std::move(rows).status();
  return changes;
}

Result<Transaction> Db::begin() {
  auto connection = TRY(take());
  auto begun = connection->script("BEGIN IMMEDIATE");
  if (!begun.ok()) {
    give_back(std::move(connection));
    return begun;
  }
  return Transaction(this, std::move(connection));
}

Transaction::Transaction(Db* db, std::unique_ptr<Connection> connection)
    : db_(db), connection_(std::move(connection)) {}
Transaction::Transaction(Transaction&&) noexcept = default;

Transaction::~Transaction() {
  if (!connection_) return;
  if (connection_->in_transaction() && !connection_->script("ROLLBACK").ok()) return;  // the handle is closed instead
  db_->give_back(std::move(connection_));
}

Result<std::vector<Row>> Transaction::query(std::string_view sql, std::initializer_list<Value> parameters) {
  return connection_->run(sql, std::span(parameters.begin(), parameters.size()));
}

Result<std::optional<Row>> Transaction::query_one(std::string_view sql, std::initializer_list<Value> parameters) {
  auto rows = TRY(connection_->run(sql, std::span(parameters.begin(), parameters.size()), /*first_only=*/true));
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

Result<int64_t> Transaction::execute(std::string_view sql, std::initializer_list<Value> parameters) {
  TRY(connection_->run(sql, std::span(parameters.begin(), parameters.size())));
  return connection_->changes();
}

Status Transaction::commit() {
  return connection_->script("COMMIT");
}

}  // namespace hearth::store
