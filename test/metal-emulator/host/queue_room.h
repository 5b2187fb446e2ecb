// How many command buffers of a queue may exist that are not complete; whoever asks for one more waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

class QueueRoom {
 public:
  explicit QueueRoom(size_t limit) : limit_(limit) {}

  /// False where nothing that was committed could make room.
  bool enter() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return existing_ < limit_ || committed_ == 0; });
    return ++existing_ <= limit_;
  }
  void commit() {
    const std::lock_guard lock(mutex_);
    ++committed_;
  }
  void leave(bool committed) {
    const std::lock_guard lock(mutex_);
    --existing_;
    if (committed) --committed_;
    changed_.notify_all();
  }

 private:
  const size_t limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t existing_ = 0, committed_ = 0;
};
