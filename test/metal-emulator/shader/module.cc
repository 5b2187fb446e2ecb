#include "module.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <vector>

#include "cache_folder.h"
#include "process.h"

namespace emulator {

std::shared_ptr<Image> Image::load(const std::string& path, std::string& error) {
  std::shared_ptr<Image> image(new Image);
  image->path_ = path;
  return image->open(path, error) ? image : nullptr;
}

bool Image::open(const std::string& path, std::string& error) {
  handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ == nullptr) {
    error = dlerror();
    return false;
  }
  module_ = static_cast<const EmulatorModule*>(dlsym(handle_, "emulator_module"));
  void** hooks = static_cast<void**>(dlsym(handle_, "emulator_hooks"));
  if (module_ == nullptr || hooks == nullptr) {
    error = path + " is no compiled shader";
    return false;
  }
  fillHooks(hooks);
  link_map* map = nullptr;
  dlinfo(handle_, RTLD_DI_LINKMAP, &map);
  base_ = map->l_addr;
  low_ = UINTPTR_MAX;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        Image& image = *static_cast<Image*>(data);
        if (info->dlpi_addr != image.base_) return 0;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const ElfW(Phdr)& header = info->dlpi_phdr[i];
          if (header.p_type != PT_LOAD) continue;
          const uintptr_t low = image.base_ + header.p_vaddr, high = low + header.p_memsz;
          image.low_ = std::min(image.low_, low);
          image.high_ = std::max(image.high_, high);
          if ((header.p_flags & PF_X) == 0) continue;
          image.codeLow_ = low;
          image.codeHigh_ = high;
        }
        return 1;
      },
      this);
  return true;
}

std::shared_ptr<Image> Image::specialized(const std::map<uint32_t, ConstantValue>& values, std::string& error) const {
  // The loader knows files by their names and identities: a copy has its own.
  const std::string copy = temporaryName(path_);
  std::error_code failed;
  std::filesystem::copy_file(path_, copy, failed);
  std::shared_ptr<Image> image(new Image);
  image->path_ = path_;
  const bool opened = !failed && image->open(copy, error);
  if (failed) error = "cannot copy " + path_ + ": " + failed.message();
  std::filesystem::remove(copy, failed);
  if (!opened) return nullptr;
  for (const EmulatorConstant* constant = image->module_->constants; constant != image->module_->constantsEnd;
       constant++) {
    const auto value = values.find(constant->index);
    if (value == values.end()) continue;
    static constexpr char kTypes[] = {'b', 'i', 'u', 'f'};
    if (kTypes[value->second.index()] != constant->type) {
      error = "function constant " + std::string(constant->name) + " is of another type";
      return nullptr;
    }
    std::visit([&](auto v) { *static_cast<decltype(v)*>(constant->value) = v; }, value->second);
    *constant->defined = true;
  }
  return image;
}

Image::~Image() {
  if (handle_ != nullptr) dlclose(handle_);
}

std::string Image::place(uintptr_t address) const {
  // Instructions that the compiler made of several lines have none: the ones before them do.
  std::vector<std::string> arguments = {"addr2line", "-i", "-e", path_};
  for (uintptr_t back = 0; back < 48; back++) {
    char offset[32];
    std::snprintf(offset, sizeof offset, "0x%llx", static_cast<unsigned long long>(address - base_ - back));
    arguments.emplace_back(offset);
  }
  Process reader(arguments);
  reader.wait();
  // From the innermost inlined function outwards: the first place that is no header of Metal.
  std::istringstream lines(reader.output());
  for (std::string line; std::getline(lines, line);) {
    if (line.find('?') != std::string::npos || line.find(METALGRAD_EMULATOR_STDLIB) != std::string::npos) continue;
    line = line.substr(0, line.find(' '));
    if (line.ends_with(":0")) continue;
    return line.substr(line.rfind('/') + 1);
  }
  return "";
}

}  // namespace emulator
