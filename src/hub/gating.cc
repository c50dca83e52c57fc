#include "hub/gating.h"

#include <algorithm>
#include <cctype>

#include "base/clock.h"
#include "base/text.h"
#include "hub/catalog.h"
#include "hub/events.h"
#include "hub/index.h"

namespace hearth::hub {
namespace {

constexpr size_t kAnswerMax = 1000;  // bytes of one answer
constexpr size_t kReasonMax = 1000;
constexpr size_t kFieldsMax = 50;

constexpr std::string_view kTypeNames[] = {"text", "checkbox", "date_picker", "country", "select"};
constexpr std::string_view kStatusNames[] = {"pending", "accepted", "rejected"};

constexpr std::string_view kColumns =
    "access_requests.id, owners.name, owners.fullname, users.email, access_requests.status, access_requests.fields, "
    "access_requests.reason, access_requests.created_ms";
constexpr std::string_view kWithUsers =
    "access_requests JOIN users ON users.owner_id = access_requests.user_id JOIN owners ON owners.id = users.owner_id";

AccessStatus status_of(std::string_view text) {
  return parse_access_status(text).value_or(AccessStatus::pending);
}

AccessRequest request_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .user = row[1].text(),
          .fullname = row[2].text(),
          .email = row[3].text(),
          .status = status_of(row[4].text()),
          .fields = Json::parse(row[5].text()).value_or(Json(Json::Object())),
          .reason = row[6].text(),
          .created_ms = row[7].integer()};
}

Status check_gated(const Repo& repo) {
  if (!repo.gated.empty()) return {};
  return Status(Code::bad_input, cat(repo.full_name(), " is not gated: everybody who sees it may read its files"));
}

GateOption option_of(const Json& json) {
  if (!json.is_object()) {
    const auto text = json.is_string() ? std::string(json.as_string()) : json.dump();
    return {text, text};
  }
  GateOption out{std::string(json["label"].as_string()), std::string(json["value"].as_string())};
  if (out.value.empty()) out.value = out.label;
  if (out.label.empty()) out.label = out.value;
  return out;
}

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const auto day = parse_iso_time(cat(text, "T00:00:00Z"));
  return day.ok() && iso_time(*day).starts_with(text);  // no 30 February
}

bool is_checked(const Json& answer) {
  if (answer.is_bool()) return answer.as_bool();
  const auto text = answer.as_string();
  return text == "on" || text == "1" || equals_ignore_case(text, "true");
}

// The answer as it is kept.
Result<Json> check_answer(const GateField& field, const Json& answer) {
  const auto refuse = [&](const auto&... why) { return Status(Code::bad_input, cat("\"", field.name, "\" ", why...)); };
  if (field.type == GateFieldType::checkbox) {
    if (!is_checked(answer)) return refuse("must be checked");
    return Json(true);
  }
  if (!answer.is_string() && !answer.is_null()) return refuse("takes a text");
  const auto text = trim(answer.as_string());
  if (text.empty()) return refuse("is not filled in");
  if (text.size() > kAnswerMax) return refuse("is longer than ", kAnswerMax, " bytes");
  const auto shown = text.substr(0, 60);
  switch (field.type) {
    case GateFieldType::date_picker:
      if (!is_date(text)) return refuse("takes a date as 2026-01-31, not '", shown, "'");
      break;
    case GateFieldType::country: {
      const auto codes = country_codes();
      if (std::find(codes.begin(), codes.end(), text) == codes.end())
        return refuse("takes a country's two letters as DE (ISO 3166-1), not '", shown, "'");
      break;
    }
    case GateFieldType::select: {
      std::vector<std::string> known;
      for (const auto& option : field.options) known.push_back(option.value);
      if (std::find(known.begin(), known.end(), text) == known.end())
        return refuse("is one of ", join(known, ", "), ", not '", shown, "'");
      break;
    }
    default:
      break;
  }
  return Json(text);
}

// repo.access: data says whose request came into which state.
Status record(store::Transaction& transaction, const Repo& repo, std::string_view actor, std::string_view user,
              AccessStatus status) {
  return record_event(transaction, {.kind = "repo.access",
                                    .repo_id = repo.id,
                                    .actor = std::string(actor),
                                    .data = Json::Object{{"user", user}, {"status", access_status_name(status)}}});
}

// The number of a user; not_found says which.
Result<int64_t> user_number(store::Transaction& transaction, std::string_view name) {
  const auto row =
      TRY(transaction.query_one("SELECT owners.id FROM owners JOIN users ON users.owner_id = owners.id "
                                "WHERE owners.name = $1",
                                {name}));
  if (!row) return Status(Code::not_found, cat("there is no user '", name.substr(0, 100), "'"));
  return (*row)[0].integer();
}

}  // namespace

std::string_view field_type_name(GateFieldType type) {
  return kTypeNames[static_cast<int>(type)];
}

