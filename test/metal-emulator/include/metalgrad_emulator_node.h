// What tests ask of the emulated Metal device, for an addon to hand to JavaScript.
#pragma once

#include <node_api.h>

#include <algorithm>
#include <string>

#include "metalgrad_emulator.h"

namespace metalgrad_emulator {

inline napi_value number(napi_env env, size_t value) {
  napi_value made = nullptr;
  napi_create_double(env, static_cast<double>(value), &made);
  return made;
}

inline napi_value text(napi_env env, const std::string& value) {
  napi_value made = nullptr;
  napi_create_string_utf8(env, value.data(), value.size(), &made);
  return made;
}

/// `live(name?)`: live objects of a protocol of Metal or of a class, or of all protocols.
inline napi_value live(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  char name[128];
  const bool named = count > 0 && napi_get_value_string_utf8(env, argument, name, sizeof name, nullptr) == napi_ok;
  return number(env, metalgrad_emulator_live(named ? name : nullptr));
}

/// `objects()`: live Objective-C objects of whatever class.
inline napi_value objects(napi_env env, napi_callback_info) {
  return number(env, metalgrad_emulator_objects(nullptr, 0));
}

/// `compilations()`: functions that no archive held.
inline napi_value compilations(napi_env env, napi_callback_info) {
  return number(env, metalgrad_emulator_compilations());
}

/// `faultCount()`, `faults()` and `clearFaults()`.
inline napi_value faultCount(napi_env env, napi_callback_info) { return number(env, metalgrad_emulator_fault_count()); }
inline napi_value faults(napi_env env, napi_callback_info) {
  std::string all(metalgrad_emulator_faults(nullptr, 0), '\0');
  metalgrad_emulator_faults(all.data(), all.size() + 1);
  return text(env, all);
}
inline napi_value clearFaults(napi_env, napi_callback_info) {
  metalgrad_emulator_clear_faults();
  return nullptr;
}

/// `events()`: what happened to command buffers.
inline napi_value events(napi_env env, napi_callback_info) {
  std::string all(metalgrad_emulator_events(nullptr, 0), '\0');
  // More may have happened meanwhile.
  const size_t there = metalgrad_emulator_events(all.data(), all.size() + 1);
  all.resize(std::min(all.size(), there));
  return text(env, all);
}

/// `fail(error, count)`: the next command buffers fail with an MTLCommandBufferError.
inline napi_value fail(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2] = {};
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  uint32_t error = 0, times = 0;
  napi_get_value_uint32(env, arguments[0], &error);
  napi_get_value_uint32(env, arguments[1], &times);
  metalgrad_emulator_fail(error, times);
  return nullptr;
}

inline void addFunction(napi_env env, napi_value object, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, object, name, function);
}

/// An object with all of these.
inline napi_value exports(napi_env env) {
  napi_value object = nullptr;
  napi_create_object(env, &object);
  addFunction(env, object, "live", live);
  addFunction(env, object, "objects", objects);
  addFunction(env, object, "compilations", compilations);
  addFunction(env, object, "faultCount", faultCount);
  addFunction(env, object, "faults", faults);
  addFunction(env, object, "clearFaults", clearFaults);
  addFunction(env, object, "events", events);
  addFunction(env, object, "fail", fail);
  return object;
}

}  // namespace metalgrad_emulator
