// The queue's threads.
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

namespace {

bool isPoisoned(const QueuedRun& run) {
  return std::ranges::any_of(run.inputs, [](const auto& input) { return input->failed.load(); });
}

Outcome poisonedRun() { return {Status::deviceFailure, "an input was computed by a run that failed"}; }

}  // namespace

void RunQueue::push(std::unique_ptr<QueuedRun> run) {
  if (!waiting_.joinable()) waiting_ = std::thread([this] { waitForFlights(); });
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
  {
    std::lock_guard lock(mutex_);
    startsMore_ = false;
  }
  changed_.notify_all();
  if (waiting_.joinable()) waiting_.join();
}

std::unique_ptr<QueuedRun> RunQueue::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return (!runs_.empty() && flights_.size() < kMostInFlight) || stopping_; });
  if (stopping_) return nullptr;
  auto run = std::move(runs_.front());
  runs_.pop_front();
  return run;
}

void RunQueue::work() {
  while (auto run = next()) {
    start(*run);
    hand(std::move(run));
  }
}

void RunQueue::start(QueuedRun& run) {
  startOnce(run);
  if (!run.flight.ended() || run.flight.wait().status != Status::outOfMemory) return;
  // What is in flight gives memory back.
  {
    std::unique_lock lock(mutex_);
    if (flights_.empty()) return;
    changed_.wait(lock, [this] { return flights_.empty(); });
  }
  startOnce(run);
}

void RunQueue::startOnce(QueuedRun& run) {
  const auto inputsWritten = [this, &run]() -> Outcome {
    uint64_t last = 0;
    for (const auto& input : run.inputs) last = std::max(last, input->writer);
    wait(last);
    if (stopping_) return cancelledRun();
    return isPoisoned(run) ? poisonedRun() : Outcome();
  };
  run.flight = isPoisoned(run) ? Flight(poisonedRun())
                               : run.program->start(run.inputs, run.args, run.outputs, run.allocator,
                                                    {.cancelled = stopping_, .inputsWritten = inputsWritten});
}

/// Lets a run land: at once where nothing is left to wait for.
void RunQueue::hand(std::unique_ptr<QueuedRun> run) {
  {
    std::lock_guard lock(mutex_);
    if (!run->flight.ended() || !flights_.empty()) {
      flights_.push_back(std::move(run));
    }
  }
  if (run) {
    land(std::move(run));
  } else {
    changed_.notify_all();
  }
}

void RunQueue::waitForFlights() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !flights_.empty() || !startsMore_; });
    if (flights_.empty()) return;
    QueuedRun& first = *flights_.front();
    lock.unlock();
    first.flight.wait();
    lock.lock();
    auto run = std::move(flights_.front());
    lock.unlock();
    land(std::move(run));
    lock.lock();
    flights_.pop_front();
    changed_.notify_all();
  }
}

/// Everything before it has landed.
void RunQueue::land(std::unique_ptr<QueuedRun> run) {
  run->outcome = run->flight.wait();
  if (isPoisoned(*run)) run->outcome = poisonedRun();
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

}  // namespace metalgrad::addon
