// Index operands to offsets, with a straight inner loop for each integer dtype.
#include "cpu/positions.h"

#include <algorithm>
#include <stdexcept>
#include <type_traits>

namespace metalgrad::cpu {
namespace {

/// Calls line(offset of the first, stride, where it goes in the block, length) for each straight run of the block.
template <typename Line>
void forLines(const Space<1>& space, int64_t begin, int64_t count, Line&& line) {
  if (space.rank == 0) return line(int64_t{0}, int64_t{0}, int64_t{0}, count);
  const int64_t inner = space.shape[space.rank - 1], stride = space.strides[space.rank - 1][0];
  if (space.rank == 1) return line(begin * stride, stride, int64_t{0}, count);
  Space<1> outer = space;
  outer.dropLast();
  Odometer<1> position(outer, begin / inner);
  for (int64_t done = 0, from = begin % inner; done < count; from = 0, position.next()) {
    const int64_t length = std::min(inner - from, count - done);
    line(position.offsets[0] + from * stride, stride, done, length);
    done += length;
  }
}

template <typename T>
int64_t clamp(T index, int64_t last) {
  if constexpr (std::is_signed_v<T>) {
    return std::clamp<int64_t>(index, 0, last);
  } else {
    return static_cast<int64_t>(std::min<uint64_t>(index, static_cast<uint64_t>(last)));
  }
}

template <typename T>
void addIndices(const IndexReader& reader, int64_t begin, std::span<int64_t> offsets) {
  const T* data = reinterpret_cast<const T*>(reader.data);
  forLines(reader.space, begin, static_cast<int64_t>(offsets.size()),
           [&](int64_t from, int64_t stride, int64_t to, int64_t length) {
             for (int64_t i = 0; i < length; i++) {
               offsets[to + i] += clamp(data[from + i * stride], reader.last) * reader.stride;
             }
           });
}

}  // namespace

void IndexReader::add(int64_t begin, std::span<int64_t> offsets) const {
  switch (dtype) {
    case Dtype::bool_:
    case Dtype::uint8:
      return addIndices<uint8_t>(*this, begin, offsets);
    case Dtype::uint16:
      return addIndices<uint16_t>(*this, begin, offsets);
    case Dtype::uint32:
      return addIndices<uint32_t>(*this, begin, offsets);
    case Dtype::uint64:
      return addIndices<uint64_t>(*this, begin, offsets);
    case Dtype::int8:
      return addIndices<int8_t>(*this, begin, offsets);
    case Dtype::int16:
      return addIndices<int16_t>(*this, begin, offsets);
    case Dtype::int32:
      return addIndices<int32_t>(*this, begin, offsets);
    case Dtype::int64:
      return addIndices<int64_t>(*this, begin, offsets);
    default:
      throw std::invalid_argument("indices are not integers");
  }
}

Positions::Positions(const Run& run, const std::vector<Operand>& indices, const std::vector<uint32_t>& axes,
                     const std::vector<int64_t>& indexShape, const std::vector<int64_t>& arrayShape,
                     const std::vector<int64_t>& sliceShape, const Operand& array) {
  for (const int64_t size : indexShape) count_ *= size;
  for (size_t i = 0; i < indices.size(); i++) {
    const uint32_t axis = axes[i];
    Reader reader;
    for (size_t j = 0; j < indexShape.size(); j++) reader.space.append(indexShape[j], {indices[i].strides[j]});
    reader.data = run.at(indices[i]);
    reader.dtype = indices[i].dtype;
    reader.last = arrayShape[axis] - sliceShape[axis];
    reader.stride = array.strides[axis];
    reader.window = sliceShape[axis] > 1;
    if (reader.last < 0) throw std::invalid_argument("a slice is larger than the array");
    windows_ |= reader.window;
    disjoint_ |= !reader.window;
    readers_.push_back(reader);
  }
}

void Positions::read(int64_t begin, std::span<int64_t> offsets) const {
  std::ranges::fill(offsets, 0);
  for (const Reader& reader : readers_) reader.add(begin, offsets);
}

void Positions::readDisjoint(int64_t begin, std::span<int64_t> offsets) const {
  std::ranges::fill(offsets, 0);
  for (const Reader& reader : readers_) {
    if (!reader.window) reader.add(begin, offsets);
  }
}

void readOffsets(const Space<1>& space, int64_t begin, std::span<int64_t> offsets) {
  forLines(space, begin, static_cast<int64_t>(offsets.size()),
           [&](int64_t from, int64_t stride, int64_t to, int64_t length) {
             for (int64_t i = 0; i < length; i++) offsets[to + i] = from + i * stride;
           });
}

}  // namespace metalgrad::cpu
