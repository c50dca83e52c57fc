#include "huggingface_hub/endpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/files.h"
#include "base/served.h"
#include "base/text.h"

namespace hearth {
namespace {

/// `~` at the start and `$NAME`, `${NAME}` anywhere, as os.path.expanduser and expandvars: an unset name stays.
std::string expand(std::string_view path) {
  std::string out;
  if (path == "~" || path.starts_with("~/")) {
    out = home_folder();
    path.remove_prefix(1);
  }
  while (!path.empty()) {
    if (path[0] == '$') {
      const bool braces = path.size() > 1 && path[1] == '{';
      const size_t begin = braces ? 2 : 1;
      size_t end = begin;
      while (end < path.size() && (std::isalnum(static_cast<unsigned char>(path[end])) || path[end] == '_')) ++end;
      const std::string name(path.substr(begin, end - begin));
      const bool closed = !braces || (end < path.size() && path[end] == '}');
      if (const char* value = closed && !name.empty() ? std::getenv(name.c_str()) : nullptr) {
        out += value;
        path.remove_prefix(end + (braces ? 1 : 0));
        continue;
      }
    }
    out += path[0];
    path.remove_prefix(1);
  }
  return out;
}

bool is_true(std::string_view text) {
  const auto lower = to_lower_ascii(text);
  return lower == "1" || lower == "on" || lower == "yes" || lower == "true";
}

std::optional<std::string> clean_token(std::string_view text) {
  auto out = replace_all(replace_all(text, "\r", ""), "\n", "");
  out = std::string(trim(out));
  if (out.empty()) return std::nullopt;
  return out;
}

/// A file for the owner alone, its folder too.
Status write_secret(const std::string& path, std::string_view content) {
  const std::string folder(path_parent(path));
  TRY(make_folders(folder, 0700));
  TRY(write_file(path, content, 0600));
  chmod(folder.c_str(), 0700);
  return {};
}

/// The sections of the stored tokens' INI file, each with all its fields in order.
using Fields = std::vector<std::pair<std::string, std::string>>;
using Sections = std::vector<std::pair<std::string, Fields>>;

Sections read_sections() {
  Sections out;
  const auto text = read_file(hf_stored_tokens_path(), 1 << 20);
  if (!text.ok()) return out;
  for (const auto raw : split(*text, '\n')) {
    const auto line = trim(raw);
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[' && line.find(']') != std::string_view::npos) {
      out.emplace_back(line.substr(1, line.rfind(']') - 1), Fields());
    } else if (const auto equals = line.find_first_of("=:"); equals != std::string_view::npos && !out.empty()) {
      out.back().second.emplace_back(to_lower_ascii(trim(line.substr(0, equals))), trim(line.substr(equals + 1)));
    }
  }
  return out;
}

Status write_sections(Sections sections) {
  std::sort(sections.begin(), sections.end());
  std::string out;
  for (const auto& [name, fields] : sections) {
    out += cat("[", name, "]\n");
    for (const auto& [key, value] : fields) out += cat(key, " = ", value, "\n");
    out += '\n';
  }
  return write_secret(hf_stored_tokens_path(), out);
}

std::string token_of(const Fields& fields) {
  for (const auto& [key, value] : fields)
    if (key == "hf_token") return value;
  return {};
}

std::optional<std::string> token_in_file() {
  const auto text = read_file(hf_token_path(), 1 << 16);
  return text.ok() ? clean_token(*text) : std::nullopt;
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && exists(path)) return errno_status("cannot remove", path);
  return {};
}

}  // namespace

std::string hub_endpoint() {
  auto out = env("HF_ENDPOINT");
  if (out.empty()) out = last_served();
  if (out.empty()) out = "http://127.0.0.1:8686";
  while (out.ends_with('/')) out.pop_back();
  return out;
}

bool is_offline() {
  const auto own = env("HF_HUB_OFFLINE");
  return is_true(own.empty() ? env("TRANSFORMERS_OFFLINE") : own);
}

std::string hf_home() {
  if (const auto own = env("HF_HOME"); !own.empty()) return expand(own);
  auto cache = env("XDG_CACHE_HOME");
  if (cache.empty()) cache = path_join(home_folder(), ".cache");
  return expand(path_join(cache, "huggingface"));
}

std::string hf_hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const auto own = env(name); !own.empty()) return expand(own);
  return path_join(hf_home(), "hub");
}

std::string hf_token_path() {
  if (const auto own = env("HF_TOKEN_PATH"); !own.empty()) return expand(own);
  return path_join(hf_home(), "token");
}

std::string hf_stored_tokens_path() {
  return path_join(path_parent(hf_token_path()), "stored_tokens");
}

bool token_is_from_environment() {
  return clean_token(env("HF_TOKEN")).has_value() || clean_token(env("HUGGING_FACE_HUB_TOKEN")).has_value();
}

std::optional<std::string> get_token() {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
    if (auto token = clean_token(env(name))) return token;
  return token_in_file();
}

std::vector<std::pair<std::string, std::string>> get_stored_tokens() {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [name, fields] : read_sections()) out.emplace_back(name, token_of(fields));
  std::sort(out.begin(), out.end());
  return out;
}

Status save_token(std::string_view name, std::string_view token) {
  if (name.empty() || name.find_first_of("[]\r\n") != std::string_view::npos)
    return Status(Code::bad_input, cat("'", name, "' cannot name a stored token (empty, or with brackets)"));
  auto sections = read_sections();
  std::erase_if(sections, [&](const auto& section) { return section.first == name; });
  sections.emplace_back(name, Fields{{"hf_token", std::string(token)}});
  TRY(write_sections(std::move(sections)));
  return write_secret(hf_token_path(), token);
}

Status switch_token(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [stored, token] : get_stored_tokens()) {
    if (stored == name && !token.empty()) return write_secret(hf_token_path(), token);
    names.push_back(stored);
  }
  return Status(Code::not_found, cat("no stored token is named '", name, "'; ",
                                     names.empty() ? "there is none: `hearth auth login` stores one"
                                                   : cat("there are: ", join(names, ", "))));
}

Status forget_token(std::optional<std::string_view> name) {
  if (!name) {
    TRY(remove_file(hf_token_path()));
    return remove_file(hf_stored_tokens_path());
  }
  auto sections = read_sections();
  const auto found = std::find_if(sections.begin(), sections.end(), [&](const auto& s) { return s.first == *name; });
  if (found == sections.end())
    return Status(Code::not_found, cat("no stored token is named '", *name, "'; `hearth auth list` names them"));
  const auto token = token_of(found->second);
  sections.erase(found);
  TRY(write_sections(std::move(sections)));
  if (token_in_file() == token) return remove_file(hf_token_path());
  return {};
}

}  // namespace hearth
