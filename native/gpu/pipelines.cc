// Two caches in memory: shader texts compiled, and functions of them with their constants. The latter are on disk, too.
#include "gpu/pipelines.h"

#include <cstring>

#include "gpu/fingerprint.h"

namespace metalgrad::gpu {
namespace {

/// More than the programs of a large model use. A program in use keeps its pipelines whatever the caches forget.
constexpr size_t kMaxModules = 512;
constexpr size_t kMaxPipelines = 2048;

/// Another one for another way to write files.
constexpr std::string_view kArchiveVersion = "metalgrad 1";

void write(std::string& key, const FunctionConstant& constant) {
  uint32_t bits = 0;
  std::visit([&bits](auto value) { std::memcpy(&bits, &value, sizeof(value)); }, constant.value);
  key +=
      std::to_string(constant.index) + ':' + std::to_string(constant.value.index()) + ':' + std::to_string(bits) + ';';
}

}  // namespace

Pipelines::Pipelines(Runtime& runtime)
    : runtime_(runtime),
      // Software that stands for a GPU in tests leaves no files unless it is told to.
      archives_(Archives::folder(!runtime.emulated())),
      modules_(kMaxModules),
      pipelines_(kMaxPipelines) {}

template <typename Source>
std::shared_ptr<const Pipeline> Pipelines::find(const std::string& module, const std::string& function,
                                                std::span<const FunctionConstant> constants, Outcome& outcome,
                                                Source source) {
  std::string key = function + ' ';
  for (const auto& constant : constants) write(key, constant);
  key += '\n' + module;
  return pipelines_.get(key, outcome, [&](Outcome& failure) -> std::shared_ptr<const Pipeline> {
    const auto compiled =
        modules_.get(module, failure, [&](Outcome& error) { return runtime_.compile(source(), error); });
    return compiled ? make(*compiled, function, constants, failure, source) : nullptr;
  });
}

template <typename Source>
std::shared_ptr<const Pipeline> Pipelines::make(const Module& module, const std::string& function,
                                                std::span<const FunctionConstant> constants, Outcome& outcome,
                                                Source source) {
  if (!archives_.enabled()) return runtime_.pipeline(module, function, constants, {}, outcome);
  std::string identity = std::string(kArchiveVersion) + '\n' + runtime_.compilerIdentity() + '\n' + function + ' ';
  for (const auto& constant : constants) write(identity, constant);
  const std::string key = fingerprint(identity + '\n' + source());
  if (const auto file = archives_.find(key); !file.empty()) {
    return runtime_.pipeline(module, function, constants, {.from = file.string(), .to = {}}, outcome);
  }
  const auto draft = archives_.draft();
  auto pipeline = runtime_.pipeline(module, function, constants, {.from = {}, .to = draft.string()}, outcome);
  archives_.keep(key, draft);
  return pipeline;
}

std::shared_ptr<const Pipeline> Pipelines::get(const std::string& source, const std::string& function,
                                               std::span<const FunctionConstant> constants, Outcome& outcome) {
  return find(source, function, constants, outcome, [&source] { return expandIncludes(source); });
}

std::shared_ptr<const Pipeline> Pipelines::instance(std::string_view file, std::string_view kernel,
                                                    std::string_view arguments,
                                                    std::span<const FunctionConstant> constants, Outcome& outcome) {
  const std::string name(kernel), function = name + "_0", instance = name + '<' + std::string(arguments) + '>';
  const std::string module = std::string(file) + ' ' + instance;
  return find(module, function, constants, outcome, [&] {
    return shaderSource(file) + "template [[host_name(\"" + function + "\")]] [[kernel]] decltype(" + instance + ") " +
           instance + ";\n";
  });
}

}  // namespace metalgrad::gpu
