"""How long does it take to grade a class?

    python benchmarks/grading.py [NAME ...] [--students 200] [--workers 2]

A class is made by this script: of ten submissions seven are right, two leave answers open, and one is bad, by turns: an
endless loop, a hang that ignores interrupts, an exit, a memory bomb, a fork bomb, a reply bomb. Each student has a
variant. The class is graded as ``python -m coursework grade`` does it, the compiling of the solution included.
"""

import argparse
import functools
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat

from coursework.gradebook.grade_class import grade_all
from coursework.intake.collect import collect
from coursework.intake.roster import read_roster
from coursework.judging.judge import judge, prepare
from coursework.masters.assignment import Assignment
from coursework.masters.cells import grade_id, is_solution
from coursework.masters.reading import available, load
from coursework.masters.variants import variant
from coursework.sandbox.walls import SandboxMissing, require
from tools.terminal import show_all_signs

SECRET = b"the secret of a class that does not exist"
BAD = [
    "while True:\n    pass",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True:\n    pass",
    "import os\nos._exit(1)",
    "hoard = [bytearray(1 << 28) for _ in range(1000)]",
    "import os\nwhile True:\n    os.fork()",
    "import os\nwhile True:\n    os.write(3, b'xxxx')",
]


def submission(assignment: Assignment, number: int, student: str) -> nbformat.NotebookNode:
    """What the student with this number hands in."""
    mine = variant(SECRET, assignment.name, student)
    notebook, release = assignment.solution(mine), assignment.release(mine)
    answers = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and is_solution(cell)]
    tens, kind = divmod(number, 10)
    chosen = answers[tens % len(answers)]
    if kind in (3, 6):
        for index in (chosen, answers[(tens + kind) % len(answers)]):
            notebook.cells[index].source = release.cells[index].source
    elif kind == 9:
        notebook.cells[chosen].source = BAD[tens % len(BAD)]
    assert all(grade_id(cell) for cell in notebook.cells if cell.cell_type == "code")
    return notebook


def seconds(assignment: Assignment, students: int, workers: int) -> Iterator[float]:
    """The time to prepare, and that to grade the class."""
    with tempfile.TemporaryDirectory() as folder:
        roster, handed_in, out = Path(folder, "roster.csv"), Path(folder, "in"), Path(folder, "out")
        handed_in.mkdir()
        names = [f"student{number}" for number in range(students)]
        roster.write_text("id,name\n" + "".join(f"{name},{name.title()}\n" for name in names), encoding="utf-8")
        for number, name in enumerate(names):
            nbformat.write(submission(assignment, number, name), handed_in / f"{name}.ipynb")
        start = time.perf_counter()
        prepare(assignment, Path(folder, "compiled"))
        yield time.perf_counter() - start
        start = time.perf_counter()
        class_ = read_roster(roster)
        grade_all(
            assignment,
            collect(handed_in, class_, assignment.name),
            class_,
            out,
            judge=functools.partial(judge, cache=Path(folder, "compiled")),
            secret=SECRET,
            workers=workers,
        )
        yield time.perf_counter() - start


def main() -> None:
    """Print a line for each assignment."""
    show_all_signs()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="assignments (default: all)")
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    try:
        require()
    except SandboxMissing as error:
        raise SystemExit(str(error)) from None
    print(f"{platform.machine()}, {options.workers} submissions side by side, {options.students} students")
    for name in options.names or available():
        first, rest = seconds(load(name), options.students, options.workers)
        each = rest / options.students
        print(
            f"{name:20} compiling {first:5.1f} s, grading {rest:6.1f} s: {each:.2f} s a submission, "
            f"{(first + 200 * each) / 60:.1f} min for 200",
            flush=True,
        )


if __name__ == "__main__":
    main()
