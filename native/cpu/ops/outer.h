// Rows of products of a column and a row, written past the caches.
#pragma once

#include <cstdint>

namespace metalgrad::cpu {

/// out[i] = factors[i · factorStride] · row + 0 for `rows` rows of `columns` floats, `pitch` floats apart. endStream()
/// comes after the last.
void streamOuter(const float* factors, int64_t factorStride, int64_t rows, const float* row, int64_t columns,
                 float* out, int64_t pitch);

}  // namespace metalgrad::cpu
