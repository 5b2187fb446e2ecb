// Decodes 32 numbers at a time: as many words as numbers have bits.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/quantized.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include "cpu/ops/quantized.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToUnsigned<Floats>;
using FloatVec = hn::Vec<Floats>;
using WordVec = hn::Vec<Words>;

constexpr int kChunk = 32;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(Floats()));
constexpr int kParts = kChunk / kLanes;
/// Sums this many groups long are added up by themselves, so that rounding errors stay small.
constexpr int64_t kPartialSum = 64;

/// Where the numbers of a chunk lie: the word with the first bits of each, the word behind it, and how far both are
/// shifted. What the second shift leaves above a number's bits is masked away.
template <int kBits>
struct Places {
  alignas(64) uint32_t word[kChunk], shift[kChunk], next[kChunk], rest[kChunk];

  constexpr Places() : word(), shift(), next(), rest() {
    for (int i = 0; i < kChunk; i++) {
      const int bit = i * kBits;
      word[i] = static_cast<uint32_t>(bit / 32);
      shift[i] = static_cast<uint32_t>(bit % 32);
      next[i] = static_cast<uint32_t>(bit / 32 + 1 < kBits ? bit / 32 + 1 : bit / 32);
      rest[i] = static_cast<uint32_t>(bit % 32 == 0 ? 31 : 32 - bit % 32);
    }
  }
};
template <int kBits>
constexpr Places<kBits> kPlaces{};

/// kLanes numbers of a chunk from number kLanes · part on.
template <int kBits>
HWY_INLINE FloatVec numbersOf(const uint32_t* words, int part) {
  const Floats d;
  const Words dw;
  const hn::RebindToSigned<Floats> di;
  if constexpr (kBits == 8) {
    const hn::Rebind<uint8_t, decltype(di)> bytes;
    return hn::ConvertTo(d,
                         hn::PromoteTo(di, hn::LoadU(bytes, reinterpret_cast<const uint8_t*>(words) + part * kLanes)));
  } else if constexpr (kLanes >= 8) {
    // The compiler loads and keeps what is the same for all chunks.
    const auto& places = kPlaces<kBits>;
    const int first = part * kLanes;
    const WordVec chunk = hn::MaskedLoad(hn::FirstN(dw, kBits), dw, words);
    const auto lookup = [&](const uint32_t* at) {
      return hn::TableLookupLanes(chunk, hn::IndicesFromVec(dw, hn::Load(dw, at + first)));
    };
    WordVec bits = hn::Shr(lookup(places.word), hn::Load(dw, places.shift + first));
    if constexpr (32 % kBits != 0) {
      bits = hn::Or(bits, hn::Shl(lookup(places.next), hn::Load(dw, places.rest + first)));
    }
    return hn::ConvertTo(d, hn::BitCast(di, hn::And(bits, hn::Set(dw, (1u << kBits) - 1))));
  } else {
    // The bits of a vector's numbers fit one word.
    const int bit = part * kLanes * kBits, shift = bit % 32;
    uint32_t window = words[bit / 32] >> shift;
    if (shift + kLanes * kBits > 32) window |= words[bit / 32 + 1] << (32 - shift);
    const WordVec shifts = hn::Mul(hn::Iota(dw, 0), hn::Set(dw, kBits));
    const WordVec bits = hn::Shr(hn::Set(dw, window), shifts);
    return hn::ConvertTo(d, hn::BitCast(di, hn::And(bits, hn::Set(dw, (1u << kBits) - 1))));
  }
}

template <int kBits>
void decode(const QuantizedRow& row, int64_t groups, int64_t groupSize, float* to) {
  const Floats d;
  const uint32_t* words = row.words;
  for (int64_t group = 0; group < groups; group++) {
    const FloatVec scale = hn::Set(d, row.scales[group]), bias = hn::Set(d, row.biases[group]);
    for (int64_t i = 0; i < groupSize; i += kChunk, words += kBits, to += kChunk) {
      for (int part = 0; part < kParts; part++) {
        hn::StoreU(hn::MulAdd(numbersOf<kBits>(words, part), scale, bias), d, to + part * kLanes);
      }
    }
  }
}

