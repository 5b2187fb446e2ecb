// The threads that share a step's work: one pool for the process, used by any number of callers at once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace metalgrad::cpu {

class ThreadPool {
 public:
  /// The process's pool: METALGRAD_THREADS threads, else as many as the machine runs at once, the caller included.
  static ThreadPool& shared();

  /// A pool of its own; `threads` counts the caller, too.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// How many threads work on one parallelFor, the caller included.
  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls fn(begin, end) over [0, count) in chunks of `grain`, on all threads, and returns when every chunk is done.
  /// The chunks do not depend on the number of threads. Runs on the caller alone when there is one chunk; may be called
  /// from inside a chunk. The first exception that a chunk throws is thrown again here.
  template <typename F>
  void parallelFor(int64_t count, int64_t grain, F&& fn) {
    if (count <= 0) return;
    if (count <= grain) {
      fn(int64_t{0}, count);
      return;
    }
    using Callable = std::remove_reference_t<F>;
    runChunks(count, grain > 0 ? grain : 1, const_cast<void*>(static_cast<const void*>(&fn)),
              [](void* callable, int64_t begin, int64_t end) { (*static_cast<Callable*>(callable))(begin, end); });
  }

 private:
  using Chunk = void (*)(void* callable, int64_t begin, int64_t end);
  struct Job;

  void runChunks(int64_t count, int64_t grain, void* callable, Chunk chunk);
  void work();
  Job* join();
  void leave(Job* job);
  void close(Job* job);  // with the mutex held

  std::mutex mutex_;
  std::condition_variable wake_;
  /// Jobs that may have chunks nobody took; `open_` is their number, for threads that spin.
  std::vector<Job*> jobs_;
  std::atomic<int> open_{0};
  int sleepers_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

}  // namespace metalgrad::cpu
