// Where exceptions end: nothing is thrown across what calls a device.
#pragma once

#include <exception>
#include <new>

#include "program/status.h"

namespace metalgrad {

/// What `body` gives, or the outcome of what it throws.
template <typename Body>
Outcome guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return {Status::outOfMemory, "the system has no memory left"};
  } catch (const std::exception& error) {
    return {Status::deviceFailure, error.what()};
  }
}

}  // namespace metalgrad
