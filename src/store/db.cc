#include "store/db.h"

#include <algorithm>
#include <set>

#include "base/guarded.h"
#include "base/text.h"
#include "store/db/engine.h"
#include "store/db/translate.h"

namespace hearth::store {
namespace {

constexpr size_t kIdleMax = 16;  // connections kept open for later
constexpr int kLostTries = 20;   // idle connections may all have been lost, when the server was restarted

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

struct Db::State {
  std::unique_ptr<Engine> engine;
  Guarded<std::vector<std::unique_ptr<Connection>>> idle;
};

Db::Db(std::unique_ptr<State> state) : state_(std::move(state)) {}
Db::~Db() = default;

namespace {

// The names of the steps that the database has; unsupported when one of them is not known here.
Result<std::set<std::string>> steps_done(const std::vector<Row>& rows, std::span<const Migration* const> migrations,
                                         const std::string& database) {
  std::set<std::string> done;
  for (const auto& row : rows) {
    const auto& name = row[0].text();
    if (std::none_of(migrations.begin(), migrations.end(), [&](const auto* step) { return step->name == name; }))
      return Status(Code::unsupported, cat("database ", database, " has the schema step '", name,
                                           "', which this Hearth does not know: run the newer version that wrote it"));
    done.insert(name);
  }
  return done;
}

constexpr std::string_view kSteps = "SELECT name FROM migrations";

Status migrate(Engine& engine, Transaction& transaction, Connection& connection,
               std::span<const Migration* const> migrations) {
  TRY(engine.before_steps(connection));
  TRY(transaction.execute("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL)"));
  const auto done = TRY(steps_done(TRY(transaction.query(kSteps)), migrations, engine.description()));
  auto number = done.size();
  for (const auto* step : migrations) {
    if (done.count(std::string(step->name)) != 0) continue;
    auto status = connection.script(engine.step_sql(*step));
    if (!status.ok()) return std::move(status).with(cat("migration ", step->name));
    TRY(transaction.execute("INSERT INTO migrations (number, name) VALUES ($1, $2)", {++number, step->name}));
  }
  TRY(engine.after_steps(connection));
  return transaction.commit();
}

}  // namespace

Result<std::unique_ptr<Db>> Db::open(const std::string& where, std::span<const Migration* const> migrations) {
  auto state = std::make_unique<State>();
  const bool is_url = where.starts_with("postgresql://") || where.starts_with("postgres://");
  state->engine = is_url ? postgresql_engine(where) : sqlite_engine(where);
  auto db = std::unique_ptr<Db>(new Db(std::move(state)));
  auto& engine = *db->state_->engine;
  // Most openings find nothing to do, and need no lock for that.
  if (const auto rows = db->query(kSteps, {}); rows.ok()) {
    if (TRY(steps_done(*rows, migrations, engine.description())).size() == migrations.size()) return db;
  } else if (rows.status().code() != Code::internal) {  // internal: there is no such table yet
    return rows.status().clone();
  }
  // The write lock first: two processes that start at once do not both migrate.
  auto transaction = TRY(db->begin());
  TRY(migrate(engine, transaction, *transaction.connection_, migrations));
  return db;
}

std::string Db::description() const {
  return state_->engine->description();
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
  return state_->engine->connect();
}

void Db::give_back(std::unique_ptr<Connection> connection) {
  if (!connection->usable()) return;
  state_->idle.with([&](auto& idle) {
    if (idle.size() < kIdleMax) idle.push_back(std::move(connection));
  });
}

// Runs `start` on a connection. What the server had closed while it was idle is replaced: nothing had begun on it.
template <class F>
Result<std::unique_ptr<Connection>> Db::started(const F& start) {
  for (int tries = 0;; ++tries) {
    auto connection = TRY(take());
    auto status = start(*connection);
    if (status.ok()) return connection;
    const bool lost = status.code() == Code::unavailable && !connection->usable();
    give_back(std::move(connection));
    if (!lost || tries >= kLostTries) return status;
  }
}

Result<std::vector<Row>> Db::run(std::string_view sql, std::span<const Value> parameters, bool first_only,
                                 int64_t* changes) {
  Answer answer;
  if (state_->engine->locks_writes() && !only_reads(sql)) {
    auto transaction = TRY(begin());
    answer = TRY(transaction.watched(transaction.connection_->run(sql, parameters, first_only)));
    TRY(transaction.commit());
  } else {
    auto connection = TRY(started([&](Connection& one) -> Status {
      auto result = one.run(sql, parameters, first_only);
      if (!result.ok()) return std::move(result).status();
      answer = *std::move(result);
      return {};
    }));
    give_back(std::move(connection));
  }
  if (changes) *changes = answer.changes;
  return std::move(answer.rows);
}

Result<std::vector<Row>> Db::query(std::string_view sql, std::span<const Value> parameters) {
  return run(sql, parameters, /*first_only=*/false, nullptr);
}

Result<std::optional<Row>> Db::query_one(std::string_view sql, std::initializer_list<Value> parameters) {
  auto rows = TRY(run(sql, std::span(parameters.begin(), parameters.size()), /*first_only=*/true, nullptr));
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

Result<int64_t> Db::execute(std::string_view sql, std::initializer_list<Value> parameters) {
  int64_t changes = 0;
  TRY(run(sql, std::span(parameters.begin(), parameters.size()), /*first_only=*/false, &changes));
  return changes;
}

Result<Transaction> Db::begin() {
  return Transaction(this, TRY(started([](Connection& connection) { return connection.begin_write(); })));
}

Result<Snapshot> Db::snapshot() {
  return Snapshot(this, TRY(started([](Connection& connection) { return connection.begin_snapshot(); })));
}

Transaction::Transaction(Db* db, std::unique_ptr<Connection> connection)
    : db_(db), connection_(std::move(connection)) {}
Transaction::Transaction(Transaction&&) noexcept = default;

Transaction::~Transaction() {
  if (!connection_) return;
  if (connection_->rollback().ok()) db_->give_back(std::move(connection_));  // else the connection is closed
}

// Remembers a failure: nothing more goes through this transaction.
template <class T>
Result<T> Transaction::watched(Result<T> result) {
  if (failed_) return Status(Code::internal, "a statement of this transaction failed before: it can only be dropped");
  failed_ = !result.ok();
  return result;
}

Result<std::vector<Row>> Transaction::query(std::string_view sql, std::initializer_list<Value> parameters) {
  return TRY(watched(connection_->run(sql, std::span(parameters.begin(), parameters.size()), false))).rows;
}

Result<std::optional<Row>> Transaction::query_one(std::string_view sql, std::initializer_list<Value> parameters) {
  auto rows = TRY(watched(connection_->run(sql, std::span(parameters.begin(), parameters.size()), true))).rows;
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

Result<int64_t> Transaction::execute(std::string_view sql, std::span<const Value> parameters) {
  return TRY(watched(connection_->run(sql, parameters, false))).changes;
}

Status Transaction::commit() {
  if (failed_) return Status(Code::internal, "a statement of this transaction failed: it cannot be committed");
  return connection_->commit();
}

Snapshot::Snapshot(Db* db, std::unique_ptr<Connection> connection) : db_(db), connection_(std::move(connection)) {}
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot::~Snapshot() {
  if (connection_ && connection_->rollback().ok()) db_->give_back(std::move(connection_));
}

Result<std::vector<TableInfo>> Snapshot::tables() {
  return db_->state_->engine->tables(*connection_);
}

Status Snapshot::each(std::string_view sql, const std::function<Status(const Row&)>& row) {
  return connection_->each(sql, {}, row);
}

}  // namespace hearth::store
