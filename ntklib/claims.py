"""The path that :mod:`ntklib.book.claims` had before; it goes on working."""

from ntklib.book.claims import *  # noqa: F403
from ntklib.book.claims import __all__ as __all__
