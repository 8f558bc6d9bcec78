"""What a test can do, and what it costs when it does not end."""

from dataclasses import replace

from toy_answers import QUICK

from coursework.judging.judge import judge
from coursework.judging.tests import free_names


def test_a_test_that_takes_forever_on_what_it_gets_is_stopped(written, cache):
    slow = written(
        "import numpy as np",
        "### BEGIN SOLUTION\nvalues, more = [1, 2], 3\n### END SOLUTION",
        "assert sum(a == b for a in values for b in values for c in values) >= 2",
        "assert more == 3",
    )
    notebook = slow.release()
    notebook.cells[1].source = "values, more = np.arange(100_000), 3"
    found = judge(slow, notebook, 0, limits=replace(QUICK, test=1.0), cache=cache)
    assert found.scores == {"test-1": 0.0, "test-2": 1.0}
    assert found.suspicious
    assert "the test took more than 1 s" in found.failures["test-1"]
    assert judge(slow, slow.solution(), 0, cache=cache).scores == {"test-1": 1.0, "test-2": 1.0}


def test_a_test_that_takes_too_much_memory_is_a_failed_test(written, cache):
    large = written(
        "import numpy as np",
        "### BEGIN SOLUTION\nvalues = np.arange(3)\n### END SOLUTION",
        "assert np.sum(np.subtract.outer(values, values)) == 0",
    )
    notebook = large.release()
    notebook.cells[1].source = "values = np.arange(100_000)"
    found = judge(large, notebook, 0, cache=cache)
    assert found.scores == {"test-1": 0.0}
    assert "MemoryError" in found.failures["test-1"]


# what tests can do ---------------------------------------------------------------------------------------------


def test_what_tests_can_do(written, cache):
    """Exceptions by their names, nested names, tuples, NaN where it is looked for."""
    small = written(
        "import numpy as np\nfrom fractions import Fraction\nlimit = 3",
        "### BEGIN SOLUTION\n"
        "def positive(x):\n    if x < 0: raise ValueError('negative')\n    return Fraction(x, 2), {'x': [x]}\n"
        "gaps = np.array([1.0, np.nan])\n"
        "count = 0\n"
        "### END SOLUTION",
        "try:\n    positive(-1)\nexcept ValueError as error:\n    assert 'negative' in str(error)\n"
        "else:\n    assert False\n"
        "assert [positive(n)[0] for n in range(limit)] == [Fraction(n, 2) for n in range(limit)]\n"
        "assert (lambda: positive(3)[1])() == {'x': [3]}",
        "assert np.isnan(gaps[1])\n### BEGIN HIDDEN TESTS\nassert gaps[0] == 1\n### END HIDDEN TESTS",
        "assert np.all(gaps != 5)",
        "count = 3\nassert count == 3",
    )
    found = judge(small, small.solution(), 0, cache=cache)
    assert found.scores == {"test-1": 1.0, "test-2": 1.0, "test-3": 0.0, "test-4": 1.0}
    assert found.failures == {"test-3": "`gaps` contains NaN"}


def test_names_that_a_test_needs():
    assert free_names("assert f(a, b=[c for c in d])\ndef g(e): return e + h\nimport i.j\nk = 1; k += l") == {*"fadhl"}
