// PostgreSQL behind store/db.h, through libpq.
//
// The write lock is an advisory lock of the schema, taken as a transaction begins and let go by its end, so a front
// that dies lets go of it with its connection. Under READ COMMITTED each statement sees what was committed before it;
// since nobody else writes while the lock is held, a transaction sees one state and its own changes. Source: PostgreSQL
// 15 documentation, chapters 13.3.5 (advisory locks), 24.2.2 (collations), 34 (libpq), appendix A.
#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <map>

#include "base/encoding.h"
#include "base/text.h"
#include "store/db/engine.h"
#include "store/db/translate.h"

namespace hearth::store {
namespace {

// Object identifiers of built-in types: src/include/catalog/pg_type.dat.
constexpr Oid kUnknown = 0, kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kFloat4 = 700,
              kFloat8 = 701, kVarchar = 1043, kNumeric = 1700;

constexpr const char* kSession =
    "SET client_encoding = 'UTF8'; SET client_min_messages = 'error'; SET bytea_output = 'hex'; "
    "SET lock_timeout = '15s'; "                          // as SQLite's busy timeout
    "SET idle_in_transaction_session_timeout = '5min'; "  // a front that hangs must not hold the write lock for ever
    "SET default_transaction_isolation = 'read committed'; "
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
constexpr const char* kBeginWrite =
    "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('hearth writes ' || current_schema(), 0))";

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, FreeResult>;

Code code_of(std::string_view state) {
  const auto kind = state.substr(0, 2);
  if (kind == "23") return Code::conflict;  // a constraint
  if (state == "55P03" || kind == "40" || state == "57014" || state == "53300") return Code::busy;
  if (state == "53100") return Code::no_space;
  if (kind == "08" || kind == "57" || kind == "53") return Code::unavailable;
  if (kind == "28" || state == "42501") return Code::forbidden;
  if (state == "3D000") return Code::not_found;
  if (state == "22021" || state == "22P05" || state == "54000") return Code::bad_input;  // not UTF-8, a binary zero
  if (kind == "58") return Code::io;
  return Code::internal;
}

// Could another guess of the parameters' types help?
bool types_are_wrong(std::string_view state) {
  return state == "42P18" || state == "42P08" || state == "42804" || state == "42883" || state == "42725";
}

// The types to try for a parameter by its value. PostgreSQL takes the type of an undeclared one from its context, where
// there is a context; whole numbers are declared, so that `$1 + 1` is not 32 bits wide.
using Guess = std::array<Oid, 4>;  // by the index in Value::Storage: NULL, integer, real, text
constexpr Guess kGuesses[] = {{kUnknown, kInt8, kFloat8, kUnknown},
                              {kUnknown, kInt8, kFloat8, kText},
                              {kInt8, kInt8, kFloat8, kText},
                              {kText, kInt8, kFloat8, kText},
                              {kUnknown, kUnknown, kUnknown, kUnknown}};

struct Prepared {
  std::string name;
  std::vector<Oid> types;
};

Value column_value(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) != 0) return nullptr;
  const std::string_view text(PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case kBool:
      return text == "t" ? 1 : 0;
    case kInt2:
    case kInt4:
    case kInt8:
      return parse_int(text).value_or(0);
    case kNumeric:  // a sum of BIGINT
      if (const auto whole = parse_int(text)) return *whole;
      return parse_double(text).value_or(0);
    case kFloat4:
    case kFloat8:
      return parse_double(text).value_or(0);
    case kBytea:
      return from_hex(text.substr(2)).value_or("");  // \x...
    default:
      return text;
  }
}

Row row_of(const PGresult* result, int row) {
  Row out;
  const int columns = PQnfields(result);
  out.reserve(static_cast<size_t>(columns));
  for (int i = 0; i < columns; ++i) out.push_back(column_value(result, row, i));
  return out;
}

