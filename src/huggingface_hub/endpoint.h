// Which Hub to talk to and who one is there: HF_ENDPOINT, HF_TOKEN, the token file and the stored tokens.
// Source: huggingface_hub 2.4.0 constants.py, utils/_auth.py.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace hearth {

/// HF_ENDPOINT without slashes at its end; unset, the Hub last served on this machine, else http://127.0.0.1:8686.
std::string hub_endpoint();
/// HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is 1, ON, YES or TRUE: nothing asks the network.
bool is_offline();

/// HF_HOME, with `~` and $VARIABLES expanded; else huggingface in XDG_CACHE_HOME or ~/.cache.
std::string hf_home();
/// HF_HUB_CACHE, else HUGGINGFACE_HUB_CACHE, else hub in hf_home().
std::string hf_hub_cache();
/// HF_TOKEN_PATH, else token in hf_home().
std::string hf_token_path();
/// stored_tokens beside the token file.
std::string hf_stored_tokens_path();

/// HF_TOKEN, else HUGGING_FACE_HUB_TOKEN, else the token file; without white space. Nothing when not logged in.
std::optional<std::string> get_token();
/// True when the environment gives the token, so that logging in or out changes nothing for now.
bool token_is_from_environment();

/// The stored tokens: name and token, sorted by name.
std::vector<std::pair<std::string, std::string>> get_stored_tokens();
/// Stores `token` under `name` and makes it the active one; both files are readable by the owner alone.
Status save_token(std::string_view name, std::string_view token);
/// Makes a stored token the active one; not_found names the stored ones.
Status switch_token(std::string_view name);
/// Forgets one stored token, and the token file when that was the active one. Without a name: all of them.
Status forget_token(std::optional<std::string_view> name);

}  // namespace hearth
