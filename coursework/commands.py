"""What does each command do? The functions take the options that :mod:`coursework.__main__` has read.

What a command alone needs is imported in it: `list` is to start at once, and only `grade` needs Linux.
"""

import argparse
import functools
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursework.masters.assignment import Assignment
from coursework.masters.identity import number_in
from coursework.masters.reading import MasterError, load
from coursework.masters.variants import read_secret, variant
from coursework.sandbox.walls import require


def list_assignments(options: argparse.Namespace) -> int:
    """One line an assignment.

    Raises:
        MasterError: if there is none.
    """
    found_one = False
    for name in sorted(path.stem for path in options.assignments.glob("*.md") if path.stem.lower() != "readme"):
        try:
            found = load(name, options.assignments)
        except MasterError as error:
            print(f"skipped: {error}", file=sys.stderr)
            continue
        found_one = True
        by_hand = sum(question.points for question in found.manual)
        points = f"{found.points:g} points, {by_hand:g} of them by hand"
        print(f"{name:20} {found.title} ({found.minutes} minutes, {points}; chapters: {', '.join(found.chapters)})")
    if not found_one:
        raise MasterError(f"no assignment in {options.assignments}")
    return 0


def release_notebooks(options: argparse.Namespace) -> int:
    """Write the students' notebook, or one for each.

    Raises:
        ValueError: if options contradict one another, or a notebook that was handed out would be replaced.
    """
    from coursework.files import safe_name
    from coursework.intake.roster import read_roster

    found = _limited(options)
    if options.roster is None:
        number = _variant(options, found.name)
        whose = str(number) if options.student is None else safe_name(options.student)
        _write(found.release(number), options.out or Path(f"{found.name}_{whose}.ipynb"))
        return 0
    if options.variant is not None or options.student is not None:
        raise ValueError("--roster gives each student a variant: --variant and --student do not go with it")
    folder = options.out or Path(found.name)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {folder} is a file, wanted a folder for the notebooks")
    roster = read_roster(options.roster, options.id)
    paths = {student.id: folder / f"{found.name}_{safe_name(student.id)}.ipynb" for student in roster}
    there = [path for path in paths.values() if path.exists()]
    new = not options.secret.exists()
    if new and there:
        raise ValueError(
            f"{there[0]} exists already, and there is no secret in {options.secret}: with a new one it would get "
            "another number. Give the secret that it was made with (--secret), or another folder (--out)"
        )
    secret = read_secret(options.secret, create=True)
    if new:
        print(f"{options.secret} is new. Keep it, and to yourself: grading needs it.")
    notebooks = {student: found.release(variant(secret, found.name, student)) for student in paths}
    for student, notebook in notebooks.items():
        _refuse_other(paths[student], notebook)
    folder.mkdir(parents=True, exist_ok=True)
    for student, notebook in notebooks.items():
        if not paths[student].exists():
            nbformat.write(notebook, paths[student])
    print(f"{len(roster)} notebooks in {folder}" + (f", {len(there)} of them as they were" if there else ""))
    return 0


def _refuse_other(path: Path, notebook: NotebookNode) -> None:
    """What was handed out is not replaced, unless by the same."""
    if not path.exists():
        return
    from coursework.intake.delivery import Unreadable
    from coursework.intake.notebook_reader import read_notebook

    old = path.read_bytes()
    if old.replace(b"\r\n", b"\n").strip() == nbformat.writes(notebook).encode().strip():
        return
    why = "it or the assignment was changed since"
    try:
        if number_in(read_notebook(old)) != number_in(notebook):
            why = "its number differs: another secret or --id?"
    except Unreadable as error:
        why = f"it is no notebook: {error}"
    raise ValueError(f"{path} exists already, and {why} (nothing was written; --out names another folder)")


