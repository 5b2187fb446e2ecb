// Runs chains eight vectors at a time: each step costs one branch and eight vector operations.
#include "cpu/ops/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/ops/chain.cc"
// Compiles what follows once for each target, so it stays first.
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// clang-format on

#include <cmath>

#include "cpu/half.h"
#include "cpu/ops/chain.h"
#include "cpu/ops/exp-inl.h"
#include "cpu/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace metalgrad::cpu::HWY_NAMESPACE {
namespace {

/// Rounded once also where the target has no such instruction.
HWY_INLINE FloatVec fused(FloatVec a, FloatVec b, FloatVec c) {
#if HWY_TARGET == HWY_SCALAR
  return FloatVec{std::fma(a.raw, b.raw, c.raw)};
#else
  return hn::MulAdd(a, b, c);
#endif
}

/// NaN wins, as in the tile functions.
HWY_INLINE FloatVec maximum(FloatVec a, FloatVec b) { return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b); }
HWY_INLINE FloatVec minimum(FloatVec a, FloatVec b) { return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b); }

/// Rounded to float16.
struct RoundHalf {
  static FloatVec apply(Floats d, FloatVec x) {
#if HWY_TARGET == HWY_SCALAR
    (void)d;
    return FloatVec{halfToFloat(floatToHalf(x.raw))};
#else
    return hn::PromoteTo(d, hn::DemoteTo(hn::Rebind<hwy::float16_t, Floats>(), x));
#endif
  }
};

/// Rounded to bfloat16: half of its last place is added to the bits, less one bit if the last place is even.
struct RoundBfloat {
  static FloatVec apply(Floats d, FloatVec x) {
    const hn::RebindToUnsigned<Floats> du;
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto rounded = hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd);
    const auto nan = hn::BitCast(d, hn::Or(bits, hn::Set(du, 0x400000)));
    const auto result = hn::IfThenElse(hn::IsNaN(x), nan, hn::BitCast(d, rounded));
    return hn::BitCast(d, hn::And(hn::BitCast(du, result), hn::Set(du, 0xffff0000u)));
  }
};

/// Functions with many constants work on memory, out of line: their constants must not crowd out the chain's vectors.
template <class Op, int kCount>
HWY_NOINLINE void applyInMemory(float* buffer) {
  const Floats d;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < kCount; i++) {
    float* at = buffer + i * lanes;
    hn::Store(Op::apply(d, hn::Load(d, at)), d, at);
  }
}

