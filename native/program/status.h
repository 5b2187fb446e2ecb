// How native calls end; lib/runtime/addon.ts has the same numbers.
#pragma once

#include <string>

namespace metalgrad {

enum class Status {
  ok = 0,
  invalidProgram = -1,
  invalidHandle = -2,
  outOfMemory = -3,
  outOfBounds = -4,
  detached = -5,
  deviceFailure = -6,
};

struct Outcome {
  Status status = Status::ok;
  std::string message;

  bool ok() const { return status == Status::ok; }
};

}  // namespace metalgrad
