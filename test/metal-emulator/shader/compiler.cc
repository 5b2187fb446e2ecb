#include "compiler.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <vector>

#include "cache_folder.h"
#include "process.h"

namespace emulator {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool write(const std::string& path, const std::string& text) {
  const std::string temporary = temporaryName(path);
  std::ofstream(temporary, std::ios::binary) << text;
  publish(temporary, path);
  return useCached(path);
}

std::string processor() {
#if defined(__x86_64__)
  // Conversions of half in hardware, and fma: the results are the same, only sooner there.
  const bool modern = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return modern ? "x86-64-v3" : "x86-64";
#else
  return "generic";
#endif
}

/// What both compilations have in common.
Arguments compiler(bool run) {
  Arguments arguments = {"clang++-19",
                         "-cc1",
                         "-triple",
#if defined(__x86_64__)
                         "x86_64-pc-linux-gnu",
#else
                         "aarch64-linux-gnu",
#endif
                         "-target-cpu",
                         processor(),
                         "-I",
                         METALGRAD_EMULATOR_STDLIB,
                         "-nostdsysteminc",
                         "-fno-validate-pch",
                         "-Wno-unknown-attributes",
                         "-ffloat16-excess-precision=none",
                         "-fbfloat16-excess-precision=none",
                         "-ffp-contract=off",
                         "-fno-rtti",
                         "-ferror-limit",
                         "20",
                         "-fno-caret-diagnostics"};
  const Arguments more =
      run ? Arguments{"-x", "c++", "-std=c++17", "-O1", "-fvisibility=hidden",
                      // A call says by the address that it returns to where it stands.
                      "-fno-optimize-sibling-calls",
                      // Null pointers and endless loops are found, not assumed away.
                      "-fno-delete-null-pointer-checks", "-fno-finite-loops", "-mrelocation-model", "pic", "-pic-level",
                      "2", "-fsanitize=thread", "-mllvm", "-tsan-instrument-func-entry-exit=0", "-mllvm",
                      "-tsan-instrument-read-before-write=1",
                      // What C++ leaves undefined and a GPU does not trap on.
                      "-fsanitize=array-bounds,integer-divide-by-zero,shift-exponent",
                      "-fsanitize-trap=array-bounds,integer-divide-by-zero,shift-exponent", "-fwrapv",
                      "-fno-strict-float-cast-overflow", "-relaxed-aliasing", "-ftrivial-auto-var-init=pattern",
                      // Metal has no double: 1.0 is a float.
                      "-cl-single-precision-constant", "-debug-info-kind=line-tables-only", "-dwarf-version=4",
                      "-fdebug-compilation-dir=.", "-w"}
          : Arguments{"-x",
                      "clcpp",
                      "-cl-std=clc++2021",
                      "-cl-ext=-__opencl_c_program_scope_global_variables,-__opencl_c_pipes,-__opencl_c_device_enqueue,"
                      "-cl_khr_fp64,-__opencl_c_fp64",
                      "-Werror",
                      "-Wno-undefined-internal",
                      "-Werror=pre-c++17-compat",
                      "-Wno-unknown-pragmas",
                      "-DEMULATOR_CHECK"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Of everything that compiled shaders depend on beside their text.
const std::string& toolchain() {
  static const std::string text = [] {
    std::string all;
    for (const fs::directory_entry& file : fs::directory_iterator(METALGRAD_EMULATOR_STDLIB)) {
      all += digest(file.path().filename().string() + "\n" + read(file.path())) + "\n";
    }
    // The folder's order is nobody's: sums do not depend on it.
    unsigned long long sum = 0;
    std::istringstream lines(all);
    for (std::string line; std::getline(lines, line);) sum += std::stoull(line.substr(0, 16), nullptr, 16);
    Process version({"clang++-19", "--version"});
    version.wait();
    std::string flags;
    for (const bool run : {false, true}) {
      for (const std::string& argument : compiler(run)) flags += argument + " ";
    }
    return std::to_string(sum) + version.output() + flags;
  }();
  return text;
}

std::string inCache(const std::string& name) { return cacheFolder() + "/" + name; }

/// The precompiled headers of a translation; empty with messages.
std::string precompiled(const std::string& head, bool run, std::string& error) {
  const std::string name = inCache(digest(toolchain() + (run ? "run" : "check") + head));
  const std::string path = name + ".pch", source = name + ".h";
  if (useCached(path)) return path;
  if (!write(source, head)) {
    error = "cannot write to " + cacheFolder();
    return "";
  }
  const std::string temporary = temporaryName(path);
  Arguments arguments = compiler(run);
  for (const char* argument : {"-emit-pch", "-fpch-instantiate-templates", "-o"}) arguments.emplace_back(argument);
  arguments.push_back(temporary);
  arguments.push_back(source);
  Process process(arguments);
  if (!process.wait()) {
    error += process.output();
    return "";
  }
  publish(temporary, path);
  return path;
}

/// The jumps that every shader is linked with.
std::string hooksObject(std::string& error) {
  const std::string path = inCache(digest(toolchain() + "hooks") + ".o");
  if (useCached(path)) return path;
  const std::string temporary = temporaryName(path);
  Process process({"clang++-19", "-c", "-O1", "-fPIC", METALGRAD_EMULATOR_STDLIB "/hooks.cc", "-o", temporary});
  if (!process.wait()) {
    error += process.output();
    return "";
  }
  publish(temporary, path);
  return path;
}

struct Removed {
  std::string path;
  ~Removed() {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
};

bool build(const Rewritten& shader, const std::string& object, std::string& error) {
  const std::string hooks = hooksObject(error);
  const std::string runHead = precompiled(shader.run.head, true, error);
  const std::string checkHead = precompiled(shader.check.head, false, error);
  if (hooks.empty() || runHead.empty() || checkHead.empty()) return false;
  const std::string base = temporaryName(object);
  const Removed runSource{base + ".run.cc"}, checkSource{base + ".check.cc"}, compiled{base + ".o"}, linked{base};
  std::ofstream(runSource.path, std::ios::binary) << shader.run.rest;
  std::ofstream(checkSource.path, std::ios::binary) << shader.check.rest;

  Arguments check = compiler(false), run = compiler(true);
  check.insert(check.end(), {"-include-pch", checkHead, "-fsyntax-only", checkSource.path});
  run.insert(run.end(), {"-include-pch", runHead, "-emit-obj", "-o", compiled.path, runSource.path});
  Process checking(check), running(run);
  bool good = running.wait();
  // What both say is said once: messages of the check are the ones that Metal's compiler would give.
  if (!checking.wait()) {
    error += checking.output();
    return false;
  }
  if (good) {
    Process linking({"ld", "-shared", "-z", "noexecstack", "-o", linked.path, compiled.path, hooks, "-l:libm.so.6"});
    good = linking.wait();
    error += linking.output();
  } else {
    error += running.output();
  }
  if (good) publish(linked.path, object);
  return good;
}

}  // namespace

std::string compiledObject(const Rewritten& shader, std::string& error) {
  const std::string object =
      inCache(digest(toolchain() + shader.run.head + shader.run.rest + shader.check.head + shader.check.rest) + ".so");
  if (useCached(object)) return object;
  if (build(shader, object, error)) return object;
  // Another process may have cleared the cache in the midst of it.
  std::string again;
  if (error.find(".pch") != std::string::npos && build(shader, object, again)) {
    error.clear();
    return object;
  }
  return "";
}

}  // namespace emulator
