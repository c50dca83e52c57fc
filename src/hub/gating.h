// Gated repositories: the form that the card asks for, requests for access and what becomes of them.
//
//            ask (manual)                 accept
//   nothing ------------> pending <------------------> accepted      ask (auto) and grant lead there at once
//                            ^          cancel            |
//                            |  cancel                    | reject
//                            +---------- rejected <-------+          a rejected user cannot ask again
//
// Source: huggingface_hub 2.4.0 HfApi.list_pending_access_requests ... grant_access; hub-docs models-gated.md for the
// card's keys.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

enum class GateFieldType { text, checkbox, date_picker, country, select };
std::string_view field_type_name(GateFieldType type);

struct GateOption {
  std::string label, value;
};

struct GateField {
  std::string name;
  GateFieldType type = GateFieldType::text;
  std::vector<GateOption> options;  ///< of a select
};

/// What the card says of asking for access; texts are empty where it says nothing.
struct Gate {
  std::string heading;
  std::string prompt;  ///< Markdown
  std::string button;
  std::vector<GateField> fields;
};

/// The `extra_gated_*` keys of a card's metadata. A type that is not known is a text; `ip_location` asks nothing.
Gate read_gate(const Json& card);

/// The answers to the gate's fields as they are kept, without what it does not ask for. bad_input, naming the field,
/// when one is missing, too long, unchecked, no date (2026-01-31), no ISO 3166-1 country, or no option.
Result<Json> check_answers(const Gate& gate, const Json& answers);

/// ISO 3166-1 alpha-2.
std::span<const std::string_view> country_codes();

struct AccessRequest {
  int64_t id = 0;
  std::string user, fullname, email;
  AccessStatus status = AccessStatus::pending;
  Json fields;         ///< an object
  std::string reason;  ///< of a rejection
  int64_t created_ms = 0;
};
std::string_view access_status_name(AccessStatus status);
/// bad_input unless pending, accepted or rejected.
Result<AccessStatus> parse_access_status(std::string_view text);

/// A user asks. bad_input when the repository is not gated or the answers are not what its card asks for; conflict when
/// it is the user's already; gated when a request waits or was rejected.
Result<AccessRequest> ask_access(Hub& hub, const Repo& repo, const Caller& caller, const Json& answers);
/// The user's request, if there is one.
Result<std::optional<AccessRequest>> access_request_of(const Hub& hub, const Repo& repo, const User& user);

struct AccessRequestPage {
  std::vector<AccessRequest> items;
  int64_t next = 0;  ///< pass as `after` for the next page; 0 on the last
};
/// Oldest first; any status when there is none. bad_input when the repository is not gated.
Result<AccessRequestPage> list_access_requests(const Hub& hub, const Repo& repo, std::optional<AccessStatus> status,
                                               int64_t after, int64_t limit);

/// Whose request: a user's name, or the request's number when that is not 0.
struct WhichRequest {
  std::string user;
  int64_t id = 0;
};
/// Moves a request. not_found for an unknown user, without a request, and when it is in that state already; bad_input
/// when the repository is not gated, or a reason comes with anything but a rejection. `by` decided.
Status handle_access_request(Hub& hub, const Repo& repo, const WhichRequest& which, AccessStatus status,
                             std::string_view reason, const User& by);
/// Lets a user in, asked or not. not_found for an unknown user, bad_input when they have access already.
Status grant_access(Hub& hub, const Repo& repo, std::string_view user, const User& by);

/// All requests of a user, by rising repository number: what check_access goes by.
Result<std::vector<AccessGrant>> grants_of(store::Db& db, int64_t user_id);

/// Takes a repository down, or puts it back. repo_not_found when it is gone.
Status set_disabled(Hub& hub, const Repo& repo, bool disabled);

}  // namespace hearth::hub
