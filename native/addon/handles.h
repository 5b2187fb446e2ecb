// Numbers that stand for native objects in JavaScript: an index, and a generation that tells a slot's tenants apart.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace metalgrad::addon {

/// Handles are positive. A forged or stale one finds nothing.
template <typename T>
class Handles {
 public:
  /// A handle, or 0 when there are too many.
  int32_t add(T value) {
    uint32_t index;
    // Slots rest before they are used again, so that a stale handle stays recognizable for long.
    if (free_.size() > kResting || (!free_.empty() && entries_.size() == kMaxEntries)) {
      index = free_.front();
      free_.pop_front();
    } else {
      if (entries_.size() == kMaxEntries) return 0;
      index = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    }
    Entry& entry = entries_[index];
    entry.value = std::move(value);
    entry.live = true;
    size_++;
    return handle(index);
  }

  T* find(int32_t handle) {
    const auto index = static_cast<uint32_t>(handle) & kIndexMask;
    if (handle <= 0 || index == 0 || index > entries_.size()) return nullptr;
    Entry& entry = entries_[index - 1];
    if (!entry.live || entry.generation != static_cast<uint32_t>(handle) >> kIndexBits) return nullptr;
    return &entry.value;
  }

  /// The handle must be found.
  void remove(int32_t handle) { vacate((static_cast<uint32_t>(handle) & kIndexMask) - 1); }

  size_t size() const { return size_; }

  /// Calls visit(value) for each live value, and removes those for which it gives true.
  template <typename Visit>
  void removeIf(Visit visit) {
    for (uint32_t index = 0; index < entries_.size(); index++) {
      if (entries_[index].live && visit(entries_[index].value)) vacate(index);
    }
  }

 private:
  static constexpr uint32_t kIndexBits = 24;
  static constexpr uint32_t kIndexMask = (1u << kIndexBits) - 1;
  static constexpr size_t kMaxEntries = kIndexMask;
  static constexpr uint32_t kGenerations = 1u << (31 - kIndexBits);
  static constexpr size_t kResting = 64;

  struct Entry {
    T value;
    uint32_t generation = 0;
    bool live = false;
  };

  int32_t handle(uint32_t index) const {
    return static_cast<int32_t>(entries_[index].generation << kIndexBits | (index + 1));
  }

  void vacate(uint32_t index) {
    Entry& entry = entries_[index];
    entry.value = T();
    entry.live = false;
    entry.generation = (entry.generation + 1) % kGenerations;
    free_.push_back(index);
    size_--;
  }

  std::vector<Entry> entries_;
  std::deque<uint32_t> free_;
  size_t size_ = 0;
};

}  // namespace metalgrad::addon
