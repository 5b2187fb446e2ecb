// Prints the texts of a program's kernels as the GPU device generates them. Reads the program's words from its input.
#include <cstdint>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "gpu/kernel_accumulators.h"
#include "gpu/kernel_form.h"
#include "gpu/kernel_layout.h"
#include "gpu/kernel_source.h"
#include "program/decode.h"

int main() {
  const std::string bytes{std::istreambuf_iterator<char>(std::cin), {}};
  std::vector<int32_t> words(bytes.size() / 4);
  bytes.copy(reinterpret_cast<char*>(words.data()), 4 * words.size());
  metalgrad::Program program;
  if (const std::string error = metalgrad::decode(words, program); !error.empty()) {
    std::cerr << error << "\n";
    return 1;
  }
  for (const auto& any : program.steps) {
    const auto* step = std::get_if<metalgrad::KernelStep>(&any);
    if (!step) continue;
    using namespace metalgrad::gpu;
    const Layout layout = layoutOf(*step);
    const KernelForm form = chooseForm(*step, layout, 4 * wordsOf(accumulatorsOf(*step)));
    std::cout << kernelSource(*step, layout, form).text << '\f';
    if (form.partial) std::cout << kernelSource(*step, layout, combiningForm(form)).text << '\f';
  }
}
