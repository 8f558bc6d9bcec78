"""Packs the built site to be read without a network: ``python -m tools.pack``, or ``make archive``.

The archive unpacks into one folder; a double click on its ``index.html`` opens the book, search included. The same
site gives the same archive, byte for byte.
"""

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ntklib import __version__
from tools.terminal import show_all_signs

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
FOLDER = f"wide-networks-{__version__}"
EPOCH = (1980, 1, 1, 0, 0, 0)
UNREAD = (".buildinfo", "_images/social_previews/*")  # cards are for those who link to the published site


def pack(site: Path, target: Path) -> int:
    """Write the archive of a site; returns how many files are in it.

    Raises:
        FileNotFoundError: if there is no site.
    """
    if not (site / "index.html").exists():
        raise FileNotFoundError(f"there is no site in {site}: run 'make book' first")
    target.parent.mkdir(parents=True, exist_ok=True)
    unread = {path for pattern in UNREAD for path in site.glob(pattern)}
    paths = sorted(path for path in site.rglob("*") if path.is_file() and path not in unread)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in paths:
            entry = zipfile.ZipInfo(f"{FOLDER}/{path.relative_to(site).as_posix()}", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return len(paths)


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack the site and say how large the archive is."""
    show_all_signs()
    parser = argparse.ArgumentParser(prog="python -m tools.pack", description=__doc__)
    parser.add_argument("--site", type=Path, default=SITE, help="the built site")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "book.zip", help="the file to write")
    options = parser.parse_args(arguments)
    try:
        count = pack(options.site, options.out)
    except FileNotFoundError as problem:
        print(f"The site was not packed: {problem}.", file=sys.stderr)
        return 1
    print(f"{options.out}: {count} files, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
