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

NSURL* fileUrl(const std::string& path) { return [NSURL fileURLWithPath:[NSString stringWithUTF8String:path.c_str()]]; }

/// Lets a pipeline be taken from the file that holds it, or compiles it into an archive that is to be written; nil
/// where there is no archive, and the pipeline is compiled as if nobody had asked.
Retained<id<MTLBinaryArchive>> addArchive(id<MTLDevice> device, MTLComputePipelineDescriptor* pipeline,
                                          const gpu::PipelineFiles& files) {
  if (files.from.empty() && files.to.empty()) return {};
  const auto descriptor = Retained<MTLBinaryArchiveDescriptor*>::owned([[MTLBinaryArchiveDescriptor alloc] init]);
  if (!files.from.empty()) [descriptor.get() setUrl:fileUrl(files.from)];
  auto archive = Retained<id<MTLBinaryArchive>>::owned([device newBinaryArchiveWithDescriptor:descriptor.get()
                                                                                        error:nullptr]);
  if (!archive) return {};
  if (files.from.empty() && ![archive.get() addComputePipelineFunctionsWithDescriptor:pipeline error:nullptr])
    return {};
  [pipeline setBinaryArchives:[NSArray arrayWithObject:archive.get()]];
  return archive;
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

std::shared_ptr<const gpu::Pipeline> Runtime::pipeline(const gpu::Module& module, const std::string& function,
                                                       std::span<const gpu::FunctionConstant> constants,
                                                       const gpu::PipelineFiles& files, Outcome& outcome) {
  enterThread();
  @autoreleasepool {
    id<MTLLibrary> library = static_cast<const Module&>(module).library();
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
    const auto descriptor = Retained<MTLComputePipelineDescriptor*>::owned([[MTLComputePipelineDescriptor alloc] init]);
    [descriptor.get() setComputeFunction:made.get()];
    const auto archive = addArchive(device_.get(), descriptor.get(), files);
    auto state = Retained<id<MTLComputePipelineState>>::owned([device_.get()
        newComputePipelineStateWithDescriptor:descriptor.get()
                                      options:0
                                   reflection:nullptr
                                        error:&error]);
    if (!state) {
      outcome = {Status::deviceFailure, "no pipeline for " + function + ": " + describe(error)};
      return nullptr;
    }
    // A file that cannot be written is none.
    if (archive && !files.to.empty()) [archive.get() serializeToURL:fileUrl(files.to) error:nullptr];
    return std::make_shared<Pipeline>(std::move(state));
  }
}

std::string Runtime::compilerIdentity() const {
  enterThread();
  @autoreleasepool {
    // The system's version with its build.
    return name() + '\n' + [[[NSProcessInfo processInfo] operatingSystemVersionString] UTF8String];
  }
}

}  // namespace metalgrad::metal
