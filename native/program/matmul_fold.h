// Matrix products in the form that devices want them in.
#pragma once

#include "program/program.h"

namespace metalgrad {

/// The same products with as few batch axes as all operands allow: neighbours are joined, and batches that share an
/// operand become more rows (or columns) of one product. The step must write something.
MatmulStep folded(MatmulStep step);

/// The same products as those of the transposed b and a, written transposed.
MatmulStep transposed(MatmulStep step);

}  // namespace metalgrad
