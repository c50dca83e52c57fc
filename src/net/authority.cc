#include "net/authority.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <set>

#include "base/encoding.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::net {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;

constexpr long kDay_s = 24 * 3600;
constexpr long kAuthorityDays = 3652, kCertificateDays = 397;
constexpr uint64_t kPemMax = 1 << 20;

Status broken(std::string_view what) {
  return Status(Code::internal, cat("OpenSSL could not make ", what));
}

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

// What may stand in a certificate: a host name of letters, digits, `-`, `_`, `.`, with `*.` before it or not.
Status check_host(const std::string& name) {
  if (is_address(name)) return {};
  const std::string_view host = std::string_view(name).substr(name.starts_with("*.") ? 2 : 0);
  const bool good = !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (!good) return Status(Code::bad_input, cat("'", name, "' is no host name and no address"));
  return {};
}

std::string certificate_file(const std::string& folder) {
  return path_join(folder, "authority.pem");
}

std::string to_pem(const X509& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), &certificate);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

std::string to_pem(const EVP_PKEY& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

Result<Certificate> read_certificate(const std::string& file) {
  const auto text = TRY(read_file(file, kPemMax));
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Certificate out(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!out) return Status(Code::bad_input, cat(file, " holds no PEM certificate: remove it, and a new one is made"));
  return out;
}

Result<Key> read_key(const std::string& file) {
  const auto text = TRY(read_file(file, kPemMax));
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Key out(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!out) return Status(Code::bad_input, cat(file, " holds no PEM key: remove it, and a new one is made"));
  return out;
}

// Version 3, a random serial number, from an hour ago (clocks differ) on.
Result<Certificate> begin_certificate(const EVP_PKEY& key, long days, const std::string& common_name) {
  Certificate out(X509_new());
  if (!out) return broken("a certificate");
  unsigned char serial[16];
  RAND_bytes(serial, sizeof serial);
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, Free<BN_free>> number(BN_bin2bn(serial, sizeof serial, nullptr));
  X509_set_version(out.get(), X509_VERSION_3);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(out.get()));
  X509_gmtime_adj(X509_getm_notBefore(out.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(out.get()), days * kDay_s);
  X509_set_pubkey(out.get(), const_cast<EVP_PKEY*>(&key));
  auto* subject = X509_get_subject_name(out.get());
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Hearth"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.c_str()),
                             static_cast<int>(common_name.size()), -1, 0);
  return out;
}

Status extend(X509& certificate, X509& issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1) return broken(cat("the extension ", value));
  return {};
}

// A constraint names a host with all below it, or a single address.
std::string constraints_of(const std::vector<std::string>& names) {
  std::string out = "critical";
  for (const auto& name : names) {
    if (!is_address(name)) {
      out += cat(",permitted;DNS:", name);
    } else if (contains(name, ":")) {
      out += cat(",permitted;IP:", name, "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    } else {
      out += cat(",permitted;IP:", name, "/255.255.255.255");
    }
  }
  return out;
}

std::string alternatives_of(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const auto& name : names) out.push_back(cat(is_address(name) ? "IP:" : "DNS:", name));
  return join(out, ",");
}

// One comparable word for a general name: "host" or the bytes of an address (with its mask) in hexadecimal.
std::string word_of(const GENERAL_NAME& name) {
  int kind = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(&name, &kind));
  if (kind != GEN_DNS && kind != GEN_IPADD) return {};
  const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                               static_cast<size_t>(ASN1_STRING_length(value)));
  return kind == GEN_DNS ? std::string(bytes) : to_hex(bytes);
}

std::string word_of(const std::string& name, bool masked) {
  unsigned char bytes[16];
  for (const auto& [family, size] : {std::pair(AF_INET, 4), std::pair(AF_INET6, 16)})
    if (::inet_pton(family, name.c_str(), bytes) == 1)
      return to_hex(std::string_view(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size))) +
             (masked ? std::string(static_cast<size_t>(size) * 2, 'f') : "");
  return name;
}

bool constrains(const X509& certificate, const std::vector<std::string>& names) {
  const std::unique_ptr<NAME_CONSTRAINTS, Free<NAME_CONSTRAINTS_free>> found(
      static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(&certificate, NID_name_constraints, nullptr, nullptr)));
  std::set<std::string> permitted;
  for (int i = 0; found && i < sk_GENERAL_SUBTREE_num(found->permittedSubtrees); ++i)
    permitted.insert(word_of(*sk_GENERAL_SUBTREE_value(found->permittedSubtrees, i)->base));
  return std::all_of(names.begin(), names.end(),
                     [&](const auto& name) { return permitted.count(word_of(name, true)) > 0; });
}

