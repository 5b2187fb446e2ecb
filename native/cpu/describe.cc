// Asks the BLAS what it is.
#include "cpu/describe.h"

#ifndef __APPLE__
#include <cblas.h>
#endif

namespace metalgrad::cpu {

std::string describeBlas() {
#ifdef __APPLE__
  return "Accelerate";
#else
  return openblas_get_config();
#endif
}

}  // namespace metalgrad::cpu
