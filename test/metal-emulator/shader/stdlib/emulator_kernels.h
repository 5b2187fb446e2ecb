// How kernels are entered: the emulator appends one EMULATOR_KERNEL for each function that the host can name.
#ifndef METALGRAD_EMULATOR_KERNELS_H_
#define METALGRAD_EMULATOR_KERNELS_H_
#pragma clang system_header

#include "emulator_abi.h"
#include "metal_types"

// What is not the shader's is not looked at.
#define EMULATOR_PLAIN inline __attribute__((always_inline, no_sanitize("thread"), disable_sanitizer_instrumentation))

namespace emulator {

template <typename T>
struct Pointee {
  static constexpr unsigned long bytes = 0;
  static constexpr unsigned alignment = 1;
  static constexpr bool writable = false, reference = false;
};
template <typename T>
struct Pointee<T*> {
  static constexpr unsigned long bytes = sizeof(T);
  static constexpr unsigned alignment = alignof(T);
  static constexpr bool writable = true, reference = false;
};
template <typename T>
struct Pointee<const T*> {
  static constexpr unsigned long bytes = sizeof(T);
  static constexpr unsigned alignment = alignof(T);
  static constexpr bool writable = false, reference = false;
};
template <typename T>
struct Pointee<T&> {
  static constexpr unsigned long bytes = sizeof(T);
  static constexpr unsigned alignment = alignof(T);
  static constexpr bool writable = true, reference = true;
};
template <typename T>
struct Pointee<const T&> {
  static constexpr unsigned long bytes = sizeof(T);
  static constexpr unsigned alignment = alignof(T);
  static constexpr bool writable = false, reference = true;
};

template <typename T>
struct FromPointer;
template <typename T>
struct FromPointer<T*> {
  EMULATOR_PLAIN static T* get(void* p) { return static_cast<T*>(p); }
};
template <typename T>
struct FromPointer<T&> {
  EMULATOR_PLAIN static T& get(void* p) { return *static_cast<T*>(p); }
};

template <unsigned index, unsigned leastAlignment = 1>
struct Buffer {
  template <typename A>
  EMULATOR_PLAIN static A get(const EmulatorThread&, void* const* buffers, void* const*) {
    return FromPointer<A>::get(buffers[index]);
  }
  template <typename A>
  static constexpr EmulatorParameter describe() {
    typedef Pointee<A> To;
    return {kEmulatorBuffer, index,         To::bytes,
            To::writable,    To::reference, To::alignment > leastAlignment ? To::alignment : leastAlignment};
  }
};
/// In the `constant` address space.
template <unsigned index>
struct Constant : Buffer<index, 4> {};
template <unsigned index>
struct Threadgroup {
  template <typename A>
  EMULATOR_PLAIN static A get(const EmulatorThread&, void* const*, void* const* threadgroupBuffers) {
    return FromPointer<A>::get(threadgroupBuffers[index]);
  }
  template <typename A>
  static constexpr EmulatorParameter describe() {
    return {kEmulatorThreadgroup, index, Pointee<A>::bytes, true, Pointee<A>::reference, Pointee<A>::alignment};
  }
};

/// As many components as the parameter has.
template <typename A>
struct Components {
  EMULATOR_PLAIN static A of(const unsigned (&x)[3]) { return A(x[0]); }
};
template <typename T>
struct Components<metal::vec<T, 2>> {
  EMULATOR_PLAIN static metal::vec<T, 2> of(const unsigned (&x)[3]) { return {T(x[0]), T(x[1])}; }
};
template <typename T>
struct Components<metal::vec<T, 3>> {
  EMULATOR_PLAIN static metal::vec<T, 3> of(const unsigned (&x)[3]) { return {T(x[0]), T(x[1]), T(x[2])}; }
};
template <unsigned (EmulatorThread::*field)[3]>
struct Position {
  template <typename A>
  EMULATOR_PLAIN static A get(const EmulatorThread& thread_, void* const*, void* const*) {
    return Components<A>::of(thread_.*field);
  }
  template <typename A>
  static constexpr EmulatorParameter describe() {
    return {kEmulatorBuiltin, 0, 0, false, false, 1};
  }
};
template <unsigned EmulatorThread::* field>
struct Number {
  template <typename A>
  EMULATOR_PLAIN static A get(const EmulatorThread& thread_, void* const*, void* const*) {
    return A(thread_.*field);
  }
  template <typename A>
  static constexpr EmulatorParameter describe() {
    return {kEmulatorBuiltin, 0, 0, false, false, 1};
  }
};
struct SimdWidth {
  template <typename A>
  EMULATOR_PLAIN static A get(const EmulatorThread&, void* const*, void* const*) {
    return A(32);
  }
  template <typename A>
  static constexpr EmulatorParameter describe() {
    return {kEmulatorBuiltin, 0, 0, false, false, 1};
  }
};

template <typename Signature>
struct Entry;
template <typename... A>
struct Entry<void(A...)> {
  template <void (*function)(A...), typename... Tags>
  __attribute__((no_sanitize("thread"), disable_sanitizer_instrumentation)) static void run(
      const EmulatorThread& thread_, void* const* buffers, void* const* threadgroupBuffers) {
    function(Tags::template get<A>(thread_, buffers, threadgroupBuffers)...);
  }
  template <typename... Tags>
  static constexpr EmulatorParameter parameters[sizeof...(A) + 1] = {Tags::template describe<A>()..., {}};
  static constexpr unsigned count = sizeof...(A);
};

}  // namespace emulator

// `function` in parentheses.
#define EMULATOR_KERNEL(name, function, maxThreads, ...)                                          \
  {name,                                                                                          \
   reinterpret_cast<const void*>(&EMULATOR_BARE function),                                        \
   &emulator::Entry<decltype(EMULATOR_BARE function)>::run<&EMULATOR_BARE function, __VA_ARGS__>, \
   emulator::Entry<decltype(EMULATOR_BARE function)>::parameters<__VA_ARGS__>,                    \
   emulator::Entry<decltype(EMULATOR_BARE function)>::count,                                      \
   maxThreads},
#define EMULATOR_BARE(...) __VA_ARGS__

#endif  // METALGRAD_EMULATOR_KERNELS_H_
