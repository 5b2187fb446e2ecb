// Asynchronous runs: one thread executes them in the order in which they came.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "memory/buffer.h"
#include "program/executable.h"

namespace metalgrad::addon {

/// A run with all that it needs. Its buffers live as long as it does.
struct QueuedRun {
  uint64_t number = 0;
  std::shared_ptr<const Executable> program;
  std::shared_ptr<memory::Allocator> allocator;
  std::vector<memory::BufferRef> inputs, outputs;
  std::vector<uint64_t> args;
  /// Whoever waits for the end, as a number that only the owner of the queue understands.
  uint64_t waiter = 0;
  Outcome outcome;
};

class RunQueue {
 public:
  /// Called on the queue's thread with each run that ended.
  using Ended = std::function<void(std::unique_ptr<QueuedRun>)>;

  explicit RunQueue(Ended ended) : ended_(std::move(ended)) {}
  ~RunQueue() { stop(); }

  /// Queues a run, whose outputs are marked as written by it. Starts the thread with the first.
  void push(std::unique_ptr<QueuedRun> run);
  /// Waits for the run with this number and all before it.
  void wait(uint64_t number);
  void waitForAll() { wait(pushed_); }
  /// Ends the run in flight at its next step, forgets the others, and joins the thread.
  void stop();

 private:
  friend struct StartedQueues;
  void end();
  void work();
  std::unique_ptr<QueuedRun> next();

  Ended ended_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<QueuedRun>> runs_;
  uint64_t pushed_ = 0;  // owner's thread only
  std::atomic<uint64_t> done_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace metalgrad::addon
