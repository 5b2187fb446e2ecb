// Hadamard matrices whose order is no power of 2, as both devices mix with them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace metalgrad::cpu {

using Signs = std::vector<int8_t>;  // ±1, row-major

/// Paley's second construction from the squares modulo 5: each entry of a conference matrix becomes a 2 × 2 block.
inline Signs paley12() {
  constexpr std::array<int, 5> kSquare = {0, 1, -1, -1, 1};
  Signs signs(12 * 12);
  for (int row = 0; row < 6; row++) {
    for (int column = 0; column < 6; column++) {
      const bool border = row == 0 || column == 0;
      const int entry = row == column ? 0 : border ? 1 : kSquare[(column - row + 5) % 5];
      const std::array<int, 4> block = entry == 0 ? std::array{1, -1, -1, -1} : std::array{entry, entry, entry, -entry};
      for (int k = 0; k < 4; k++) signs[(2 * row + k / 2) * 12 + 2 * column + k % 2] = static_cast<int8_t>(block[k]);
    }
  }
  return signs;
}

/// Williamson's construction: circulant blocks a, b, c, d, given by their first rows, in the pattern of a quaternion.
inline Signs williamson(const std::array<std::string_view, 4>& rows) {
  constexpr std::array<std::array<int, 4>, 4> kBlock = {{{0, 1, 2, 3}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 2, 1, 0}}};
  constexpr std::array<std::array<int, 4>, 4> kSign = {{{1, 1, 1, 1}, {-1, 1, -1, 1}, {-1, 1, 1, -1}, {-1, -1, 1, 1}}};
  const size_t size = rows[0].size(), order = 4 * size;
  Signs signs(order * order);
  for (size_t row = 0; row < order; row++) {
    for (size_t column = 0; column < order; column++) {
      const size_t i = row / size, j = column / size, shift = (column % size + size - row % size) % size;
      const int entry = rows[kBlock[i][j]][shift] == '+' ? 1 : -1;
      signs[row * order + column] = static_cast<int8_t>(entry * kSign[i][j]);
    }
  }
  return signs;
}

/// Of order 12, 20 or 28.
inline const Signs& signsOf(int64_t order) {
  static const Signs twelve = paley12();
  static const Signs twenty = williamson({"+----", "+----", "++--+", "+-++-"});
  static const Signs twentyEight = williamson({"+------", "++----+", "+-+--+-", "+--++--"});
  return order == 12 ? twelve : order == 20 ? twenty : twentyEight;
}

}  // namespace metalgrad::cpu
