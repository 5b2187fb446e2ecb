// Highway's VQSort, and what is faster for few keys and for bytes.
#include "cpu/key_sort.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace metalgrad::cpu {
namespace {

/// A comparison sort is faster for so few.
constexpr int64_t kFew = 32;

template <typename Key>
void sortVectors(Key* data, int64_t count) {
  const thread_local hwy::Sorter sorter;
  sorter(data, static_cast<size_t>(count), hwy::SortAscending());
}

template <typename Key>
void sortPlain(Key* data, int64_t count) {
  if (count <= kFew) return std::sort(data, data + count);
  sortVectors(data, count);
}

}  // namespace

void sortKeys(uint8_t* data, int64_t count) {
  if (count <= kFew) return std::sort(data, data + count);
  std::array<int64_t, 256> counts{};
  for (int64_t i = 0; i < count; i++) counts[data[i]]++;
  for (int key = 0; key < 256; key++) {
    std::memset(data, key, static_cast<size_t>(counts[key]));
    data += counts[key];
  }
}

void sortKeys(uint16_t* data, int64_t count) { sortPlain(data, count); }
void sortKeys(uint32_t* data, int64_t count) { sortPlain(data, count); }
void sortKeys(uint64_t* data, int64_t count) { sortPlain(data, count); }

void sortKeys(WideKey* data, int64_t count) {
  if (count <= kFew) return std::sort(data, data + count, lessKey);
  sortVectors(data, count);
}

}  // namespace metalgrad::cpu
