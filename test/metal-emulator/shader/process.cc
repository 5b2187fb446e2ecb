#include "process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern char** environ;

namespace emulator {

Process::Process(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    output_ = "pipe: " + std::string(std::strerror(errno));
    return;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  std::vector<char*> words;
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const int failed = posix_spawnp(&pid_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  pipe_ = ends[0];
  if (failed != 0) {
    pid_ = -1;
    output_ = "cannot start " + arguments[0] + ": " + std::strerror(failed);
  }
}

Process::~Process() { wait(); }

bool Process::wait() {
  if (pipe_ >= 0) {
    char part[4096];
    for (ssize_t n; (n = read(pipe_, part, sizeof part)) > 0 || (n < 0 && errno == EINTR);) {
      if (n > 0) output_.append(part, static_cast<size_t>(n));
    }
    close(pipe_);
    pipe_ = -1;
  }
  if (pid_ >= 0) {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    good_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status)) output_ += "ended by signal " + std::to_string(WTERMSIG(status));
    pid_ = -1;
  }
  return good_;
}

}  // namespace emulator