/// kCount vectors from element `at` on; or the first `part` elements of a vector, if that is not 0.
template <int kCount>
HWY_INLINE void pass(const ChainStep* steps, int count, const float* from, float* to, int64_t at, int64_t part) {
  static_assert(kCount == 1 || kCount == 8);
  const Floats d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto load = [&](const float* p, int i) {
    return kCount == 1 && part ? loadPart(d, p + at, part) : hn::LoadU(d, p + at + i * lanes);
  };
  const auto store = [&](FloatVec v, float* p, int i) {
    if (kCount == 1 && part)
      storePart(d, v, p + at, part);
    else
      hn::StoreU(v, d, p + at + i * lanes);
  };
  HWY_ALIGN float buffer[kCount * hn::MaxLanes(Floats())];
  FloatVec x0 = load(from, 0), x1 = x0, x2 = x0, x3 = x0, x4 = x0, x5 = x0, x6 = x0, x7 = x0;
// Written out, because vectors in an array would live in memory.
#define METALGRAD_EACH(statement) \
  {                               \
    {                             \
      auto& x = x0;               \
      const int i = 0;            \
      (void)i;                    \
      statement;                  \
    }                             \
    if constexpr (kCount == 8) {  \
      {                           \
        auto& x = x1;             \
        const int i = 1;          \
        (void)i;                  \
        statement;                \
      }                           \
      {                           \
        auto& x = x2;             \
        const int i = 2;          \
        (void)i;                  \
        statement;                \
      }                           \
      {                           \
        auto& x = x3;             \
        const int i = 3;          \
        (void)i;                  \
        statement;                \
      }                           \
      {                           \
        auto& x = x4;             \
        const int i = 4;          \
        (void)i;                  \
        statement;                \
      }                           \
      {                           \
        auto& x = x5;             \
        const int i = 5;          \
        (void)i;                  \
        statement;                \
      }                           \
      {                           \
        auto& x = x6;             \
        const int i = 6;          \
        (void)i;                  \
        statement;                \
      }                           \
      {                           \
        auto& x = x7;             \
        const int i = 7;          \
        (void)i;                  \
        statement;                \
      }                           \
    }                             \
  }
#define METALGRAD_STEP(name, expression) \
  case ChainCode::name:                  \
    METALGRAD_EACH(x = expression)       \
    break;
#define METALGRAD_STEP_IN_MEMORY(name, Op)              \
  case ChainCode::name:                                 \
    METALGRAD_EACH(hn::Store(x, d, buffer + i * lanes)) \
    applyInMemory<Op, kCount>(buffer);                  \
    METALGRAD_EACH(x = hn::Load(d, buffer + i * lanes)) \
    break;
#define METALGRAD_STEP_VS(name, expression) \
  case ChainCode::name##V:                  \
    METALGRAD_EACH({                        \
      const auto b = load(step.b, i);       \
      x = expression;                       \
    })                                      \
    break;                                  \
  case ChainCode::name##S: {                \
    const auto b = hn::Set(d, *step.b);     \
    METALGRAD_EACH(x = expression)          \
    break;                                  \
  }
  METALGRAD_EACH(x = load(from, i))
  for (const ChainStep* end = steps + count; steps != end; steps++) {
    const ChainStep& step = *steps;
    switch (step.code) {
      METALGRAD_STEP(negative, hn::Neg(x))
      METALGRAD_STEP(abs, hn::Abs(x))
      METALGRAD_STEP(square, hn::Mul(x, x))
      METALGRAD_STEP(twice, hn::Add(x, x))
      METALGRAD_STEP(sqrt, hn::Sqrt(x))
      METALGRAD_STEP(rsqrt, hn::Div(hn::Set(d, 1.0f), hn::Sqrt(x)))
      METALGRAD_STEP(reciprocal, hn::Div(hn::Set(d, 1.0f), x))
      METALGRAD_STEP_IN_MEMORY(exp, Exp)
      METALGRAD_STEP_IN_MEMORY(tanh, Tanh)
      METALGRAD_STEP_IN_MEMORY(sigmoid, Sigmoid)
      METALGRAD_STEP(floor, hn::Floor(x))
      METALGRAD_STEP(ceil, hn::Ceil(x))
      METALGRAD_STEP(round, hn::Round(x))
      METALGRAD_STEP(trunc, hn::Trunc(x))
      METALGRAD_STEP(roundHalf, RoundHalf::apply(d, x))
#if HWY_TARGET == HWY_AVX2
      // Of 16 registers its constants would take too many.
      METALGRAD_STEP_IN_MEMORY(roundBfloat, RoundBfloat)
#else
      METALGRAD_STEP(roundBfloat, RoundBfloat::apply(d, x))
#endif
      METALGRAD_STEP_VS(add, hn::Add(x, b))
      METALGRAD_STEP_VS(subtract, hn::Sub(x, b))
      METALGRAD_STEP_VS(subtractFrom, hn::Sub(b, x))
      METALGRAD_STEP_VS(multiply, hn::Mul(x, b))
      METALGRAD_STEP_VS(divide, hn::Div(x, b))
      METALGRAD_STEP_VS(divideInto, hn::Div(b, x))
      METALGRAD_STEP_VS(maximum, maximum(x, b))
      METALGRAD_STEP_VS(maximumOf, maximum(b, x))
      METALGRAD_STEP_VS(minimum, minimum(x, b))
      METALGRAD_STEP_VS(minimumOf, minimum(b, x))
      METALGRAD_STEP(multiplyAddVV, fused(x, load(step.b, i), load(step.c, i)))
      case ChainCode::multiplyAddVS: {
        const auto c = hn::Set(d, *step.c);
        METALGRAD_EACH(x = fused(x, load(step.b, i), c))
        break;
      }
      case ChainCode::multiplyAddSV: {
        const auto b = hn::Set(d, *step.b);
        METALGRAD_EACH(x = fused(x, b, load(step.c, i)))
        break;
      }
      case ChainCode::multiplyAddSS: {
        const auto b = hn::Set(d, *step.b), c = hn::Set(d, *step.c);
        METALGRAD_EACH(x = fused(x, b, c))
        break;
      }
        METALGRAD_STEP(addProductVV, fused(load(step.b, i), load(step.c, i), x))
      case ChainCode::addProductVS: {
        const auto c = hn::Set(d, *step.c);
        METALGRAD_EACH(x = fused(load(step.b, i), c, x))
        break;
      }
      case ChainCode::none:
        break;
    }
    if (step.keep) METALGRAD_EACH(store(x, step.keep, i))
  }
  METALGRAD_EACH(store(x, to, i))
