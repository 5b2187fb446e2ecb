// The functions of metalgrad_emulator.h.
#include "metalgrad_emulator.h"

#include <algorithm>
#include <cstring>

#include "host/engine.h"
#include "host/faults.h"
#include "host/objects.h"

namespace {

size_t copyOut(const std::string& all, char* text, size_t capacity) {
  if (capacity > 0) {
    const size_t count = std::min(all.size(), capacity - 1);
    std::memcpy(text, all.data(), count);
    text[count] = '\0';
  }
  return all.size();
}

}  // namespace

extern "C" {

void metalgrad_emulator_bound(void* encoder, unsigned index, size_t bytes) {
  [static_cast<EmulatedComputeEncoder*>(encoder) bind:index bytes:bytes];
}

void metalgrad_emulator_written(const void* data, size_t bytes) { emulator::Memory::get().written(data, bytes); }

void metalgrad_emulator_read(const void* data, size_t bytes) { emulator::Memory::get().read(data, bytes); }

void metalgrad_emulator_forgotten(const void* data, size_t bytes) { emulator::Memory::get().forgotten(data, bytes); }

size_t metalgrad_emulator_live(const char* name) {
  // Handlers let go what command buffers hold.
  emulator::Engine::get().waitForHandlers();
  return emulator::liveObjects(name);
}

size_t metalgrad_emulator_fault_count(void) { return emulator::faultCount(); }

size_t metalgrad_emulator_faults(char* text, size_t capacity) {
  return copyOut(emulator::faultTexts(), text, capacity);
}

size_t metalgrad_emulator_objects(char* classes, size_t capacity) {
  emulator::Engine::get().waitForHandlers();
  std::string all;
  const size_t count = emulator::allObjects(all);
  copyOut(all, classes, capacity);
  return count;
}

size_t metalgrad_emulator_compilations(void) { return emulator::compilations(); }

size_t metalgrad_emulator_events(char* text, size_t capacity) {
  return copyOut(emulator::Engine::get().events(), text, capacity);
}

void metalgrad_emulator_clear_faults(void) { emulator::clearFaults(); }

void metalgrad_emulator_fail(unsigned error, unsigned count) { emulator::Engine::get().failNext(error, count); }
}
