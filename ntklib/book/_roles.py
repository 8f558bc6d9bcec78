"""How does an object of the book look in every figure: data, network, kernel, prediction?"""

from typing import NamedTuple

__all__ = ["COLORS", "DASHES", "MARKERS", "ROLES", "Role"]


class Role(NamedTuple):
    """How an object of the book looks in every figure: a colour on white and on dark, a dash pattern, a marker."""

    light: str
    dark: str
    dash: str
    marker: str


# The colours differ for all common kinds of colour-blindness and have a contrast of at least 4.5 to their background.
ROLES = {
    "data": Role("#24292f", "#e6e6e6", "2 3", "circle"),
    "network": Role("#1f6fb4", "#6cb4ee", "", "square"),
    "kernel": Role("#c2491d", "#ff9361", "7 4", "triangle"),
    "prediction": Role("#0a7f5f", "#3ecfa3", "9 3 2 3", "diamond"),
    "neutral": Role("#6e7681", "#9aa4af", "2 3", "cross"),
    "negative": Role("#7b3fa0", "#c89bea", "5 3", "circle"),
    "positive": Role("#9a6700", "#e3b341", "", "triangle"),
}
DASHES = ("", "7 4", "2 3", "9 3 2 3", "5 3")
MARKERS = ("circle", "square", "triangle", "diamond", "cross", "ring")
# From the least to the greatest value, on white and on dark; the diverging ones run between two roles of two classes,
# and are not the same grey at their ends. On white the class below zero ends further from the ground; on dark it ends
# below a middle grey, for its markers are light and would sink in a light field. Neither goes further than that needs:
# the markers of the classes are drawn on it, with an outline in the colour of the ground.
COLORS = {
    "sequential": (
        ["#f4f6f8", "#a9c9e6", "#4a8fc9", "#1c5791", "#0b2545"],
        ["#1b222b", "#1f4468", "#2f78b4", "#86bfee", "#eef7ff"],
    ),
    "diverging": (
        ["#8665a5", "#c0acd1", "#f7f6f4", "#eadbb6", "#d6b871"],
        ["#17062e", "#2d2440", "#494d55", "#7a6a45", "#ab8a3a"],
    ),
}
