// How often repositories are downloaded and liked, and how much they trend.
//
// Source: the Hub's documentation, "Models Download Stats" and "Datasets Download Stats".
//
// 1. A model is downloaded when its query file is asked for (config.json, or what its library has instead); a dataset
//    when any file is, once in five minutes for each client.
// 2. Downloads are counted by day (repo_days). `repos.downloads` is the sum of the last 30 days, `downloads_all_time`
//    of all.
// 3. A download is counted in memory and written with others, at most a few seconds later: a crash loses those alone.
// 4. The trending score is the sum over the last 30 days of (downloads + 10 likes), halved for each week of age.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/guarded.h"
#include "base/result.h"
#include "hub/repo.h"
#include "store/db.h"

namespace hearth::hub {

/// Thread-safe. What is not written when it goes is written then.
class DownloadCounter {
 public:
  explicit DownloadCounter(store::Db& db) : db_(db) {}
  ~DownloadCounter();
  /// A request for a file. Writes at once when nothing was written for a while.
  Status add(const Repo& repo, std::string_view path, std::string_view client_address);
  Status flush();

 private:
  struct Pending {
    std::map<int64_t, int64_t> counts;
    int64_t written_ms = 0;
    std::map<std::pair<int64_t, std::string>, int64_t> seen;  // of datasets: when a client's download last counted
  };
  store::Db& db_;
  Guarded<Pending> pending_;
};

/// Is the path one whose download counts as the model's?
bool is_query_file(std::string_view path);

/// Sums the days again and computes the trending scores, of one repository or (0) of all.
Status update_statistics(store::Db& db, int64_t repo_id = 0);

/// The score of downloads and likes by their age in days, 0 first.
int64_t trending_score(const std::map<int64_t, int64_t>& downloads_by_age,
                       const std::map<int64_t, int64_t>& likes_by_age);

}  // namespace hearth::hub
