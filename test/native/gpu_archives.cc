// Keeps files of some bytes in a folder that may hold 1000 of them, and says which are found at the end.
//
//   gpu_archives <folder> <key> …    each key is kept, or used where it is there; 300 bytes each
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "gpu/archives.h"
#include "gpu/fingerprint.h"

int main(int count, char** arguments) {
  metalgrad::gpu::Archives archives(arguments[1], 1000);
  for (int i = 2; i < count; i++) {
    const std::string key = metalgrad::gpu::fingerprint(arguments[i]);
    if (!archives.find(key).empty()) {
      std::printf("found %s\n", arguments[i]);
      continue;
    }
    const auto draft = archives.draft();
    std::ofstream(draft) << std::string(300, arguments[i][0]);
    archives.keep(key, draft);
  }
}
