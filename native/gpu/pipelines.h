// Pipelines by shader text and function: each is compiled once, kept in a file for later processes, and the least
// recently used go first.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "gpu/archives.h"
#include "gpu/cache.h"
#include "gpu/runtime.h"

namespace metalgrad::gpu {

/// The text of a file in metal/, with what it includes from there put in its place, each file once. The files are
/// embedded in the addon.
std::string shaderSource(std::string_view file);
/// The same for a source that includes files of metal/ (a fused group's).
std::string expandIncludes(std::string_view source);

class Pipelines {
 public:
  explicit Pipelines(Runtime& runtime);

  /// The pipeline of `function` in `source` (MSL text that may include files of metal/); null with the compiler's
  /// message in `outcome`.
  std::shared_ptr<const Pipeline> get(const std::string& source, const std::string& function,
                                      std::span<const FunctionConstant> constants, Outcome& outcome);

  /// The pipeline of an instance of a kernel template of metal/<file>: `instance` is its template arguments as MSL
  /// writes them, such as "float, int". Instances are named by the host: `<kernel>_0`, one a source.
  std::shared_ptr<const Pipeline> instance(std::string_view file, std::string_view kernel, std::string_view arguments,
                                           std::span<const FunctionConstant> constants, Outcome& outcome);

  const Limits& limits() const { return runtime_.limits(); }

 private:
  template <typename Source>
  std::shared_ptr<const Pipeline> find(const std::string& module, const std::string& function,
                                       std::span<const FunctionConstant> constants, Outcome& outcome, Source source);

  template <typename Source>
  std::shared_ptr<const Pipeline> make(const Module& module, const std::string& function,
                                       std::span<const FunctionConstant> constants, Outcome& outcome, Source source);

  Runtime& runtime_;
  Archives archives_;
  Cache<Module> modules_;
  Cache<Pipeline> pipelines_;
};

}  // namespace metalgrad::gpu
