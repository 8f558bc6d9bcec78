"""Tasks in processes of their own: one that dies, hangs or is interrupted costs its task only."""

import time

from coursework.gradebook import workers


def test_a_task_that_never_ends_is_given_up_and_its_process_with_it():
    ((key, result),) = workers.run(time.sleep, [("x", (600,))], workers=1, limit=0.5)
    assert key == "x"
    assert isinstance(result, workers.Failed)
    assert "more than 0.5 seconds" in str(result)
