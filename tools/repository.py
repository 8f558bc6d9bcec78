"""Where does the book live? Its repository, read from where it is known and never invented.

The repository is what the environment variable ``BOOK_REPOSITORY`` names (an address or ``owner/name``), else
what GitHub says in its actions, else the remote ``origin``. Only GitHub is known: Colab takes nothing else.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ntklib import __version__

HERE = Path(__file__).parent.parent
ADDRESS = re.compile(
    r"(?:(?:https?://|ssh://)?(?:[^@/\s]+@)?github\.com[/:])?([\w.-]+)/([\w.-]+?)(?:\.git)?/?", re.IGNORECASE
)


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub and the state of it that is being built.

    Attributes:
        slug: ``owner/name``.
        ref: the tag of a release that is being built, else ``main``.
        commit: the commit that is being built, or an empty string where nobody knows.
    """

    slug: str
    ref: str = "main"
    commit: str = ""

    @property
    def address(self) -> str:
        """Where people find it."""
        return f"https://github.com/{self.slug}"

    @property
    def folder(self) -> str:
        """The folder of the published site that holds this state: a release has its own, the rest is the root."""
        return "" if self.ref == "main" else f"{self.ref}/"


def parsed(text: str) -> str | None:
    """``owner/name`` from an address; `None` if it is not one on GitHub.

    >>> parsed("git@github.com:someone/book.git"), parsed("someone/book"), parsed("/home/someone/book")
    ('someone/book', 'someone/book', None)
    """
    match = ADDRESS.fullmatch(text.strip())
    return f"{match[1]}/{match[2]}" if match else None


def _git(*arguments: str) -> str:
    try:
        process = subprocess.run(
            ["git", "-C", str(HERE), *arguments], capture_output=True, encoding="utf-8", errors="replace", timeout=20
        )
    except OSError:  # there is no git
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""


def find() -> Repository | None:
    """The book's repository, or `None` where it is not known.

    Raises:
        ValueError: if ``BOOK_REPOSITORY`` is set and names no repository on GitHub.
    """
    named = os.environ.get("BOOK_REPOSITORY", "").strip()
    if named and parsed(named) is None:
        raise ValueError(f"BOOK_REPOSITORY should be owner/name or an address on GitHub, got {named!r}")
    remote = "" if named else os.environ.get("GITHUB_REPOSITORY", "") or _git("remote", "get-url", "origin")
    slug = parsed(named or remote)
    if slug is None:
        return None
    tag = os.environ.get("GITHUB_REF_NAME", "") if os.environ.get("GITHUB_REF_TYPE") == "tag" else ""
    commit = os.environ.get("GITHUB_SHA", "") or _git("rev-parse", "HEAD")
    return Repository(slug, tag or "main", commit)


def edition() -> str:
    """The version of the book, for a person: ``0.1.0, commit 1234567``."""
    commit = os.environ.get("GITHUB_SHA", "") or _git("rev-parse", "HEAD")
    return f"{__version__}, commit {commit[:7]}" if commit else __version__