#undef METALGRAD_STEP_IN_MEMORY
#undef METALGRAD_STEP_VS
#undef METALGRAD_STEP
#undef METALGRAD_EACH
}

}  // namespace

void runChain(const ChainStep* steps, int count, const float* from, float* to, int64_t n) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(Floats()));
  int64_t at = 0;
  for (; at + 8 * lanes <= n; at += 8 * lanes) pass<8>(steps, count, from, to, at, 0);
  for (; at + lanes <= n; at += lanes) pass<1>(steps, count, from, to, at, 0);
  if (at < n) pass<1>(steps, count, from, to, at, n - at);
}

}  // namespace metalgrad::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace metalgrad::cpu {

void runChain(const ChainStep* steps, int count, const float* from, float* to, int64_t n) {
  static const auto chosen = METALGRAD_CHOOSE(runChain);
  chosen(steps, count, from, to, n);
}

ChainCode chainCode(ElementwiseOp op, unsigned running, unsigned single, bool& swapped) {
  using C = ChainCode;
  swapped = false;
  const bool first = running == 1, second = running == 2;
  // x is one of two operands; the other one is single or not.
  const auto other = [&](C tile, C ofSingle) { return (single & (first ? 2u : 1u)) ? ofSingle : tile; };
  const auto ordered = [&](C tile, C ofSingle, C tileFirst, C singleFirst) {
    return first ? other(tile, ofSingle) : second ? other(tileFirst, singleFirst) : C::none;
  };
  const auto unary = [&](C code) { return first ? code : C::none; };
  switch (op) {
    case ElementwiseOp::negative:
      return unary(C::negative);
    case ElementwiseOp::abs:
      return unary(C::abs);
    case ElementwiseOp::square:
      return unary(C::square);
    case ElementwiseOp::sqrt:
      return unary(C::sqrt);
    case ElementwiseOp::rsqrt:
      return unary(C::rsqrt);
    case ElementwiseOp::reciprocal:
      return unary(C::reciprocal);
    case ElementwiseOp::exp:
      return unary(C::exp);
    case ElementwiseOp::tanh:
      return unary(C::tanh);
    case ElementwiseOp::sigmoid:
      return unary(C::sigmoid);
    case ElementwiseOp::floor:
      return unary(C::floor);
    case ElementwiseOp::ceil:
      return unary(C::ceil);
    case ElementwiseOp::round:
      return unary(C::round);
    case ElementwiseOp::trunc:
      return unary(C::trunc);
    case ElementwiseOp::add:
      return running == 3 ? C::twice : ordered(C::addV, C::addS, C::addV, C::addS);
    case ElementwiseOp::multiply:
      return running == 3 ? C::square : ordered(C::multiplyV, C::multiplyS, C::multiplyV, C::multiplyS);
    case ElementwiseOp::subtract:
      return ordered(C::subtractV, C::subtractS, C::subtractFromV, C::subtractFromS);
    case ElementwiseOp::divide:
      return ordered(C::divideV, C::divideS, C::divideIntoV, C::divideIntoS);
    case ElementwiseOp::maximum:
      return ordered(C::maximumV, C::maximumS, C::maximumOfV, C::maximumOfS);
    case ElementwiseOp::minimum:
      return ordered(C::minimumV, C::minimumS, C::minimumOfV, C::minimumOfS);
    case ElementwiseOp::multiplyAdd: {
      if (running == 4) {
        if ((single & 3) == 3) return C::none;
        swapped = (single & 1) != 0;
        return (single & 3) ? C::addProductVS : C::addProductVV;
      }
      if (!first && !second) return C::none;
      const bool factor = (single & (first ? 2u : 1u)) != 0, addend = (single & 4) != 0;
      return factor ? (addend ? C::multiplyAddSS : C::multiplyAddSV) : addend ? C::multiplyAddVS : C::multiplyAddVV;
    }
    default:
      return C::none;
  }
}

}  // namespace metalgrad::cpu
#endif
