#include "hub/scan/secrets.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::hub::scan {
namespace {

constexpr size_t kSecretsMax = 100;

enum class Alphabet { alnum, upper, hex, base64url, key_block };

struct Form {
  std::string_view kind, prefix;
  Alphabet alphabet;
  size_t min, max;  // characters after the prefix
};
constexpr Form kForms[] = {
    {"Hugging Face token", "hf_", Alphabet::alnum, 34, 40},
    {"Hugging Face organisation token", "api_org_", Alphabet::alnum, 34, 34},
    {"AWS access key", "AKIA", Alphabet::upper, 16, 16},
    {"AWS temporary access key", "ASIA", Alphabet::upper, 16, 16},
    {"GitHub token", "ghp_", Alphabet::alnum, 36, 255},
    {"GitHub token", "gho_", Alphabet::alnum, 36, 255},
    {"GitHub token", "ghu_", Alphabet::alnum, 36, 255},
    {"GitHub token", "ghs_", Alphabet::alnum, 36, 255},
    {"GitHub token", "ghr_", Alphabet::alnum, 36, 255},
    {"GitHub token", "github_pat_", Alphabet::base64url, 82, 82},
    {"GitLab token", "glpat-", Alphabet::base64url, 20, 64},
    {"OpenAI key", "sk-proj-", Alphabet::base64url, 40, 200},
    {"Anthropic key", "sk-ant-", Alphabet::base64url, 80, 200},
    {"Slack token", "xoxb-", Alphabet::base64url, 40, 100},
    {"Slack token", "xoxp-", Alphabet::base64url, 40, 100},
    {"Google API key", "AIza", Alphabet::base64url, 35, 35},
    {"npm token", "npm_", Alphabet::alnum, 36, 36},
    {"PyPI token", "pypi-AgEIcHlwaS5vcmc", Alphabet::base64url, 50, 250},
    {"Stripe key", "sk_live_", Alphabet::alnum, 24, 100},
    {"SendGrid key", "SG.", Alphabet::base64url, 22, 22},
    {"Docker Hub token", "dckr_pat_", Alphabet::base64url, 27, 27},
    {"private key", "-----BEGIN PRIVATE KEY-----", Alphabet::key_block, 0, 0},
    {"private key", "-----BEGIN RSA PRIVATE KEY-----", Alphabet::key_block, 0, 0},
    {"private key", "-----BEGIN EC PRIVATE KEY-----", Alphabet::key_block, 0, 0},
    {"private key", "-----BEGIN DSA PRIVATE KEY-----", Alphabet::key_block, 0, 0},
    {"private key", "-----BEGIN OPENSSH PRIVATE KEY-----", Alphabet::key_block, 0, 0},
    {"private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----", Alphabet::key_block, 0, 0},
};

bool in(Alphabet alphabet, unsigned char c) {
  const bool digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
  switch (alphabet) {
    case Alphabet::alnum:
      return digit || upper || lower;
    case Alphabet::upper:
      return digit || upper;
    case Alphabet::hex:
      return digit || (c >= 'a' && c <= 'f');
    case Alphabet::base64url:
      return digit || upper || lower || c == '-' || c == '_';
    case Alphabet::key_block:
      return false;
  }
  return false;
}

// "hf_xxxxxxxx..." and "AKIAIOSFODNN7EXAMPLE" stand in documentation.
bool is_placeholder(std::string_view body) {
  if (contains(body, "EXAMPLE") || contains(body, "example")) return true;
  std::vector<bool> seen(256);
  size_t different = 0;
  for (const unsigned char c : body)
    if (!seen[c]) {
      seen[c] = true;
      ++different;
    }
  return different < std::min<size_t>(8, body.size() / 2);
}

}  // namespace

std::vector<Secret> find_secrets(std::string_view text) {
  struct Found {
    size_t at;
    std::string_view kind;
  };
  std::vector<Found> found;
  for (const auto& form : kForms) {
    for (size_t at = text.find(form.prefix); at != std::string_view::npos && found.size() < kSecretsMax;
         at = text.find(form.prefix, at + 1)) {
      if (form.alphabet == Alphabet::key_block) {
        // A key follows: a block of base64, not the mention of one.
        const auto rest = trim(text.substr(at + form.prefix.size(), 200));
        size_t length = 0;
        while (length < rest.size() && (in(Alphabet::alnum, static_cast<unsigned char>(rest[length])) ||
                                        rest[length] == '+' || rest[length] == '/'))
          ++length;
        if (length >= 40 || contains(rest, "Proc-Type:") || contains(rest, "Version:"))
          found.push_back({at, form.kind});
        continue;
      }
      if (at > 0 && in(Alphabet::base64url, static_cast<unsigned char>(text[at - 1])))
        continue;  // inside a longer word
      const auto begin = at + form.prefix.size();
      size_t length = 0;
      while (begin + length < text.size() && length <= form.max &&
             in(form.alphabet, static_cast<unsigned char>(text[begin + length])))
        ++length;
      if (length < form.min || length > form.max || is_placeholder(text.substr(begin, length))) continue;
      found.push_back({at, form.kind});
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  std::vector<Secret> out;
  size_t counted = 0;
  int64_t line = 1;
  for (const auto& one : found) {
    line +=
        std::count(text.begin() + static_cast<ptrdiff_t>(counted), text.begin() + static_cast<ptrdiff_t>(one.at), '\n');
    counted = one.at;
    out.push_back({one.kind, line});
  }
  return out;
}

}  // namespace hearth::hub::scan
