"""PyTorch's (CPU) form of each line."""

import os

import torch
import torch.nn.functional as F

from serve import serve

torch.manual_seed(0)
torch.set_num_threads(os.cpu_count())
M = 16 * 1024 * 1024


def gelu():
    x = torch.rand(M) * 6 - 3
    return lambda: F.gelu(x, approximate="tanh")


def softmax():
    x = torch.randn(4096, 4096)
    return lambda: torch.softmax(x, dim=-1)


def mlp():
    sizes = [784, 512, 512, 10]
    layers = []
    for i in range(3):
        layers += [torch.nn.Linear(sizes[i], sizes[i + 1]), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = torch.randn(128, 784), torch.randint(0, 10, (128,))

    def run():
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    return run


def per_example():
    model = torch.nn.Sequential(torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    x, y = torch.randn(256, 784), torch.randint(0, 10, (256,))

    def run():
        gradients = []
        for i in range(256):
            loss = F.cross_entropy(model(x[i : i + 1]), y[i : i + 1])
            gradients.append(torch.autograd.grad(loss, list(model.parameters())))
        return gradients

    return run


def hessian(variables):
    def prepare():
        w, x = torch.randn(variables, variables), torch.randn(variables)
        f = lambda x: (torch.tanh(w @ x) * x).sum()
        return lambda: torch.autograd.functional.hessian(f, x, vectorize=True)

    return prepare


def bfloat16(f, *shape):
    def prepare():
        x = torch.randn(*shape).bfloat16()
        return lambda: f(x)

    return prepare


lines = {
    "elementwise: gelu (tanh) of 16M": gelu,
    "reduce: softmax of [4096, 4096]": softmax,
    "training: MLP 784-512-512-10 with Adam, eager": mlp,
    "training: MLP 784-512-512-10 with Adam, compiled": mlp,
    "per-example gradients: 784-128-10, batch 256": per_example,
    "hessian: jacfwd(jacrev(f)) of 64 variables": hessian(64),
    "hessian: jacfwd(jacrev(f)) of 256 variables": hessian(256),
    "half: gelu (tanh) of 16M, bfloat16": bfloat16(lambda x: F.gelu(x, approximate="tanh"), M),
    "half: exp of 16M, bfloat16": bfloat16(torch.exp, M),
    "half: x + x of 16M, bfloat16": bfloat16(lambda x: x + x, M),
    "half: sum over axis 1 of [4096, 4096], bfloat16": bfloat16(lambda x: x.sum(1), 4096, 4096),
    "half: softmax of [4096, 4096], bfloat16": bfloat16(lambda x: torch.softmax(x, -1), 4096, 4096),
    "half: argmax over axis 1 of [4096, 4096], bfloat16": bfloat16(lambda x: x.argmax(1), 4096, 4096),
    "half: matmul 512, bfloat16": bfloat16(lambda x: x @ x, 512, 512),
}
serve(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads", lines)
