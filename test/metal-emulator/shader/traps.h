// Shaders that the processor stops, or that never end: findings, and no end of the process.
#pragma once

namespace emulator {

/// While it lives, signals that a shader causes on this thread end the run (and other ones go where they went before),
/// and so does a run of more than METALGRAD_EMULATOR_SECONDS (30) seconds of the processor's time.
class Traps {
 public:
  Traps();
  ~Traps();
  Traps(const Traps&) = delete;
  Traps& operator=(const Traps&) = delete;
};

}  // namespace emulator
