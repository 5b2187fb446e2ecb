// The device: one thread that runs what was committed, each queue in its order and the queues in a random interleaving,
// and one thread that calls handlers.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>

#include "host/commands.h"

namespace emulator {

class Engine {
 public:
  /// Started by the first call.
  static Engine& get();

  void enqueue(const std::shared_ptr<Submission>& submission);
  void commit(const std::shared_ptr<Submission>& submission);
  /// Never committed, and never will be.
  void abandon(const std::shared_ptr<Submission>& submission);

  Status status(const Submission& submission);
  std::optional<std::pair<unsigned, std::string>> error(const Submission& submission);
  /// When it began and ended, in seconds.
  std::pair<double, double> times(const Submission& submission);
  void waitUntilScheduled(const Submission& submission);
  void waitUntilCompleted(const Submission& submission);
  /// The CPU knows from now on that it is complete.
  void observe(const Submission& submission);

  void signal(EventState& event, uint64_t value);
  uint64_t value(EventState& event);

  /// Waits until the handlers of all that is complete have been called.
  void waitForHandlers();

  /// What happened to submissions, one a line.
  std::string events();

  /// The next submissions fail without running.
  void failNext(unsigned error, unsigned count);

 private:
  using Clock = std::chrono::steady_clock;
  using Queue = std::deque<std::shared_ptr<Submission>>;

  Engine();
  void runDevice();
  void runHandlers();
  void stop();

  // With the mutex held.
  void happened(const char* what, const Submission& submission);
  void append(const std::shared_ptr<Submission>& submission);
  Submission* pick();
  void step(std::unique_lock<std::mutex>& lock, Submission& submission);
  void finish(Submission& submission);
  void begin(Submission& submission);
  void observeUpTo(const Submission& submission);
  void observe(const Knowledge& knowledge);

  std::mutex mutex_;
  std::condition_variable changed_, handlersChanged_;
  std::map<uint64_t, Queue> queues_;
  std::map<uint64_t, Queue> unobserved_;
  std::deque<std::function<void()>> handlers_;
  bool handling_ = false;
  std::mt19937_64 random_;
  bool running_ = false, stopping_ = false;
  std::deque<std::string> events_;
  unsigned failures_ = 0, failure_ = 0;
  Epoch epoch_ = 1;
};

/// Runs one pass, with what is known before it; gives what is known after it, and the first fault.
struct PassResult {
  Knowledge after;
  std::optional<std::string> fault;
};
PassResult runPass(EncodedPass& pass, uint64_t queue, const Knowledge& before, std::mt19937_64& random);

/// Starts a thread that may send messages (threads.mm), and waits until it may.
void startThread(std::function<void()> body);

}  // namespace emulator
