// What compiled shaders and the emulator tell each other. Included by both: by shaders without any system header.
#ifndef METALGRAD_EMULATOR_ABI_H_
#define METALGRAD_EMULATOR_ABI_H_

/// The place of one thread in its grid. Sizes and positions in threads or threadgroups, x first.
struct EmulatorThread {
  unsigned threadInGrid[3], threadsPerGrid[3];
  unsigned groupInGrid[3], groupsPerGrid[3];
  unsigned threadInGroup[3], threadsPerGroup[3];
  unsigned indexInGroup;
  unsigned lane, lanes;            // in the SIMD group
  unsigned simdgroup, simdgroups;  // in the threadgroup
};

enum EmulatorParameterKind { kEmulatorBuffer, kEmulatorThreadgroup, kEmulatorBuiltin };

struct EmulatorParameter {
  EmulatorParameterKind kind;
  unsigned index;
  unsigned long elementBytes;
  bool writable;
  bool reference;      // `elementBytes` must be bound
  unsigned alignment;  // of the address that is bound
};

/// A `threadgroup` variable of a kernel function.
struct EmulatorVariable {
  const void* function;
  unsigned long bytes;
};

struct EmulatorConstant {
  unsigned index;
  char type;  // b, i, u, f
  void* value;
  bool* defined;
  const char* name;
  bool optional;  // the shader asks whether it is defined
};

struct EmulatorKernel {
  const char* name;
  const void* function;
  void (*run)(const EmulatorThread& thread, void* const* buffers, void* const* threadgroupBuffers);
  const EmulatorParameter* parameters;
  unsigned parameterCount;
  unsigned maxThreads;  // 0: not said
};

/// What a compiled shader exports, as `emulator_module`.
struct EmulatorModule {
  const EmulatorKernel* kernels;
  unsigned long kernelCount;
  const EmulatorVariable *variables, *variablesEnd;
  const EmulatorConstant *constants, *constantsEnd;
};

enum EmulatorFence { kEmulatorFenceDevice = 1, kEmulatorFenceThreadgroup = 2 };

/// What one lane gives to an operation of its SIMD group, and what it gets.
struct EmulatorLane {
  const void* in;
  void* out;
  unsigned argument;
};
/// Computes the results of all lanes at once; null for lanes that take no part (they have ended, or never were). Gives
/// 1 + the number of a lane that asks for the value of one that takes no part, and 0 where there is none.
typedef unsigned EmulatorSimdOperation(EmulatorLane* const* lanes);

enum EmulatorAtomic {
  kEmulatorAtomicLoad,
  kEmulatorAtomicStore,
  kEmulatorAtomicExchange,
  kEmulatorAtomicAdd,
  kEmulatorAtomicSub,
  kEmulatorAtomicAnd,
  kEmulatorAtomicOr,
  kEmulatorAtomicXor,
  kEmulatorAtomicMin,
  kEmulatorAtomicMax,
  kEmulatorAtomicMinSigned,
  kEmulatorAtomicMaxSigned,
  kEmulatorAtomicAddFloat,
};

/// The functions that the emulator gives to shaders. Those of the sanitizer are called before each access.
#define EMULATOR_HOOKS(HOOK)     \
  HOOK(__tsan_read1)             \
  HOOK(__tsan_read2)             \
  HOOK(__tsan_read4)             \
  HOOK(__tsan_read8)             \
  HOOK(__tsan_read16)            \
  HOOK(__tsan_write1)            \
  HOOK(__tsan_write2)            \
  HOOK(__tsan_write4)            \
  HOOK(__tsan_write8)            \
  HOOK(__tsan_write16)           \
  HOOK(__tsan_unaligned_read2)   \
  HOOK(__tsan_unaligned_read4)   \
  HOOK(__tsan_unaligned_read8)   \
  HOOK(__tsan_unaligned_read16)  \
  HOOK(__tsan_unaligned_write2)  \
  HOOK(__tsan_unaligned_write4)  \
  HOOK(__tsan_unaligned_write8)  \
  HOOK(__tsan_unaligned_write16) \
  HOOK(__tsan_memcpy)            \
  HOOK(__tsan_memmove)           \
  HOOK(__tsan_memset)            \
  HOOK(__truncsfbf2)             \
  HOOK(__truncdfbf2)             \
  HOOK(__truncsfhf2)             \
  HOOK(__truncdfhf2)             \
  HOOK(__extendhfsf2)            \
  HOOK(emulator_barrier)         \
  HOOK(emulator_simd_barrier)    \
  HOOK(emulator_simd) HOOK(emulator_threadgroup) HOOK(emulator_atomic) HOOK(emulator_compare_exchange)

/// Threads meet in a call: the compiler neither doubles nor merges it.
#define EMULATOR_TOGETHER __attribute__((convergent, nomerge))

extern "C" {
/// Waits for the whole threadgroup (or SIMD group), and orders accesses to the memory that `fences` names.
EMULATOR_TOGETHER void emulator_barrier(unsigned fences);
EMULATOR_TOGETHER void emulator_simd_barrier(unsigned fences);
/// An operation of the whole SIMD group; `exact` where every lane must take part.
EMULATOR_TOGETHER void emulator_simd(EmulatorSimdOperation* operation, EmulatorLane* lane, bool exact);
/// The memory of the kernel's `threadgroup` variable of that number.
void* emulator_threadgroup(unsigned number, unsigned long bytes, unsigned long elementBytes);
unsigned emulator_atomic(EmulatorAtomic operation, void* object, unsigned operand);
bool emulator_compare_exchange(void* object, unsigned* expected, unsigned desired);
}

#endif  // METALGRAD_EMULATOR_ABI_H_
