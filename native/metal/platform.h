// Metal and Foundation, and where Apple's and the emulator's differ.
#pragma once

#import <Foundation/Foundation.h>
#import <Metal/Metal.h>

#ifdef METALGRAD_EMULATOR
#import <Foundation/NSThread.h>

#include "metalgrad_emulator.h"
#endif

/// The compiler knows what macOS 15 added; the machine is asked with `@available`, and the object with
/// `respondsToSelector:`.
#if defined(METALGRAD_EMULATOR) || (defined(__MAC_OS_X_VERSION_MAX_ALLOWED) && __MAC_OS_X_VERSION_MAX_ALLOWED >= 150000)
#define METALGRAD_MACOS_15 1
#else
#define METALGRAD_MACOS_15 0
#endif

namespace metalgrad::metal {

#ifdef METALGRAD_EMULATOR

/// GNUstep wants to know the threads that send messages.
inline void enterThread() {
  struct Registration {
    const BOOL mine = GSRegisterCurrentThread();
    ~Registration() {
      if (mine) GSUnregisterCurrentThread();
    }
  };
  thread_local const Registration registration;
  (void)registration;
}

/// What a shader may touch through a binding is exactly the range; Metal itself lets it reach the buffer's end.
inline void boundExactly(id<MTLComputeCommandEncoder> encoder, unsigned index, size_t bytes) {
  metalgrad_emulator_bound(encoder, index, bytes);
}

constexpr bool kEmulated = true;

#else

inline void enterThread() {}
inline void boundExactly(id<MTLComputeCommandEncoder>, unsigned, size_t) {}
constexpr bool kEmulated = false;

#endif

}  // namespace metalgrad::metal
