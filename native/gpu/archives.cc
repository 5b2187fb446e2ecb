// Files are named `<key>-<fingerprint of their bytes>.archive`; drafts, which begin with a dot, are renamed to that.
#include "gpu/archives.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "gpu/fingerprint.h"

namespace metalgrad::gpu {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".archive";
constexpr std::string_view kDraft = ".draft-";
constexpr size_t kDigits = 32;

/// Whoever wrote it has ended.
constexpr auto kDraftAge = std::chrono::hours(1);

std::string_view environment(const char* name) {
  const char* text = std::getenv(name);
  return text ? text : "";
}

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool isArchive(const std::string& name) {
  return name.size() == 2 * kDigits + 1 + kSuffix.size() && name[kDigits] == '-' && name.ends_with(kSuffix);
}

fs::path nameOf(const std::string& key, const std::string& bytes) {
  return key + '-' + fingerprint(bytes) + std::string(kSuffix);
}

}  // namespace

fs::path Archives::folder(bool byDefault) {
  const std::string_view wish = environment("METALGRAD_CACHE");
  if (wish == "off") return {};
  if (!wish.empty()) return wish;
  const fs::path home = environment("HOME");
  if (!byDefault || home.empty()) return {};
#ifdef __APPLE__
  return home / "Library" / "Caches" / "metalgrad";
#else
  const fs::path caches = environment("XDG_CACHE_HOME");
  return (caches.is_absolute() ? caches : home / ".cache") / "metalgrad";
#endif
}

/// Once: what is there.
void Archives::look() {
  if (std::exchange(looked_, true)) return;
  std::error_code wrong;
  fs::create_directories(folder_, wrong);
  const auto old = fs::file_time_type::clock::now() - kDraftAge;
  for (auto entry = fs::directory_iterator(folder_, wrong); !wrong && entry != fs::directory_iterator();
       entry.increment(wrong)) {
    const std::string name = entry->path().filename().string();
    std::error_code gone;
    if (isArchive(name)) {
      const uintmax_t bytes = entry->file_size(gone);
      if (gone) continue;
      files_.insert_or_assign(name.substr(0, kDigits), entry->path());
      bytes_ += bytes;
    } else if (name.starts_with(kDraft) && entry->last_write_time(gone) < old && !gone) {
      fs::remove(entry->path(), gone);
    }
  }
}

fs::path Archives::find(const std::string& key) {
  if (!enabled()) return {};
  fs::path file;
  {
    const std::lock_guard lock(mutex_);
    look();
    const auto found = files_.find(key);
    if (found == files_.end()) return {};
    file = found->second;
  }
  const std::string bytes = contents(file);
  std::error_code ignored;
  if (!bytes.empty() && file.filename() == nameOf(key, bytes)) {
    fs::last_write_time(file, fs::file_time_type::clock::now(), ignored);
    return file;
  }
  // Damaged, or another process has thrown it away.
  fs::remove(file, ignored);
  const std::lock_guard lock(mutex_);
  files_.erase(key);
  return {};
}

fs::path Archives::draft() {
  if (!enabled()) return {};
  const std::lock_guard lock(mutex_);
  look();
  return folder_ / (std::string(kDraft) + std::to_string(getpid()) + '-' + std::to_string(++drafts_));
}

void Archives::keep(const std::string& key, const fs::path& draft) {
  const std::string bytes = contents(draft);
  if (bytes.empty()) return;
  const fs::path file = folder_ / nameOf(key, bytes);
  std::error_code wrong;
  fs::rename(draft, file, wrong);
  if (wrong) {
    fs::remove(draft, wrong);
    return;
  }
  const std::lock_guard lock(mutex_);
  files_.insert_or_assign(key, file);
  bytes_ += bytes.size();
  if (bytes_ > mostBytes_) shrink();
}

/// Looks again, since other processes write too, and leaves three quarters of what may be there.
void Archives::shrink() {
  struct File {
    fs::file_time_type used;
    uintmax_t bytes;
    fs::path path;
  };
  files_.clear();
  bytes_ = 0;
  looked_ = false;
  look();
  if (bytes_ <= mostBytes_) return;
  std::vector<File> files;
  for (const auto& [key, path] : files_) {
    std::error_code gone;
    const File file{fs::last_write_time(path, gone), fs::file_size(path, gone), path};
    if (!gone) files.push_back(file);
  }
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (bytes_ <= mostBytes_ / 4 * 3) break;
    std::error_code ignored;
    fs::remove(file.path, ignored);
    bytes_ -= std::min(bytes_, file.bytes);
    files_.erase(file.path.filename().string().substr(0, kDigits));
  }
}

}  // namespace metalgrad::gpu
