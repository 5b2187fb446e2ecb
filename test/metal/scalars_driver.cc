// Applies one operation of metal/scalars.h to arrays: `driver <operation> <dtype> <result dtype> <count>`, with the
// operands one after the other on the standard input and the result on the standard output. Compiled against the
// emulator's metal_stdlib, and run with subnormal numbers flushed as the emulator does.
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "complex.h"
#include "scalars.h"
#include "threefry.h"

/// What clang calls to round to bfloat; GCC's runtime has none.
extern "C" bfloat __truncsfbf2(float x) {
  const uint bits = as_type<uint>(x);
  const uint rounded = x == x ? bits + 0x7fff + (bits >> 16 & 1) : bits | 0x00400000;
  return as_type<bfloat>(static_cast<ushort>(rounded >> 16));
}

namespace {

struct Request {
  std::string op, dtype, to;
  long count;
  std::vector<char> in, out;

  bool is(const char* name) const { return op == name; }
  template <typename T>
  const T* operand(int i) const {
    return reinterpret_cast<const T*>(in.data()) + i * count;
  }
  template <typename T>
  T* result() {
    out.resize(static_cast<size_t>(count) * sizeof(T));
    return reinterpret_cast<T*>(out.data());
  }
};

template <typename R, typename T, typename F>
bool unary(Request& request, F f) {
  R* out = request.result<R>();
  for (long i = 0; i < request.count; i++) out[i] = f(request.operand<T>(0)[i]);
  return true;
}
template <typename R, typename T, typename F>
bool binary(Request& request, F f) {
  R* out = request.result<R>();
  for (long i = 0; i < request.count; i++) out[i] = f(request.operand<T>(0)[i], request.operand<T>(1)[i]);
  return true;
}

#define UNARY(name) \
  if (request.is(#name)) return unary<T, T>(request, [](T x) { return mg::name(x); });
#define BINARY_AS(name, function) \
  if (request.is(name)) return binary<T, T>(request, [](T a, T b) { return mg::function(a, b); });
#define BINARY(name) BINARY_AS(#name, name)
#define COMPARE(name) \
  if (request.is(#name)) return binary<bool, T>(request, [](T a, T b) { return mg::name(a, b); });

/// What every dtype has.
template <typename T>
bool common(Request& request) {
  UNARY(negative)
  UNARY(sign)
  UNARY(square)
  BINARY(add)
  BINARY(subtract)
  BINARY(multiply)
  BINARY(divide)
  BINARY(power)
  BINARY(maximum)
  BINARY(minimum)
  COMPARE(equal)
  COMPARE(notEqual)
  COMPARE(less)
  COMPARE(lessEqual)
  COMPARE(greater)
  COMPARE(greaterEqual)
  if (request.is("abs")) return unary<typename mg::Real<T>::type, T>(request, [](T x) { return mg::abs(x); });
  if (request.is("multiplyAdd")) {
    T* out = request.result<T>();
    for (long i = 0; i < request.count; i++)
      out[i] = mg::multiplyAdd(request.operand<T>(0)[i], request.operand<T>(1)[i], request.operand<T>(2)[i]);
    return true;
  }
  if (request.is("select")) {
    // The condition is whether the first operand is not 0.
    T* out = request.result<T>();
    for (long i = 0; i < request.count; i++)
      out[i] = mg::select(mg::cast<bool>(request.operand<T>(0)[i]), request.operand<T>(1)[i], request.operand<T>(2)[i]);
    return true;
  }
  if (request.is("arange")) {
    using Argument = typename mg::ArangeArgument<T>::type;
    const Argument* arguments = reinterpret_cast<const Argument*>(request.in.data());
    const long* positions = reinterpret_cast<const long*>(request.in.data() + 2 * sizeof(Argument));
    T* out = request.result<T>();
    for (long i = 0; i < request.count; i++) out[i] = mg::arange<T>(positions[i], arguments[0], arguments[1]);
    return true;
  }
  return false;
}

template <typename T>
bool ordered(Request& request) {
  UNARY(floor)
  UNARY(ceil)
  UNARY(round)
  UNARY(trunc)
  BINARY(floorDivide)
  BINARY(remainder)
  return common<T>(request);
}

template <typename T>
bool integer(Request& request) {
  UNARY(invert)
  BINARY_AS("and", and_)
  BINARY_AS("or", or_)
  BINARY_AS("xor", xor_)
  BINARY(leftShift)
  BINARY(rightShift)
  return ordered<T>(request);
}

template <typename T>
bool inexact(Request& request) {
  UNARY(exp)
  UNARY(expm1)
  UNARY(log)
  UNARY(log2)
  UNARY(log10)
  UNARY(log1p)
  UNARY(sqrt)
  UNARY(rsqrt)
  UNARY(reciprocal)
  UNARY(sin)
  UNARY(cos)
  UNARY(tan)
  UNARY(sinh)
  UNARY(cosh)
  UNARY(tanh)
  UNARY(arcsin)
  UNARY(arccos)
  UNARY(arctan)
  UNARY(arcsinh)
  UNARY(arccosh)
  UNARY(arctanh)
  UNARY(sigmoid)
  BINARY(logaddexp)
  return false;
}

template <typename T>
bool floating(Request& request) {
  UNARY(erf)
  UNARY(erfinv)
  BINARY(arctan2)
  return inexact<T>(request) || ordered<T>(request);
}

bool complex(Request& request) {
  using T = mg::complex64;
  UNARY(conjugate)
  if (request.is("real")) return unary<float, T>(request, [](T x) { return mg::real(x); });
  if (request.is("imag")) return unary<float, T>(request, [](T x) { return mg::imag(x); });
  return inexact<T>(request) || common<T>(request);
}

template <typename From, typename To>
bool castTo(Request& request) {
  return unary<To, From>(request, [](From x) { return mg::cast<To>(x); });
}

/// Calls `action` of the type that a dtype names.
#define DISPATCH(dtype, action)                              \
  if ((dtype) == "bool") return action<bool>(request);       \
  if ((dtype) == "uint8") return action<uint8_t>(request);   \
  if ((dtype) == "uint16") return action<uint16_t>(request); \
  if ((dtype) == "uint32") return action<uint>(request);     \
  if ((dtype) == "uint64") return action<uint64_t>(request); \
  if ((dtype) == "int8") return action<int8_t>(request);     \
  if ((dtype) == "int16") return action<int16_t>(request);   \
  if ((dtype) == "int32") return action<int>(request);       \
  if ((dtype) == "int64") return action<int64_t>(request);   \
  if ((dtype) == "float16") return action<half>(request);    \
  if ((dtype) == "bfloat16") return action<bfloat>(request); \
  if ((dtype) == "float32") return action<float>(request);   \
  if ((dtype) == "complex64") return action<mg::complex64>(request);

template <typename To>
struct CastFrom {
  template <typename From>
  static bool to(Request& request) {
    return castTo<From, To>(request);
  }
  static bool run(Request& request) {
    DISPATCH(request.dtype, to)
    return false;
  }
};
template <typename To>
bool castAny(Request& request) {
  return CastFrom<To>::run(request);
}
bool cast(Request& request) {
  DISPATCH(request.to, castAny)
  return false;
}

/// Keys, then counters; pairs of words each.
bool threefry(Request& request) {
  return binary<uint2, uint2>(request, [](uint2 key, uint2 counter) { return mg::threefry(key, counter); });
}

bool apply(Request& request) {
  if (request.is("cast")) return cast(request);
  if (request.is("threefry")) return threefry(request);
  if (request.dtype == "float32") return floating<float>(request);
  if (request.dtype == "float16") return floating<half>(request);
  if (request.dtype == "bfloat16") return floating<bfloat>(request);
  if (request.dtype == "complex64") return complex(request);
  if (request.dtype == "bool") {
    using T = bool;
    UNARY(invert)
    BINARY_AS("and", and_)
    BINARY_AS("or", or_)
    BINARY_AS("xor", xor_)
    return ordered<bool>(request);
  }
  if (request.dtype == "uint8") return integer<uint8_t>(request);
  if (request.dtype == "uint16") return integer<uint16_t>(request);
  if (request.dtype == "uint32") return integer<uint>(request);
  if (request.dtype == "uint64") return integer<uint64_t>(request);
  if (request.dtype == "int8") return integer<int8_t>(request);
  if (request.dtype == "int16") return integer<int16_t>(request);
  if (request.dtype == "int32") return integer<int>(request);
  if (request.dtype == "int64") return integer<int64_t>(request);
  return false;
}

}  // namespace

int main(int, char** argv) {
  Request request{argv[1], argv[2], argv[3], std::atol(argv[4]), {}, {}};
  char buffer[1 << 16];
  while (const size_t bytes = std::fread(buffer, 1, sizeof(buffer), stdin))
    request.in.insert(request.in.end(), buffer, buffer + bytes);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // flush to zero, denormals are zero
#endif
  if (!apply(request)) return 1;
  std::fwrite(request.out.data(), 1, request.out.size(), stdout);
  return 0;
}
