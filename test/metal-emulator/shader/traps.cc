#include "traps.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>

#include "run.h"

namespace emulator {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
struct sigaction previous[NSIG];
int timerSignal() { return SIGRTMIN + 9; }

// What the handler leaves for `ended`, which runs on the fiber's stack after it.
thread_local const char* trapKind;
thread_local const char* trapDetail;
thread_local uintptr_t trapFrom;

[[noreturn]] void ended() {
  Run* run = currentRun();
  run->found(trapKind, run->nameOf(run->thread()) + trapDetail, reinterpret_cast<const void*>(trapFrom + 1));
  run->abandon();
}

uintptr_t& instruction(ucontext_t* context) {
#if defined(__x86_64__)
  return reinterpret_cast<uintptr_t&>(context->uc_mcontext.gregs[REG_RIP]);
#else
  return reinterpret_cast<uintptr_t&>(context->uc_mcontext.pc);
#endif
}

/// Lets the thread go on in `ended`, on the fiber's stack from its top: what was there is of no more use.
void divert(ucontext_t* context, Run& run, const char* kind, const char* detail) {
  trapKind = kind;
  trapDetail = detail;
  trapFrom = instruction(context);
  const uintptr_t top = run.stackLow() + kStackBytes - 64;
#if defined(__x86_64__)
  context->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(top - 8);  // as after a call
#else
  context->uc_mcontext.sp = top;
#endif
  instruction(context) = reinterpret_cast<uintptr_t>(&ended);
}

const char* trapOf(int signal, const siginfo_t* info, uintptr_t at) {
  if (signal == SIGFPE)
    return info->si_code == FPE_INTDIV ? " divides an integer by zero, or the least one by -1" : " traps";
#if defined(__x86_64__)
  // ud1 with the number of the check.
  const auto* code = reinterpret_cast<const unsigned char*>(at);
  size_t i = 0;
  while (code[i] == 0x67 || code[i] == 0x66) i++;
  if (signal == SIGILL && code[i] == 0x0f && code[i + 1] == 0xb9) {
    const unsigned check = code[i + 3];
    if (check == 3) return " divides an integer by zero";
    if (check == 18) return " uses an index outside of an array";
    if (check == 20 || check == 0x14) return " shifts by more bits than there are";
  }
#else
  (void)at;
#endif
  return signal == SIGILL ? " uses an index outside of an array, shifts too far, or divides by zero" : " traps";
}

void onSignal(int signal, siginfo_t* info, void* data) {
  auto* context = static_cast<ucontext_t*>(data);
  Run* run = currentRun();
  if (run != nullptr && run->inShader()) {
    const uintptr_t at = instruction(context), address = reinterpret_cast<uintptr_t>(info->si_addr);
    const bool inCode = run->image().isCode(at);
    if (signal == timerSignal()) {
      // In a function of the emulator's own: the timer comes again.
      if (inCode) divert(context, *run, "endless loop", " runs, and the dispatch has had its time");
      return;
    }
    const bool memory = signal == SIGSEGV || signal == SIGBUS;
    if (memory && run->stackLow() - address <= 16384) {
      return divert(context, *run, "stack overflow", " has used up its stack");
    }
    if (inCode && memory) return divert(context, *run, "out of bounds", " uses memory that is not there");
    if (inCode) return divert(context, *run, "undefined operation", trapOf(signal, info, at));
  }
  if (signal == timerSignal()) return;
  const struct sigaction& before = previous[signal];
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, data);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
  sigaction(signal, &before, nullptr);  // again, with what the system does
}

/// Of each thread of the operating system: a stack for handlers, and a timer of its processor time.
struct PerThread {
  PerThread() {
    static std::once_flag once;
    std::call_once(once, [] {
      struct sigaction action{};
      action.sa_sigaction = onSignal;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
      for (const int signal : kSignals) sigaction(signal, &action, &previous[signal]);
      sigaction(timerSignal(), &action, &previous[timerSignal()]);
    });
    stack_t stack{};
    if (sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0) {
      memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      stack = {};
      stack.ss_sp = memory;
      stack.ss_size = kBytes;
      if (memory != MAP_FAILED) sigaltstack(&stack, nullptr);
    }
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = timerSignal();
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    hasTimer = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
  }
  ~PerThread() {
    if (hasTimer) timer_delete(timer);
    if (memory == nullptr || memory == MAP_FAILED) return;
    stack_t stack{};
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, nullptr);
    munmap(memory, kBytes);
  }
  void arm(time_t seconds) {
    // Again every millisecond, until the shader's own code is met.
    itimerspec time{};
    time.it_value.tv_sec = seconds;
    time.it_interval.tv_nsec = seconds > 0 ? 1000000 : 0;
    if (hasTimer) timer_settime(timer, 0, &time, nullptr);
  }

  static constexpr size_t kBytes = 65536;
  void* memory = nullptr;
  timer_t timer{};
  bool hasTimer = false;
};

PerThread& perThread() {
  thread_local PerThread instance;
  return instance;
}

time_t limit() {
  const char* set = std::getenv("METALGRAD_EMULATOR_SECONDS");
  const long seconds = set != nullptr ? std::strtol(set, nullptr, 10) : 0;
  return seconds > 0 ? seconds : 30;
}

}  // namespace

Traps::Traps() { perThread().arm(limit()); }
Traps::~Traps() { perThread().arm(0); }

}  // namespace emulator