def write_solution(options: argparse.Namespace) -> int:
    """Write the solution.

    Raises:
        ValueError: if the roster has no such student.
    """
    found = load(options.name, options.assignments)
    if options.roster is not None:
        from coursework.intake.roster import read_roster

        if options.student is None:
            raise ValueError("--roster says whether it has a student: give --student too")
        if options.student not in read_roster(options.roster, options.id):
            raise ValueError(
                f"no student {options.student!r} in {options.roster} (ids count with upper and lower case)"
            )
    _write(found.solution(_variant(options, found.name)), options.out or Path(f"{found.name}-solution.ipynb"))
    return 0


def check_notebook(options: argparse.Namespace) -> int:
    """Say what a notebook passes."""
    from coursework.judging.students_check import check

    result = check(options.file, **_limits(options))
    print(result)
    return 0 if result.passed else 1


def grade_delivery(options: argparse.Namespace) -> int:
    """Grade what was handed in."""
    require(options.assignments, options.submissions, options.roster, options.out, options.secret)
    _refuse_within(options.submissions, options.out)
    from coursework.gradebook.grade_class import grade_all
    from coursework.gradebook.summary import terminal_progress
    from coursework.intake.collect import collect
    from coursework.intake.roster import read_roster
    from coursework.judging.judge import judge, prepare

    found = _limited(options)
    roster = read_roster(options.roster, options.id)
    # with one variant for all, no secret is needed; the gradebook still wants some bytes
    alone = options.variant is None
    secret = read_secret(options.secret) if alone else f"everybody has {options.variant:10}".encode()
    numbers = {student.id: variant(secret, found.name, student.id) for student in roster} if alone else None
    submissions = collect(options.submissions, roster, found.name, numbers=numbers, everyone=options.variant)
    cache = options.out / "compiled"
    cache.mkdir(parents=True, exist_ok=True)
    print(f"The solution of {found.name} is run first ...", file=sys.stderr)
    prepare(found, cache)
    summary = grade_all(
        found,
        submissions,
        roster,
        options.out,
        judge=functools.partial(judge, cache=cache.resolve(), everyone=options.variant),
        secret=secret,
        workers=options.workers,
        progress=terminal_progress(),
    )
    print(summary)
    return 0


def export_grades(options: argparse.Namespace) -> int:
    """Write the grades for a learning management system."""
    from coursework.gradebook.folder import open_gradebook
    from coursework.gradebook.grades import grade_rows, refresh
    from coursework.handback.export import export
    from coursework.intake.roster import read_roster

    roster = read_roster(options.roster, options.id)
    print(export(options.grades, roster, options.to, options.out, column=options.column, scale=options.scale))
    book = open_gradebook(options.grades)
    refresh(book, grade_rows(book, roster))
    return 0


def write_feedback(options: argparse.Namespace) -> int:
    """Write a page for each student."""
    from coursework.gradebook.folder import open_gradebook
    from coursework.gradebook.grades import grade_rows, left_out
    from coursework.handback.feedback import feedback
    from coursework.intake.roster import read_roster

    if (options.zip is None) != (options.to is None):
        raise ValueError("--zip FILE and --to canvas, or --to moodle, go together")
    roster = read_roster(options.roster, options.id)
    book = open_gradebook(options.grades)
    others = left_out(book, roster)
    pages = feedback(options.grades, roster, options.out)
    blank = Counter(row.status for row in grade_rows(book, roster) if row.total is None)
    without = ", ".join(f"{count} {status}" for status, count in sorted(blank.items()))
    print(f"{len(pages)} pages in {pages[0].parent}" + (f"; without a total: {without}" if without else ""))
    if options.zip is not None:
        from coursework.handback.feedback_zip import feedback_zip

        print(feedback_zip(book, grade_rows(book, roster), options.to, options.zip))
    old = sorted(path.name for path in set(pages[0].parent.glob("*.html")) - set(pages))
    if old:
        print(f"Pages there of nobody in the roster: {', '.join(old)}.")
    if others:
        print(others)
    return 0


