#include "net/loop/stream_state.h"

namespace hearth::net {

StreamWriter::StreamWriter(size_t limit_bytes) : state_(std::make_shared<State>()) {
  state_->limit = limit_bytes;
}

std::shared_ptr<StreamWriter> StreamWriter::make(size_t limit_bytes) {
  return std::make_shared<StreamWriter>(limit_bytes);
}

StreamWriter::~StreamWriter() {
  std::lock_guard lock(state_->mutex);
  state_->abandoned = true;
  if (state_->wake) state_->wake();
}

bool StreamWriter::write(std::string_view bytes) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->gone.stop_requested() || state_->overrun) return false;
    // One write over the limit is taken when the buffer is empty: no piece is too large to be sent at all.
    if (!state_->buffer.empty() && state_->buffer.size() + bytes.size() > state_->limit) {
      state_->overrun = true;
    } else {
      state_->buffer.append(bytes);
    }
    if (state_->wake) state_->wake();
    if (!state_->overrun) return true;
  }
  state_->gone.request_stop();  // now: what is on its way to a client that does not read may wait for long
  return false;
}

bool StreamWriter::wait_for_room(std::stop_token stop) {
  std::unique_lock lock(state_->mutex);
  state_->room.wait(lock, stop, [&] {
    return state_->gone.stop_requested() || state_->overrun || state_->buffer.size() < state_->limit / 2;
  });
  return !state_->gone.stop_requested() && !state_->overrun && !stop.stop_requested();
}

void StreamWriter::close() {
  std::lock_guard lock(state_->mutex);
  state_->closed = true;
  if (state_->wake) state_->wake();
}

std::stop_token StreamWriter::client_gone() const {
  return state_->gone.get_token();
}

}  // namespace hearth::net
