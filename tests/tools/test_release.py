"""What a reader takes along: the archive of the site, and the branch on which each release keeps its place."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from browser import ROOT

from tools import pack

SCRIPT = ROOT / ".github" / "publish.sh"


def site(folder: Path, text: str) -> Path:
    (folder / "_static").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(f"<title>{text}</title>", encoding="utf-8")
    (folder / "_static" / "a.css").write_text("a {}", encoding="utf-8")
    (folder / ".buildinfo").write_text("of no use", encoding="utf-8")
    (folder / "_images" / "social_previews").mkdir(parents=True, exist_ok=True)
    (folder / "_images" / "social_previews" / "card.png").write_text("for who links to it", encoding="utf-8")
    return folder


def test_an_archive_is_one_folder_with_the_site_and_the_same_every_time(tmp_path):
    built = site(tmp_path / "html", "The book")
    assert pack.pack(built, tmp_path / "one.zip") == 2
    (built / "index.html").touch()
    pack.pack(built, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    zipfile.ZipFile(tmp_path / "one.zip").extractall(tmp_path / "out")
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "index.html").read_text(encoding="utf-8") == "<title>The book</title>"
    assert (folder / "_static" / "a.css").exists()


def test_without_a_site_there_is_no_archive(tmp_path, capsys):
    assert pack.main(["--site", str(tmp_path), "--out", str(tmp_path / "a.zip")]) == 1
    assert "run 'make book' first" in capsys.readouterr().err
    assert not (tmp_path / "a.zip").exists()


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        capture_output=True, encoding="utf-8", check=True,
    ).stdout  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="no git: apt-get install git")
def test_a_release_keeps_its_folder_when_main_is_published_again(tmp_path):
    remote, book = tmp_path / "remote", tmp_path / "book"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    subprocess.run(["git", "init", "--quiet", str(book)], check=True)
    (book / "source.md").write_text("the source", encoding="utf-8")
    (book / ".gitignore").write_text("_build/\n", encoding="utf-8")
    git(book, "add", "--all")
    git(book, "commit", "--quiet", "--message", "source")
    git(book, "remote", "add", "origin", str(remote))

    def publish(text: str, *folder: str) -> dict[str, str]:
        shutil.rmtree(book / "_build", ignore_errors=True)
        site(book / "_build" / "html", text)
        subprocess.run(["bash", str(SCRIPT), *folder], cwd=book, check=True, capture_output=True, encoding="utf-8")
        names = git(remote, "ls-tree", "-r", "--name-only", "gh-pages").split()
        return {name: git(remote, "show", f"gh-pages:{name}") for name in names if name.endswith((".html", ".md"))}

    assert publish("main 1") == {"index.html": "<title>main 1</title>"}
    assert publish("release", "v0.1.0")["v0.1.0/index.html"] == "<title>release</title>"
    last = publish("main 2")
    assert last == {"index.html": "<title>main 2</title>", "v0.1.0/index.html": "<title>release</title>"}
    assert ".nojekyll" in git(remote, "ls-tree", "--name-only", "gh-pages")
    assert git(remote, "rev-list", "--count", "gh-pages").strip() == "1", "the branch grows with every build"
    assert (book / "source.md").exists()
    for wrong in ("chapters", "v1/../..", "../v1"):
        refused = subprocess.run(["bash", str(SCRIPT), wrong], cwd=book, capture_output=True, encoding="utf-8")
        assert refused.returncode != 0, wrong
