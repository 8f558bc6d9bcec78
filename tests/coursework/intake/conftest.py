import pytest
from toy_class import roster_file
from toy_deliveries import CANVAS_ROSTER, GRADESCOPE_ROSTER, MOODLE_ROSTER


@pytest.fixture
def canvas(tmp_path):
    return roster_file(tmp_path / "canvas.csv", CANVAS_ROSTER)


@pytest.fixture
def moodle(tmp_path):
    return roster_file(tmp_path / "moodle.csv", MOODLE_ROSTER)


@pytest.fixture
def gradescope(tmp_path):
    return roster_file(tmp_path / "gradescope.csv", GRADESCOPE_ROSTER)
