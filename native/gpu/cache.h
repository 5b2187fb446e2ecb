// Things that are costly to make, by key: made once for all who ask at the same time, the least recently used go first.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "program/guarded.h"

namespace metalgrad::gpu {

/// Thread safe; nothing is locked while something is made. Failures are not kept.
template <typename T>
class Cache {
 public:
  using Value = std::shared_ptr<const T>;

  explicit Cache(size_t most) : most_(most) {}

  /// The value of `key`, or what make(outcome) gives; null with the failure in `outcome`.
  template <typename Make>
  Value get(const std::string& key, Outcome& outcome, Make make) {
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      recent_.splice(recent_.begin(), recent_, found->second.place);
      const std::shared_ptr<Making> making = found->second.making;
      ended_.wait(lock, [&making] { return making->ended; });
      outcome = making->outcome;
      return making->value;
    }
    const auto making = std::make_shared<Making>();
    recent_.push_front(key);
    entries_.emplace(key, Entry{making, recent_.begin()});
    lock.unlock();
    Value value;
    Outcome made = guarded([&]() -> Outcome {
      Outcome failure;
      value = make(failure);
      return failure;
    });
    lock.lock();
    making->value = value;
    making->outcome = outcome = std::move(made);
    making->ended = true;
    if (!value) forget(key, making);
    shrink();
    lock.unlock();
    ended_.notify_all();
    return value;
  }

 private:
  struct Making {
    bool ended = false;
    Value value;
    Outcome outcome;
  };
  struct Entry {
    std::shared_ptr<Making> making;
    std::list<std::string>::iterator place;
  };

  void forget(const std::string& key, const std::shared_ptr<Making>& making) {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.making != making) return;
    recent_.erase(found->second.place);
    entries_.erase(found);
  }

  void shrink() {
    while (entries_.size() > most_) {
      entries_.erase(recent_.back());
      recent_.pop_back();
    }
  }

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<std::string> recent_;
};

}  // namespace metalgrad::gpu
