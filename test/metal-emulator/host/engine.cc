#include "host/engine.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "host/faults.h"
#include "host/settings.h"

namespace emulator {

namespace {

// Values of MTLCommandBufferError.
constexpr unsigned kTimeout = 2, kInvalidResource = 9;

constexpr size_t kMostEvents = 10000;

double seconds(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

bool over(const Submission& submission) { return submission.status >= Status::completed; }

}  // namespace

Submission::Submission(uint64_t queueNumber, std::string name)
    : queue(queueNumber), self(std::make_shared<Pass>(std::move(name))), passes{self} {}

Engine& Engine::get() {
  // Its threads run until the process ends.
  static Engine* const everlasting = new Engine;
  return *everlasting;
}

Engine::Engine() : random_(settings().seed) {
  running_ = true;
  startThread([this] { runDevice(); });
  startThread([this] { runHandlers(); });
  // Static objects of shaders must not end while a kernel runs.
  std::atexit([] { get().stop(); });
}

void Engine::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !running_; });
}

void Engine::enqueue(const std::shared_ptr<Submission>& submission) {
  const std::lock_guard lock(mutex_);
  if (submission->status != Status::recorded) return;
  submission->status = Status::enqueued;
  append(submission);
}

void Engine::append(const std::shared_ptr<Submission>& submission) {
  queues_[submission->queue].push_back(submission);
  unobserved_[submission->queue].push_back(submission);
}

void Engine::commit(const std::shared_ptr<Submission>& submission) {
  const std::lock_guard lock(mutex_);
  if (submission->status == Status::recorded) append(submission);
  submission->status = Status::committed;
  submission->known = Knowledge(epoch_);
  happened("committed", *submission);
  changed_.notify_all();
}

void Engine::abandon(const std::shared_ptr<Submission>& submission) {
  const std::lock_guard lock(mutex_);
  if (submission->status >= Status::committed) return;
  for (auto* queues : {&queues_, &unobserved_}) {
    const auto queue = queues->find(submission->queue);
    if (queue == queues->end()) continue;
    std::erase(queue->second, submission);
    if (queue->second.empty()) queues->erase(queue);
  }
  submission->status = Status::failed;
  ++epoch_;
  for (const std::shared_ptr<Pass>& pass : submission->passes) pass->observed = epoch_;
  changed_.notify_all();
}

Status Engine::status(const Submission& submission) {
  const std::lock_guard lock(mutex_);
  if (over(submission)) observeUpTo(submission);
  return submission.status;
}

std::optional<std::pair<unsigned, std::string>> Engine::error(const Submission& submission) {
  const std::lock_guard lock(mutex_);
  return submission.error;
}

std::pair<double, double> Engine::times(const Submission& submission) {
  const std::lock_guard lock(mutex_);
  return {submission.start, submission.end};
}

void Engine::waitUntilScheduled(const Submission& submission) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return submission.status >= Status::scheduled; });
}

void Engine::waitUntilCompleted(const Submission& submission) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return over(submission); });
  observeUpTo(submission);
}

void Engine::observe(const Submission& submission) {
  const std::lock_guard lock(mutex_);
  observeUpTo(submission);
}

void Engine::observeUpTo(const Submission& submission) {
  if (submission.self->observed != 0) return;
  const auto queue = unobserved_.find(submission.queue);
  if (queue == unobserved_.end()) return;
  ++epoch_;
  // Command buffers of a queue complete in their order.
  while (!queue->second.empty()) {
    const std::shared_ptr<Submission> first = std::move(queue->second.front());
    queue->second.pop_front();
    for (const std::shared_ptr<Pass>& pass : first->passes) pass->observed = epoch_;
    observe(first->done);
    if (first.get() == &submission) break;
  }
  if (queue->second.empty()) unobserved_.erase(queue);
}

void Engine::observe(const Knowledge& knowledge) {
  for (const auto& [id, prefix] : knowledge.passes()) {
    if (prefix.whole && prefix.pass->observed == 0) prefix.pass->observed = epoch_;
  }
}

void Engine::signal(EventState& event, uint64_t value) {
  const std::lock_guard lock(mutex_);
  event.value = value;
  event.signals.insert_or_assign(value, Knowledge(epoch_));
  changed_.notify_all();
}

uint64_t Engine::value(EventState& event) {
  const std::lock_guard lock(mutex_);
  ++epoch_;
  for (const auto& [value, knowledge] : event.signals) {
    if (value <= event.value) observe(knowledge);
  }
  event.signals.erase(event.signals.begin(), event.signals.lower_bound(event.value));
  return event.value;
}

