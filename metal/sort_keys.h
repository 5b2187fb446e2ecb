// Every dtype as an unsigned integer whose order is the order of sorted values: NaN last, -0 equal to +0.
#pragma once

#include <metal_stdlib>

namespace mg {

/// The key of a number in the format of a float, from its bits: `sign` is its sign bit, `infinity` is +infinity.
template <typename Bits>
inline Bits floatKey(Bits bits, Bits sign, Bits infinity) {
  const Bits magnitude = Bits(bits & Bits(~sign));
  if (magnitude == 0) return sign;
  // Halfway between infinity and the largest NaN: a quiet NaN.
  if (magnitude > infinity) return Bits(sign | Bits(infinity + (infinity & Bits(~infinity + 1)) / 2));
  return bits & sign ? Bits(~bits) : Bits(bits | sign);
}

struct HalfKey {
  typedef ushort Stored;
  typedef uint Key;
  static uint of(ushort bits) { return floatKey<ushort>(bits, 0x8000, 0x7c00); }
};

struct BfloatKey {
  typedef ushort Stored;
  typedef uint Key;
  static uint of(ushort bits) { return floatKey<ushort>(bits, 0x8000, 0x7f80); }
};

struct FloatKey {
  typedef uint Stored;
  typedef uint Key;
  static uint of(uint bits) { return floatKey<uint>(bits, 0x80000000u, 0x7f800000u); }
};

/// Integers of up to 32 bits.
template <typename T>
struct IntegerKey {
  typedef T Stored;
  typedef uint Key;
  static uint of(T value) { return uint(long(value) + (T(-1) < T(1) ? 0x80000000l : 0l)); }
};

struct LongKey {
  typedef long Stored;
  typedef ulong Key;
  static ulong of(long value) { return ulong(value) ^ 0x8000000000000000ul; }
};

struct UlongKey {
  typedef ulong Stored;
  typedef ulong Key;
  static ulong of(ulong value) { return value; }
};

/// Lexicographic; numbers with a NaN come last, in NumPy's order: in the imaginary part, in the real part, in both.
struct ComplexKey {
  typedef uint2 Stored;
  typedef ulong Key;
  static ulong of(uint2 bits) {
    const ulong real = FloatKey::of(bits.x), imaginary = FloatKey::of(bits.y);
    const bool nanReal = (bits.x & 0x7fffffffu) > 0x7f800000u, nanImaginary = (bits.y & 0x7fffffffu) > 0x7f800000u;
    // Keys of real parts end below these.
    if (nanReal && nanImaginary) return ulong(0xffc00002u) << 32;
    if (nanReal) return ulong(0xffc00001u) << 32 | imaginary;
    if (nanImaginary) return ulong(0xffc00000u) << 32 | real;
    return real << 32 | imaginary;
  }
};

// An entry is a key and a position: keys of 32 bits stand above their position in one ulong, longer ones beside it.

/// What comes after every other entry.
template <typename E>
inline E lastEntry() {
  return E(0xfffffffffffffffful);
}

inline void setEntry(thread ulong& entry, uint key, uint position) { entry = ulong(key) << 32 | ulong(position); }

inline void setEntry(thread ulong2& entry, ulong key, uint position) {
  entry.x = key;
  entry.y = position;
}

inline uint positionOf(ulong entry) { return uint(entry); }

inline uint positionOf(ulong2 entry) { return uint(entry.y); }

inline bool isBefore(ulong a, ulong b) { return a < b; }

inline bool isBefore(ulong2 a, ulong2 b) { return a.x < b.x || (a.x == b.x && a.y < b.y); }

}  // namespace mg
