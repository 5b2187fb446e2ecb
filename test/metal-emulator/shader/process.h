// Programs that the emulator starts: the compiler, the linker, the reader of line tables.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace emulator {

/// A running program, whose output (of both kinds) is kept. Waited for at the latest when it is destroyed.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Whether it ended well.
  bool wait();
  const std::string& output() const { return output_; }

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
  bool good_ = false;
  std::string output_;
};

}  // namespace emulator
