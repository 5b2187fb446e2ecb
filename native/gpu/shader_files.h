// The files of metal/, embedded by the build (embed_shaders.cmake writes their text).
#pragma once

#include <span>
#include <string_view>

namespace metalgrad::gpu {

struct ShaderFile {
  std::string_view name, text;
};

std::span<const ShaderFile> shaderFiles();

}  // namespace metalgrad::gpu