class PostgresqlConnection final : public Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::string& url) {
    auto connection = std::unique_ptr<PostgresqlConnection>(new PostgresqlConnection(url));
    if (PQstatus(connection->handle_) != CONNECTION_OK) return connection->no_connection();
    PQsetNoticeProcessor(
        connection->handle_, [](void*, const char*) {}, nullptr);
    TRY(connection->script(kSession));
    return std::unique_ptr<Connection>(std::move(connection));
  }
  ~PostgresqlConnection() override { PQfinish(handle_); }
  PostgresqlConnection(const PostgresqlConnection&) = delete;
  PostgresqlConnection& operator=(const PostgresqlConnection&) = delete;

  Status script(std::string_view sql) override {
    const ResultPtr result(PQexec(handle_, std::string(sql).c_str()));
    return check(result.get());
  }

  Result<Answer> run(std::string_view sql, std::span<const Value> parameters, bool first_only) override {
    const auto* statement = TRY(prepare(sql, parameters));
    const Sent sent(TRY(Sent::make(*statement, parameters)));
    const ResultPtr result(PQexecPrepared(handle_, statement->name.c_str(), sent.count(), sent.values.data(),
                                          sent.lengths.data(), sent.formats.data(), /*resultFormat=*/0));
    TRY(check(result.get(), sql));
    Answer answer;
    const int rows = first_only ? std::min(PQntuples(result.get()), 1) : PQntuples(result.get());
    for (int i = 0; i < rows; ++i) answer.rows.push_back(row_of(result.get(), i));
    answer.changes = parse_int(PQcmdTuples(result.get())).value_or(0);
    return answer;
  }

  Status each(std::string_view sql, std::span<const Value> parameters,
              const std::function<Status(const Row&)>& row) override {
    const auto* statement = TRY(prepare(sql, parameters));
    const Sent sent(TRY(Sent::make(*statement, parameters)));
    if (PQsendQueryPrepared(handle_, statement->name.c_str(), sent.count(), sent.values.data(), sent.lengths.data(),
                            sent.formats.data(), 0) == 0)
      return failure("", PQerrorMessage(handle_));
    PQsetSingleRowMode(handle_);
    Status status;
    for (;;) {  // to the end in any case: what is left unread would be the next statement's answer
      const ResultPtr result(PQgetResult(handle_));
      if (!result) return status;
      if (!status.ok()) continue;
      if (PQresultStatus(result.get()) == PGRES_SINGLE_TUPLE)
        status = row(row_of(result.get(), 0));
      else
        status = check(result.get(), sql);
    }
  }

  Status begin_write() override {
    auto status = script(kBeginWrite);
    if (!status.ok() && status.code() == Code::busy) {
      TRY(rollback());
      return Status(Code::busy, cat("database ", name(), ": another writer holds it for too long; try again"));
    }
    return status;
  }
  // The moment is that of the first statement.
  Status begin_snapshot() override { return script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1"); }
  Status commit() override {
    auto status = script("COMMIT");
    if (status.ok() || PQstatus(handle_) == CONNECTION_OK) return status;
    return std::move(status).with("the connection broke while committing, which may or may not have been done");
  }
  Status rollback() override {
    if (PQstatus(handle_) == CONNECTION_OK && PQtransactionStatus(handle_) == PQTRANS_IDLE) return {};
    return script("ROLLBACK");
  }
  bool usable() const override {
    return PQstatus(handle_) == CONNECTION_OK && PQtransactionStatus(handle_) == PQTRANS_IDLE;
  }

 private:
  explicit PostgresqlConnection(const std::string& url) {
    // What the url says wins: it comes last. A server that is gone is noticed within half a minute.
    const char* const keywords[] = {"connect_timeout",  "tcp_user_timeout", "keepalives_idle",
                                    "application_name", "dbname",           nullptr};
    const char* const values[] = {"10", "30000", "20", "hearth", url.c_str(), nullptr};
    handle_ = PQconnectdbParams(keywords, values, /*expand_dbname=*/1);
    VERIFY(handle_ != nullptr, "libpq has memory for a connection");
  }

  std::string name() const {
    const char* host = PQhost(handle_);
    const char* database = PQdb(handle_);
    return cat("postgresql://", std::string_view(host ? host : ""), "/", std::string_view(database ? database : ""));
  }
  Status no_connection() const {
    return Status(Code::unavailable, cat("database ", name(), ": ", trim(PQerrorMessage(handle_))));
  }
  Status failure(std::string_view state, std::string_view message) const {
    const bool lost = PQstatus(handle_) != CONNECTION_OK;
    return Status(lost ? Code::unavailable : code_of(state), cat("database ", name(), ": ", trim(message)));
  }
  Status check(const PGresult* result, std::string_view sql = {}) const {
    const auto status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return {};
    auto out = failure(state_of(result), result ? PQresultErrorMessage(result) : PQerrorMessage(handle_));
    if (sql.empty() || out.code() != Code::internal) return out;
    return std::move(out).with(sql);
  }
  static std::string_view state_of(const PGresult* result) {
    const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    return state ? state : "";
  }

  // Parameters on the wire: text and bytes as they are (binary format), the rest in digits.
  struct Sent {
    static Result<Sent> make(const Prepared& statement, std::span<const Value> parameters) {
      Sent out;
      for (size_t i = 0; i < statement.types.size(); ++i) {
        static const Value null;
        const auto& value = (i < parameters.size() ? parameters[i] : null).storage();
        const Oid type = statement.types[i];
        const bool raw = type == kText || type == kBytea || type == kVarchar;
        if (const auto* text = std::get_if<std::string>(&value)) {
          if (!raw && text->find('\0') != std::string::npos)
            return Status(Code::bad_input, "a binary zero in a value that is no text");
          out.texts.push_back(*text);
        } else if (const auto* whole = std::get_if<int64_t>(&value)) {
          out.texts.push_back(cat(*whole));
        } else if (const auto* real = std::get_if<double>(&value)) {
          out.texts.push_back(cat(*real));
        } else {
          out.texts.emplace_back();
        }
        out.nulls.push_back(std::holds_alternative<std::nullptr_t>(value));
        out.formats.push_back(raw ? 1 : 0);
      }
      return out;
    }
    Sent() = default;
    Sent(Sent&& other) noexcept
        : texts(std::move(other.texts)), nulls(std::move(other.nulls)), formats(std::move(other.formats)) {
      for (size_t i = 0; i < texts.size(); ++i) {
        values.push_back(nulls[i] ? nullptr : texts[i].c_str());
        lengths.push_back(static_cast<int>(texts[i].size()));
      }
    }
    int count() const { return static_cast<int>(values.size()); }

    std::vector<std::string> texts;
    std::vector<bool> nulls;
    std::vector<int> formats, lengths;
    std::vector<const char*> values;
  };

  Result<const Prepared*> prepare(std::string_view sql, std::span<const Value> parameters) {
    std::string key;
    for (const auto& value : parameters) key.push_back("nird"[value.storage().index()]);
    key += cat(" ", sql);
    if (const auto found = statements_.find(key); found != statements_.end()) return &found->second;
    if (statements_.size() >= kStatementsMax) {
      TRY(script("DEALLOCATE ALL"));
      statements_.clear();
    }

    const auto text = postgresql_statement(sql);
    const auto used = used_parameters(sql, parameters.size());
    const bool guarded = PQtransactionStatus(handle_) == PQTRANS_INTRANS;  // a wrong guess must not end the transaction
    if (guarded) TRY(script("SAVEPOINT guess"));
    Prepared made{.name = cat("s", statements_.size() + 1), .types = {}};
    for (size_t guess = 0;; ++guess) {
      std::vector<Oid> types;
      for (size_t i = 0; i < parameters.size(); ++i)
        types.push_back(used[i] ? kGuesses[guess][parameters[i].storage().index()] : kText);
      const ResultPtr result(
          PQprepare(handle_, made.name.c_str(), text.c_str(), static_cast<int>(types.size()), types.data()));
      auto status = check(result.get(), sql);
      if (status.ok()) break;
      const bool again = types_are_wrong(state_of(result.get())) && guess + 1 < std::size(kGuesses);
      if (guarded) TRY(script("ROLLBACK TO SAVEPOINT guess"));
      if (!again) return status;
    }
    if (guarded) TRY(script("RELEASE SAVEPOINT guess"));
    const ResultPtr described(PQdescribePrepared(handle_, made.name.c_str()));
    TRY(check(described.get(), sql));
    for (int i = 0; i < PQnparams(described.get()); ++i) made.types.push_back(PQparamtype(described.get(), i));
    return &statements_.emplace(std::move(key), std::move(made)).first->second;
  }

  PGconn* handle_ = nullptr;
  std::map<std::string, Prepared, std::less<>> statements_;
};

