#include "host/history.h"

#include <algorithm>
#include <iterator>

namespace emulator {

namespace {

bool unordered(const Moment& earlier, const Moment& moment, const Knowledge& known) {
  return earlier.command != moment.command && !known.covers(earlier);
}

}  // namespace

void History::split(size_t offset) {
  auto next = spans_.upper_bound(offset);
  if (next == spans_.begin()) return;
  auto& [start, span] = *std::prev(next);
  if (start == offset || span.end <= offset) return;
  Span right = span;
  span.end = offset;
  spans_.emplace_hint(next, offset, std::move(right));
}

void History::forget(size_t offset, size_t bytes) {
  split(offset);
  split(offset + bytes);
  spans_.erase(spans_.lower_bound(offset), spans_.lower_bound(offset + bytes));
}

std::vector<Conflict> History::pending(size_t offset, size_t bytes, const Knowledge& known) const {
  std::vector<Conflict> found;
  auto at = spans_.upper_bound(offset);
  if (at != spans_.begin()) --at;
  for (; at != spans_.end() && at->first < offset + bytes; ++at) {
    const auto& [begin, span] = *at;
    const size_t low = std::max(begin, offset), high = std::min(span.end, offset + bytes);
    if (low >= high) continue;
    const auto add = [&](const Moment& earlier, bool wrote) {
      if (!known.covers(earlier)) found.push_back({earlier, wrote, low, high - low});
    };
    if (span.write) add(*span.write, true);
    for (const Moment& read : span.reads) add(read, false);
  }
  return found;
}

std::optional<Conflict> History::access(size_t offset, size_t bytes, bool written, const Moment& moment,
                                        const Knowledge& known) {
  if (bytes == 0) return std::nullopt;
  const size_t end = offset + bytes;
  split(offset);
  split(end);
  std::optional<Conflict> found;
  const auto conflict = [&](const Moment& earlier, bool wrote, size_t start, size_t stop) {
    if (!found && unordered(earlier, moment, known)) found = Conflict{earlier, wrote, start, stop - start};
  };

  auto at = spans_.lower_bound(offset);
  for (auto span = at; span != spans_.end() && span->first < end; ++span) {
    if (span->second.write) conflict(*span->second.write, true, span->first, span->second.end);
    if (!written) continue;
    for (const Moment& read : span->second.reads) conflict(read, false, span->first, span->second.end);
  }

  if (written) {
    // Whoever is ordered after this write is ordered after all that this write was ordered after.
    spans_.erase(at, spans_.lower_bound(end));
    spans_.emplace(offset, Span{end, moment, {}});
    return found;
  }
  for (size_t place = offset; place < end;) {
    if (at == spans_.end() || at->first > place) {
      const size_t stop = at == spans_.end() ? end : std::min(end, at->first);
      at = std::next(spans_.emplace_hint(at, place, Span{stop, std::nullopt, {moment}}));
      place = stop;
      continue;
    }
    std::vector<Moment>& reads = at->second.reads;
    std::erase_if(reads, [&](const Moment& read) { return !unordered(read, moment, known); });
    reads.push_back(moment);
    place = at->second.end;
    ++at;
  }
  return found;
}

}  // namespace emulator
