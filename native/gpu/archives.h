// Pipelines that outlive the process: one file each, in the user's folder for caches.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace metalgrad::gpu {

/// Thread safe, and safe with other processes that use the same folder: a file is complete when it has its name, and
/// the name says what its bytes must be. Whatever goes wrong with files costs a compilation and nothing else.
class Archives {
 public:
  /// What METALGRAD_CACHE says: a folder, or `off`. Without it, the folder for caches of whoever runs the process, or
  /// none where `byDefault` is not set. An empty path keeps nothing.
  static std::filesystem::path folder(bool byDefault);

  explicit Archives(std::filesystem::path folder, uintmax_t mostBytes = kMostBytes)
      : folder_(std::move(folder)), mostBytes_(mostBytes) {}

  bool enabled() const { return !folder_.empty(); }
  /// The file of a key (a fingerprint), looked at byte by byte; an empty path where there is none that is whole.
  std::filesystem::path find(const std::string& key);
  /// Where to write a file that `keep` then takes; an empty path where nothing can be kept.
  std::filesystem::path draft();
  /// Takes a draft, if it was written, as the file of `key`. The least recently used files go when there are too many
  /// bytes.
  void keep(const std::string& key, const std::filesystem::path& draft);

 private:
  static constexpr uintmax_t kMostBytes = uintmax_t{256} << 20;

  void look();
  void shrink();

  const std::filesystem::path folder_;
  const uintmax_t mostBytes_;
  std::mutex mutex_;
  bool looked_ = false;
  std::map<std::string, std::filesystem::path> files_;  // by key
  uintmax_t bytes_ = 0;
  uint64_t drafts_ = 0;
};

}  // namespace metalgrad::gpu
