// The queue's thread.
#include "addon/run_queue.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace metalgrad::addon {

/// The queues of this process whose threads run. process.exit does not end the environment of the main thread, but
/// exit() takes away what the step in flight uses, such as OpenBLAS's buffers: the threads end before that.
struct StartedQueues {
  std::mutex mutex;
  std::vector<RunQueue*> queues;

  static StartedQueues& shared() {
    static StartedQueues* started = [] {
      std::atexit([] {
        std::lock_guard lock(shared().mutex);
        for (RunQueue* queue : shared().queues) queue->end();
        shared().queues.clear();
      });
      return new StartedQueues;
    }();
    return *started;
  }
};

void RunQueue::push(std::unique_ptr<QueuedRun> run) {
  if (!thread_.joinable()) {
    auto& started = StartedQueues::shared();
    std::lock_guard lock(started.mutex);
    thread_ = std::thread([this] { work(); });
    started.queues.push_back(this);
  }
  run->number = ++pushed_;
  for (auto& output : run->outputs) output->writer = run->number;
  {
    std::lock_guard lock(mutex_);
    runs_.push_back(std::move(run));
  }
  changed_.notify_all();
}

void RunQueue::wait(uint64_t number) {
  if (done_.load(std::memory_order_acquire) >= number) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_.load(std::memory_order_relaxed) >= number || stopping_; });
}

void RunQueue::stop() {
  {
    auto& started = StartedQueues::shared();
    std::lock_guard lock(started.mutex);
    std::erase(started.queues, this);
  }
  end();
}

void RunQueue::end() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    runs_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<QueuedRun> RunQueue::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !runs_.empty() || stopping_; });
  if (stopping_) return nullptr;
  auto run = std::move(runs_.front());
  runs_.pop_front();
  return run;
}

void RunQueue::work() {
  while (auto run = next()) {
    const bool poisoned = std::ranges::any_of(run->inputs, [](const auto& input) { return input->failed.load(); });
    run->outcome = poisoned ? Outcome{Status::deviceFailure, "an input was computed by a run that failed"}
                            : run->program->run(run->inputs, run->args, run->outputs, run->allocator, &stopping_);
    if (!run->outcome.ok()) {
      for (auto& output : run->outputs) output->failed = true;
    }
    run->inputs.clear();
    run->outputs.clear();
    {
      std::lock_guard lock(mutex_);
      done_.store(run->number, std::memory_order_release);
    }
    changed_.notify_all();
    ended_(std::move(run));
  }
}

}  // namespace metalgrad::addon
