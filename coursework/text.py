"""How is text that a stranger wrote shown: on a line of a terminal, in a cell of a table, on a page?"""

import re
import unicodedata

FORMULA = "=+-@−"  # what a formula begins with
LONGEST = 4_000  # characters of one message on a page


def one_line(text: object, most: int = 300) -> str:
    """One line of printable text, cut.

    >>> one_line("a\\n\\x1b[31m b")
    'a [31m b'
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def guarded(text: str) -> str:
    """Text in a cell of a table that a spreadsheet shows and does not run; line ends are \\n.

    What a spreadsheet would take for a formula gets an apostrophe before it, also after a semicolon, which many
    spreadsheets split at, and at the beginning of a line. Characters that nobody sees are removed first or looked
    through: a formula may stand behind them. A cell that is a number or a dash stays as it is.

    >>> guarded("\\x01=1+1"), guarded("Doe; -Jane"), guarded("minus-five"), guarded("-5.0"), guarded("-")
    ("'=1+1", "Doe; '-Jane", 'minus-five', '-5.0', '-')
    """
    text = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", text).replace("\t", " ")
    text = re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "", text)  # a terminal would obey them
    text = re.sub(r"[\ud800-\udfff]", "\ufffd", text)  # what a file name has in place of bytes that are no text
    if re.fullmatch(r"-|[+-]\d+([.,]\d+)?", text):
        return text
    return re.sub(r"[^;\n]+", lambda part: _not_run(part[0]), text)


def _not_run(part: str) -> str:
    """A part of a cell with an apostrophe if it would be a formula."""
    # what has no width, and quotes, which a program that splits the line elsewhere takes for its own
    passed = (place for place, char in enumerate(part) if char != '"' and unicodedata.category(char)[0] not in "ZC")
    seen = next(passed, len(part))
    starts = unicodedata.normalize("NFKC", part[seen : seen + 1])[:1]  # there are wide, small and raised ones
    return f"{part[:seen]}'{part[seen:]}" if starts and starts in FORMULA else part


def guarded_line(text: str) -> str:
    """As :func:`guarded`, in one line.

    >>> guarded_line('=HYPERLINK("x")'), guarded_line("two\\nlines")
    ('\\'=HYPERLINK("x")', 'two lines')
    """
    return guarded(re.sub(r"[\t\r\n\v\f\x85\u2028\u2029]+", " ", text))


def page_text(text: str) -> str:
    """Text that can be shown: without colours of a terminal, control characters and directions, and not without end."""
    plain = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", plain)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}\n… ({len(plain) - LONGEST:,} characters more)"