/// Two sums in turn, so that one addition need not wait for the other.
template <int kBits>
void dotOne(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* x, float* result) {
  const Floats d;
  const uint32_t* words = row.words;
  FloatVec total = hn::Zero(d);
  for (int64_t group = 0; group < groups;) {
    FloatVec even = hn::Zero(d), odd = hn::Zero(d);
    for (const int64_t end = groups - group < kPartialSum ? groups : group + kPartialSum; group < end; group++) {
      const FloatVec scale = hn::Set(d, row.scales[group]), bias = hn::Set(d, row.biases[group]);
      for (int64_t i = 0; i < groupSize; i += kChunk, words += kBits, x += kChunk) {
        for (int part = 0; part < kParts; part += 2) {
          const FloatVec w0 = hn::MulAdd(numbersOf<kBits>(words, part), scale, bias);
          even = hn::MulAdd(w0, hn::LoadU(d, x + part * kLanes), even);
          const FloatVec w1 = hn::MulAdd(numbersOf<kBits>(words, part + 1), scale, bias);
          odd = hn::MulAdd(w1, hn::LoadU(d, x + (part + 1) * kLanes), odd);
        }
      }
    }
    total = hn::Add(total, hn::Add(even, odd));
  }
  *result = hn::GetLane(hn::SumOfLanes(d, total));
}

/// The same sums for four vectors: each number is decoded once.
template <int kBits>
void dotFour(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* const (&x)[kDotRows],
             float (&results)[kDotRows]) {
  static_assert(kDotRows == 4);
  const Floats d;
  const uint32_t* words = row.words;
  // Written out, because vectors in an array would live in memory.
  FloatVec total0 = hn::Zero(d), total1 = total0, total2 = total0, total3 = total0;
  int64_t at = 0;
  for (int64_t group = 0; group < groups;) {
    FloatVec even0 = hn::Zero(d), even1 = even0, even2 = even0, even3 = even0;
    FloatVec odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
    for (const int64_t end = groups - group < kPartialSum ? groups : group + kPartialSum; group < end; group++) {
      const FloatVec scale = hn::Set(d, row.scales[group]), bias = hn::Set(d, row.biases[group]);
      for (int64_t i = 0; i < groupSize; i += kChunk, words += kBits) {
        for (int part = 0; part < kParts; part += 2, at += 2 * kLanes) {
          const FloatVec w0 = hn::MulAdd(numbersOf<kBits>(words, part), scale, bias);
          even0 = hn::MulAdd(w0, hn::LoadU(d, x[0] + at), even0);
          even1 = hn::MulAdd(w0, hn::LoadU(d, x[1] + at), even1);
          even2 = hn::MulAdd(w0, hn::LoadU(d, x[2] + at), even2);
          even3 = hn::MulAdd(w0, hn::LoadU(d, x[3] + at), even3);
          const FloatVec w1 = hn::MulAdd(numbersOf<kBits>(words, part + 1), scale, bias);
          odd0 = hn::MulAdd(w1, hn::LoadU(d, x[0] + at + kLanes), odd0);
          odd1 = hn::MulAdd(w1, hn::LoadU(d, x[1] + at + kLanes), odd1);
          odd2 = hn::MulAdd(w1, hn::LoadU(d, x[2] + at + kLanes), odd2);
          odd3 = hn::MulAdd(w1, hn::LoadU(d, x[3] + at + kLanes), odd3);
        }
      }
    }
    total0 = hn::Add(total0, hn::Add(even0, odd0));
    total1 = hn::Add(total1, hn::Add(even1, odd1));
    total2 = hn::Add(total2, hn::Add(even2, odd2));
    total3 = hn::Add(total3, hn::Add(even3, odd3));
  }
  results[0] = hn::GetLane(hn::SumOfLanes(d, total0));
  results[1] = hn::GetLane(hn::SumOfLanes(d, total1));
  results[2] = hn::GetLane(hn::SumOfLanes(d, total2));
  results[3] = hn::GetLane(hn::SumOfLanes(d, total3));
}

