"""What does JupyterLab write of a text notebook? What jupytext writes: a save without a change makes no difference."""

import re
from typing import Any

KERNEL = re.compile(r"^kernelspec:\n((?:  \w+: .*\n)+)", re.MULTILINE)


def _in_one_order(model: dict[str, Any], **_: Any) -> None:
    """Sort what the head says of the kernel, as all of the head is: JupyterLab hands it over in an order of its own."""
    if model["type"] == "file" and isinstance(model.get("content"), str) and model["content"].startswith("---\n"):
        head, end, body = model["content"].partition("\n---\n")
        head = KERNEL.sub(lambda found: "kernelspec:\n" + "".join(sorted(found[1].splitlines(True))), head + "\n")
        model["content"] = head[:-1] + end + body


get_config().FileContentsManager.pre_save_hook = _in_one_order  # type: ignore[name-defined]  # noqa: F821