def write_statistics(options: argparse.Namespace) -> int:
    """Write the statistics of each set, its picture, and the grades over all sets."""
    from coursework.gradebook.folder import open_gradebook
    from coursework.gradebook.grades import grade_rows, left_out
    from coursework.intake.roster import read_roster
    from coursework.overview.all_sets import write_all_sets
    from coursework.overview.class_picture import described, write_picture
    from coursework.overview.question_stats import write_stats

    roster = read_roster(options.roster, options.id)
    books = [open_gradebook(folder) for folder in options.grades]
    sets = [(book, grade_rows(book, roster)) for book in books]
    others = [sentence for book in books if (sentence := left_out(book, roster))]
    path = write_all_sets(roster, sets, options.out)  # first: it refuses one set given twice
    for book, rows in sets:
        found = write_stats(book, rows, options.out)
        write_picture(book, found, rows, options.out)
        print(described(book, found, rows))
        for one in found:
            for text, count in one.wrong:
                print(f"  {one.question}, {count} times: {text}")
    print(f"{path}: {len(roster)} students, {len(sets)} sets", *others, sep="\n")
    return 0


def compare_submissions(options: argparse.Namespace) -> int:
    """Write a table of the pairs whose answers are nearly the same code.

    Raises:
        ValueError: if the table would replace a file, or would lie among the submissions.
    """
    from coursework.intake.collect import Submission, collect
    from coursework.intake.roster import read_roster
    from coursework.overview.similar_table import described_pairs, similar, write_similar

    found = load(options.name, options.assignments)
    out = options.out.resolve()
    if out.exists():
        raise FileExistsError(f"--out {options.out} exists already: give another name, or remove it")
    if any(path.is_dir() and out.is_relative_to(path.resolve()) for path in options.submissions):
        raise ValueError(f"--out {options.out} would lie among the submissions: give a file beside them")
    roster = read_roster(options.roster, options.id)
    last: dict[str, Submission] = {}
    for path in options.submissions:
        collected = collect(path, roster, found.name)
        last |= {who: one for who, one in collected.items() if one.notebook is not None or who not in last}
        for unmatched in collected.unmatched:
            print(f"not compared: {unmatched.file}: {unmatched.reason}", file=sys.stderr)
    result = similar(found, last, threshold=options.threshold, fewest=options.fewest)
    write_similar(result, roster, options.out)
    for remark in result.remarks:
        print(remark, file=sys.stderr)
    if result.pairs:
        print(described_pairs(result.pairs))
    print(f"{options.out}: {len(result.pairs)} pairs among {result.compared} submissions and the solution")
    return 0


def _limits(options: argparse.Namespace) -> dict[str, float | None]:
    return {"seconds": options.seconds, "total": options.total, "memory": options.memory}


def _limited(options: argparse.Namespace) -> Assignment:
    """The assignment, with the limits of the command line where there are any."""
    found = load(options.name, options.assignments)
    return replace(found, allowance=found.allowance.changed(**_limits(options)))


def _variant(options: argparse.Namespace, name: str) -> int:
    """The variant that the options name: a number, a student's, or 0."""
    if options.student is not None:
        if options.variant is not None:
            raise ValueError("--variant and --student do not go together")
        return variant(read_secret(options.secret), name, options.student)
    return options.variant or 0


def _refuse_within(submissions: Path, out: Path) -> None:
    """Grades among the submissions would be taken for submissions by the next run."""
    theirs, ours = submissions.resolve(), out.resolve()
    if theirs.is_dir() and (ours.is_relative_to(theirs) or theirs.is_relative_to(ours)):
        raise ValueError(
            f"--out {out} and the submissions in {submissions} lie in one another: give a folder beside it"
        )


def _write(notebook: NotebookNode, path: Path) -> None:
    if path.exists():
        raise FileExistsError(f"{path} exists already: give another name with --out, or remove it")
    nbformat.write(notebook, path)
    print(path)
