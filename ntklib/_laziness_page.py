"""How does a diagnosis show itself: its verdict, a picture of where the network stands, and a table?"""

import html as markup
import math
from typing import Any

from ntklib import _memory

__all__ = ["html", "text", "verdict"]

_NAMES = {
    "kernel_change": "change of the tangent kernel",
    "linearization_gap": "gap to its linearisation",
    "regression_gap_before": "gap to regression by the kernel before",
    "regression_gap_after": "gap to regression by the kernel after",
    "alignment_before": "alignment with the targets before",
    "alignment_after": "alignment with the targets after",
    "rank_before": "effective rank before",
    "rank_after": "effective rank after",
}
_SHARES = ("kernel_change", "linearization_gap", "regression_gap_before", "regression_gap_after", "motion")
# as everywhere in the book: a kernel, a finite network, and what is there for comparison
_COLORS = {"lazy": "#c2491d", "network": "#1f6fb4", "rich": "#6e7681"}


def _written(name: str, value: float | None) -> str:
    if value is None:
        return "needs x_test"
    if not math.isfinite(value):
        return "from zero" if value > 0 else "not a number"
    if name in _SHARES:
        return f"{100 * value:.{1 if value < 0.1 else 0}f} %"
    return f"{value:.1f}" if name.startswith("rank") else f"{value:.3f}"


def verdict(regime: str, network: Any, lazy: Any, rich: Any, positions: dict[str, float]) -> str:
    """One sentence: what the network is, and the numbers that say so beside those of the references."""
    if rich is None:
        return (
            "Lazy: on these inputs the network is linear in its parameters to rounding, so it is a kernel machine, and "
            f"its linearisation misses {_written('motion', network.linearization_gap)} of what it has learned."
        )
    if not positions:
        return "In between: no measure tells the lazy reference from the rich one on these inputs."
    head = {
        "lazy": "Lazy: training was nearly that of a kernel machine",
        "in between": "In between: training was neither that of a kernel machine nor far from one",
        "rich": "Rich: training was not that of a kernel machine",
    }[regime]
    numbers = "; ".join(
        f"{_NAMES[name]} {_written(name, getattr(network, name))} (the same network made lazy: "
        f"{_written(name, getattr(lazy, name))}, made rich: {_written(name, getattr(rich, name))})"
        for name in positions
    )
    return f"{head}, by {numbers}."


def _rows(report: Any) -> list[tuple[str, list[str]]]:
    networks = (report.network, report.lazy, report.rich)

    def row(name: str, values: Any) -> list[str]:
        return ["none" if value is _ABSENT else _written(name, value) for value in values]

    rows = []
    for name, words in _NAMES.items():
        entries = row(name, (getattr(each, name) if each else _ABSENT for each in networks))
        if report.errors.get(name):
            entries[0] += f" ± {_written(name, report.errors[name])}"
        rows.append((words, entries))
    motion = [each.parameter_motion if each else None for each in networks]
    rows.append(("motion of the parameters", row("motion", (m.total if m else _ABSENT for m in motion))))
    for layer in report.network.parameter_motion:
        values = (m[layer] if m else _ABSENT for m in motion)
        name = f"layer {layer}" if layer.isdigit() else layer  # of a tuple of layers
        rows.append((f"motion of {name}", row("motion", values)))
    return rows


_ABSENT: Any = object()


def _made(report: Any) -> str:
    """How the numbers were made."""
    kernels = "exact kernels" if report.probes is None else f"kernels by {report.probes} random combinations of outputs"
    text = f"{kernels}; batches of {report.batch} inputs; planned for {_memory.text(report.bytes)}; "
    if report.rich is None:
        return text + "no references, as the network is linear in its parameters"
    lazy, rich = report.scales
    missing = " and ".join(_written("motion", share) for share in report.residuals)
    return text + f"references at the scales α = {lazy:.3g} and {rich:.3g}, which have not learned {missing}"


def text(report: Any) -> str:
    """The verdict and the table, for a terminal."""
    lines = [("", ["network", "lazy", "rich"]), *_rows(report)]
    width = max(len(name) for name, _ in lines)
    wide = [max(len(entries[i]) for _, entries in lines) for i in range(3)]
    table = (
        f"{name:<{width}}  " + "  ".join(f"{entry:>{w}}" for entry, w in zip(entries, wide, strict=True))
        for name, entries in lines
    )
    return "\n".join([report.verdict, "", *table, "", _made(report)])


def html(report: Any) -> str:
    """The verdict, the picture and the table."""
    cells = "".join(
        f'<tr><th scope="row">{markup.escape(name)}</th>'
        + "".join(f'<td style="text-align: right">{markup.escape(entry)}</td>' for entry in entries)
        + "</tr>"
        for name, entries in _rows(report)
    )
    heads = "".join(
        f'<th scope="col" style="text-align: right">{name}</th>' for name in ("network", "made lazy", "made rich")
    )
    return (
        f'<div class="laziness"><p><strong>{markup.escape(report.verdict)}</strong></p>{_picture(report)}'
        f'<table class="table book-table"><thead><tr><td></td>{heads}</tr></thead><tbody>{cells}</tbody></table>'
        f"<p><small>{markup.escape(_made(report))}</small></p></div>"
    )


def _picture(report: Any) -> str:
    """Each measure of the verdict on a line between the lazy and the rich reference, in the logarithm."""
    if not report.positions:
        return ""
    left, length, height = 270, 300, 30
    lines = []
    for i, (name, place) in enumerate(report.positions.items()):
        y, at = 45 + height * i, left + length * place
        ends = (left, "lazy"), (left + length, "rich")
        lines.append(
            f'<text x="{left - 12}" y="{y + 4}" text-anchor="end" fill="currentColor">{_NAMES[name]}</text>'
            f'<line x1="{left}" x2="{left + length}" y1="{y}" y2="{y}" stroke="currentColor" stroke-opacity="0.4"/>'
            + "".join(f'<circle cx="{x}" cy="{y}" r="4" fill="{_COLORS[kind]}"/>' for x, kind in ends)
            + f'<rect x="{at - 5:.1f}" y="{y - 5}" width="10" height="10" fill="{_COLORS["network"]}"/>'
            f'<text x="{at:.1f}" y="{y - 9}" text-anchor="middle" fill="currentColor">'
            f"{_written(name, getattr(report.network, name))}</text>"
        )
    bottom = 45 + height * len(lines)
    thirds = "".join(
        f'<line x1="{left + length * i / 3:.1f}" x2="{left + length * i / 3:.1f}" y1="26" y2="{bottom - 15}" '
        'stroke="currentColor" stroke-opacity="0.25" stroke-dasharray="2 3"/>'
        for i in (1, 2)
    )
    heads = "".join(
        f'<text x="{left + length * place:.1f}" y="14" text-anchor="middle" fill="currentColor">{words}</text>'
        for words, place in (("lazy", 1 / 6), ("in between", 1 / 2), ("rich", 5 / 6))
    )
    said = "; ".join(f"{_NAMES[name]} at {100 * place:.0f} %" for name, place in report.positions.items())
    return (
        f'<svg role="img" aria-label="Between the lazy reference at 0 % and the rich one at 100 %: {said}." '
        f'viewBox="0 0 {left + length + 20} {bottom}" style="max-width: 100%; width: 36em; font-size: 12px">'
        f"{heads}{thirds}{''.join(lines)}</svg>"
    )
