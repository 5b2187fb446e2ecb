// Linked with every shader: each of the emulator's functions is a jump through a table that the emulator fills, so that
// a shader needs no symbol of the program that loads it.
#include "emulator_abi.h"

extern "C" __attribute__((visibility("default"))) void* emulator_hooks[64] = {};

// Called when the shader is loaded, before the table is filled.
extern "C" __attribute__((visibility("hidden"))) void __tsan_init() {}

#if defined(__x86_64__)
#define JUMP(name, number)                                                                         \
  __asm__(".pushsection .text\n.globl " name "\n.hidden " name "\n.type " name ",@function\n" name \
          ": jmp *emulator_hooks_table+8*" number "(%rip)\n.popsection");
#elif defined(__aarch64__)
#define JUMP(name, number)                                                                                     \
  __asm__(".pushsection .text\n.globl " name "\n.hidden " name "\n.type " name ",%function\n" name             \
          ": adrp x16, emulator_hooks_table+8*" number "\nldr x16, [x16, :lo12:emulator_hooks_table+8*" number \
          "]\nbr x16\n.popsection");
#else
#error "The emulator runs on x86-64 and on arm64."
#endif
__asm__(".hidden emulator_hooks_table\n.set emulator_hooks_table, emulator_hooks");

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x
#define HOOK(name) JUMP(#name, TEXT(__COUNTER__))
EMULATOR_HOOKS(HOOK)
