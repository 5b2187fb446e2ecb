// The pool's threads: they take chunks of open jobs, spin for a moment when there are none, then sleep.
#include "cpu/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <system_error>

namespace metalgrad::cpu {
namespace {

/// The steps of one program follow each other within microseconds: waking a sleeping thread costs more than a short
/// wait.
constexpr auto kSpin = std::chrono::microseconds(40);

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

template <typename Condition>
bool spinUntil(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; i++) {
      if (condition()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() < end);
  return condition();
}

int defaultThreads() {
  if (const char* text = std::getenv("METALGRAD_THREADS")) {
    const long threads = std::strtol(text, nullptr, 10);
    if (threads > 0) return static_cast<int>(std::min(threads, 1024L));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

struct ThreadPool::Job {
  Job(int64_t count, int64_t grain, void* callable, Chunk chunk)
      : chunk(chunk), callable(callable), count(count), grain(grain) {}

  Chunk chunk;
  void* callable;
  int64_t count, grain;
  std::atomic<int64_t> next{0};
  std::atomic<int> helpers{0};  // changed with the pool's mutex held
  bool listed = true;
  std::condition_variable finished;
  std::exception_ptr error;
  std::atomic<bool> failed{false};

  void drain() {
    try {
      for (;;) {
        const int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
        if (begin >= count) return;
        chunk(callable, begin, std::min(begin + grain, count));
      }
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
      next.store(count, std::memory_order_relaxed);
    }
  }
};

ThreadPool& ThreadPool::shared() {
  // Never destroyed: its threads may still run while the process's static objects are torn down.
  static ThreadPool* pool = new ThreadPool(defaultThreads());
  return *pool;
}

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; i++) {
    try {
      workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      break;  // The system refuses more threads: those that exist do the work.
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& worker : workers_) worker.join();
}

void ThreadPool::runChunks(int64_t count, int64_t grain, void* callable, Chunk chunk) {
  Job job(count, grain, callable, chunk);
  if (workers_.empty()) {
    job.drain();
  } else {
    int wake = 0;
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(&job);
      open_.store(static_cast<int>(jobs_.size()), std::memory_order_release);
      wake = static_cast<int>(std::min<int64_t>(sleepers_, (count - 1) / grain));
    }
    for (; wake > 0; wake--) wake_.notify_one();
    job.drain();
    {
      std::lock_guard lock(mutex_);
      close(&job);
    }
    spinUntil([&] { return job.helpers.load(std::memory_order_acquire) == 0; });
    std::unique_lock lock(mutex_);
    job.finished.wait(lock, [&] { return job.helpers.load(std::memory_order_relaxed) == 0; });
  }
  if (job.error) std::rethrow_exception(job.error);
}

void ThreadPool::close(Job* job) {
  if (!job->listed) return;
  job->listed = false;
  std::erase(jobs_, job);
  open_.store(static_cast<int>(jobs_.size()), std::memory_order_release);
}

ThreadPool::Job* ThreadPool::join() {
  std::lock_guard lock(mutex_);
  if (jobs_.empty()) return nullptr;
  // The newest first: a job started inside another's chunk holds that one up.
  Job* job = jobs_.back();
  job->helpers.fetch_add(1, std::memory_order_relaxed);
  return job;
}

void ThreadPool::leave(Job* job) {
  std::lock_guard lock(mutex_);
  close(job);
  if (job->helpers.fetch_sub(1, std::memory_order_release) == 1) job->finished.notify_one();
}

void ThreadPool::work() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (Job* job = join()) {
      job->drain();
      leave(job);
      continue;
    }
    if (spinUntil([this] { return open_.load(std::memory_order_relaxed) > 0; })) continue;
    std::unique_lock lock(mutex_);
    sleepers_++;
    wake_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
    sleepers_--;
  }
}

}  // namespace metalgrad::cpu
