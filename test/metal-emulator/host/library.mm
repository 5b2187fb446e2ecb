// Libraries of compiled shader text, their functions, and the constants that functions are made with.
#include "host/faults.h"
#include "host/objects.h"
#include "host/settings.h"

NSErrorDomain const MTLLibraryErrorDomain = @"MTLLibraryErrorDomain";

@interface MTLCompileOptions ()
- (BOOL)isSafe;
@end

@implementation MTLCompileOptions
@synthesize preprocessorMacros = _preprocessorMacros;
@synthesize languageVersion = _languageVersion;
@synthesize optimizationLevel = _optimizationLevel;
@synthesize maxTotalThreadsPerThreadgroup = _maxTotalThreadsPerThreadgroup;

// What Apple's has: fast.
- (instancetype)init {
  self = [super init];
  _mathMode = MTLMathModeFast;
  _languageVersion = MTLLanguageVersion3_1;
  return self;
}

- (void)dealloc {
  [_preprocessorMacros release];
  [super dealloc];
}

- (id)copyWithZone:(NSZone*)zone {
  MTLCompileOptions* const copy = [[[self class] allocWithZone:zone] init];
  copy.preprocessorMacros = _preprocessorMacros;
  copy->_mathMode = _mathMode;
  copy.languageVersion = _languageVersion;
  copy.optimizationLevel = _optimizationLevel;
  copy.maxTotalThreadsPerThreadgroup = _maxTotalThreadsPerThreadgroup;
  return copy;
}

- (BOOL)respondsToSelector:(SEL)selector {
  const bool newer = sel_isEqual(selector, @selector(mathMode)) || sel_isEqual(selector, @selector(setMathMode:));
  if (!emulator::hasMacos15() && newer) return NO;
  return [super respondsToSelector:selector];
}

- (BOOL)fastMathEnabled {
  return _mathMode == MTLMathModeFast;
}

- (void)setFastMathEnabled:(BOOL)enabled {
  _mathMode = enabled ? MTLMathModeFast : MTLMathModeSafe;
}

- (MTLMathMode)mathMode {
  if (!emulator::hasMacos15()) [self doesNotRecognizeSelector:_cmd];
  return _mathMode;
}

- (void)setMathMode:(MTLMathMode)mode {
  if (!emulator::hasMacos15()) [self doesNotRecognizeSelector:_cmd];
  _mathMode = mode;
}

- (BOOL)isSafe {
  return _mathMode == MTLMathModeSafe;
}
@end

@implementation MTLFunctionConstantValues
- (instancetype)init {
  self = [super init];
  _state = new MTLFunctionConstantState;
  return self;
}

- (void)dealloc {
  delete _state;
  [super dealloc];
}

- (id)copyWithZone:(NSZone*)zone {
  MTLFunctionConstantValues* const copy = [[[self class] allocWithZone:zone] init];
  *copy->_state = *_state;
  return copy;
}

- (MTLFunctionConstantState*)state {
  return _state;
}

- (void)setConstantValue:(const void*)value type:(MTLDataType)type atIndex:(NSUInteger)index {
  const uint32_t place = static_cast<uint32_t>(index);
  switch (type) {
    case MTLDataTypeBool:
      _state->values.insert_or_assign(place, *static_cast<const bool*>(value));
      break;
    case MTLDataTypeInt:
      _state->values.insert_or_assign(place, *static_cast<const int32_t*>(value));
      break;
    case MTLDataTypeUInt:
      _state->values.insert_or_assign(place, *static_cast<const uint32_t*>(value));
      break;
    case MTLDataTypeFloat:
      _state->values.insert_or_assign(place, *static_cast<const float*>(value));
      break;
    default:
      emulator::fault("function constant", "the emulator has bool, int, uint and float");
  }
}

- (void)reset {
  _state->values.clear();
}
@end

@implementation EmulatedLibrary
+ (const char*)metalName {
  return "MTLLibrary";
}

- (instancetype)initWithDevice:(id<MTLDevice>)device
                        source:(NSString*)source
                       options:(MTLCompileOptions*)options
                         error:(NSError**)error {
  self = [super initWithDevice:device];
  if (options == nil || ![options isSafe]) {
    emulator::fault("fast math", "a library without safe math: results depend on the compiler");
  }
  if (options != nil && options.languageVersion > MTLLanguageVersion3_1 && !emulator::hasMacos15()) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorUnsupported, "this language version is macOS 15's");
    [self release];
    return nil;
  }
  std::string text;
  NSArray* const macros = [options.preprocessorMacros allKeys];
  for (NSUInteger i = 0; i < [macros count]; ++i) {
    NSString* const name = [macros objectAtIndex:i];
    text += "#define " + emulator::text(name) + " " +
            emulator::text([[options.preprocessorMacros objectForKey:name] description]) + "\n";
  }
  if (!text.empty()) text += "#line 1\n";
  text += emulator::text(source);
  std::string message;
  _library = emulator::compile(text, message);
  _identity = std::to_string(text.size()) + " " + std::to_string(std::hash<std::string>()(text));
  _maxThreads = options.maxTotalThreadsPerThreadgroup;
  if (_library == nullptr) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorCompileFailure, message);
    [self release];
    return nil;
  }
  return self;
}

- (NSArray<NSString*>*)functionNames {
  NSMutableArray* const names = [NSMutableArray array];
  for (const std::string& name : _library->functionNames()) [names addObject:emulator::string(name)];
  return names;
}

- (EmulatedFunction*)newFunction:(NSString*)name constants:(MTLFunctionConstantValues*)constants {
  const std::string text = emulator::text(name);
  for (const std::string& each : _library->functionNames()) {
    if (each != text) continue;
    EmulatedFunction* const function = [[EmulatedFunction alloc] initWithDevice:_device];
    function->_library = [self retain];
    function->_name = text;
    if (constants != nil) function->_constants = [constants state]->values;
    return function;
  }
  return nil;
}

- (id<MTLFunction>)newFunctionWithName:(NSString*)functionName {
  return [self newFunction:functionName constants:nil];
}

- (id<MTLFunction>)newFunctionWithName:(NSString*)name
                        constantValues:(MTLFunctionConstantValues*)constantValues
                                 error:(NSError**)error {
  EmulatedFunction* const function = [self newFunction:name constants:constantValues];
  if (function == nil) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorFunctionNotFound,
                       "no function '" + emulator::text(name) + "'");
    return nil;
  }
  std::string message;
  if (_library->kernel(function->_name, function->_constants, message) == nullptr) {
    emulator::setError(error, MTLLibraryErrorDomain, MTLLibraryErrorCompileFailure, message);
    [function release];
    return nil;
  }
  return function;
}
@end

@implementation EmulatedFunction
+ (const char*)metalName {
  return "MTLFunction";
}

- (void)dealloc {
  [_library release];
  [super dealloc];
}

- (std::string)identity {
  std::string identity = _library->_identity + " " + _name;
  for (const auto& [index, constant] : _constants) {
    identity += " " + std::to_string(index) + ":" + std::to_string(constant.index()) + ":" +
                std::visit([](auto value) { return std::to_string(value); }, constant);
  }
  return identity;
}

- (MTLFunctionType)functionType {
  return MTLFunctionTypeKernel;
}

- (NSString*)name {
  return emulator::string(_name);
}
@end
