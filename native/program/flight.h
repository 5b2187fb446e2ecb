// A run that was given to a device and may still be running there.
#pragma once

#include <memory>
#include <utility>

#include "program/run_memory.h"
#include "program/status.h"

namespace metalgrad {

/// What the device has been given. Has ended when this is gone.
class Pending {
 public:
  virtual ~Pending() = default;
  virtual Outcome wait() = 0;
};

/// A run with the memory that it needs until its end.
class Flight {
 public:
  Flight() = default;
  explicit Flight(Outcome outcome) : outcome_(std::move(outcome)) {}
  Flight(std::unique_ptr<RunMemory> memory, std::unique_ptr<Pending> pending, Outcome outcome)
      : memory_(std::move(memory)), pending_(std::move(pending)), outcome_(std::move(outcome)) {}

  bool ended() const { return !pending_; }
  /// Waits for the end, and gives the memory back.
  Outcome wait() {
    if (pending_ && outcome_.ok()) outcome_ = pending_->wait();
    pending_.reset();
    memory_.reset();
    return outcome_;
  }

 private:
  // The device's work ends before its memory goes.
  std::unique_ptr<RunMemory> memory_;
  std::unique_ptr<Pending> pending_;
  Outcome outcome_;
};

}  // namespace metalgrad
