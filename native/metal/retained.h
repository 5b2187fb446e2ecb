// The one owner of Objective-C objects: there is no ARC, so that this compiles with every Objective-C runtime.
#pragma once

#import <Foundation/Foundation.h>

#include <utility>

namespace metalgrad::metal {

/// T is a pointer to a class or an id<Protocol>.
template <typename T>
class Retained {
 public:
  Retained() = default;
  /// Takes over an object that the caller owns: one from `new…`, `alloc` or `copy`.
  static Retained owned(T object) { return Retained(object); }
  /// Shares an object that somebody else owns: an autoreleased one.
  static Retained shared(T object) { return Retained([object retain]); }

  Retained(const Retained& other) : object_([other.object_ retain]) {}
  Retained(Retained&& other) noexcept : object_(std::exchange(other.object_, nil)) {}
  Retained& operator=(Retained other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Retained() { [object_ release]; }

  T get() const { return object_; }
  explicit operator bool() const { return object_ != nil; }

 private:
  explicit Retained(T object) : object_(object) {}

  T object_ = nil;
};

}  // namespace metalgrad::metal
