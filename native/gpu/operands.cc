#include "gpu/operands.h"

namespace metalgrad::gpu {

std::string_view elementType(Dtype dtype) {
  switch (dtype) {
    case Dtype::bool_:
      return "mg::BoolElement";
    case Dtype::uint8:
      return "uchar";
    case Dtype::uint16:
      return "ushort";
    case Dtype::uint32:
      return "uint";
    case Dtype::uint64:
      return "ulong";
    case Dtype::int8:
      return "char";
    case Dtype::int16:
      return "short";
    case Dtype::int32:
      return "int";
    case Dtype::int64:
      return "long";
    case Dtype::float16:
      return "half";
    case Dtype::bfloat16:
      return "bfloat";
    case Dtype::float32:
      return "float";
    case Dtype::complex64:
      return "float2";
    case Dtype::float64:
      break;
  }
  return {};
}

std::string_view wrappingType(Dtype dtype) {
  switch (dtype) {
    case Dtype::int8:
      return "uchar";
    case Dtype::int16:
      return "ushort";
    case Dtype::int32:
      return "uint";
    case Dtype::int64:
      return "ulong";
    default:
      return elementType(dtype);
  }
}

std::string_view bitsType(size_t bytes) {
  return bytes == 1 ? "uchar" : bytes == 2 ? "ushort" : bytes == 4 ? "uint" : "ulong";
}

Space<1> spaceOf(std::span<const int64_t> shape, std::span<const int64_t> strides) {
  Space<1> space;
  for (size_t axis = 0; axis < shape.size(); axis++) space.append(shape[axis], {strides[axis]});
  return space;
}

int64_t sizeOf(std::span<const int64_t> shape) {
  int64_t size = 1;
  for (const int64_t length : shape) size *= length;
  return size;
}

Outcome outOfScratch(size_t bytes) {
  return {Status::outOfMemory, "the GPU has no " + std::to_string(bytes) + " bytes of scratch memory"};
}

std::string arguments(std::initializer_list<std::string_view> list) {
  std::string text;
  for (const std::string_view item : list) {
    if (!text.empty()) text += ", ";
    text += item;
  }
  return text;
}

}  // namespace metalgrad::gpu
