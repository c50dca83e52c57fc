// Papers: the arXiv ids that repositories cite in their tags (`arxiv:2307.09288`). The hub knows who cites a paper and
// since when; titles, authors and abstracts are arXiv's, and it asks nobody.
// Source: huggingface_hub 2.4.0 HfApi.list_papers, paper_info, list_daily_papers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct Paper {
  std::string id;         ///< "2307.09288"
  int64_t first_ms = 0;   ///< when the first of the repositories that cite it was made
  std::string submitter;  ///< that repository's owner
  int64_t repos = 0;      ///< how many cite it
};

struct PaperQuery {
  std::string search;     ///< part of the id
  std::string submitter;  ///< in any letter case
  int64_t from_ms = 0, to_ms = INT64_MAX;
  bool by_citations = false;  ///< the most cited first, else the latest
  int64_t skip = 0;
  int64_t limit = 50;
};
/// What repositories cite that the caller may know of.
Result<std::vector<Paper>> list_papers(const Hub& hub, const Caller& caller, const PaperQuery& query);

}  // namespace hearth::hub
