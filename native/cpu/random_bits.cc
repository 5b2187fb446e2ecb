// The randomBits step: threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3").
// Which word comes from which counter is MLX's layout: a key's words are two halves, and one hash gives a word of each.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "cpu/clones.h"
#include "cpu/executor.h"
#include "cpu/iteration.h"
#include "cpu/thread_pool.h"

namespace metalgrad::cpu {
namespace {

constexpr int64_t kLanes = 256;
constexpr int64_t kGrain = 16 * kLanes;

/// Keys and counters of a block of hashes; the counters are replaced by the results.
struct Lanes {
  std::array<uint32_t, kLanes> key0, key1, x0, x1;
};

[[gnu::always_inline]] inline void rounds(uint32_t& x0, uint32_t& x1, int a, int b, int c, int d) {
  x0 += x1, x1 = std::rotl(x1, a) ^ x0;
  x0 += x1, x1 = std::rotl(x1, b) ^ x0;
  x0 += x1, x1 = std::rotl(x1, c) ^ x0;
  x0 += x1, x1 = std::rotl(x1, d) ^ x0;
}

METALGRAD_CLONES void threefry(Lanes& lanes) {
  for (int64_t i = 0; i < kLanes; i++) {
    const uint32_t k0 = lanes.key0[i], k1 = lanes.key1[i], k2 = k0 ^ k1 ^ 0x1bd11bda;
    uint32_t x0 = lanes.x0[i] + k0, x1 = lanes.x1[i] + k1;
    rounds(x0, x1, 13, 15, 26, 6);
    x0 += k1, x1 += k2 + 1;
    rounds(x0, x1, 17, 29, 16, 24);
    x0 += k2, x1 += k0 + 2;
    rounds(x0, x1, 13, 15, 26, 6);
    x0 += k0, x1 += k1 + 3;
    rounds(x0, x1, 17, 29, 16, 24);
    x0 += k1, x1 += k2 + 4;
    rounds(x0, x1, 13, 15, 26, 6);
    x0 += k2, x1 += k0 + 5;
    lanes.x0[i] = x0;
    lanes.x1[i] = x1;
  }
}

/// Where the words of one key come from.
struct WordLayout {
  int64_t bytes;  // of one key
  int64_t words, half, odd;

  explicit WordLayout(int64_t bytes) : bytes(bytes), words((bytes + 3) / 4), half(words / 2), odd(words % 2) {}

  /// Hash i < half gives words i and half + odd + i; with an odd number of words, hash `half` gives the middle one.
  int64_t hashes() const { return half + odd; }
  uint32_t counter0(int64_t hash) const { return static_cast<uint32_t>(hash); }
  uint32_t counter1(int64_t hash) const { return hash < half ? static_cast<uint32_t>(half + odd + hash) : 0; }

  /// Stores `count` results of hashes from `hash` on into the key's bytes; the last word may be cut.
  void store(std::byte* key, int64_t hash, int64_t count, const uint32_t* x0, const uint32_t* x1) const {
    put(key, hash, count, x0);
    put(key, half + odd + hash, std::min(count, half - hash), x1);
  }

 private:
  void put(std::byte* key, int64_t word, int64_t count, const uint32_t* from) const {
    if (count > 0) std::memcpy(key + 4 * word, from, static_cast<size_t>(std::min(4 * count, bytes - 4 * word)));
  }
};

}  // namespace

void run(const RandomBitsStep& step, const Run& run) {
  Space<1> keys;
  for (size_t axis = 0; axis < step.keyShape.size(); axis++)
    keys.append(step.keyShape[axis], {step.keys.strides[axis]});
  const auto* keyData = reinterpret_cast<const uint32_t*>(run.at(step.keys));
  const int64_t second = step.keys.strides[step.keyShape.size()];
  std::byte* out = run.at(step.out);
  const WordLayout layout(step.perKey * static_cast<int64_t>(itemSize(step.out.dtype)));
  if (layout.bytes == 0) return;
  const int64_t perKey = layout.hashes();

  run.pool.parallelFor(keys.size() * perKey, kGrain, [&](int64_t begin, int64_t end) {
    Lanes lanes;
    for (int64_t block = begin; block < end; block += kLanes) {
      const int64_t count = std::min(kLanes, end - block);
      // The block's hashes, key by key: first what goes in, then what comes out.
      Odometer<1> position(keys, block / perKey);
      for (int64_t lane = 0, hash = block % perKey; lane < count; hash = 0, position.next()) {
        const int64_t run = std::min(perKey - hash, count - lane);
        const uint32_t* key = keyData + position.offsets[0];
        for (int64_t i = 0; i < run; i++, lane++) {
          lanes.key0[lane] = key[0];
          lanes.key1[lane] = key[second];
          lanes.x0[lane] = layout.counter0(hash + i);
          lanes.x1[lane] = layout.counter1(hash + i);
        }
      }
      for (int64_t lane = count; lane < kLanes; lane++)
        lanes.key0[lane] = lanes.key1[lane] = lanes.x0[lane] = lanes.x1[lane] = 0;
      threefry(lanes);
      int64_t key = block / perKey;
      for (int64_t lane = 0, hash = block % perKey; lane < count; hash = 0, key++) {
        const int64_t run = std::min(perKey - hash, count - lane);
        layout.store(out + key * layout.bytes, hash, run, &lanes.x0[lane], &lanes.x1[lane]);
        lane += run;
      }
    }
  });
}

}  // namespace metalgrad::cpu