std::string_view access_status_name(AccessStatus status) {
  return kStatusNames[static_cast<int>(status)];
}

Result<AccessStatus> parse_access_status(std::string_view text) {
  for (const auto status : {AccessStatus::pending, AccessStatus::accepted, AccessStatus::rejected})
    if (text == access_status_name(status)) return status;
  return Status(Code::bad_input, cat("status '", text.substr(0, 40), "' is not known (pending, accepted, rejected)"));
}

Gate read_gate(const Json& card) {
  Gate out{.heading = std::string(card["extra_gated_heading"].as_string()),
           .prompt = std::string(card["extra_gated_prompt"].as_string()),
           .button = std::string(card["extra_gated_button_content"].as_string()),
           .fields = {}};
  for (const auto& [name, value] : card["extra_gated_fields"].object()) {
    const auto type = value.is_object() ? value["type"].as_string() : value.as_string();
    if (name.empty() || type == "ip_location" || out.fields.size() == kFieldsMax) continue;
    GateField field{.name = name};
    for (const auto known :
         {GateFieldType::checkbox, GateFieldType::date_picker, GateFieldType::country, GateFieldType::select})
      if (type == field_type_name(known)) field.type = known;
    for (const auto& option : value["options"].array()) field.options.push_back(option_of(option));
    out.fields.push_back(std::move(field));
  }
  return out;
}

Result<Json> check_answers(const Gate& gate, const Json& answers) {
  Json out = Json::Object();
  for (const auto& field : gate.fields) out.set(field.name, TRY(check_answer(field, answers[field.name])));
  return out;
}

std::span<const std::string_view> country_codes() {
  static constexpr std::string_view codes[] = {
      "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT", "AU", "AW", "AX", "AZ", "BA", "BB",
      "BD", "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BV", "BW", "BY",
      "BZ", "CA", "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN", "CO", "CR", "CU", "CV", "CW", "CX",
      "CY", "CZ", "DE", "DJ", "DK", "DM", "DO", "DZ", "EC", "EE", "EG", "EH", "ER", "ES", "ET", "FI", "FJ", "FK",
      "FM", "FO", "FR", "GA", "GB", "GD", "GE", "GF", "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GS",
      "GT", "GU", "GW", "GY", "HK", "HM", "HN", "HR", "HT", "HU", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR",
      "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KI", "KM", "KN", "KP", "KR", "KW", "KY", "KZ", "LA",
      "LB", "LC", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MF", "MG", "MH", "MK",
      "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW", "MX", "MY", "MZ", "NA", "NC", "NE",
      "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU", "NZ", "OM", "PA", "PE", "PF", "PG", "PH", "PK", "PL", "PM",
      "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS", "RU", "RW", "SA", "SB", "SC", "SD", "SE", "SG",
      "SH", "SI", "SJ", "SK", "SL", "SM", "SN", "SO", "SR", "SS", "ST", "SV", "SX", "SY", "SZ", "TC", "TD", "TF",
      "TG", "TH", "TJ", "TK", "TL", "TM", "TN", "TO", "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "UM", "US", "UY",
      "UZ", "VA", "VC", "VE", "VG", "VI", "VN", "VU", "WF", "WS", "YE", "YT", "ZA", "ZM", "ZW"};
  return codes;
}

Result<AccessRequest> ask_access(Hub& hub, const Repo& repo, const Caller& caller, const Json& answers) {
  TRY(check_gated(repo));
  if (caller.anonymous()) return Status(Code::unauthenticated, "log in to ask for access");
  const auto before = check_access(caller, repo, Right::content);
  if (before.ok()) return Status(Code::conflict, cat("you have access to ", repo.full_name(), " already"));
  if (before.code() != Code::gated || TRY(access_request_of(hub, repo, *caller.user))) return before.clone();
  const auto card = TRY(main_index(hub, repo)).card;
  const auto fields = TRY(check_answers(read_gate(card), answers));
  const auto status = repo.gated == "auto" ? AccessStatus::accepted : AccessStatus::pending;
  auto transaction = TRY(hub.db().begin());
  const auto added = TRY(transaction.execute(
      "INSERT INTO access_requests (repo_id, user_id, status, fields, created_ms) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (repo_id, user_id) DO NOTHING",
      {repo.id, caller.user->id, access_status_name(status), fields.dump(), now_ms()}));
  if (added != 0) TRY(record(transaction, repo, caller.name(), caller.name(), status));
  TRY(transaction.commit());
  auto made = TRY(access_request_of(hub, repo, *caller.user));
  if (!made) return Status(Code::repo_not_found, "Repository not found");  // deleted a moment ago
  return *std::move(made);
}

