// Who last wrote and who since read each byte of an allocation, so that a command which touches them without being
// ordered after is found.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "host/order.h"

namespace emulator {

/// An earlier access that the later one is not ordered after.
struct Conflict {
  Moment earlier;
  bool earlierWrote;
  size_t offset, bytes;
};

class History {
 public:
  /// Records an access of [offset, offset + bytes) by `moment`, which knows `known`; gives the first conflict.
  std::optional<Conflict> access(size_t offset, size_t bytes, bool written, const Moment& moment,
                                 const Knowledge& known);
  /// The accesses of a range, which begins there, that a command which knows `known` is not ordered after.
  std::vector<Conflict> pending(size_t offset, size_t bytes, const Knowledge& known) const;
  /// Nothing that touched this part still runs.
  void forget(size_t offset, size_t bytes);

 private:
  struct Span {
    size_t end;
    std::optional<Moment> write;
    std::vector<Moment> reads;
  };
  using Spans = std::map<size_t, Span>;

  /// Makes a span begin at `offset` if one lies across it.
  void split(size_t offset);

  Spans spans_;  // by their first byte; they do not overlap
};

}  // namespace emulator
