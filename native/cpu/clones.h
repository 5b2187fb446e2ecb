// METALGRAD_CLONES before a function: compiled once for each generation of vector units, chosen when the addon loads.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define METALGRAD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define METALGRAD_CLONES
#endif
