import copy
from pathlib import Path

import nbformat
import pytest
from toy_class import TOY_FOLDER

from coursework import __main__ as cli
from coursework.judging.judge import prepare
from coursework.masters.assignment import Assignment
from coursework.masters.reading import load, parse
from coursework.sandbox.walls import SandboxMissing, require


@pytest.fixture(scope="session")
def sandboxed() -> None:
    """Skips where there is no bubblewrap."""
    try:
        require()
    except SandboxMissing as error:
        pytest.skip(f"no sandbox: apt-get install bubblewrap ({str(error).splitlines()[0]})")


@pytest.fixture(scope="session")
def toy() -> Assignment:
    return load("toy", TOY_FOLDER)


@pytest.fixture(scope="session")
def compiled(sandboxed, tmp_path_factory) -> Path:
    """A folder for what solutions compile: sandboxes start sooner."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="session")
def cache(compiled, toy) -> Path:
    """That folder, with what the toy's solution compiles."""
    prepare(toy, compiled)
    return compiled


@pytest.fixture(scope="session")
def answered():
    """A student's notebook: the release with other sources in some cells."""

    def answered(assignment: Assignment, variant: int = 0, **sources: str) -> nbformat.NotebookNode:
        notebook = assignment.release(variant)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id", "").replace("-", "_")
            cell.source = sources.pop(name, cell.source)
        assert not sources, f"no such cells: {sources}"
        return notebook

    return answered


@pytest.fixture(scope="session")
def written():
    """An assignment made of a setup, an answer and test cells."""

    def written(setup: str, answer: str, *tests: str) -> Assignment:
        cells = [("setup", setup, {"locked": True}), ("answer", answer, {"solution": True})]
        cells += [
            (f"test-{number}", test, {"grade": True, "locked": True, "points": 1})
            for number, test in enumerate(tests, start=1)
        ]
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata["coursework"] = {"title": "Small", "minutes": 1, "chapters": ["ntk"], "objectives": ["test"]}
        flags = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
        for name, source, more in cells:
            cell = nbformat.v4.new_code_cell(source)
            cell.metadata["nbgrader"] = {**flags, "grade_id": name, **more}
            notebook.cells.append(cell)
        return parse(copy.deepcopy(notebook), "small", "small.md")

    return written


@pytest.fixture
def run(capsys):
    """A command's exit status and what it printed."""

    def run(*arguments) -> tuple[int, str]:
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run