template <int kBits>
void dot(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* x, int64_t stride, int64_t count,
         float* sums) {
  if (count == 1) return dotOne<kBits>(row, groups, groupSize, x, sums);
  const float* vectors[kDotRows];
  float results[kDotRows];
  for (int64_t i = 0; i < kDotRows; i++) vectors[i] = x + (i < count ? i : 0) * stride;
  dotFour<kBits>(row, groups, groupSize, vectors, results);
  for (int64_t i = 0; i < count; i++) sums[i] = results[i];
}

template <int kBits, int kCount>
void accumulateRows(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* factors, float* sums,
                    int64_t stride) {
  const Floats d;
  const uint32_t* words = row.words;
  const FloatVec factor0 = hn::Set(d, factors[0]), factor1 = hn::Set(d, factors[kCount > 1 ? 1 : 0]);
  const FloatVec factor2 = hn::Set(d, factors[kCount > 2 ? 2 : 0]), factor3 = hn::Set(d, factors[kCount > 3 ? 3 : 0]);
  const auto add = [&](FloatVec w, FloatVec factor, float* to) {
    hn::StoreU(hn::MulAdd(w, factor, hn::LoadU(d, to)), d, to);
  };
  for (int64_t group = 0; group < groups; group++) {
    const FloatVec scale = hn::Set(d, row.scales[group]), bias = hn::Set(d, row.biases[group]);
    for (int64_t i = 0; i < groupSize; i += kChunk, words += kBits, sums += kChunk) {
      for (int part = 0; part < kParts; part++) {
        const FloatVec w = hn::MulAdd(numbersOf<kBits>(words, part), scale, bias);
        float* to = sums + part * kLanes;
        add(w, factor0, to);
        if constexpr (kCount > 1) add(w, factor1, to + stride);
        if constexpr (kCount > 2) add(w, factor2, to + 2 * stride);
        if constexpr (kCount > 3) add(w, factor3, to + 3 * stride);
      }
    }
  }
}

template <int kBits>
void accumulate(const QuantizedRow& row, int64_t groups, int64_t groupSize, const float* factors, int64_t count,
                float* sums, int64_t stride) {
  static_assert(kDotRows == 4);
  switch (count) {
    case 1:
      return accumulateRows<kBits, 1>(row, groups, groupSize, factors, sums, stride);
    case 2:
      return accumulateRows<kBits, 2>(row, groups, groupSize, factors, sums, stride);
    case 3:
      return accumulateRows<kBits, 3>(row, groups, groupSize, factors, sums, stride);
    default:
      return accumulateRows<kBits, 4>(row, groups, groupSize, factors, sums, stride);
  }
}

QuantizedFns functionsOf(int64_t bits) {
  switch (bits) {
    case 2:
      return {&decode<2>, &dot<2>, &accumulate<2>};
    case 3:
      return {&decode<3>, &dot<3>, &accumulate<3>};
    case 4:
      return {&decode<4>, &dot<4>, &accumulate<4>};
    case 5:
      return {&decode<5>, &dot<5>, &accumulate<5>};
    case 6:
      return {&decode<6>, &dot<6>, &accumulate<6>};
    case 8:
      return {&decode<8>, &dot<8>, &accumulate<8>};
    default:
      return {};
  }
}

}  // namespace
}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

QuantizedFns quantizedFns(int64_t bits) {
  static const auto choose = METALGRAD_CHOOSE(functionsOf);
  return choose(bits);
}

}  // namespace metalgrad::cpu
#endif
