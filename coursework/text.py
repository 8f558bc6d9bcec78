"""How is text that a stranger wrote shown: on a line of a terminal, in a cell of a table, on a page?"""

import re

FORMULA = "=+-@\t\r\n＝＋－＠"
LONGEST = 4_000  # characters of one message on a page


def one_line(text: object, most: int = 300) -> str:
    """One line of printable text, cut.

    >>> one_line("a\\n\\x1b[31m b")
    'a [31m b'
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)[: 4 * most]).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def neutralise(text: str) -> str:
    """Text for a person's table that a spreadsheet shows and does not run; one line.

    A leading formula character, also one after a semicolon (which many spreadsheets split at), gets an apostrophe
    before it.

    >>> neutralise('=HYPERLINK("x")'), neutralise("Doe; -Jane"), neutralise("minus-five"), neutralise("two\\nlines")
    ('\\'=HYPERLINK("x")', "Doe; '-Jane", 'minus-five', 'two lines')
    """
    guarded = f"'{text}" if text[:1] and text[0] in FORMULA else text
    line = re.sub(r"[\t\r\n\v\f\x85\u2028\u2029]+", " ", guarded)
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]", "", line)  # a terminal would obey them
    return re.sub(r"(;\s*)(?=[=+\-@＝＋－＠])", r"\1'", line)


def page_text(text: str) -> str:
    """Text that can be shown: without colours of a terminal, control characters and directions, and not without end."""
    plain = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", text)
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", plain)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}\n… ({len(plain) - LONGEST:,} characters more)"
