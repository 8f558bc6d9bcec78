"""No free lunch: eight learners on all 65,536 targets on four bits, by counting and by a plain loop over targets.

The learners are as cheap as learners are, which is the least favourable case: one that has to be trained is asked for
each of the 256 labellings here, and for each of the 65,536 targets there.
"""

from fractions import Fraction

import numpy as np
from compare import Case, main

from ntklib.nofreelunch import all_targets, average_accuracy, hypercube

BITS, TRAIN = hypercube(4), [0, 3, 4, 7, 9, 10, 13, 14]
REST = [i for i in range(16) if i not in TRAIN]


def nearest(x_train, y_train, x_test):
    return y_train[np.abs(x_test[:, None] - x_train).sum(2).argmin(1)]


def farthest(x_train, y_train, x_test):
    return y_train[np.abs(x_test[:, None] - x_train).sum(2).argmax(1)]


def majority(x_train, y_train, x_test):
    return np.full(len(x_test), int(2 * y_train.sum() > len(y_train)))


def linear(x_train, y_train, x_test):
    return ((2 * x_test - 1) @ ((2 * x_train - 1).T @ (2 * y_train - 1)) > 0).astype(int)


def opposite(learner):
    return lambda x_train, y_train, x_test: 1 - learner(x_train, y_train, x_test)


LEARNERS = [f for learner in (nearest, farthest, majority, linear) for f in (learner, opposite(learner))]


def counted():
    return lambda: [average_accuracy(learner, BITS, TRAIN) for learner in LEARNERS]


def looped():
    targets = all_targets(16)

    def one(learner):
        right = 0
        for target in targets:
            right += int((learner(BITS[TRAIN], target[TRAIN], BITS[REST]) == target[REST]).sum())
        return Fraction(right, len(targets) * len(REST))

    return lambda: [one(learner) for learner in LEARNERS]


CASES = [
    Case(
        "no free lunch, 4 bits, 8 learners, 65,536 targets",
        {"average_accuracy": counted, "loop over targets": looped},
        goals={"loop over targets": 1 / 50},
        rounds=3,
        measure=lambda results: {"fractions that differ": sum(a != b for a, b in zip(*results.values(), strict=True))},
    )
]

if __name__ == "__main__":
    main(CASES)
