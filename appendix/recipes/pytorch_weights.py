"""PyTorch: an MLP with the weights of a network of linear layers."""

import copy

import jax
import jax.numpy as jnp
import numpy as np
import torch

from ntklib.laziness import laziness
from ntklib.mlp import MLP, Layer
from ntklib.tangent import empirical_ntk

jax.config.update("jax_enable_x64", True)  # before anything else

torch.manual_seed(0)
hidden = [
    torch.nn.Linear(3, 64),
    torch.nn.ReLU(),
    torch.nn.Linear(64, 64),
    torch.nn.ReLU(),
]
theirs = torch.nn.Sequential(*hidden, torch.nn.Linear(64, 2)).double()

# PyTorch keeps a weight as (fan_out, fan_in) and computes x Wᵀ + b
# without a factor: the standard parameterisation
mlp = MLP(depth=2, out_dim=2, b_std=1.0, parameterization="standard")


def weights(network):
    """Copies of the weights that a network of PyTorch has now."""
    linear = [m for m in network if isinstance(m, torch.nn.Linear)]
    return tuple(
        Layer(
            jnp.array(layer.weight.detach().numpy().T),
            jnp.array(layer.bias.detach().numpy()),
        )
        for layer in linear
    )


params = weights(theirs)
points = np.random.default_rng(0).standard_normal((10, 3))
ours = mlp.apply(params, points)
# of the weights as PyTorch has them
theta = empirical_ntk(mlp.apply, params, points)

# The same function in the NTK parameterisation, W σ_w/√fan_in:
# other weights, and another tangent kernel
ntk_mlp = MLP(depth=2, activation="relu", out_dim=2, b_std=1.0)
ntk_params = tuple(
    Layer(
        layer.weight * layer.weight.shape[0] ** 0.5 / ntk_mlp.w_std,
        layer.bias / ntk_mlp.b_std,
    )
    for layer in params
)

# Was its training by PyTorch that of a kernel machine?
targets = np.eye(2)[np.arange(10) % 2]
trained = copy.deepcopy(theirs)
optimizer = torch.optim.SGD(trained.parameters(), lr=0.05)
for _ in range(100):
    optimizer.zero_grad()
    outputs = trained(torch.from_numpy(points))
    torch.nn.functional.mse_loss(
        outputs, torch.from_numpy(targets)
    ).backward()
    optimizer.step()
end = weights(trained)
report = laziness(mlp.apply, params, end, points, targets)
