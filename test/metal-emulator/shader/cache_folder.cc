#include "cache_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace emulator {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kMaxBytes = uintmax_t{1} << 30;

/// Removes what was longest unused, down to three quarters of the bound. Others may do the same at once.
void trim() {
  struct File {
    fs::file_time_type used;
    uintmax_t bytes;
    fs::path path;
  };
  std::vector<File> files;
  uintmax_t total = 0;
  std::error_code failed;
  for (fs::directory_iterator it(cacheFolder(), failed), end; !failed && it != end; it.increment(failed)) {
    std::error_code gone;
    const uintmax_t bytes = it->file_size(gone);
    const fs::file_time_type used = it->last_write_time(gone);
    if (gone) continue;
    files.push_back({used, bytes, it->path()});
    total += bytes;
  }
  if (total <= kMaxBytes) return;
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (total <= kMaxBytes / 4 * 3) return;
    fs::remove(file.path, failed);
    total -= file.bytes;
  }
}

}  // namespace

const std::string& cacheFolder() {
  static const std::string folder = [] {
    const char* set = std::getenv("METALGRAD_EMULATOR_CACHE");
    std::string path = set != nullptr && *set != '\0' ? set : METALGRAD_EMULATOR_DEFAULT_CACHE;
    std::error_code ignored;  // what cannot be made cannot be written to, which is reported then
    fs::create_directories(path, ignored);
    return path;
  }();
  return folder;
}

std::string digest(std::string_view text) {
  // Two hashes of the FNV kind with a multiplication to 128 bits.
  uint64_t a = 0xcbf29ce484222325, b = 0x9e3779b97f4a7c15;
  for (const char c : text) {
    a = (a ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    const unsigned __int128 product =
        static_cast<unsigned __int128>(b ^ static_cast<unsigned char>(c)) * 0xa0761d6478bd642f;
    b = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64) ^ a;
  }
  char out[33];
  std::snprintf(out, sizeof out, "%016llx%016llx", static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b));
  return out;
}

bool useCached(const std::string& path) { return utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0; }

std::string temporaryName(const std::string& path) {
  static std::atomic<unsigned> count{0};
  return path + "." + std::to_string(getpid()) + "." + std::to_string(count++) + ".tmp";
}

void publish(const std::string& temporary, const std::string& path) {
  std::error_code failed;
  fs::rename(temporary, path, failed);
  static std::atomic<unsigned> published{0};
  if (published++ % 64 == 0) trim();
}

}  // namespace emulator
