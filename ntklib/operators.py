r"""What is a map from functions to functions, and what does one evaluation cost? Burgers' equation and two networks.

Functions have the period :math:`2\pi` and are given by their values at :math:`2\pi i/n`. :func:`burgers` and
:func:`cole_hopf` solve :math:`u_t + uu_x = \nu u_{xx}` in two independent ways. :class:`FNO` and :class:`DeepONet`
draw and apply networks, to be trained by :func:`ntklib.dynamics.adam`.

>>> import jax
>>> u0 = random_functions(jax.random.key(0), 3, 64)
>>> net = FNO(width=8, modes=6)
>>> net.apply(net.init(jax.random.key(1)), u0).shape
(3, 64)
"""

from ntklib._burgers import burgers, burgers_operations, burgers_steps, cole_hopf, cole_hopf_operations
from ntklib._circle import interpolate, random_functions
from ntklib._operator_networks import FNO, DeepONet

__all__ = [
    "FNO",
    "DeepONet",
    "burgers",
    "burgers_operations",
    "burgers_steps",
    "cole_hopf",
    "cole_hopf_operations",
    "interpolate",
    "random_functions",
]
