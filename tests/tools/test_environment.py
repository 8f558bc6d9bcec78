"""The lock, what asks for it, and what is installed agree."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ASKED = {"neural-tangents": {"tensorflow", "tf2jax"}, "flax": {"orbax-checkpoint", "tensorstore"}}  # in vain
EXCLUDED = set().union(*ASKED.values())

# The weekly run installs from the ranges instead of from the lock.
from_lock = pytest.mark.skipif(
    bool(os.environ.get("BOOK_NEWEST")), reason="installed from the ranges, not from the lock"
)


def requirements(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def locked() -> dict[str, Requirement]:
    return {canonicalize_name(requirement.name): requirement for requirement in requirements("requirements.txt")}


def test_the_lock_pins_exactly_one_version_of_each_package():
    pins = requirements("requirements.txt")
    assert len(locked()) == len(pins)
    for pin in pins:
        assert re.fullmatch(r"==[^,*]+", str(pin.specifier)), f"{pin} is not an exact version"


def test_the_lock_holds_what_is_asked_for_in_versions_that_are_asked_for():
    for asked in requirements("requirements.in"):
        name = canonicalize_name(asked.name)
        assert name in locked(), f"{name} is in requirements.in, but not in the lock: run 'make lock'"
        version = str(locked()[name].specifier).removeprefix("==")
        assert asked.specifier.contains(version), f"the lock has {name} {version}, but requirements.in wants {asked}"


def test_the_excluded_packages_are_in_neither_place():
    assert set((ROOT / "excludes.txt").read_text(encoding="utf-8").split()) == EXCLUDED
    assert not EXCLUDED & set(locked())


def test_the_ranges_of_the_library_and_its_extras_admit_the_lock():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {"book", "course", "lab", "notebook", "test"}
    for line in [*project["dependencies"], *(line for extra in extras.values() for line in extra)]:
        asked = Requirement(line)
        version = str(locked()[canonicalize_name(asked.name)].specifier).removeprefix("==")
        assert asked.specifier.contains(version), f"pyproject.toml asks for {asked}, but the lock has {version}"


def test_the_library_needs_four_packages_at_most():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {Requirement(line).name for line in project["dependencies"]} <= {"numpy", "scipy", "jax", "scikit-learn"}


@from_lock
def test_what_is_installed_is_what_is_locked():
    for name, pin in locked().items():
        if pin.marker is None or pin.marker.evaluate():
            assert importlib.metadata.version(name) == str(pin.specifier).removeprefix("=="), name


@from_lock
def test_the_lock_installs_without_looking_for_dependencies():
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index"]
    command += ["--requirement", str(ROOT / "requirements.txt")]
    process = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "Would install" not in process.stdout


def test_pip_misses_nothing_but_what_is_excluded():
    process = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, encoding="utf-8")
    complaints = [line for line in process.stdout.splitlines() if not line.startswith("No broken requirements")]
    excused = {
        f"{name} {importlib.metadata.version(name)} requires {missing}, which is not installed."
        for name, excluded in ASKED.items()
        for missing in excluded
    }
    assert set(complaints) <= excused


def test_the_library_is_typed():
    assert (ROOT / "ntklib" / "py.typed").exists()


def test_the_packages_are_compiled_whatever_the_environment_says_about_it():
    for module in ("scipy.stats", "matplotlib.axes", "jax.numpy"):
        source = importlib.util.find_spec(module).origin
        assert Path(importlib.util.cache_from_source(source)).exists(), f"each process compiles {module} again"
