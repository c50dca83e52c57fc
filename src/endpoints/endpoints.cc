#include "endpoints/endpoints.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/process.h"
#include "base/text.h"
#include "net/client.h"
#include "net/refusal.h"

namespace hearth::endpoints {

namespace {

constexpr int64_t kOwnBytes = 48 << 20;  // of an engine without weights

bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

/// What a model's engine will take: its weights. Links are followed.
int64_t expected_bytes(const std::string& path) {
  if (!is_folder(path)) return kOwnBytes + static_cast<int64_t>(file_size(path).value_or(0));
  int64_t best = 0;  // of the formats there are, the one that is read is not the smallest
  for (const auto ending : {".safetensors", ".bin", ".gguf"}) {
    int64_t sum = 0;
    for (const auto& name : list_folder(path).value_or({}))
      if (name.ends_with(ending)) sum += static_cast<int64_t>(file_size(path_join(path, name)).value_or(0));
    best = std::max(best, sum);
    if (sum > 0) break;
  }
  return kOwnBytes + best;
}

Result<Fd> listen_on(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Status(Code::bad_input, cat("the socket's path is too long: ", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ::unlink(path.c_str());
  Fd out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::fchmod(out.get(), 0600);
  if (out.get() < 0 || ::bind(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(out.get(), 4096) != 0)
    return Status(Code::unavailable, cat("cannot listen on ", path, ": ", std::strerror(errno)));
  return out;
}

std::vector<Fd> accept_all(int listener) {
  std::vector<Fd> out;
  for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) out.emplace_back(fd);
  return out;
}

/// Answers one connection and waits until the other side has read it: it may be writing its request still.
void refuse(const Fd& connection, std::string_view message) {
  std::string line(message);
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  const auto text = cat("HTTP/1.1 503 Service Unavailable\r\n", net::kRefusalField, ": ", line,
                        "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  constexpr timeval kPatience{2, 0};
  ::setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  if (::send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return;
  ::shutdown(connection.get(), SHUT_WR);
  std::array<char, 4096> unread;
  while (::recv(connection.get(), unread.data(), unread.size(), 0) > 0) {
  }
}

}  // namespace

struct Endpoints::Engine {
  std::string path, id, socket_path, log_path;
  int64_t expected = 0;  // bytes
  Fd listener;
  std::optional<Process> process;
  Fd end_fd;  // readable when the process has ended; none on a kernel without such descriptors
  int64_t started_ms = 0, held_since_ms = 0;  // 0: not held
  std::atomic<int> answering = 0;
  std::atomic<int64_t> used_ms = 0;
  std::atomic<bool> has_answered = false;

  ~Engine() {
    ::unlink(socket_path.c_str());
    ::unlink(ready_path().c_str());
  }
  std::string ready_path() const { return socket_path + ".ready"; }
  bool is_ready() const { return process && exists(ready_path()); }
  int64_t resident_bytes() const {
    const auto text = proc_field(cat("/proc/", process->pid(), "/status"), "VmRSS");
    return parse_int(split(text, ' ').front()).value_or(0) * 1024;
  }
  int64_t memory_bytes() const {
    if (!process) return 0;
    const auto resident = resident_bytes();
    return has_answered ? resident : std::max(resident, expected);
  }
  void end() {
    process.reset();
    end_fd = Fd();
    has_answered = false;
  }
  /// The end of what it wrote: the reason why it did not start.
  std::string last_words() const {
    const auto text = read_file(log_path, 1 << 20).value_or("");
    const auto lines = split(trim(text), '\n');
    auto line = lines.empty() ? std::string_view() : lines.back();
    if (line.starts_with("hearth: ")) line.remove_prefix(8);
    return line.empty() ? "it said nothing" : std::string(line);
  }
};

Endpoints::Endpoints(Options options)
    : options_(std::move(options)), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  keeper_ = std::jthread([this](const std::stop_token& stop) { look_after(stop); });
}

Endpoints::~Endpoints() {
  keeper_.request_stop();
  wake();
}

void Endpoints::wake() const {
  constexpr uint64_t kOne = 1;
  static_cast<void>(!::write(wake_fd_.get(), &kOne, sizeof kOne));
}

Status Endpoints::start(Engine& engine) {
  const auto log_fd = TRY(open_write(engine.log_path, 0600));
  ::unlink(engine.ready_path().c_str());
  ProcessOptions process;
  process.arguments = {options_.program, "engine",   "--model",          engine.path,  "--name",
                       engine.id,        "--socket", engine.socket_path, "--listening"};
  process.arguments.insert(process.arguments.end(), options_.engine_arguments.begin(), options_.engine_arguments.end());
  process.environment = options_.environment;
  process.stdin_fd = engine.listener.get();
  process.stdout_fd = STDERR_FILENO;  // log lines; what it dies with goes to the file
  process.stderr_fd = log_fd.get();
  engine.process = TRY(Process::start(process));
  engine.end_fd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, engine.process->pid(), 0)));
  engine.started_ms = monotonic_ms();
  engine.held_since_ms = 0;
  log(LogLevel::info, "endpoints", cat("engine for ", engine.id, " starts as process ", engine.process->pid()));
  return {};
}

// With mutex_ held, as the next four: the end of a running engine.
void Endpoints::mourn(Engine& engine, std::vector<Refusal>& refusals) {
  if (!engine.process) return;
  const bool was_ready = engine.is_ready();
  const auto status = engine.process->poll();
  const bool is_late = !was_ready && monotonic_ms() - engine.started_ms > options_.start_timeout_s * 1000;
  if (!status && !is_late) return;
  if (!was_ready) {
    const auto why = status ? cat("the engine of ", engine.id, " did not start (", *status, "): ", engine.last_words())
                            : cat("the engine of ", engine.id, " was not ready after ", options_.start_timeout_s, " s");
    refusals.push_back({accept_all(engine.listener.get()), why});
  }
  engine.end();
}

bool Endpoints::make_room(const Engine& engine) {
  if (options_.memory_bytes == 0) return true;
  int64_t free = options_.memory_bytes - engine.expected;
  std::vector<std::pair<std::shared_ptr<Engine>, int64_t>> idle;
  for (const auto& [path, other] : engines_) {
    const auto bytes = other->memory_bytes();
    free -= bytes;
    if (other->process && other->answering == 0) idle.emplace_back(other, bytes);
  }
  std::ranges::sort(idle, {}, [](const auto& row) { return row.first->used_ms.load(); });
  size_t stopped = 0;
  while (free < 0 && stopped < idle.size()) free += idle[stopped++].second;
  if (free < 0) return false;
  for (size_t i = 0; i < stopped; ++i) {
    log(LogLevel::info, "endpoints", cat("engine for ", idle[i].first->id, " makes room"));
    idle[i].first->end();
  }
  return true;
}

void Endpoints::wake_sleepers(std::vector<Refusal>& refusals) {
  std::vector<Engine*> sleepers;
  const auto now = monotonic_ms();
  for (const auto& [path, engine] : engines_) {
    if (engine->process || !is_readable(engine->listener.get())) continue;
    if (engine->answering == 0) {
      accept_all(engine->listener.get());  // they have left
      engine->held_since_ms = 0;
      continue;
    }
    if (engine->held_since_ms == 0) engine->held_since_ms = now;
    sleepers.push_back(engine.get());
  }
  std::ranges::sort(sleepers, {}, &Engine::held_since_ms);
  bool has_room = true;
  for (auto* engine : sleepers) {
    has_room = has_room && make_room(*engine);  // who came first is not overtaken
    if (has_room) {
      const auto started = start(*engine);
      if (!started.ok()) refusals.push_back({accept_all(engine->listener.get()), started.message()});
    } else if (now - engine->held_since_ms > options_.hold_s * 1000) {
      refusals.push_back({accept_all(engine->listener.get()),
                          cat("there was no room for the engine of ", engine->id, " in ", options_.hold_s,
                              " s: the others are answering; a larger --engine-memory keeps more of them")});
      engine->held_since_ms = 0;
    }
  }
}

void Endpoints::stop_idle() {
  std::erase_if(engines_, [&](const auto& pair) {
    const auto& engine = *pair.second;
    const bool is_old = monotonic_ms() - engine.used_ms > options_.idle_s * 1000;
    return engine.answering == 0 && (is_old || !engine.process);
  });
}

void Endpoints::look_after(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<Refusal> refusals;
    std::vector<pollfd> watched = {{wake_fd_.get(), POLLIN, 0}};
    std::vector<std::shared_ptr<Engine>> kept;  // while their descriptors are polled
    int patience_ms = 5000;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [path, engine] : engines_) mourn(*engine, refusals);
      wake_sleepers(refusals);
      stop_idle();
      for (const auto& [path, engine] : engines_) {
        kept.push_back(engine);
        if (engine->process && engine->end_fd.get() >= 0) watched.push_back({engine->end_fd.get(), POLLIN, 0});
        if (engine->process && (engine->end_fd.get() < 0 || !engine->is_ready())) patience_ms = 200;
        if (!engine->process && engine->held_since_ms == 0) watched.push_back({engine->listener.get(), POLLIN, 0});
        if (engine->held_since_ms != 0) patience_ms = std::min(patience_ms, 500);
      }
    }
    for (const auto& refusal : refusals) {
      log(LogLevel::warning, "endpoints", refusal.message);
      for (const auto& connection : refusal.connections) refuse(connection, refusal.message);
    }
    if (!refusals.empty()) continue;  // what they answered may have changed much
    ::poll(watched.data(), watched.size(), patience_ms);
    uint64_t ignored = 0;
    static_cast<void>(!::read(wake_fd_.get(), &ignored, sizeof ignored));
  }
}

