"""What a chapter shows: claims that hold its numbers to a tolerance, explorers, figures in one style.

It needs more than the library does, the extra ``notebook``: ``pip install "ntklib[notebook]"``. Importing it draws
nothing and loads neither matplotlib nor a widget; the plots are in :mod:`ntklib.book.figures`.
"""

from ntklib.book.claims import AtLeast, AtMost, Estimate, Interval, claim, in_common, note, progress, scientific
from ntklib.book.explore import Band, Bars, Explorer, Image, Line, Points, Rule
from ntklib.book.tabular import table

__all__ = [
    "AtLeast",
    "AtMost",
    "Band",
    "Bars",
    "Estimate",
    "Explorer",
    "Image",
    "Interval",
    "Line",
    "Points",
    "Rule",
    "claim",
    "in_common",
    "note",
    "progress",
    "scientific",
    "table",
]
