"""The path that :mod:`ntklib.book.figures` had before; it goes on working."""

from ntklib.book.figures import *  # noqa: F403
from ntklib.book.figures import __all__ as __all__