void Engine::waitForHandlers() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return handlers_.empty() && !handling_; });
}

void Engine::failNext(unsigned error, unsigned count) {
  const std::lock_guard lock(mutex_);
  failure_ = error;
  failures_ = count;
}

void Engine::happened(const char* what, const Submission& submission) {
  events_.push_back(std::string(what) + " " + submission.self->name() + "\n");
  if (events_.size() > kMostEvents) events_.pop_front();
}

std::string Engine::events() {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& event : events_) all += event;
  return all;
}

Submission* Engine::pick() {
  std::vector<Submission*> ready;
  for (auto& [number, queue] : queues_) {
    Submission& first = *queue.front();
    if (first.status < Status::committed) continue;
    if (first.next < first.items.size()) {
      const auto* wait = std::get_if<WaitEvent>(&first.items[first.next]);
      if (wait != nullptr && wait->event->value < wait->value) {
        const auto now = Clock::now();
        if (!first.waitingSince) first.waitingSince = now;
        if (now - *first.waitingSince < settings().timeout) continue;
      }
    }
    ready.push_back(&first);
  }
  return ready.empty() ? nullptr : ready[random_() % ready.size()];
}

void Engine::runDevice() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Submission* const submission = pick();
    if (submission != nullptr) {
      step(lock, *submission);
    } else if (queues_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
  }
  running_ = false;
  changed_.notify_all();
}

void Engine::begin(Submission& submission) {
  submission.status = Status::scheduled;
  happened("began", submission);
  submission.start = seconds(Clock::now());
  if (failures_ > 0) {
    --failures_;
    submission.error = {failure_, submission.self->name() + " failed: a test asked for it"};
  }
  if (submission.scheduled) {
    handlers_.push_back(std::exchange(submission.scheduled, nullptr));
    handlersChanged_.notify_all();
  }
  changed_.notify_all();
}

void Engine::step(std::unique_lock<std::mutex>& lock, Submission& submission) {
  if (submission.status == Status::committed) begin(submission);
  if (submission.next == submission.items.size()) {
    finish(submission);
    return;
  }
  Item& item = submission.items[submission.next++];
  if (const auto* wait = std::get_if<WaitEvent>(&item)) {
    submission.waitingSince.reset();
    const auto signal = wait->event->signals.lower_bound(wait->value);
    if (signal != wait->event->signals.end()) {
      submission.known.add(signal->second);
    } else if (wait->event->value < wait->value && !submission.error) {
      const std::string text = report({.kind = "timeout",
                                       .kernel = "",
                                       .place = submission.self->name(),
                                       .detail = "waits for an event's value " + std::to_string(wait->value) +
                                                 ", which is " + std::to_string(wait->event->value)});
      submission.error = {kTimeout, text};
    }
  } else if (const auto* signal = std::get_if<SignalEvent>(&item)) {
    Knowledge known = submission.known;
    known.add(submission.done);
    // Also after a failure, so that nobody waits for ever.
    signal->event->value = std::max(signal->event->value, signal->value);
    signal->event->signals.insert_or_assign(signal->value, std::move(known));
    changed_.notify_all();
  } else if (!submission.error) {
    EncodedPass& pass = *std::get<std::shared_ptr<EncodedPass>>(item);
    // The queue's front stays where it is while the lock is open, and its items no longer change.
    lock.unlock();
    PassResult result = runPass(pass, submission.queue, submission.known, random_);
    lock.lock();
    submission.done.add(result.after);
    if (result.fault) submission.error = {kInvalidResource, std::move(*result.fault)};
  }
}

void Engine::finish(Submission& submission) {
  submission.end = seconds(Clock::now());
  happened("ended", submission);
  submission.status = submission.error ? Status::failed : Status::completed;
  Queue& queue = queues_.at(submission.queue);
  if (submission.completed) {
    handlers_.push_back(std::exchange(submission.completed, nullptr));
    handlersChanged_.notify_all();
  }
  submission.items.clear();
  submission.next = 0;
  changed_.notify_all();
  queue.pop_front();
  if (queue.empty()) queues_.erase(submission.queue);
}

void Engine::runHandlers() {
  std::unique_lock lock(mutex_);
  while (true) {
    handlersChanged_.wait(lock, [&] { return !handlers_.empty(); });
    std::function<void()> handler = std::move(handlers_.front());
    handlers_.pop_front();
    handling_ = true;
    lock.unlock();
    handler();
    lock.lock();
    handling_ = false;
    changed_.notify_all();
  }
}

}  // namespace emulator
