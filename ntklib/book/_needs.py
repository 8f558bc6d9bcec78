"""What does a part of the book need that is not installed, and how is it had?"""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["needed_for"]


@contextmanager
def needed_for(what: str) -> Iterator[None]:
    """Imports in its block that fail say what they are needed for, and what to install.

    Args:
        what: is imported or shown.

    Raises:
        ModuleNotFoundError: with these words, for a package that is not installed.

    >>> with needed_for("a drawing"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    ModuleNotFoundError: a drawing needs no_such_package, which is not installed: pip install "ntklib[notebook]"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "ntklib"):
            raise
        message = f'{what} needs {package}, which is not installed: pip install "ntklib[notebook]"'
        raise ModuleNotFoundError(message, name=error.name) from None
