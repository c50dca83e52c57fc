#include "server/metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/prometheus.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/services.h"

namespace hearth::server {
namespace {

constexpr std::string_view kMethods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

// Of static storage, and one of few: a client may send any word.
std::string_view method_of(std::string_view method) {
  const auto* found = std::find(std::begin(kMethods), std::end(kMethods), method);
  return found == std::end(kMethods) ? std::string_view("other") : *found;
}

class Page : public PrometheusText {
 public:
  /// A sample for each row of a query: a word, then a number.
  void rows(const Services& services, std::string_view name, std::string_view help, std::string_view word,
            std::string_view sql) {
    const auto rows = services.hub.db().query(sql);
    if (!rows.ok()) return;
    family(name, "gauge", help);
    for (const auto& row : *rows)
      sample(name, cat(word, "=\"", prometheus_label(row[0].text()), "\""), row[1].integer());
  }
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int64_t resident_bytes() {
  const auto words = split(read_file("/proc/self/statm", 4096).value_or(""), ' ');
  return words.size() > 1 ? parse_int(words[1]).value_or(0) * ::sysconf(_SC_PAGESIZE) : 0;
}

void describe_process(Page& page) {
  page.family("hearth_build_info", "gauge", "The version that runs.");
  page.sample("hearth_build_info", "version=\"" HEARTH_VERSION "\"", 1);
  page.single("process_cpu_seconds_total", "counter", "CPU time of the front.", cpu_seconds());
  page.single("process_resident_memory_bytes", "gauge", "Memory of the front.", resident_bytes());
  const auto descriptors = list_folder("/proc/self/fd");
  if (descriptors.ok()) page.single("process_open_fds", "gauge", "Open descriptors of the front.", descriptors->size());
}

void describe_hub(Page& page, const Services& services) {
  page.rows(services, "hearth_repositories", "Repositories by kind.", "kind",
            "SELECT kind, COUNT(*) FROM repos GROUP BY kind");
  page.rows(services, "hearth_owners", "Users and organisations.", "kind",
            "SELECT kind, COUNT(*) FROM owners GROUP BY kind");
  page.rows(services, "hearth_repository_bytes", "Bytes of the files at main, by kind.", "kind",
            "SELECT repos.kind, SUM(repo_index.used_storage) FROM repo_index JOIN repos ON repos.id = "
            "repo_index.repo_id GROUP BY repos.kind");
  page.rows(services, "hearth_jobs", "Background jobs by state.", "state",
            "SELECT state, COUNT(*) FROM jobs GROUP BY state");
  struct statvfs disk {};
  if (::statvfs(services.hub.folder().c_str(), &disk) != 0) return;
  page.single("hearth_disk_bytes", "gauge", "Size of the data folder's file system.",
              static_cast<uint64_t>(disk.f_blocks) * disk.f_frsize);
  page.single("hearth_disk_free_bytes", "gauge", "Free for the hub on it.",
              static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize);
}

}  // namespace

void Metrics::count(std::string_view method, std::string_view route, const net::Answered& how) {
  const auto bucket =
      static_cast<size_t>(std::lower_bound(kBuckets.begin(), kBuckets.end(), how.seconds) - kBuckets.begin());
  lines_.with([&](auto& lines) {
    auto& line = lines[{route, method_of(method)}];
    ++line.statuses[how.status];
    ++line.buckets[bucket];
    line.seconds += how.seconds;
    line.handle_seconds += how.handle_seconds;
    line.bytes += how.bytes;
    if (!how.whole) ++line.broken;
  });
}

std::string Metrics::text(const Services& services) const {
  const auto lines = lines_.with([](const auto& all) { return all; });
  Page page;
  const auto labels = [](const auto& key) {
    return cat("route=\"", prometheus_label(key.first.empty() ? "none" : key.first), "\",method=\"", key.second, "\"");
  };
  page.family("hearth_http_requests_total", "counter", "Requests answered.");
  for (const auto& [key, line] : lines)
    for (const auto& [status, count] : line.statuses)
      page.sample("hearth_http_requests_total", cat(labels(key), ",status=\"", status, "\""), count);
  page.family("hearth_http_request_duration_seconds", "histogram", "From a request's head to the end of its answer.");
  for (const auto& [key, line] : lines) {
    uint64_t total = 0;
    for (size_t i = 0; i < line.buckets.size(); ++i) {
      total += line.buckets[i];
      const auto bound = i < kBuckets.size() ? cat(kBuckets[i]) : std::string("+Inf");
      page.sample("hearth_http_request_duration_seconds_bucket", cat(labels(key), ",le=\"", bound, "\""), total);
    }
    page.sample("hearth_http_request_duration_seconds_sum", labels(key), line.seconds);
    page.sample("hearth_http_request_duration_seconds_count", labels(key), total);
  }
  page.family("hearth_http_handle_seconds_total", "counter", "Of it, in the queue to a handler and in the handler.");
  for (const auto& [key, line] : lines)
    page.sample("hearth_http_handle_seconds_total", labels(key), line.handle_seconds);
  page.family("hearth_http_sent_bytes_total", "counter", "Bytes of answers.");
  for (const auto& [key, line] : lines) page.sample("hearth_http_sent_bytes_total", labels(key), line.bytes);
  page.family("hearth_http_broken_total", "counter", "Answers whose client left before their end.");
  for (const auto& [key, line] : lines) page.sample("hearth_http_broken_total", labels(key), line.broken);

  if (const auto* server = server_.load()) {
    const auto load = server->load();
    page.single("hearth_connections", "gauge", "Open connections.", load.connections);
    page.single("hearth_requests_waiting", "gauge", "Requests that wait for a thread.", load.waiting);
    page.single("hearth_requests_running", "gauge", "Handlers at work.", load.running);
    page.single("hearth_draining", "gauge", "1 once the hub has been told to stop.", server->draining() ? 1 : 0);
  }
  if (services.endpoints) {
    page.family("hearth_engines", "gauge", "Engine processes: requests being answered, by model and state.");
    for (const auto& engine : services.endpoints->states())
      page.sample("hearth_engines", cat("model=\"", prometheus_label(engine.id), "\",state=\"", engine.state, "\""),
                  engine.answering);
  }
  describe_hub(page, services);
  describe_process(page);
  if (!services.endpoints) return page.take();
  PrometheusPages engines("model");
  for (const auto& [model, text] : services.endpoints->ask_all("/metrics")) engines.add(model, text);
  return page.take() + engines.take();
}

}  // namespace hearth::server