Result<Endpoints::Ready> Endpoints::acquire(const std::string& model_path, const std::string& model_id) {
  std::shared_ptr<Engine> engine;
  {
    std::lock_guard lock(mutex_);
    auto found = engines_.find(model_path);
    if (found == engines_.end()) {
      const auto expected = expected_bytes(model_path);
      if (options_.memory_bytes > 0 && expected > options_.memory_bytes)
        return Status(Code::unsupported,
                      cat(model_id, " takes about ", human_size(static_cast<uint64_t>(expected)),
                          " of memory, and the engines of this hub may take ",
                          human_size(static_cast<uint64_t>(options_.memory_bytes)),
                          ": serve with a larger --engine-memory, or ask for a smaller or quantized model"));
      TRY(make_folders(options_.folder, 0700));
      auto made = std::make_shared<Engine>();
      made->path = model_path;
      made->id = model_id;
      made->expected = expected;
      const auto stem = path_join(options_.folder, cat("engine-", ++started_));
      made->socket_path = stem + ".sock";
      made->log_path = stem + ".log";
      made->listener = TRY(listen_on(made->socket_path));
      found = engines_.emplace(model_path, std::move(made)).first;
    }
    engine = found->second;
    ++engine->answering;
    engine->used_ms = monotonic_ms();
  }
  wake();
  const std::shared_ptr<void> lease(nullptr, [this, engine](void*) {
    engine->used_ms = monotonic_ms();
    engine->has_answered = true;
    if (--engine->answering == 0) wake();
  });
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
    const auto* state = engine->is_ready()           ? "ready"
                        : engine->process            ? "starting"
                        : engine->held_since_ms != 0 ? "held"
                                                     : "asleep";
    out.push_back({.id = engine->id, .state = state, .answering = engine->answering});
  }
  return out;
}

std::vector<std::shared_ptr<Endpoints::Engine>> Endpoints::ready() {
  std::vector<std::shared_ptr<Engine>> out;
  std::lock_guard lock(mutex_);
  for (const auto& [path, engine] : engines_)
    if (engine->is_ready()) out.push_back(engine);
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

}  // namespace hearth::endpoints
