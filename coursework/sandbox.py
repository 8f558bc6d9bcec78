"""Student code, in bubblewrap."""

from dataclasses import dataclass


class SandboxMissing(RuntimeError):
    """There is no bubblewrap here; the message says what to install or use instead."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use."""

    cell: float = 30.0


def require() -> None:
    """Raise `SandboxMissing` where submissions cannot be run safely."""
    raise NotImplementedError