class Postgresql final : public Engine {
 public:
  explicit Postgresql(std::string url) : url_(std::move(url)) {}
  Result<std::unique_ptr<Connection>> connect() const override { return PostgresqlConnection::open(url_); }
  bool locks_writes() const override { return true; }

  Status before_steps(Connection& connection) const override {
    const auto answer = TRY(connection.run("SELECT current_setting('server_encoding')", {}, true));
    if (answer.rows[0][0].text() != "UTF8")
      return Status(Code::unsupported, cat("database ", description(), " has the encoding ", answer.rows[0][0].text(),
                                           "; create one with ENCODING 'UTF8'"));
    // Level 2 of the Unicode collation algorithm: letters and accents, not case.
    return connection.script(
        "CREATE COLLATION IF NOT EXISTS nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
  }

  // Rows that a step copied came with numbers of their own: the next number is beyond them.
  Status after_steps(Connection& connection) const override {
    const auto identities = TRY(connection.run(
        "SELECT quote_ident(c.relname), quote_ident(a.attname), pg_get_serial_sequence(quote_ident(c.relname), "
        "a.attname) "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attidentity <> '' AND c.relkind = 'r' AND "
        "c.relnamespace = current_schema()::regnamespace",
        {}, false));
    for (const auto& row : identities.rows)
      TRY(connection.script(cat("SELECT setval('", row[2].text(), "', m.top) FROM (SELECT max(", row[1].text(),
                                ") AS top FROM ", row[0].text(), ") m WHERE m.top >= (SELECT last_value FROM ",
                                row[2].text(), ")")));
    return {};
  }

  std::string step_sql(const Migration& step) const override {
    return step.postgres.empty() ? postgresql_schema(step.sql) : std::string(step.postgres);
  }

  Result<std::vector<TableInfo>> tables(Connection& connection) const override {
    std::vector<TableInfo> out;
    TRY(connection.each(
        "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND "
        "NOT a.attisdropped ORDER BY c.relname, a.attnum",
        {}, [&](const Row& row) {
          if (out.empty() || out.back().name != row[0].text()) out.push_back({row[0].text(), {}});
          out.back().columns.push_back(row[1].text());
          return Status();
        }));
    return out;
  }

  // The url without its user's password.
  std::string description() const override {
    const auto begin = url_.find("://") + 3;
    const auto at = url_.find('@', begin);
    const auto end = std::min(url_.find('?'), url_.size());
    return cat("postgresql://", at == std::string::npos || at > end ? url_.substr(begin, end - begin)
                                                                    : url_.substr(at + 1, end - at - 1));
  }

 private:
  std::string url_;
};

}  // namespace

std::unique_ptr<Engine> postgresql_engine(std::string url) {
  return std::make_unique<Postgresql>(std::move(url));
}

}  // namespace hearth::store
