"""NumPy's form of each line."""

import ctypes
import sys

import numpy as np

from serve import serve

rng = np.random.default_rng(0)
M = 16 * 1024 * 1024


def vector(n=M, low=-3.0, high=3.0):
    return rng.uniform(low, high, n).astype(np.float32)


def matrix(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def naive():
    xs, ys = matrix(4096, 100), matrix(100, 4096)
    return lambda: [xs[i] + ys[:, i] for i in range(4096)]


def direct():
    xs, ys = matrix(4096, 100), matrix(100, 4096)
    return lambda: xs + ys.T


def one(f, *data):
    return lambda: f(*data)


def gelu():
    x = vector()
    c = np.float32(np.sqrt(2 / np.pi))
    k = np.float32(0.044715)
    half, single = np.float32(0.5), np.float32(1)
    return lambda: half * x * (single + np.tanh(c * (x + k * x * x * x)))


def chain():
    x = vector(10**6)
    a, b = np.float32(1.0001), np.float32(0.0001)

    def run():
        y = x
        for _ in range(50):
            y = y * a
            y = y + b

    return run


def update():
    w, m, v = vector(), vector(), vector(M, 0.1, 1)
    lr, eps = np.float32(1e-3), np.float32(1e-8)
    return lambda: w - lr * (m / (np.sqrt(v) + eps))


def mse():
    w, x, y = vector(), vector(), vector()
    return lambda: np.mean(np.square(w * x - y))


def softmax():
    x = matrix(4096, 4096)

    def run():
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    return run


def logsumexp():
    x = matrix(4096, 4096)

    def run():
        m = x.max(axis=-1, keepdims=True)
        return np.log(np.exp(x - m).sum(axis=-1, keepdims=True)) + m

    return run


def linear():
    x, w, b = matrix(1024, 1024), matrix(1024, 1024), matrix(1024)
    return lambda: np.maximum(x @ w + b, 0)


def on(f, make):
    return lambda: one(f, make())


def half(make):
    return lambda: make().astype(np.float16)


square = lambda: matrix(4096, 4096)

lines = {
    "vectorize: naive list of 4096 slices": naive,
    "vectorize: vmap": direct,
    "elementwise: gelu (tanh) of 16M": gelu,
    "elementwise: exp of 16M": on(np.exp, vector),
    "elementwise: x + x of 16M": on(lambda x: x + x, vector),
    "elementwise: 100-op multiply-add chain on 1M": chain,
    "elementwise: Adam-like update of 16M": update,
    "reduce: sum over axis 0 of [4096, 4096]": on(lambda x: x.sum(axis=0), square),
    "reduce: sum over axis 1 of [4096, 4096]": on(lambda x: x.sum(axis=1), square),
    "reduce: sum of [4096, 4096]": on(lambda x: x.sum(), square),
    "reduce: mean(square(w * x - y)) of 16M": mse,
    "reduce: softmax of [4096, 4096]": softmax,
    "reduce: logsumexp of [4096, 4096]": logsumexp,
    "reduce: max over axis 0 of [4096, 4096]": on(lambda x: x.max(axis=0), square),
    "reduce: argmax over axis 0 of [4096, 4096]": on(lambda x: x.argmax(axis=0), square),
    "reduce: argmax over axis 1 of [4096, 4096]": on(lambda x: x.argmax(axis=1), square),
    "reduce: sort of 1M": on(np.sort, lambda: vector(1 << 20)),
    "reduce: argsort of 1M": on(np.argsort, lambda: vector(1 << 20)),
    "matmul: 1024": lambda: one(np.matmul, matrix(1024, 1024), matrix(1024, 1024)),
    "matmul: 2048": lambda: one(np.matmul, matrix(2048, 2048), matrix(2048, 2048)),
    "matmul: batched 64 of 128": lambda: one(np.matmul, matrix(64, 128, 128), matrix(64, 128, 128)),
    "matmul: [1, 4096] by [4096, 4096]": lambda: one(np.matmul, matrix(1, 4096), matrix(4096, 4096)),
    "matmul: 1024 with bias and relu": linear,
    "half: exp of 16M, float16": on(np.exp, half(vector)),
    "half: x + x of 16M, float16": on(lambda x: x + x, half(vector)),
    "half: sum over axis 1 of [4096, 4096], float16": on(lambda x: x.sum(axis=1), half(square)),
    "half: argmax over axis 1 of [4096, 4096], float16": on(lambda x: x.argmax(axis=1), half(square)),
    "half: matmul 512, float16": on(lambda x: x @ x, half(lambda: matrix(512, 512))),
}



def blas():
    """The configuration of the BLAS that this process has loaded."""
    with open("/proc/self/maps") as maps:
        paths = sorted({row.split()[-1] for row in maps if "openblas" in row})
    for path in paths:
        library = ctypes.CDLL(path)
        for name in ("openblas_get_config", "scipy_openblas_get_config64_", "scipy_openblas_get_config"):
            if hasattr(library, name):
                config = getattr(library, name)
                config.restype = ctypes.c_char_p
                return config().decode()
    return "BLAS unknown"


# One family of lines, or all.
family = sys.argv[1] if len(sys.argv) > 1 else ""
serve(f"NumPy {np.__version__}, {blas()}", {name: line for name, line in lines.items() if name.startswith(family)})