Result<std::optional<AccessRequest>> access_request_of(const Hub& hub, const Repo& repo, const User& user) {
  const auto row = TRY(hub.db().query_one(cat("SELECT ", kColumns, " FROM ", kWithUsers,
                                              " WHERE access_requests.repo_id = $1 AND access_requests.user_id = $2"),
                                          {repo.id, user.id}));
  if (!row) return std::optional<AccessRequest>();
  return std::optional(request_of(*row));
}

Result<AccessRequestPage> list_access_requests(const Hub& hub, const Repo& repo, std::optional<AccessStatus> status,
                                               int64_t after, int64_t limit) {
  TRY(check_gated(repo));
  AccessRequestPage out;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT ", kColumns, " FROM ", kWithUsers,
               " WHERE access_requests.repo_id = $1 AND access_requests.id > $2 AND ",
               status ? "access_requests.status = $3" : "$3 = ''", " ORDER BY access_requests.id LIMIT $4"),
           {repo.id, after, status ? access_status_name(*status) : "", limit + 1}))) {
    if (static_cast<int64_t>(out.items.size()) == limit) {
      out.next = out.items.back().id;
      break;
    }
    out.items.push_back(request_of(row));
  }
  return out;
}

Status handle_access_request(Hub& hub, const Repo& repo, const WhichRequest& which, AccessStatus status,
                             std::string_view reason, const User& by) {
  TRY(check_gated(repo));
  if (!reason.empty() && status != AccessStatus::rejected)
    return Status(Code::bad_input, "\"rejectionReason\" comes with the status rejected alone");
  if (reason.size() > kReasonMax)
    return Status(Code::bad_input, cat("\"rejectionReason\" has at most ", kReasonMax, " bytes"));
  if (which.id == 0 && which.user.empty())
    return Status(Code::bad_input, "say whose request: \"user\" or \"requestId\"");
  auto transaction = TRY(hub.db().begin());
  const bool by_number = which.id != 0;
  const auto number = by_number ? which.id : TRY(user_number(transaction, which.user));
  const auto row = TRY(transaction.query_one(
      cat("SELECT access_requests.id, access_requests.status, owners.name FROM ", kWithUsers,
          " WHERE access_requests.repo_id = $1 AND access_requests.", by_number ? "id" : "user_id", " = $2"),
      {repo.id, number}));
  if (!row)
    return Status(Code::not_found, by_number ? cat("there is no such access request for ", repo.full_name())
                                             : cat(which.user, " has not asked for access to ", repo.full_name()));
  if ((*row)[1].text() == access_status_name(status))
    return Status(Code::not_found, cat("the access request is ", access_status_name(status), " already"));
  TRY(transaction.execute("UPDATE access_requests SET status = $2, reason = $3, decided_ms = $4 WHERE id = $1",
                          {(*row)[0], access_status_name(status), reason, now_ms()}));
  TRY(record(transaction, repo, by.name, (*row)[2].text(), status));
  return transaction.commit();
}

Status grant_access(Hub& hub, const Repo& repo, std::string_view user, const User& by) {
  TRY(check_gated(repo));
  if (user.empty()) return Status(Code::bad_input, "say who gets access: \"user\"");
  auto transaction = TRY(hub.db().begin());
  const auto number = TRY(user_number(transaction, user));
  const auto row = TRY(transaction.query_one("SELECT status FROM access_requests WHERE repo_id = $1 AND user_id = $2",
                                             {repo.id, number}));
  if (number == repo.owner_id || (row && (*row)[0].text() == access_status_name(AccessStatus::accepted)))
    return Status(Code::bad_input, cat(user, " has access to ", repo.full_name(), " already"));
  TRY(transaction.execute(
      "INSERT INTO access_requests (repo_id, user_id, status, created_ms, decided_ms) VALUES ($1, $2, 'accepted', $3, "
      "$3) ON CONFLICT (repo_id, user_id) DO UPDATE SET status = 'accepted', reason = '', decided_ms = "
      "excluded.decided_ms",
      {repo.id, number, now_ms()}));
  TRY(record(transaction, repo, by.name, user, AccessStatus::accepted));
  return transaction.commit();
}

Result<std::vector<AccessGrant>> grants_of(store::Db& db, int64_t user_id) {
  std::vector<AccessGrant> out;
  for (const auto& row : TRY(db.query("SELECT repo_id, status FROM access_requests WHERE user_id = $1 ORDER BY repo_id",
                                      {store::Value(user_id)})))
    out.push_back({.repo_id = row[0].integer(), .status = status_of(row[1].text())});
  return out;
}

Status set_disabled(Hub& hub, const Repo& repo, bool disabled) {
  auto transaction = TRY(hub.db().begin());
  if (TRY(transaction.execute("UPDATE repos SET disabled = $2 WHERE id = $1", {repo.id, disabled})) == 0)
    return Status(Code::repo_not_found, "Repository not found");
  TRY(note_change(transaction, repo.id));
  return transaction.commit();
}

}  // namespace hearth::hub
