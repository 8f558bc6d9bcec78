"""Where does a link of a notebook lead? To the notebook beside it, to the book's site, or nowhere.

A notebook is written once, with its links to other pages pending (:func:`pending`), and settled twice
(:func:`settled`): for a reader who has this one file, and for one who has the other chapters beside it. A link that
would lead nowhere is its words.
"""

import posixpath
import re
from collections.abc import Collection

# signs that no text has: a link's words stand between the first two, its page between the last two
BEGIN, MIDDLE, END = "\ue000", "\ue001", "\ue002"
PENDING = re.compile(f"{BEGIN}(.*?){MIDDLE}(.*?){END}", re.DOTALL)


def pending(words: str, docname: str, address: str) -> str:
    """A link to another page, which is settled later; a link to a place on the same page is its words.

    One to another site is written as it is.

    Args:
        words: what is read.
        docname: the page on which it stands.
        address: where it leads, as the page has it.
    """
    path, _, place = address.partition("#")
    if re.match(r"[a-z]+:", address):
        return f"[{words}]({address})"
    page = posixpath.normpath(posixpath.join(posixpath.dirname(docname), path)) if path else docname + ".html"
    if page == docname + ".html" or not words.strip():
        return words
    return f"{BEGIN}{words}{MIDDLE}{page}{'#' if place else ''}{place}{END}"


def settled(text: str, beside: Collection[str] = (), site: str | None = None) -> str:
    r"""A text with its links settled.

    Args:
        text: with links that are pending.
        beside: the pages whose notebooks are in the same folder.
        site: the address of the book's site, with a slash at its end; `None` where it is not known.

    >>> text = f"By {pending('Theorem 5.1', 'chapters/dynamics', 'ntk.html#thm-one-layer')}."
    >>> settled(text), settled(text, beside=["chapters/ntk"])
    ('By Theorem 5.1.', 'By [Theorem 5.1](ntk.ipynb).')
    >>> settled(text, site="https://example.org/")
    'By [Theorem 5.1](https://example.org/chapters/ntk.html#thm-one-layer).'
    """

    def link(match: re.Match[str]) -> str:
        words, address = match[1], match[2]
        page = address.partition("#")[0].removesuffix(".html")
        if page in beside:
            return f"[{words}]({posixpath.basename(page)}.ipynb)"
        return f"[{words}]({site}{address})" if site else words

    return PENDING.sub(link, text)


def unlinked(text: str) -> str:
    """The words alone, for places in which Markdown has no links."""
    return settled(text)
