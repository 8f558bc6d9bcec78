"""The path that :mod:`ntklib.book.explore` had before; it goes on working."""

from ntklib.book.explore import *  # noqa: F403
from ntklib.book.explore import __all__ as __all__
