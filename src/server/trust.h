// The hub under the names that clients hard-code: a local authority in DATA/trust and a certificate for these names.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/authority.h"

namespace hearth::server {

/// The hosts that clients ask whatever HF_ENDPOINT says, for lines of /etc/hosts.
/// Source: huggingface_hub 2.4.0 constants.py (ENDPOINT, INFERENCE_PROXY_TEMPLATE, INFERENCE_ENDPOINTS_ENDPOINT,
/// INFERENCE_CATALOG_ENDPOINT), hf_api.py list_dataset_parquet_files; transformers.js 4.3.1 env.remoteHost.
std::span<const std::string_view> hard_coded_hosts();

struct Trust {
  net::Authority authority;
  net::CertificateFiles certificate;
  std::vector<std::string> own_names;  ///< of this hub, besides the hard-coded ones
};

/// Opens the data folder's authority, or makes it, and issues the certificate. `more_names` are remembered; a name that
/// the authority is not for makes a new authority, which clients must be given again.
Result<Trust> open_trust(const std::string& data_folder, const std::vector<std::string>& more_names = {},
                         bool renew = false);

}  // namespace hearth::server
