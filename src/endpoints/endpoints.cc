#include "endpoints/endpoints.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "net/client.h"

namespace hearth::endpoints {

struct Endpoints::Engine {
  std::string path, id, socket_path, log_path;
  std::mutex starting;  // held by whoever starts it; the others wait here
  std::optional<Process> process;
  std::atomic<int> answering = 0;
  std::atomic<int64_t> used_ms = 0;

  bool alive() { return process && !process->poll(); }
  // An engine that was told to end closes its socket first: it takes no new requests though it lives.
  bool ready() { return alive() && exists(socket_path); }
  /// The end of what it wrote: the reason why it did not start.
  std::string last_words() const {
    const auto text = read_file(log_path, 1 << 20).value_or("");
    const auto lines = split(trim(text), '\n');
    auto line = lines.empty() ? std::string_view() : lines.back();
    if (line.starts_with("hearth: ")) line.remove_prefix(8);
    return line.empty() ? "it said nothing" : std::string(line);
  }
};

Endpoints::Endpoints(Options options) : options_(std::move(options)) {
  reaper_ = std::jthread([this](const std::stop_token& stop) { stop_idle(stop); });
}

Endpoints::~Endpoints() = default;

Status Endpoints::start(Engine& engine, const std::stop_token& stop) {
  TRY(make_folders(options_.folder, 0700));
  engine.process.reset();
  ::unlink(engine.socket_path.c_str());
  const auto log_fd = TRY(open_write(engine.log_path, 0600));
  ProcessOptions process;
  process.arguments = {options_.program, "engine",  "--model",  engine.path,
                       "--name",         engine.id, "--socket", engine.socket_path};
  process.environment = options_.environment;
  process.stdout_fd = STDERR_FILENO;  // log lines; what it dies with goes to the file
  process.stderr_fd = log_fd.get();
  engine.process = TRY(Process::start(process));
  log(LogLevel::info, "endpoints", cat("engine for ", engine.id, " starts as process ", engine.process->pid()));

  const int64_t deadline = monotonic_ms() + options_.start_timeout_s * 1000;
  net::ClientRequest health;
  health.url = "http://engine/health";
  health.unix_path = engine.socket_path;
  for (timespec pause{0, 5'000'000};; nanosleep(&pause, nullptr)) {
    if (exists(engine.socket_path)) {
      const auto answer = net::http_request(health, stop);
      if (answer.ok() && answer->status == 200) return {};
    }
    if (const auto status = engine.process->poll())
      return Status(Code::unavailable,
                    cat("the engine of ", engine.id, " did not start (", *status, "): ", engine.last_words()));
    if (stop.stop_requested()) return Status(Code::cancelled, "the client left while the engine was starting");
    if (monotonic_ms() > deadline) {
      engine.process.reset();
      return Status(Code::unavailable,
                    cat("the engine of ", engine.id, " was not ready after ", options_.start_timeout_s, " s"));
    }
  }
}

// With mutex_ held: stops the engine idle longest when all places are taken.
Status Endpoints::make_room() {
  std::erase_if(engines_, [](const auto& pair) { return pair.second->answering == 0 && !pair.second->alive(); });
  while (static_cast<int>(engines_.size()) >= options_.engines_max) {
    auto idlest = engines_.end();
    for (auto engine = engines_.begin(); engine != engines_.end(); ++engine)
      if (engine->second->answering == 0 &&
          (idlest == engines_.end() || engine->second->used_ms < idlest->second->used_ms))
        idlest = engine;
    if (idlest == engines_.end())
      return Status(Code::busy,
                    cat("all ", options_.engines_max, " engines of this hub are answering; try again in a moment"));
    log(LogLevel::info, "endpoints", cat("engine for ", idlest->second->id, " makes room"));
    engines_.erase(idlest);
  }
  return {};
}

Result<Endpoints::Ready> Endpoints::acquire(const std::string& model_path, const std::string& model_id,
                                            const std::stop_token& stop) {
  std::shared_ptr<Engine> engine;
  {
    std::lock_guard lock(mutex_);
    auto found = engines_.find(model_path);
    if (found == engines_.end()) {
      TRY(make_room());
      auto made = std::make_shared<Engine>();
      made->path = model_path;
      made->id = model_id;
      const auto stem = path_join(options_.folder, cat("engine-", ++started_));
      made->socket_path = stem + ".sock";
      made->log_path = stem + ".log";
      found = engines_.emplace(model_path, std::move(made)).first;
    }
    engine = found->second;
    ++engine->answering;
    engine->used_ms = monotonic_ms();
  }
  const std::shared_ptr<void> lease(nullptr, [engine](void*) {
    engine->used_ms = monotonic_ms();
    --engine->answering;
  });
  std::lock_guard lock(engine->starting);
  if (!engine->ready()) TRY(start(*engine, stop));
  return Ready{engine->socket_path, lease};
}

void Endpoints::learn_families() {
  std::call_once(families_asked_, [this] {
    const auto told = run_process({.arguments = {options_.program, "engine", "--families"}}, {}, 1 << 20);
    const auto json = told.ok() ? Json::parse(told->out) : Result<Json>(told.status().clone());
    if (!json.ok()) {
      log(LogLevel::warning, "endpoints", cat("which models engines run is not known: ", json.status().message()));
      return;
    }
    for (const auto& name : (*json)["model_types"].array()) model_types_.emplace_back(name.as_string());
    for (const auto& name : (*json)["gguf"].array()) gguf_.emplace_back(name.as_string());
  });
}

bool Endpoints::runs(std::string_view model_type, std::string_view gguf_architecture) {
  learn_families();
  const auto has = [](const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return has(model_types_, model_type) || has(gguf_, gguf_architecture);
}

std::vector<std::string> Endpoints::architectures() {
  learn_families();
  std::vector<std::string> out;
  for (const auto* names : {&model_types_, &gguf_})
    for (const auto& name : *names) out.push_back(to_lower_ascii(name));
  return out;
}

std::vector<Endpoints::State> Endpoints::states() {
  std::vector<State> out;
  std::lock_guard lock(mutex_);
  for (const auto& [path, engine] : engines_) {
    const std::unique_lock starting(engine->starting, std::try_to_lock);
    const auto* state = !starting ? "starting" : engine->ready() ? "ready" : "ended";
    out.push_back({.id = engine->id, .state = state, .answering = engine->answering});
  }
  return out;
}

std::vector<std::shared_ptr<Endpoints::Engine>> Endpoints::ready() {
  std::vector<std::shared_ptr<Engine>> out;
  std::lock_guard lock(mutex_);
  for (const auto& [path, engine] : engines_) {
    const std::unique_lock starting(engine->starting, std::try_to_lock);
    if (starting && engine->ready()) out.push_back(engine);
  }
  return out;
}

namespace {

std::optional<std::string> read(const std::string& socket_path, const std::string& target) {
  constexpr int kTimeout_ms = 1000;
  auto answer = net::http_request({.url = cat("http://engine", target),
                                   .unix_path = socket_path,
                                   .max_bytes = 8 << 20,
                                   .total_timeout_ms = kTimeout_ms});
  if (!answer.ok() || answer->status != 200) return {};
  return std::move(answer->body);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Endpoints::ask_all(const std::string& target) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& engine : ready())
    if (auto body = read(engine->socket_path, target)) out.emplace_back(engine->id, *std::move(body));
  return out;
}

std::optional<std::string> Endpoints::ask(const std::string& model_path, const std::string& target) {
  for (const auto& engine : ready())
    if (engine->path == model_path) return read(engine->socket_path, target);
  return {};
}

void Endpoints::stop_idle(const std::stop_token& stop) {
  std::mutex sleep_mutex;
  std::condition_variable_any sleep;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(sleep_mutex);
      sleep.wait_for(lock, stop, std::chrono::seconds(5), [] { return false; });
    }
    std::lock_guard lock(mutex_);
    std::erase_if(engines_, [&](const auto& pair) {
      const auto& engine = *pair.second;
      return engine.answering == 0 && monotonic_ms() - engine.used_ms > options_.idle_s * 1000;
    });
  }
}

}  // namespace hearth::endpoints
