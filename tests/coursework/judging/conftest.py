import pytest
from toy_answers import GRAM, MEAN, QUICK

from coursework.judging.judge import judge


@pytest.fixture
def verdict(toy, cache, answered):
    """The verdict on the toy with these answers."""

    def verdict(q1: str = MEAN, q2: str = GRAM, **more):
        return judge(toy, answered(toy, 5, q1_answer=q1, q2_answer=q2), 5, limits=QUICK, cache=cache, **more)

    return verdict
