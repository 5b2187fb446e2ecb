// Libraries and kernels as the host sees them.
#include <algorithm>
#include <stdexcept>

#include "compiler.h"
#include "module.h"
#include "rewrite.h"
#include "run.h"
#include "shader.h"
#include "traps.h"

namespace emulator {
namespace {

// Not of the initial-exec model: the addon that this is linked into has more thread-local memory than a library that is
// loaded later may have there.
thread_local Run* running = nullptr;

constexpr size_t kMostFindings = 8;

Workshop& workshop() {
  thread_local Workshop instance;
  return instance;
}

/// Subnormals are zeros, as on a GPU.
class FlushedSubnormals {
 public:
#if defined(__x86_64__)
  FlushedSubnormals() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | 0x8040); }
  ~FlushedSubnormals() { __builtin_ia32_ldmxcsr(before_); }

 private:
  unsigned before_;
#else
  FlushedSubnormals() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(before_));
    __asm__ volatile("msr fpcr, %0" : : "r"(before_ | 1ul << 24));
  }
  ~FlushedSubnormals() { __asm__ volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  unsigned long before_;
#endif
};

class CompiledKernel : public Kernel {
 public:
  CompiledKernel(std::shared_ptr<const Image> image, const EmulatorKernel& kernel)
      : image_(std::move(image)), kernel_(kernel), name_(kernel.name) {
    for (unsigned i = 0; i < kernel.parameterCount; i++) {
      const EmulatorParameter& parameter = kernel.parameters[i];
      if (parameter.kind == kEmulatorBuiltin) continue;
      bindings_.push_back(
          {parameter.index, parameter.kind == kEmulatorThreadgroup, parameter.writable, parameter.alignment});
    }
    const EmulatorModule& module = image_->module();
    for (const EmulatorVariable* variable = module.variables; variable != module.variablesEnd; variable++) {
      if (variable->function == kernel.function) staticBytes_ += (variable->bytes + 15) / 16 * 16;
    }
  }

  const std::string& name() const override { return name_; }
  const std::vector<Binding>& bindings() const override { return bindings_; }
  size_t staticThreadgroupBytes() const override { return staticBytes_; }
  uint32_t maxThreadsPerGroup() const override { return kernel_.maxThreads == 0 ? kMaxThreads : kernel_.maxThreads; }

  std::vector<Fault> run(const Grid& grid, std::span<const BoundBuffer> buffers, size_t threadgroupBytes, uint64_t seed,
                         const std::function<void(uint32_t, size_t, size_t, bool)>& accessed) const override {
    uint64_t threads = 1, groups = 1;
    for (int axis = 0; axis < 3; axis++) {
      threads *= grid.threads[axis];
      groups *= grid.groups[axis];
    }
    if (threads == 0 || threads > maxThreadsPerGroup() || groups >= (1u << 30) / std::max<uint64_t>(threads, 1)) {
      return {{"grid", name_, "", std::to_string(groups) + " threadgroups of " + std::to_string(threads) + " threads"}};
    }
    Run run(workshop(), *image_, kernel_, grid, seed);
    const FlushedSubnormals flushed;
    const Traps traps;
    running = &run;
    run.bind(buffers, threadgroupBytes);
    run.execute();
    run.finish(accessed);
    running = nullptr;
    return run.faults();
  }

 private:
  std::shared_ptr<const Image> image_;
  const EmulatorKernel& kernel_;
  std::string name_;
  std::vector<Binding> bindings_;
  size_t staticBytes_ = 0;
};

class CompiledLibrary : public Library {
 public:
  explicit CompiledLibrary(std::shared_ptr<Image> image) : image_(std::move(image)) {}

  std::vector<std::string> functionNames() const override {
    std::vector<std::string> names;
    const EmulatorModule& module = image_->module();
    for (unsigned long i = 0; i < module.kernelCount; i++) names.emplace_back(module.kernels[i].name);
    return names;
  }

  std::unique_ptr<Kernel> kernel(const std::string& name, const std::map<uint32_t, ConstantValue>& constants,
                                 std::string& error) const override {
    const EmulatorModule& module = image_->module();
    for (unsigned long i = 0; i < module.kernelCount; i++) {
      if (name != module.kernels[i].name) continue;
      if (module.constants == module.constantsEnd) return std::make_unique<CompiledKernel>(image_, module.kernels[i]);
      for (const EmulatorConstant* constant = module.constants; constant != module.constantsEnd; constant++) {
        if (constants.contains(constant->index) || constant->optional) continue;
        error = "function constant " + std::string(constant->name) + " (" + std::to_string(constant->index) +
                ") has no value";
        return nullptr;
      }
      const std::shared_ptr<Image> own = image_->specialized(constants, error);
      if (own == nullptr) return nullptr;
      return std::make_unique<CompiledKernel>(own, own->module().kernels[i]);
    }
    error = "no function of the name " + name;
    return nullptr;
  }

 private:
  std::shared_ptr<Image> image_;
};

}  // namespace

Run* currentRun() { return running; }

void Run::found(const char* kind, std::string detail, const void* from) {
  const auto at = reinterpret_cast<uintptr_t>(from);
  for (const Finding& finding : findings_) {
    if (finding.from == at && finding.kind == kind) return;
  }
  if (findings_.size() < kMostFindings) findings_.push_back({kind, std::move(detail), at});
}

std::vector<Fault> Run::faults() const {
  std::vector<Fault> faults;
  for (const Finding& finding : findings_) {
    // The call's instruction is the one before the address it returns to.
    faults.push_back(
        {finding.kind, kernel_.name, finding.from == 0 ? "" : image_.place(finding.from - 1), finding.detail});
  }
  return faults;
}

std::shared_ptr<const Library> compile(const std::string& source, std::string& error) {
  const Rewritten rewritten = rewrite(source);
  if (!rewritten.errors.empty()) {
    error = rewritten.errors;
    return nullptr;
  }
  const std::string object = compiledObject(rewritten, error);
  if (object.empty()) return nullptr;
  std::shared_ptr<Image> image = Image::load(object, error);
  return image == nullptr ? nullptr : std::make_shared<CompiledLibrary>(std::move(image));
}

}  // namespace emulator
