// One array's memory, shared by handles, runs in flight and views.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "memory/allocator.h"

namespace metalgrad::memory {

class Buffer;

/// Counts a reference to a buffer while it lives.
class BufferRef {
 public:
  BufferRef() = default;
  BufferRef(const BufferRef& other);
  BufferRef(BufferRef&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  BufferRef& operator=(BufferRef other) noexcept {
    std::swap(buffer_, other.buffer_);
    return *this;
  }
  ~BufferRef();

  Buffer* get() const { return buffer_; }
  Buffer* operator->() const { return buffer_; }
  Buffer& operator*() const { return *buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }

 private:
  friend class Buffer;
  explicit BufferRef(Buffer* counted) : buffer_(counted) {}

  Buffer* buffer_ = nullptr;
};

/// Memory that returns to its allocator with the last reference, on whichever thread that is.
class Buffer {
 public:
  /// Uninitialized; null when there is no memory.
  static BufferRef allocate(std::shared_ptr<Allocator> allocator, size_t bytes);

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::byte* data() const { return block_.data; }
  size_t bytes() const { return block_.bytes; }
  const Block& block() const { return block_; }

  /// The asynchronous run that writes this buffer, 0 if none does.
  uint64_t writer = 0;
  /// Set when that run failed: the contents mean nothing.
  std::atomic<bool> failed{false};

 private:
  friend class BufferRef;
  Buffer(std::shared_ptr<Allocator> allocator, const Block& block) : allocator_(std::move(allocator)), block_(block) {}
  ~Buffer() { allocator_->free(block_); }

  std::shared_ptr<Allocator> allocator_;
  Block block_;
  std::atomic<uint32_t> references_{1};
};

inline BufferRef::BufferRef(const BufferRef& other) : buffer_(other.buffer_) {
  if (buffer_) buffer_->references_.fetch_add(1, std::memory_order_relaxed);
}

inline BufferRef::~BufferRef() {
  if (buffer_ && buffer_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete buffer_;
}

}  // namespace metalgrad::memory
