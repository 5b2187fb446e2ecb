// The functions that shaders call: the sanitizer's, before each access, and those of the prelude.
#include <cstring>

#include "run.h"

#define FROM __builtin_return_address(0)

namespace emulator {
namespace {

#define READ(bytes) \
  void read##bytes(void* p) { currentRun()->access<false>(reinterpret_cast<uintptr_t>(p), bytes, FROM); }
#define WRITE(bytes) \
  void write##bytes(void* p) { currentRun()->access<true>(reinterpret_cast<uintptr_t>(p), bytes, FROM); }
READ(1)
READ(2)
READ(4)
READ(8)
READ(16)
WRITE(1)
WRITE(2)
WRITE(4)
WRITE(8)
WRITE(16)
#undef READ
#undef WRITE

void both(void* to, const void* from, size_t bytes, const void* caller) {
  // In pieces, as the cells are looked at one access at a time.
  for (size_t i = 0; i < bytes;) {
    const size_t left = bytes - i, n = left >= 4 ? 4 : 1;
    currentRun()->access<false>(reinterpret_cast<uintptr_t>(from) + i, n, caller);
    currentRun()->access<true>(reinterpret_cast<uintptr_t>(to) + i, n, caller);
    i += n;
  }
}
void* copy(void* to, const void* from, size_t bytes) {
  both(to, from, bytes, FROM);
  return std::memcpy(to, from, bytes);
}
void* move(void* to, const void* from, size_t bytes) {
  both(to, from, bytes, FROM);
  return std::memmove(to, from, bytes);
}
void* set(void* to, int value, size_t bytes) {
  for (size_t i = 0; i < bytes;) {
    const size_t n = bytes - i >= 4 ? 4 : 1;
    currentRun()->access<true>(reinterpret_cast<uintptr_t>(to) + i, n, FROM);
    i += n;
  }
  return std::memset(to, value, bytes);
}

__bf16 roundToBFloat(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  // To nearest, ties to even; NaN stays NaN.
  bits = x != x ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  const auto high = static_cast<uint16_t>(bits >> 16);
  __bf16 out;
  std::memcpy(&out, &high, sizeof out);
  return out;
}
__bf16 roundDoubleToBFloat(double x) { return roundToBFloat(static_cast<float>(x)); }
extern "C" _Float16 __truncsfhf2(float);
extern "C" _Float16 __truncdfhf2(double);
extern "C" float __extendhfsf2(_Float16);

void barrier(unsigned fences) { currentRun()->barrier(fences, FROM); }
void simdBarrier(unsigned fences) { currentRun()->simdgroupOperation(nullptr, nullptr, false, fences, FROM); }
void simd(EmulatorSimdOperation* operation, EmulatorLane* lane, bool exact) {
  currentRun()->simdgroupOperation(operation, lane, exact, 0, FROM);
}
void* variable(unsigned number, unsigned long bytes, unsigned long elementBytes) {
  return currentRun()->variable(number, bytes, elementBytes, FROM);
}

unsigned atomic(EmulatorAtomic operation, void* object, unsigned operand) {
  const bool isStore = operation == kEmulatorAtomicStore;
  currentRun()->atomicAccess(reinterpret_cast<uintptr_t>(object), !isStore, operation != kEmulatorAtomicLoad, FROM);
  auto* word = static_cast<unsigned*>(object);
  unsigned before = __atomic_load_n(word, __ATOMIC_RELAXED);
  if (operation == kEmulatorAtomicLoad) return before;
  const auto combined = [&]() -> unsigned {
    const auto a = static_cast<int>(before), b = static_cast<int>(operand);
    switch (operation) {
      case kEmulatorAtomicLoad:
      case kEmulatorAtomicStore:
      case kEmulatorAtomicExchange:
        return operand;
      case kEmulatorAtomicAdd:
        return before + operand;
      case kEmulatorAtomicSub:
        return before - operand;
      case kEmulatorAtomicAnd:
        return before & operand;
      case kEmulatorAtomicOr:
        return before | operand;
      case kEmulatorAtomicXor:
        return before ^ operand;
      case kEmulatorAtomicMin:
        return before < operand ? before : operand;
      case kEmulatorAtomicMax:
        return before < operand ? operand : before;
      case kEmulatorAtomicMinSigned:
        return a < b ? before : operand;
      case kEmulatorAtomicMaxSigned:
        return a < b ? operand : before;
      case kEmulatorAtomicAddFloat: {
        float x, y;
        std::memcpy(&x, &before, 4);
        std::memcpy(&y, &operand, 4);
        x += y;
        unsigned sum;
        std::memcpy(&sum, &x, 4);
        return sum;
      }
    }
    return operand;
  };
  while (!__atomic_compare_exchange_n(word, &before, combined(), true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return before;
}

bool compareExchange(void* object, unsigned* expected, unsigned desired) {
  currentRun()->atomicAccess(reinterpret_cast<uintptr_t>(object), true, true, FROM);
  return __atomic_compare_exchange_n(static_cast<unsigned*>(object), expected, desired, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED);
}

void* asPointer(auto* function) { return reinterpret_cast<void*>(function); }

}  // namespace

void fillHooks(void** table) {
  // In the order of EMULATOR_HOOKS.
  void* const hooks[] = {asPointer(read1),
                         asPointer(read2),
                         asPointer(read4),
                         asPointer(read8),
                         asPointer(read16),
                         asPointer(write1),
                         asPointer(write2),
                         asPointer(write4),
                         asPointer(write8),
                         asPointer(write16),
                         asPointer(read2),
                         asPointer(read4),
                         asPointer(read8),
                         asPointer(read16),
                         asPointer(write2),
                         asPointer(write4),
                         asPointer(write8),
                         asPointer(write16),
                         asPointer(copy),
                         asPointer(move),
                         asPointer(set),
                         asPointer(roundToBFloat),
                         asPointer(roundDoubleToBFloat),
                         asPointer(__truncsfhf2),
                         asPointer(__truncdfhf2),
                         asPointer(__extendhfsf2),
                         asPointer(barrier),
                         asPointer(simdBarrier),
                         asPointer(simd),
                         asPointer(variable),
                         asPointer(atomic),
                         asPointer(compareExchange)};
#define COUNT(name) +1
  static_assert(sizeof hooks / sizeof *hooks == 0 EMULATOR_HOOKS(COUNT));
#undef COUNT
  std::memcpy(table, hooks, sizeof hooks);
}

}  // namespace emulator
