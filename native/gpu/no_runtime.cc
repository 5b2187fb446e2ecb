// A build for machines without a kind of GPU that is supported.
#include "gpu/runtime.h"

namespace metalgrad::gpu {

std::shared_ptr<Runtime> openRuntime() { return nullptr; }

}  // namespace metalgrad::gpu
