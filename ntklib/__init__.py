"""Wide neural networks as kernel machines: the helper library of the book.

Importing `ntklib` imports nothing else and changes no setting of JAX: import the module that you need,
for instance ``from ntklib.mlp import MLP``. Functions compute in the dtype that they are given, as far as
JAX has it: unless 64 bits are switched on, it makes float32 of NumPy's float64 without a word. For
64 bits call ``jax.config.update("jax_enable_x64", True)`` before making the first array.
"""

__version__ = "0.1.0"
