// Opens the GPU at the first use, and again after all that used it ended.
#include "gpu/device.h"

#include <mutex>

namespace metalgrad::gpu {

std::shared_ptr<Device> Device::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Device> open;
  std::lock_guard lock(mutex);
  auto device = open.lock();
  if (device) return device;
  auto runtime = openRuntime();
  if (!runtime) return nullptr;
  device = std::make_shared<Device>(std::move(runtime));
  open = device;
  return device;
}

}  // namespace metalgrad::gpu
