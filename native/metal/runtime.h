// The Metal device as native/gpu/ sees it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gpu/runtime.h"
#include "metal/commands.h"
#include "metal/platform.h"
#include "metal/retained.h"

namespace metalgrad::metal {

class Runtime final : public gpu::Runtime {
 public:
  /// Null when the machine has no device that can be used.
  static std::shared_ptr<Runtime> open();
  ~Runtime() override;

  std::string name() const override;
  bool emulated() const override { return kEmulated; }
  std::vector<std::pair<std::string, std::variant<std::string, double>>> info() const override;
  const gpu::Limits& limits() const override { return limits_; }

  gpu::Memory allocate(size_t bytes) override;
  void free(const gpu::Memory& memory) override;

  std::shared_ptr<const gpu::Module> compile(const std::string& source, Outcome& outcome) override;
  std::shared_ptr<const gpu::Pipeline> pipeline(const gpu::Module& module, const std::string& function,
                                                std::span<const gpu::FunctionConstant> constants,
                                                const gpu::PipelineFiles& files, Outcome& outcome) override;
  std::string compilerIdentity() const override;
  std::unique_ptr<gpu::Commands> begin(std::string_view label) override;

  Outcome startCapture(const std::string& path) override;
  void stopCapture() override;

 private:
  Runtime(Retained<id<MTLDevice>> device, Retained<id<MTLCommandQueue>> queue, Retained<id<MTLFence>> fence);
  void openResidency();
  void addResident(id<MTLBuffer> buffer);
  void removeResident(id<MTLBuffer> buffer);

  const Retained<id<MTLDevice>> device_;
  const Retained<id<MTLCommandQueue>> queue_;
  const std::shared_ptr<QueueOrder> order_;
  /// Bound where an array has no elements: a shader may touch none of it.
  Retained<id<MTLBuffer>> nothing_;
  gpu::Limits limits_;
#if METALGRAD_MACOS_15
  /// All buffers stay resident while they fit; nil before macOS 15.
  std::mutex residencyMutex_;
  Retained<id> residency_;
#endif
};

/// What an error says.
std::string describe(NSError* error);

}  // namespace metalgrad::metal
