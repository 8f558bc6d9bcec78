"""What happens when a submission's cells run? The sandbox is started again without the cell that ends it."""

import time

from coursework.judging.cell_order import Step
from coursework.judging.setting import JudgeError, Setting
from coursework.sandbox.replies import Stopped, StudentError
from coursework.sandbox.sandbox import Sandbox
from coursework.sandbox.usage import busy
from coursework.text import one_line


class Session:
    """A submission's sandbox: started, and started again without the guilty cell when one ends it."""

    def __init__(self, steps: list[Step], setting: Setting) -> None:
        self.steps, self.setting = steps, setting
        self.skip: set[int] = set()
        self.notes: list[str] = []
        self.errors: dict[str, str] = {}
        self.suspicious = False
        self.struck: set[str] = set()  # which of the master's limits stopped something, or may have
        self.most = {"seconds": 0.0, "total": 0.0, "memory": 0.0}
        self.slower, self.began = busy(), time.monotonic()
        self.starts = 0
        self.deadline = time.monotonic() + setting.limits.total * self.slower
        self.sandbox: Sandbox | None = None

    def start(self) -> None:
        """Run all cells; afterwards `sandbox` is None if the notebook ends every one."""
        self.close()
        limits = self.setting.limits
        while self.starts <= limits.restarts and time.monotonic() < self.deadline:
            self.starts += 1
            seen = self.setting.seen
            self.sandbox = Sandbox(limits, deadline=self.deadline, cache=seen.folder, writable=seen.writable)
            if all(self._step(index) for index in range(len(self.steps)) if index not in self.skip):
                return
            self.close()
        used_up = time.monotonic() >= self.deadline
        reason = "ended the sandbox again and again, or used up its time: nothing more was run"
        self.stopped("the notebook", reason, "total" if used_up else "")

    def _step(self, index: int) -> bool:
        """Run a cell; whether the sandbox is still there."""
        step = self.steps[index]
        assert self.sandbox is not None
        before = [number for number in range(index) if not self.steps[number].setup and number not in self.skip]
        try:
            self.sandbox.run(step.source)
        except StudentError as error:
            if step.setup and not before:
                raise JudgeError(f"{step.label} of the assignment fails in the sandbox: {error}") from error
            if self.starts == 1:
                self.notes.append(one_line(f"{step.label}: {error}"))
            if step.answer:
                self.errors.setdefault(step.answer, f"its cell stopped with {error}")
        except Stopped as stop:
            if step.setup and not before:
                raise JudgeError(f"{step.label} of the assignment does not end in the sandbox: {stop}") from stop
            # the setup is not to blame: the student's cell before it has left something running
            guilty = before[-1] if step.setup else index
            self.skip.add(guilty)
            self.stopped(self.steps[guilty].label, str(stop), stop.limit)
            if self.steps[guilty].answer:
                self.errors[str(self.steps[guilty].answer)] = f"its cell {stop}"
            return stop.alive
        return True

    def stopped(self, label: str, reason: str, limit: str = "") -> None:
        """Remember that something was stopped, and by which of the master's limits."""
        self.suspicious = True
        self.struck |= {limit} - {""}
        self.notes.append(one_line(f"{label}: {reason}"))

    def close(self) -> None:
        """End the sandbox."""
        self.most["total"] = (time.monotonic() - self.began) / self.slower
        if self.sandbox is not None:
            self.took(self.sandbox.seconds)
            self.most["memory"] = max(self.most["memory"], self.sandbox.memory / (1 << 20))
            self.sandbox.close()
            self.sandbox = None

    def took(self, seconds: float) -> None:
        """Remember how long one cell, call or test took, if it is the longest so far."""
        self.most["seconds"] = max(self.most["seconds"], seconds)
