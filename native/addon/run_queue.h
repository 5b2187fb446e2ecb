// Asynchronous runs: one thread starts them in the order in which they came, and does what the CPU does; another waits
// for those that the GPU has.
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
  Flight flight;
  Outcome outcome;
};

class RunQueue {
 public:
  /// Called with each run that ended, in their order, on one of the queue's threads.
  using Ended = std::function<void(std::unique_ptr<QueuedRun>)>;

  explicit RunQueue(Ended ended) : ended_(std::move(ended)) {}
  ~RunQueue() { stop(); }

  /// Queues a run, whose outputs are marked as written by it. Starts the thread with the first.
  void push(std::unique_ptr<QueuedRun> run);
  /// Waits for the run with this number and all before it.
  void wait(uint64_t number);
  void waitForAll() { wait(pushed_); }
  /// Ends the run that is being started at its next step, waits for those in flight, forgets the others, and joins the
  /// threads.
  void stop();

 private:
  friend struct StartedQueues;
  /// The GPU has one more to run when one has ended, and memory for arenas is needed for these alone.
  static constexpr size_t kMostInFlight = 2;

  void end();
  void work();
  void waitForFlights();
  std::unique_ptr<QueuedRun> next();
  void start(QueuedRun& run);
  void startOnce(QueuedRun& run);
  void hand(std::unique_ptr<QueuedRun> run);
  void land(std::unique_ptr<QueuedRun> run);

  Ended ended_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<QueuedRun>> runs_;
  std::deque<std::unique_ptr<QueuedRun>> flights_;  // the first is being waited for
  uint64_t pushed_ = 0;                             // owner's thread only
  std::atomic<uint64_t> done_{0};
  std::atomic<bool> stopping_{false};
  bool startsMore_ = true;  // false once no more runs are started
  std::thread thread_, waiting_;
};

}  // namespace metalgrad::addon
