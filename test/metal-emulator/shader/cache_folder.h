// The folder of compiled shaders: shared by processes, bounded in bytes.
#pragma once

#include <string>
#include <string_view>

namespace emulator {

/// METALGRAD_EMULATOR_CACHE, or .cache/metal-emulator in the checkout. Made if it was not there.
const std::string& cacheFolder();

/// 128 bits of a text, as 32 hexadecimal digits.
std::string digest(std::string_view text);

/// Whether the file is there; if so it counts as used just now.
bool useCached(const std::string& path);

/// A name that no other thread or process writes to; `publish` makes it `path` at once.
std::string temporaryName(const std::string& path);
void publish(const std::string& temporary, const std::string& path);

}  // namespace emulator
