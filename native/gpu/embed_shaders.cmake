# Writes OUTPUT, a C++ file with the text of FILES (a list): see shader_files.h.
set(entries "")
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND entries "    {\"${name}\", R\"msl(${text})msl\"},\n")
endforeach()
file(WRITE ${OUTPUT} "// Written by the build.
#include \"gpu/shader_files.h\"

#include <vector>

namespace metalgrad::gpu {

std::span<const ShaderFile> shaderFiles() {
  static const std::vector<ShaderFile> files = {
${entries}  };
  return files;
}

}  // namespace metalgrad::gpu
")
