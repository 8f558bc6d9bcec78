"""Which results could another limit change? Only these are judged again when a master's limits are."""

from collections.abc import Mapping

from coursework.gradebook.folder import Result
from coursework.masters.allowance import Allowance

MARGIN = {"seconds": 2.0, "total": 2.0, "memory": 1.1}  # what took half of a limit may go over it the next time


def could_change(result: Result, now: Allowance) -> bool:
    """Whether a result under other limits could be another one under these.

    More than before changes only what a limit stopped; and, of memory, what has lost a point, since a program may deal
    with a refusal itself. Less than before changes only what used as much, or may: `MARGIN` times what was measured.

    Args:
        result: of a submission that was judged.
        now: the limits as they are.
    """
    old, new = {**Allowance().as_data(), **result.limits}, now.as_data()  # earlier versions wrote none, and had these
    for name, limit in new.items():
        if limit == old[name]:
            continue
        if _unknown(result) or name in result.struck:
            return True
        if limit > old[name] and name == "memory" and result.failures:
            return True
        if limit < old[name] and result.used[name] * MARGIN[name] >= limit:
            return True
    return False


def _unknown(result: Result) -> bool:
    return set(result.used) != set(Allowance().as_data())


def changed_limits(result: Result, now: Allowance) -> Mapping[str, tuple[float, float]]:
    """The limits that are not as they were, by name: before and now."""
    old = {**Allowance().as_data(), **result.limits}
    return {name: (old[name], limit) for name, limit in now.as_data().items() if old[name] != limit}
