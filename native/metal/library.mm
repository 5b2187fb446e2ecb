// Compiles shader text with safe math, and makes pipelines of its functions.
#include "metal/library.h"

#include "metal/runtime.h"

namespace metalgrad::metal {
namespace {

Retained<MTLCompileOptions*> compileOptions() {
  auto options = Retained<MTLCompileOptions*>::owned([[MTLCompileOptions alloc] init]);
  [options.get() setLanguageVersion:MTLLanguageVersion3_1];
#if METALGRAD_MACOS_15
  if (@available(macOS 15.0, *)) {
    if ([options.get() respondsToSelector:@selector(setMathMode:)]) {
      [options.get() setMathMode:MTLMathModeSafe];
      return options;
    }
  }
#endif
  [options.get() setFastMathEnabled:NO];
  return options;
}

void set(MTLFunctionConstantValues* values, const gpu::FunctionConstant& constant) {
  struct Visitor {
    MTLDataType operator()(bool) const { return MTLDataTypeBool; }
    MTLDataType operator()(int32_t) const { return MTLDataTypeInt; }
    MTLDataType operator()(uint32_t) const { return MTLDataTypeUInt; }
    MTLDataType operator()(float) const { return MTLDataTypeFloat; }
  };
  std::visit([&](const auto& value) { [values setConstantValue:&value type:Visitor()(value) atIndex:constant.index]; },
             constant.value);
}

}  // namespace

std::shared_ptr<const gpu::Module> Runtime::compile(const std::string& source, Outcome& outcome) {
  enterThread();
  @autoreleasepool {
    NSError* error = nil;
    auto library = Retained<id<MTLLibrary>>::owned([device_.get()
        newLibraryWithSource:[NSString stringWithUTF8String:source.c_str()]
                     options:compileOptions().get()
                       error:&error]);
    if (library) return std::make_shared<Module>(std::move(library));
    outcome = {Status::deviceFailure, "the shader does not compile: " + describe(error)};
    return nullptr;
  }
}

std::shared_ptr<const gpu::Pipeline> Runtime::pipeline(const std::shared_ptr<const gpu::Module>& module,
                                                       const std::string& function,
                                                       std::span<const gpu::FunctionConstant> constants,
                                                       Outcome& outcome) {
  enterThread();
  @autoreleasepool {
    id<MTLLibrary> library = static_cast<const Module*>(module.get())->library();
    NSString* name = [NSString stringWithUTF8String:function.c_str()];
    NSError* error = nil;
    Retained<id<MTLFunction>> made;
    if (constants.empty()) {
      made = Retained<id<MTLFunction>>::owned([library newFunctionWithName:name]);
    } else {
      const auto values = Retained<MTLFunctionConstantValues*>::owned([[MTLFunctionConstantValues alloc] init]);
      for (const auto& constant : constants) set(values.get(), constant);
      made = Retained<id<MTLFunction>>::owned([library newFunctionWithName:name
                                                            constantValues:values.get()
                                                                     error:&error]);
    }
    if (!made) {
      outcome = {Status::deviceFailure,
                 "the shader has no function " + function + (error ? ": " + describe(error) : std::string())};
      return nullptr;
    }
    auto state =
        Retained<id<MTLComputePipelineState>>::owned([device_.get() newComputePipelineStateWithFunction:made.get()
                                                                                                  error:&error]);
    if (state) return std::make_shared<Pipeline>(std::move(state));
    outcome = {Status::deviceFailure, "no pipeline for " + function + ": " + describe(error)};
    return nullptr;
  }
}

}  // namespace metalgrad::metal
