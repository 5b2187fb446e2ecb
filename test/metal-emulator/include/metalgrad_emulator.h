// What the emulated Metal device cannot see by itself, told by host code that is built with METALGRAD_EMULATOR; and
// what tests ask it. On macOS there is none of this.
//
// Settings, read from the environment when the device is first opened:
//   METALGRAD_EMULATOR_DEVICES=0   there is no device
//   METALGRAD_EMULATOR_MEMORY      bytes that all buffers together may take (16 GiB)
//   METALGRAD_EMULATOR_BUFFERS     number of buffers that may live at once (499000)
//   METALGRAD_EMULATOR_BUFFER_BYTES  the longest buffer (8 GiB)
//   METALGRAD_EMULATOR_SEED        of every random order (1)
//   METALGRAD_EMULATOR_TIMEOUT     milliseconds after which a wait that nobody signals fails (20000)
//   METALGRAD_EMULATOR_MACOS=14    objects do not respond to the selectors of macOS 15. `@available` is always true
//                                  here, so host code asks `respondsToSelector:` inside `if (@available(macOS 15.0,
//                                  *))`
//
// Threads that neither Node nor the emulator started, and that send messages, call GSRegisterCurrentThread() first.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Told by host code.

/// After `-setBuffer:offset:atIndex:`: the array that is bound is `bytes` long. Without it the binding ends with the
/// buffer.
void metalgrad_emulator_bound(void *encoder, unsigned index, size_t bytes);
/// The CPU wrote (all of) this part of a buffer's contents. A fault if commands that the device may still run use it.
/// Ranges outside buffers are ignored, here and below.
void metalgrad_emulator_written(const void *data, size_t bytes);
/// The CPU is about to read it. A fault if commands that the device may still run write it.
void metalgrad_emulator_read(const void *data, size_t bytes);
/// What it holds is of no more use: the memory was given back to its pool, or is handed out anew. A read that comes
/// before a write is a fault, and so are commands that the device may still run and that use it.
void metalgrad_emulator_forgotten(const void *data, size_t bytes);

// Asked by tests.

/// Live objects of a protocol of Metal ("MTLBuffer", "MTLCommandBuffer", …), of all of them for null; or of any other
/// class by its name ("MTLCompileOptions", "NSError"), of those that were made since there is a device.
size_t metalgrad_emulator_live(const char *name);
/// Live Objective-C objects of whatever class that were made since there is a device, GNUstep's own included; and a
/// line for each class, written as `metalgrad_emulator_faults` does.
size_t metalgrad_emulator_objects(char *classes, size_t capacity);
/// Functions that were compiled for the device since the start, and not found in a binary archive.
size_t metalgrad_emulator_compilations(void);
/// Faults since the start or the last call of `metalgrad_emulator_clear_faults`, in whatever command buffer or object.
size_t metalgrad_emulator_fault_count(void);
/// Their texts, one a line, as `snprintf` writes: at most `capacity` bytes with the end; gives the bytes there are.
size_t metalgrad_emulator_faults(char *text, size_t capacity);
void metalgrad_emulator_clear_faults(void);
/// What happened to command buffers since the start, one a line, oldest first: "committed <name>", "began <name>" and
/// "ended <name>". The oldest are forgotten when there are many. Written as `metalgrad_emulator_faults` does.
size_t metalgrad_emulator_events(char *text, size_t capacity);
/// The next command buffers that run (`count` of them) fail with this MTLCommandBufferError, without running.
void metalgrad_emulator_fail(unsigned error, unsigned count);

#ifdef __cplusplus
}
#endif
