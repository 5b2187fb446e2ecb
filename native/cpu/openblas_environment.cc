// What OpenBLAS asks of its environment while it loads, answered here instead of by its own object of the static
// library: one thread. Else it starts threads of its own at load, which spin, and which our pool makes useless.
#ifdef __linux__

extern "C" {
int openblas_verbose() { return 0; }
unsigned int openblas_thread_timeout() { return 0; }
int openblas_block_factor() { return 0; }
int openblas_num_threads_env() { return 1; }
int openblas_goto_num_threads_env() { return 0; }
int openblas_omp_num_threads_env() { return 0; }
int openblas_omp_adaptive_env() { return 0; }
void openblas_read_env() {}
}

#endif
