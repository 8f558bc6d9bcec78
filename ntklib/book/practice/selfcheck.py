"""How does a question of a chapter answer in a notebook? By the script of the page, with what the notebook carries."""

import base64
import zlib
from pathlib import Path

__all__ = ["bundle", "packed", "self_check", "unpacked"]

_FOLDER = Path(__file__).parent
SCRIPT, SHEET = _FOLDER / "selfcheck.js", _FOLDER / "selfcheck.css"
# the sheet is written for the pages of the book: what their theme calls its colours, in the words of the notebook
_COLORS = {
    "border": "--jp-border-color1, #bbb",
    "primary": "--jp-brand-color1, #1976d2",
    "text-base": "--jp-content-font-color1, var(--vscode-foreground, #222)",
    "text-muted": "--jp-content-font-color2, var(--vscode-descriptionForeground, #555)",
    "background": "--jp-layout-color1, var(--vscode-editor-background, #fff)",
    "surface": "--jp-layout-color2, var(--vscode-editorWidget-background, #eee)",
    "success": "--jp-success-color1, #2e7d32",
    "warning": "--jp-warn-color1, #b26a00",
}


def packed(question: str) -> str:
    """A question as the page has it, in letters from which no answer can be read at a glance.

    >>> unpacked(packed("<p>Which?</p>"))
    '<p>Which?</p>'
    """
    return base64.b64encode(zlib.compress(question.encode(), 9)).decode()


def unpacked(letters: str) -> str:
    """A question as the page has it, from these letters."""
    return zlib.decompress(base64.b64decode(letters, validate=True)).decode()


def bundle(question: str) -> dict[str, str]:
    """What a cell with this question shows, by its kind."""
    colors = "".join(f"--pst-color-{name}: var({value}); " for name, value in _COLORS.items())
    sheet = f".ntk-self-check {{ {colors}}}\n{SHEET.read_text(encoding='utf-8')}"
    script = SCRIPT.read_text(encoding="utf-8")
    # a notebook takes keys as commands, also those that are meant for a choice
    inside = f"<style>{sheet}</style>{question}<script>{script}</script>"
    shown = f'<div class="ntk-self-check" data-lm-suppress-shortcuts="true">{inside}</div>'
    return {"text/html": shown, "text/plain": "A question: run this cell in a notebook, and answer it there."}


def self_check(letters: str) -> None:
    """Show a question that answers, as on the page of the chapter.

    Args:
        letters: the question with its answers, as the notebook carries them.

    Raises:
        ValueError: if they are not what a notebook of the book carries.
    """
    from IPython.display import display

    try:
        question = unpacked(letters)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"letters must be those of a notebook of the book, got {letters[:20]!r}…: {error}") from None
    display(bundle(question), raw=True)
