"""Rosters and deliveries as the learning management systems make them."""

from toy_class import folder, notebook, zipped

from coursework.intake.collect import collect

GOOD = notebook("x = 1")

CANVAS_ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,A toy (900),Current Score
    Points Possible,,,,,10.00,(read only)
"Doe, Jane",4711,U001,jdoe,Week 1,,
"O'Neill-Núñez, José María",4712,U002,jnunez,Week 1,,
李 小龍,4713,,li,Week 2,,
"""

MOODLE_ROSTER = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments
Participant 201,Jane Doe,jane@example.org,Submitted for grading - ,,10.00,Yes,-,
Participant 202,José Núñez,jose@example.org,No submission,,10.00,Yes,-,
"""  # noqa: E501

GRADESCOPE_ROSTER = """First Name,Last Name,SID,Email,Role,Sections
Jane,Doe,0012,jane@example.org,Student,A
José,Núñez,0013,jose@example.org,Student,A
Ada,Teacher,,ada@example.org,Instructor,
"""


def delivered(tmp_path, files, class_, how="folder", **more):
    """What is collected from files, as a folder or as a zip."""
    if how == "folder":
        path = folder(tmp_path / "delivery", files)
    else:
        path = tmp_path / "delivery.zip"
        path.write_bytes(zipped(files))
    return collect(path, class_, **more)


def source(submission):
    return submission.notebook.cells[0].source
