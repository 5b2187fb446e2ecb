// Bindings, and the checks of every access.
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "run.h"

namespace emulator {
namespace {

constexpr size_t kThreadgroupSpan = size_t{kWindows} << kWindowShift;
/// Where pointers of buffers lead to which nothing is bound; the view of an index that no buffer has.
constexpr unsigned kUnboundView = kViews - 1;
constexpr unsigned kUnboundShift = 31;
constexpr size_t kKeptCells = size_t{1} << 22;

unsigned granuleShift(size_t elementBytes) {
  if (elementBytes == 0) return 0;
  return std::min<unsigned>(4, static_cast<unsigned>(std::countr_zero(elementBytes)));
}

uintptr_t heapPart(uintptr_t address) { return address & ((uintptr_t{1} << kViewShift) - 1); }

}  // namespace

Workshop::Workshop() {
  void* memory =
      mmap(nullptr, kThreadgroupSpan, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  threadgroup = static_cast<std::byte*>(memory);
}

Workshop::~Workshop() { munmap(threadgroup, kThreadgroupSpan); }

Run::~Run() {
  for (Shadow& shadow : shadows_) std::free(shadow.own);
  for (const Copied& copied : copied_) freeBuffer(copied.to, copied.bytes);
}

void Run::bind(std::span<const BoundBuffer> buffers, size_t threadgroupBytes) {
  const auto newBits = [&](size_t bits) {
    void* memory = std::calloc(bits / 64 + 1, sizeof(uint64_t));
    if (memory == nullptr) throw std::bad_alloc();
    bits_.emplace_back(static_cast<uint64_t*>(memory), std::free);
    return bits_.back().get();
  };
  for (unsigned i = 0; i < 31; i++) {
    buffers_[i] = reinterpret_cast<void*>(viewAddress(kUnboundView, size_t{i} << kUnboundShift));
    threadgroupBuffers_[i] = workshop_.threadgroup + ((kMaxVariables + size_t{i}) << kWindowShift);
  }
  std::vector<const Region*> used;
  for (unsigned p = 0; p < kernel_.parameterCount; p++) {
    const EmulatorParameter& parameter = kernel_.parameters[p];
    if (parameter.kind == kEmulatorThreadgroup) {
      Region& region = windows_[kMaxVariables + parameter.index];
      region.low = reinterpret_cast<uintptr_t>(threadgroupBuffers_[parameter.index]);
      region.bytes = parameter.index == 0 ? threadgroupBytes : 0;
      region.bound = region.writable = true;
      shadows_.push_back({region.low, region.bytes, granuleShift(parameter.elementBytes)});
      shadows_.back().cells = cellsOf((region.bytes >> shadows_.back().shift) + 1);
      region.shadow = &shadows_.back();
      threadgroupBytes_ += region.bytes;
      continue;
    }
    if (parameter.kind != kEmulatorBuffer || parameter.index >= buffers.size()) continue;
    const BoundBuffer& bound = buffers[parameter.index];
    if (bound.data == nullptr) continue;
    size_t offset = 0;
    if (!heapOffset(bound.data, &offset)) {
      std::byte* copy = allocateBuffer(bound.bytes);
      if (copy == nullptr) throw std::bad_alloc();
      std::memcpy(copy, bound.data, bound.bytes);
      copied_.push_back({bound.data, copy, bound.bytes, parameter.writable});
      heapOffset(copy, &offset);
    }
    Region& region = device_[parameter.index];
    region.low = viewAddress(parameter.index, offset);
    region.bytes = bound.bytes;
    region.writable = parameter.writable;
    region.bound = true;
    region.firstBit = static_cast<unsigned>(bound.offset % 64);
    region.initialized = bound.initialized == nullptr ? nullptr : bound.initialized->bits.data() + bound.offset / 64;
    region.read = newBits(region.firstBit + region.bytes);
    region.written = newBits(region.firstBit + region.bytes);
    region.hazards = bound.hazards;
    buffers_[parameter.index] = reinterpret_cast<void*>(region.low);
    used.push_back(&region);
    if (parameter.reference && region.bytes < parameter.elementBytes) {
      found("out of bounds",
            "buffer(" + std::to_string(parameter.index) + ") has " + std::to_string(region.bytes) + " bytes of the " +
                std::to_string(parameter.elementBytes) + " of its parameter",
            nullptr);
      ended_ = true;
    }
  }
  if (threadgroupBytes_ > kMaxThreadgroupBytes) {
    found("threadgroup memory", std::to_string(threadgroupBytes_) + " bytes are more than 32768", nullptr);
    ended_ = true;
  }
  shadowsOf(used);
}

/// One shadow for each stretch of overlapping bindings, where one of them can be written.
void Run::shadowsOf(std::span<const Region*> regions) {
  std::sort(regions.begin(), regions.end(),
            [](const Region* a, const Region* b) { return heapPart(a->low) < heapPart(b->low); });
  for (size_t first = 0; first < regions.size();) {
    uintptr_t high = heapPart(regions[first]->low) + regions[first]->bytes;
    bool written = regions[first]->writable;
    size_t last = first + 1;
    for (; last < regions.size() && heapPart(regions[last]->low) < high; last++) {
      high = std::max(high, heapPart(regions[last]->low) + regions[last]->bytes);
      written |= regions[last]->writable;
    }
    if (written) {
      unsigned shift = 4;
      for (size_t i = first; i < last; i++) {
        for (unsigned p = 0; p < kernel_.parameterCount; p++) {
          const EmulatorParameter& parameter = kernel_.parameters[p];
          if (parameter.kind != kEmulatorBuffer || &device_[parameter.index] != regions[i]) continue;
          shift = std::min({shift, granuleShift(parameter.elementBytes), granuleShift(heapPart(regions[i]->low) | 16)});
        }
      }
      const uintptr_t low = heapPart(regions[first]->low) & ~uintptr_t{15};
      shadows_.push_back({low, high - low, shift});
      shadows_.back().cells = cellsOf(((high - low) >> shift) + 1);
      for (size_t i = first; i < last; i++) const_cast<Region*>(regions[i])->shadow = &shadows_.back();
    }
    first = last;
  }
}

/// Cells that are older than this run.
Cell* Run::cellsOf(size_t count) {
  if (cellsTaken_ == 0 && count <= kKeptCells && workshop_.cells.size() < kKeptCells &&
      count > workshop_.cells.size()) {
    workshop_.cells.assign(std::bit_ceil(count), Cell{});
  }
  if (cellsTaken_ + count <= workshop_.cells.size()) {
    cellsTaken_ += count;
    return workshop_.cells.data() + (cellsTaken_ - count);
  }
  void* memory = std::calloc(count, sizeof(Cell));
  if (memory == nullptr) throw std::bad_alloc();
  moreCells_.emplace_back(static_cast<Cell*>(memory), std::free);
  return moreCells_.back().get();
}

/// An access that is smaller than the granules, or not aligned to them.
void Run::regrain(Shadow& shadow, unsigned shift) {
  const size_t count = (shadow.bytes >> shift) + 1;
  Cell* cells = static_cast<Cell*>(std::malloc(count * sizeof(Cell)));
  if (cells == nullptr) throw std::bad_alloc();
  for (size_t i = 0; i < count; i++) cells[i] = shadow.cells[i << shift >> shadow.shift];
  std::free(shadow.own);
  shadow.own = shadow.cells = cells;
  shadow.shift = shift;
}

/// Whether what `other` did at `time`, in this threadgroup, came before the present for sure.
bool Run::ordered(uint32_t other, uint32_t time, FenceOf memory) const {
  if (time < fence_[memory]) return true;
  const uint32_t simdgroup = (other - group_ * threads_) / kLanes;
  return simdgroup == mySimdgroup_ && time < simdgroups_[simdgroup].fence[memory];
}

/// Whether one of those who read a granule at `time` may not have come to the present's end of the order: this thread
/// is none of them.
bool Run::mayRun(uint32_t readers, uint32_t time, uint32_t start, FenceOf memory) const {
  if (readers == me_ || time < start || time == 0) return false;
  const uint32_t kind = readers & kReaderKind;
  if (kind == kSeveralGroups || time < groupStart_) return true;
  return kind == kOneGroup ? time >= fence_[memory] : !ordered(readers & ~kReaderKind, time, memory);
}

/// This thread reads too: those who are ordered before it are forgotten.
void Run::join(uint32_t& readers, uint32_t& time, uint32_t start, FenceOf memory) const {
  const uint32_t kind = readers & kReaderKind, other = readers & ~kReaderKind;
  if (!mayRun(readers, time, start, memory)) {
    readers = me_;
  } else if (kind == kSeveralGroups || time < groupStart_) {
    readers = kSeveralGroups | other;
  } else if (kind != kOneGroup && (other - group_ * threads_) / kLanes == mySimdgroup_) {
    readers = kOneSimdgroup | other;
  } else {
    readers = kOneGroup | other;
  }
  time = time_;
}

template <bool write>
void Run::race(Region& region, uintptr_t at, size_t bytes, const void* from) {
  Shadow& shadow = *region.shadow;
  const bool isGroups = isThreadgroup(region);
  const FenceOf memory = isGroups ? kOfThreadgroup : kOfDevice;
  const uint32_t start = startOf(region);
  const size_t granule = size_t{1} << shadow.shift;
  if (((at | bytes) & (granule - 1)) != 0) {
    regrain(shadow, std::min<unsigned>(granuleShift(at | bytes | 16), granuleShift(bytes)));
  }
  Cell* cell = shadow.cells + ((at - shadow.low) >> shadow.shift);
  Cell* const end = shadow.cells + ((at + bytes - 1 - shadow.low) >> shadow.shift) + 1;
  const auto report = [&](const char* what, uint32_t other) {
    const size_t offset = at - (isGroups ? region.low : heapPart(region.low));
    found("race",
          nameOf(me_) + (write ? " writes " : " reads ") + describe(region, offset, bytes) + ", which " +
              nameOf(other) + " " + what + ", and nothing orders them",
          from);
  };
  for (; cell != end; cell++) {
    if (cell->writer != me_ && cell->writeTime >= start && cell->writeTime != 0 &&
        (cell->writeTime < groupStart_ || !ordered(cell->writer, cell->writeTime, memory))) {
      report("wrote", cell->writer);
      cell->writer = me_;  // said once
      cell->writeTime = time_;
    }
    if constexpr (write) {
      if (mayRun(cell->reader, cell->readTime, start, memory)) {
        const bool alone = (cell->reader & kReaderKind) == kOneThread;
        report(alone ? "read" : "(among others) read", cell->reader & ~kReaderKind);
        cell->reader = me_;
        cell->readTime = time_;
      }
      cell->writer = me_;
      cell->writeTime = time_;
    } else {
      if (isGroups && cell->writeTime < start) {
        found("uninitialized read",
              nameOf(me_) + " reads " + describe(region, at - region.low, bytes) + ", which nothing wrote", from);
      }
      join(cell->reader, cell->readTime, start, memory);
    }
  }
  if (!shadow.atomics.empty()) mixed<write>(region, at, bytes, from);
}

/// A plain access of words that other threads use as atomic ones.
template <bool write>
void Run::mixed(Region& region, uintptr_t at, size_t bytes, const void* from) {
  Shadow& shadow = *region.shadow;
  const FenceOf memory = isThreadgroup(region) ? kOfThreadgroup : kOfDevice;
  const uint32_t start = startOf(region);
  for (size_t word = (at - shadow.low) / 4; word <= (at + bytes - 1 - shadow.low) / 4; word++) {
    const auto used = shadow.atomics.find(word);
    if (used == shadow.atomics.end()) continue;
    const Cell& cell = used->second;
    const bool stored = mayRun(cell.writer, cell.writeTime, start, memory);
    if (!stored && !(write && mayRun(cell.reader, cell.readTime, start, memory))) continue;
    const size_t offset = at - (isThreadgroup(region) ? region.low : heapPart(region.low));
    found("race",
          nameOf(me_) + (write ? " writes " : " reads ") + describe(region, offset, bytes) + ", which " +
              nameOf((stored ? cell.writer : cell.reader) & ~kReaderKind) +
              " uses as an atomic word, and nothing orders them",
          from);
    shadow.atomics.erase(used);  // said once
  }
}

void Run::hazard(const Region& region, size_t offset, size_t bytes, bool written, const void* from) {
  for (const Hazard& hazard : region.hazards) {
    if (offset + bytes <= hazard.offset || hazard.offset + hazard.bytes <= offset) continue;
    if (!written && !hazard.written) continue;
    found("missing barrier", nameOf(me_) + " " + hazard.describe(written, describe(region, offset, bytes)), from);
  }
}

template <bool write>
void Run::check(Region& region, uintptr_t address, size_t bytes, const void* from) {
  const size_t offset = address - region.low;
  if (offset >= region.bytes || bytes > region.bytes - offset) outside<write>(address, bytes, from);
  if (write && !region.writable) {
    found("write to constant memory", nameOf(me_) + " writes " + describe(region, offset, bytes), from);
    abandon();
  }
  if (!region.hazards.empty()) hazard(region, offset, bytes, write, from);
  if (region.written != nullptr) {
    size_t bit = region.firstBit + offset, left = bytes;
    while (left > 0) {
      const size_t here = std::min<size_t>(left, 64 - bit % 64);
      const uint64_t mask = (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << (bit % 64);
      const size_t word = bit / 64;
      if constexpr (write) {
        region.written[word] |= mask;
        if (region.initialized != nullptr) region.initialized[word] |= mask;
      } else {
        if (region.initialized != nullptr && (region.initialized[word] & mask) != mask) {
          found("uninitialized read",
                nameOf(me_) + " reads " + describe(region, offset, bytes) + ", which nothing wrote", from);
        }
        region.read[word] |= mask;
      }
      bit += here;
      left -= here;
    }
    if (region.shadow != nullptr) race<write>(region, heapPart(address), bytes, from);
  } else if (region.shadow != nullptr) {
    race<write>(region, address, bytes, from);
  }
}

template <bool write>
void Run::access(uintptr_t address, size_t bytes, const void* from) {
  if (address - stackLow_ < kStackBytes || bytes == 0) return;
  const uintptr_t view = (address - viewBase) >> kViewShift;
  if (view < kViews) return check<write>(device_[view], address, bytes, from);
  const uintptr_t inThreadgroup = address - reinterpret_cast<uintptr_t>(workshop_.threadgroup);
  if (inThreadgroup < kThreadgroupSpan)
    return check<write>(windows_[inThreadgroup >> kWindowShift], address, bytes, from);
  if (!write && image_.contains(address)) return;  // constants of the shader
  outside<write>(address, bytes, from);
}
template void Run::access<false>(uintptr_t, size_t, const void*);
template void Run::access<true>(uintptr_t, size_t, const void*);

/// Atomics do not race with one another: they do with plain accesses.
void Run::atomicAccess(uintptr_t address, bool reads, bool writes, const void* from) {
  const uintptr_t view = (address - viewBase) >> kViewShift;
  const uintptr_t inThreadgroup = address - reinterpret_cast<uintptr_t>(workshop_.threadgroup);
  Region* region = view < kViews                      ? &device_[view]
                   : inThreadgroup < kThreadgroupSpan ? &windows_[inThreadgroup >> kWindowShift]
                                                      : nullptr;
  if (region == nullptr) outside<true>(address, 4, from);
  if (address % 4 != 0) {
    found("unaligned atomic", nameOf(me_) + " uses an atomic word at an address that is no multiple of 4", from);
    abandon();
  }
  Shadow* const shadow = region->shadow;
  region->shadow = nullptr;
  if (reads) check<false>(*region, address, 4, from);
  if (writes) check<true>(*region, address, 4, from);
  region->shadow = shadow;
  if (shadow == nullptr) return;
  const bool isGroups = isThreadgroup(*region);
  const FenceOf memory = isGroups ? kOfThreadgroup : kOfDevice;
  const uintptr_t at = isGroups ? address : heapPart(address);
  const uint32_t start = startOf(*region);
  const auto report = [&](uint32_t other, const char* what) {
    found(
        "race",
        nameOf(me_) + " uses an atomic word that " + nameOf(other) + what + " as a plain one, and nothing orders them",
        from);
  };
  if (shadow->shift > 2) regrain(*shadow, 2);
  Cell* const end = shadow->cells + ((at + 3 - shadow->low) >> shadow->shift) + 1;
  for (Cell* cell = shadow->cells + ((at - shadow->low) >> shadow->shift); cell != end; cell++) {
    if (isGroups && cell->writeTime < groupStart_) {
      if (reads) {
        found("uninitialized read",
              nameOf(me_) + " reads " + describe(*region, address - region->low, 4) + ", which nothing wrote", from);
      }
      // Written from now on; this is taken for no plain write.
      cell->writer = me_;
      cell->writeTime = groupStart_;
    } else if (cell->writer != me_ && cell->writeTime >= start && cell->writeTime != groupStart_ &&
               (cell->writeTime < groupStart_ || !ordered(cell->writer, cell->writeTime, memory))) {
      report(cell->writer, " wrote");
      cell->writer = me_;  // said once
    }
    if (writes && mayRun(cell->reader, cell->readTime, start, memory)) {
      report(cell->reader & ~kReaderKind, " read");
      cell->reader = me_;
    }
  }
  Cell& used = shadow->atomics[(at - shadow->low) / 4];
  if (reads) join(used.reader, used.readTime, start, memory);
  if (writes) join(used.writer, used.writeTime, start, memory);
}

template <bool write>
void Run::outside(uintptr_t address, size_t bytes, const void* from) {
  std::string detail = nameOf(me_) + (write ? " writes " : " reads ");
  const uintptr_t view = (address - viewBase) >> kViewShift;
  const uintptr_t inThreadgroup = address - reinterpret_cast<uintptr_t>(workshop_.threadgroup);
  const auto relative = [&](const Region& region) {
    const auto offset = static_cast<int64_t>(address - region.low);
    return std::to_string(bytes) + " bytes at byte " + std::to_string(offset) + " of ";
  };
  if (view == kUnboundView) {
    detail += "buffer(" + std::to_string(heapPart(address) >> kUnboundShift) + "), to which nothing is bound";
  } else if (view < kViews) {
    detail += relative(device_[view]) + "buffer(" + std::to_string(view) + "), which has " +
              std::to_string(device_[view].bytes);
  } else if (inThreadgroup < kThreadgroupSpan) {
    const Region& region = windows_[inThreadgroup >> kWindowShift];
    detail += relative(region) + "threadgroup memory of " + std::to_string(region.bytes);
  } else if (image_.contains(address)) {
    detail += "a constant of the shader";
  } else {
    char text[32];
    std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(address));
    detail += address < 65536 ? std::string("through a null pointer") : std::string(text) + ", which is no buffer";
  }
  found("out of bounds", std::move(detail), from);
  abandon();
}

std::string Run::describe(const Region& region, size_t offset, size_t bytes) const {
  const std::string where = std::to_string(bytes) + " bytes at byte " + std::to_string(offset) + " of ";
  if (isThreadgroup(region)) {
    const auto window = static_cast<size_t>(&region - windows_);
    return where + (window < kMaxVariables ? "threadgroup variable " + std::to_string(window)
                                           : "threadgroup(" + std::to_string(window - kMaxVariables) + ")");
  }
  return where + "buffer(" + std::to_string(&region - device_) + ")";
}

void* Run::variable(unsigned number, size_t bytes, size_t elementBytes, const void* from) {
  if (number >= kMaxVariables) {
    found("threadgroup memory", "more than 32 threadgroup variables", from);
    abandon();
  }
  Region& region = windows_[number];
  if (!region.bound) {
    region.low = reinterpret_cast<uintptr_t>(workshop_.threadgroup) + (size_t{number} << kWindowShift);
    region.bytes = bytes;
    region.bound = region.writable = true;
    threadgroupBytes_ += bytes;
    if (threadgroupBytes_ > kMaxThreadgroupBytes) {
      found("threadgroup memory", std::to_string(threadgroupBytes_) + " bytes are more than 32768", from);
      abandon();
    }
    shadows_.push_back({region.low, bytes, granuleShift(elementBytes)});
    shadows_.back().cells = cellsOf((bytes >> shadows_.back().shift) + 1);
    region.shadow = &shadows_.back();
  }
  return reinterpret_cast<void*>(region.low);
}

void Run::finish(const std::function<void(uint32_t, size_t, size_t, bool)>& accessed) {
  for (const Copied& copied : copied_) {
    if (copied.back) std::memcpy(copied.from, copied.to, copied.bytes);
  }
  if (!accessed) return;
  for (uint32_t index = 0; index < kViews; index++) {
    const Region& region = device_[index];
    if (!region.bound) continue;
    for (const bool written : {false, true}) {
      const uint64_t* bits = written ? region.written : region.read;
      const size_t end = region.firstBit + region.bytes;
      // The first bit at or after `bit` that is `value`.
      const auto next = [&](size_t bit, bool value) {
        while (bit < end) {
          const uint64_t word = (value ? bits[bit / 64] : ~bits[bit / 64]) >> (bit % 64);
          if (word != 0) return std::min(end, bit + static_cast<size_t>(std::countr_zero(word)));
          bit = (bit / 64 + 1) * 64;
        }
        return end;
      };
      for (size_t low = next(region.firstBit, true); low < end;) {
        const size_t high = next(low, false);
        accessed(index, low - region.firstBit, high - low, written);
        low = next(high, true);
      }
    }
  }
}

}  // namespace emulator
