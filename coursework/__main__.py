"""The command line: `python -m coursework COMMAND --help`."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from coursework import lean_imports  # noqa: F401 - before what imports nbformat

# isort: split
from coursework import commands
from coursework.masters.reading import ASSIGNMENTS

SECRET = Path("coursework-secret.txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 if all went well, 1 if a check failed, 2 if the command could not be done."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a sign that its encoding lacks is shown by its number
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # what the modules raise for bad input
        print(f"coursework {options.command}: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="python -m coursework", description="Assignments: release, check and grade.")
    added = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        one = added.add_parser(name, help=help, description=help)
        one.set_defaults(run=run)
        return one

    one = command("list", commands.list_assignments, "the assignments")
    _masters(one)

    one = command("release", commands.release_notebooks, "the notebook for students: no solutions, no hidden tests")
    _name(one)
    _masters(one)
    _roster(one, "the class: one notebook a student")
    _secret(one)
    _variant(one, "this variant, instead of the students'")
    _student(one)
    _limits(one)
    one.add_argument("--out", type=Path, metavar="PATH", help="the file, or with --roster the folder, to write")

    one = command("solution", commands.write_solution, "the notebook with solutions and all tests")
    _name(one)
    _masters(one)
    _secret(one)
    _variant(one, "this variant")
    _student(one)
    _roster(one, "the class, to see that it has this student")
    one.add_argument("--out", type=Path, metavar="FILE", help="the file to write")

    one = command("check", commands.check_notebook, "run a notebook and the tests that it holds")
    one.add_argument("file", type=Path, metavar="FILE")
    _limits(one)

    one = command("grade", commands.grade_delivery, "grade a delivery; may be interrupted, and goes on where it was")
    _name(one)
    _masters(one)
    one.add_argument(
        "submissions", type=Path, metavar="SUBMISSIONS", help="folder or zip, as a learning management system makes it"
    )
    _roster(one, "the class", required=True)
    one.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of this assignment's grades")
    _secret(one)
    _variant(one, "everybody had this variant")
    _limits(one)
    one.add_argument("--workers", type=int, metavar="N", help="submissions side by side (default: one a core)")

    one = command("export", commands.export_grades, "grades for a learning management system")
    one.add_argument("--to", choices=("canvas", "moodle", "csv"), required=True)
    _roster(one, "Canvas's or Moodle's own export", required=True)
    _grades(one)
    one.add_argument("--column", metavar="TITLE", help="Canvas's column, 'Title (id)'")
    one.add_argument("--scale", action="store_true", help="convert grades to the system's maximum")
    one.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write")

    one = command("feedback", commands.write_feedback, "one page a student: points, and what failed")
    _roster(one, "the class", required=True)
    _grades(one)
    one.add_argument("--out", type=Path, metavar="DIR", help="the folder to write")
    one.add_argument("--zip", type=Path, metavar="FILE", help="and a zip that the system of --to hands out")
    one.add_argument("--to", choices=("canvas", "moodle"), help="for whom the zip is")

    one = command(
        "stats", commands.write_statistics, "how the class did: each question, a picture, all sets in one table"
    )
    _roster(one, "the class", required=True)
    one.add_argument(
        "--grades", type=Path, required=True, nargs="+", metavar="DIR", help="what grade wrote, set by set"
    )
    one.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")

    one = command(
        "similar", commands.compare_submissions, "whose answers are nearly the same code: for the instructor alone"
    )
    _name(one)
    _masters(one)
    one.add_argument(
        "submissions", type=Path, nargs="+", metavar="SUBMISSIONS", help="deliveries as for grade; the last one counts"
    )
    _roster(one, "the class", required=True)
    one.add_argument("--threshold", type=float, default=0.6, metavar="SHARE", help="of an answer (default: 0.6)")
    one.add_argument("--fewest", type=float, default=30, metavar="N", help="passages in common (default: 30)")
    one.add_argument("--out", type=Path, required=True, metavar="FILE", help="the table to write")
    return root


def _name(one: argparse.ArgumentParser) -> None:
    one.add_argument("name", metavar="NAME", help="the assignment")


def _masters(one: argparse.ArgumentParser) -> None:
    one.add_argument("--assignments", type=Path, default=ASSIGNMENTS, metavar="DIR", help="masters' folder")


def _roster(one: argparse.ArgumentParser, help: str, *, required: bool = False) -> None:
    one.add_argument("--roster", type=Path, required=required, metavar="CSV", help=help)
    one.add_argument("--id", metavar="COLUMN", help="the roster's column with the ids of students")


def _secret(one: argparse.ArgumentParser) -> None:
    one.add_argument("--secret", type=Path, default=SECRET, metavar="FILE", help="what variants follow from")


def _variant(one: argparse.ArgumentParser, help: str) -> None:
    one.add_argument("--variant", type=int, metavar="N", help=help)


def _student(one: argparse.ArgumentParser) -> None:
    one.add_argument("--student", metavar="ID", help="this student's variant")


def _limits(one: argparse.ArgumentParser) -> None:
    instead = "instead of the assignment's"
    one.add_argument("--seconds", type=float, metavar="S", help=f"for a cell, a call or a test, {instead}")
    one.add_argument("--total", type=float, metavar="S", help=f"seconds for all of it, {instead}")
    one.add_argument("--memory", type=int, metavar="MB", help=f"memory, {instead}")


def _grades(one: argparse.ArgumentParser) -> None:
    one.add_argument("--grades", type=Path, required=True, metavar="DIR", help="what grade wrote")


if __name__ == "__main__":
    sys.exit(main())