std::set<std::string> alternatives(const X509& certificate) {
  const std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>> found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::set<std::string> out;
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()); ++i)
    out.insert(word_of(*sk_GENERAL_NAME_value(found.get(), i)));
  return out;
}

bool good_for(const X509& certificate, int64_t left_ms) {
  time_t then = time(nullptr) + left_ms / 1000;
  return X509_cmp_time(X509_get0_notAfter(&certificate), &then) > 0;
}

Result<Certificate> make_authority(const AuthorityOptions& options, const EVP_PKEY& key) {
  auto out = TRY(begin_certificate(key, kAuthorityDays, options.common_name));
  X509_set_issuer_name(out.get(), X509_get_subject_name(out.get()));
  TRY(extend(*out, *out, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRY(extend(*out, *out, NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRY(extend(*out, *out, NID_subject_key_identifier, "hash"));
  TRY(extend(*out, *out, NID_name_constraints, constraints_of(options.names)));
  if (X509_sign(out.get(), const_cast<EVP_PKEY*>(&key), EVP_sha256()) == 0) return broken("a signature");
  return out;
}

std::string fingerprint_of(const X509& certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  X509_digest(&certificate, EVP_sha256(), digest, &size);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) {
    char pair[4];
    snprintf(pair, sizeof pair, i == 0 ? "%02X" : ":%02X", digest[i]);
    out += pair;
  }
  return out;
}

}  // namespace

Result<Authority> open_authority(const AuthorityOptions& options) {
  if (options.names.empty()) return Status(Code::bad_input, "an authority needs names that it is for");
  for (const auto& name : options.names) TRY(check_host(name));
  TRY(make_folders(options.folder, 0700));
  const auto file = certificate_file(options.folder);
  if (!options.renew && exists(file)) {
    const auto present = TRY(read_certificate(file));
    if (constrains(*present, options.names) && good_for(*present, 0))
      return Authority{.certificate = file, .fingerprint = fingerprint_of(*present)};
  }
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return broken("a key");
  const auto certificate = TRY(make_authority(options, *key));
  TRY(remove_all(path_join(options.folder, "hub.pem")));  // of the authority before
  TRY(write_file(path_join(options.folder, "authority.key"), to_pem(*key), 0600));
  TRY(write_file(file, to_pem(*certificate), 0644));
  return Authority{.certificate = file, .fingerprint = fingerprint_of(*certificate), .made = true};
}

Result<CertificateFiles> issue_certificate(const std::string& folder, const std::vector<std::string>& names,
                                           int64_t left_ms) {
  if (names.empty()) return Status(Code::bad_input, "a certificate needs names");
  std::set<std::string> wanted;
  for (const auto& name : names) {
    TRY(check_host(name));
    wanted.insert(word_of(name, false));
  }
  const CertificateFiles files{.chain = path_join(folder, "hub.pem"), .key = path_join(folder, "hub.key")};
  if (exists(files.chain) && exists(files.key)) {
    const auto present = read_certificate(files.chain);
    if (present.ok() && good_for(**present, left_ms) && alternatives(**present) == wanted) return files;
  }
  const auto issuer = TRY(read_certificate(certificate_file(folder)));
  const auto issuer_key = TRY(read_key(path_join(folder, "authority.key")));
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return broken("a key");
  const auto out = TRY(begin_certificate(*key, kCertificateDays, names.front()));
  X509_set_issuer_name(out.get(), X509_get_subject_name(issuer.get()));
  TRY(extend(*out, *issuer, NID_basic_constraints, "critical,CA:FALSE"));
  TRY(extend(*out, *issuer, NID_key_usage, "critical,digitalSignature"));
  TRY(extend(*out, *issuer, NID_ext_key_usage, "serverAuth"));
  TRY(extend(*out, *issuer, NID_subject_key_identifier, "hash"));
  TRY(extend(*out, *issuer, NID_authority_key_identifier, "keyid:always"));
  TRY(extend(*out, *issuer, NID_subject_alt_name, alternatives_of(names)));
  if (X509_sign(out.get(), issuer_key.get(), EVP_sha256()) == 0) return broken("a signature");
  // The key first: a certificate without its key would be used at the next start.
  TRY(write_file(files.key, to_pem(*key), 0600));
  TRY(write_file(files.chain, to_pem(*out) + to_pem(*issuer), 0644));
  return files;
}

}  // namespace hearth::net
