#include "server/growing_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "base/guarded.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::server {
namespace {

constexpr size_t kPiece = 256 << 10;

}  // namespace

struct TransferThreads::Task {
  std::atomic<bool> done{false};
  std::jthread thread;
};

struct TransferThreads::Tasks {
  Guarded<std::list<std::unique_ptr<Task>>> all{};
};

TransferThreads::TransferThreads(size_t limit) : limit_(limit), tasks_(std::make_unique<Tasks>()) {}

TransferThreads::~TransferThreads() {
  tasks_->all.with([](auto& tasks) {
    for (auto& task : tasks) task->thread.request_stop();
  });
  // Joined without the lock: a job may look for a thread of its own while it ends.
  std::list<std::unique_ptr<Task>> left;
  tasks_->all.with([&](auto& tasks) { left.swap(tasks); });
}

bool TransferThreads::run(std::function<void(std::stop_token)> job) {
  std::list<std::unique_ptr<Task>> ended;
  return tasks_->all.with([&](auto& tasks) {
    for (auto task = tasks.begin(); task != tasks.end();) {
      const auto next = std::next(task);
      if ((*task)->done) ended.splice(ended.end(), tasks, task);
      task = next;
    }
    if (tasks.size() >= limit_) return false;
    tasks.push_back(std::make_unique<Task>());
    auto* task = tasks.back().get();
    task->thread = std::jthread([task, job = std::move(job)](const std::stop_token& stop) {
      job(stop);
      task->done = true;
    });
    return true;
  });
}

struct GrowingFile::State {
  std::mutex mutex;
  std::condition_variable_any changed;
  uint64_t received = 0;
  bool closed = false;
  Status status;
  Fd file;
  Hasher hasher{HashKind::sha256};
};

GrowingFile::GrowingFile(std::string path, std::string sha256, uint64_t size_bytes, TransferThreads& threads)
    : path_(std::move(path)),
      sha256_(std::move(sha256)),
      size_bytes_(size_bytes),
      threads_(threads),
      state_(std::make_unique<State>()) {}

GrowingFile::~GrowingFile() = default;

Status GrowingFile::begin() {
  Fd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return errno_status("cannot write", path_);
  std::lock_guard lock(state_->mutex);
  state_->file = std::move(file);
  return {};
}

// One thread appends; the descriptor is set before readers are started and stays.
Status GrowingFile::append(std::string_view bytes) {
  if (bytes.size() > size_bytes_ - state_->received)
    return Status(Code::too_large, cat("more than the ", size_bytes_, " bytes that were announced"));
  TRY(write_all(state_->file.get(), bytes, path_));
  state_->hasher.update(bytes);
  std::lock_guard lock(state_->mutex);
  state_->received += bytes.size();
  state_->changed.notify_all();
  return {};
}

uint64_t GrowingFile::received() const {
  std::lock_guard lock(state_->mutex);
  return state_->received;
}

Status GrowingFile::finish() {
  if (received() != size_bytes_)
    return Status(Code::unavailable, cat("only ", received(), " of ", size_bytes_, " bytes came"));
  if (const auto found = state_->hasher.hex(); found != sha256_)
    return Status(Code::unavailable, cat("what came has SHA-256 ", found, ", asked was ", sha256_));
  return {};
}

void GrowingFile::close(const Status& status) {
  std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->status = status.clone();
  state_->changed.notify_all();
}

Status GrowingFile::wait(const std::stop_token& stop) {
  std::unique_lock lock(state_->mutex);
  if (!state_->changed.wait(lock, stop, [&] { return state_->closed; }))
    return Status(Code::cancelled, "stopped while a file was on its way");
  return state_->status.clone();
}

Result<std::shared_ptr<net::StreamWriter>> GrowingFile::read(uint64_t begin, uint64_t length) {
  auto stream = net::StreamWriter::make(4 * kPiece);
  auto job = [self = shared_from_this(), stream, begin, length](const std::stop_token& stop) {
    auto& state = *self->state_;
    std::string bytes(kPiece, '\0');
    const uint64_t end = begin + length;
    for (uint64_t at = begin; at < end;) {
      uint64_t ready = 0;
      {
        std::unique_lock lock(state.mutex);
        // The last piece is held back until the hash was found right: a wrong file is never a whole answer.
        const auto available = [&] {
          if (state.closed) return state.status.ok() ? end : at;
          const bool last = state.received > 0 && state.received == self->size_bytes_;
          const auto shown = last ? state.received - 1 : state.received;
          return std::clamp(shown, at, std::max(at, end));
        };
        if (!state.changed.wait(lock, stop, [&] { return state.closed || available() > at; })) return;
        if (state.closed && !state.status.ok()) return;  // dropping the stream aborts the body
        ready = available() - at;
      }
      while (ready > 0) {
        if (!stream->wait_for_room(stop)) return;
        const auto wanted = std::min<uint64_t>(bytes.size(), ready);
        const auto got = ::pread(state.file.get(), bytes.data(), wanted, static_cast<off_t>(at));
        if (got <= 0 || !stream->write(std::string_view(bytes).substr(0, static_cast<size_t>(got)))) return;
        at += static_cast<uint64_t>(got);
        ready -= static_cast<uint64_t>(got);
      }
    }
    stream->close();
  };
  if (!threads_.run(std::move(job)))
    return Status(Code::busy, "many files are on their way to this hub already: try again in a moment");
  return stream;
}

}  // namespace hearth::server
