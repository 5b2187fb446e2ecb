// What all steps have in common.
#include "gpu/steps.h"

namespace metalgrad::gpu {

int64_t Run::offset(const Operand& operand) const {
  int64_t offset = operand.offset;
  if (operand.offsetArg != kNoArg) offset += static_cast<int64_t>(args[operand.offsetArg]);
  return offset;
}

}  // namespace metalgrad::gpu
