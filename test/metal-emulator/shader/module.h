// A compiled shader in memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "shader.h"
#include "stdlib/emulator_abi.h"

namespace emulator {

class Image {
 public:
  /// Null with the loader's message.
  static std::shared_ptr<Image> load(const std::string& path, std::string& error);
  /// Another copy of it, with function constants of its own.
  std::shared_ptr<Image> specialized(const std::map<uint32_t, ConstantValue>& values, std::string& error) const;
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  const EmulatorModule& module() const { return *module_; }
  /// Whether an address is in the image, and in a part of it that can only be read.
  bool contains(uintptr_t address) const { return address - low_ < high_ - low_; }
  bool isCode(uintptr_t address) const { return address - codeLow_ < codeHigh_ - codeLow_; }
  /// `shader:<line>` of an instruction's address, from the line tables; empty where there is none.
  std::string place(uintptr_t address) const;

 private:
  Image() = default;
  bool open(const std::string& path, std::string& error);

  std::string path_;  // whose line tables are read
  void* handle_ = nullptr;
  const EmulatorModule* module_ = nullptr;
  uintptr_t base_ = 0, low_ = 0, high_ = 0, codeLow_ = 0, codeHigh_ = 0;
};

/// The addresses of the emulator's functions, in the order of EMULATOR_HOOKS.
void fillHooks(void** table);

}  // namespace emulator
