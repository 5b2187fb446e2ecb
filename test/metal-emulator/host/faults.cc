#include "host/faults.h"

#include <mutex>
#include <vector>

namespace emulator {

namespace {

/// Texts that are kept: a program that fails does so again and again.
constexpr size_t kKept = 200;

struct Log {
  std::mutex mutex;
  size_t count = 0;
  std::vector<std::string> texts;
};

Log& log() {
  // Threads of the device report until the process ends.
  static Log* const everlasting = new Log;
  return *everlasting;
}

}  // namespace

std::string describe(const Fault& fault) {
  std::string text = fault.kind;
  if (!fault.kernel.empty()) text += " in kernel '" + fault.kernel + "'";
  if (!fault.place.empty()) text += " at " + fault.place;
  if (!fault.detail.empty()) text += ": " + fault.detail;
  return text;
}

std::string report(const Fault& fault) {
  std::string text = describe(fault);
  Log& all = log();
  const std::lock_guard lock(all.mutex);
  ++all.count;
  if (all.texts.size() < kKept) all.texts.push_back(text);
  return text;
}

size_t faultCount() {
  const std::lock_guard lock(log().mutex);
  return log().count;
}

std::string faultTexts() {
  const std::lock_guard lock(log().mutex);
  std::string all;
  for (const std::string& text : log().texts) all += text + "\n";
  return all;
}

void clearFaults() {
  const std::lock_guard lock(log().mutex);
  log().count = 0;
  log().texts.clear();
}

}  // namespace emulator
