// Requests to a Hub: the token and where it may go, redirects, retries, and the Hub's errors as Status with what to do.
//
// The token is sent to the endpoint's own origin alone; a redirect elsewhere goes without it.
// Source: huggingface_hub 2.4.0 utils/_http.py (hf_raise_for_status, http_backoff), utils/_headers.py.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "huggingface_hub/endpoint.h"
#include "huggingface_hub/repo.h"

namespace hearth {

struct HubRequest {
  std::string method = "GET";
  std::string target;  ///< "/api/..." below the endpoint, or a whole address
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string body_file;                            ///< instead of `body`: a file's bytes
  std::function<void(uint64_t)> on_sent;            ///< bytes of the body sent so far
  std::function<bool(int, std::string_view)> sink;  ///< takes (status, bytes) of a 2xx body; false ends the transfer
  bool stay = false;                                ///< do not follow a redirect to another origin: answer with it
  int tries = 1;                                    ///< on 408, 429, 5xx and network failures
  int64_t max_bytes = int64_t{1} << 28;             ///< of a body that is kept
};

struct HubResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string url;  ///< where the answer came from

  std::string_view header(std::string_view name) const;
  bool ok() const { return status >= 200 && status < 300; }
  Result<Json> json() const;
};

/// What a request was about, for its error message.
struct Subject {
  const RepoName* repo = nullptr;
  std::string_view revision = {};
  std::string_view filename = {};
};

/// A Hub and who one is there. Thread-safe; immutable.
class HubHttp {
 public:
  explicit HubHttp(std::string endpoint = hub_endpoint(), std::optional<std::string> token = get_token());

  const std::string& endpoint() const { return endpoint_; }
  const std::optional<std::string>& token() const { return token_; }

  /// The answer whatever its status; unavailable when there is none (or HF_HUB_OFFLINE forbids to ask).
  Result<HubResponse> send(const HubRequest& request, std::stop_token stop = {}) const;
  /// As send, but an error answer becomes its Status.
  Result<HubResponse> ask(const HubRequest& request, const Subject& subject, std::stop_token stop = {}) const;
  /// The Status of an error answer.
  Status to_status(const HubResponse& response, const Subject& subject) const;
  /// `url` with another Hub's public host replaced by this endpoint, as in LFS answers.
  bool is_own(std::string_view url) const;

 private:
  Result<HubResponse> send_once(const HubRequest& request, std::stop_token stop) const;
  std::string endpoint_;
  std::optional<std::string> token_;
};

/// Waits `seconds`, or until stopped: then false.
bool wait_for(double seconds, std::stop_token stop);

}  // namespace hearth
