"""Coursework: assignments on the book, released, checked and graded on the instructor's own machine.

``python -m coursework --help`` lists the commands. An assignment is one text notebook, its *master*, with nbgrader's
cell metadata (:mod:`coursework.master`). Submissions run in a sandbox (:mod:`coursework.sandbox`), tests outside of it,
on plain data (:mod:`coursework.judge`).
"""
