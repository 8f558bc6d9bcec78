"""A claim that holds for one draw only is found by drawing again."""

from tools.redraw import failing

CHAPTER = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3}
---

# Draws

```{code-cell}
import jax
import numpy as np
from ntklib.book import claim, in_common

one, other = np.random.default_rng(0).normal(), float(jax.random.normal(jax.random.key(0)))
claim("lucky", one, round(one, 6), atol=1e-5, rejects=[one + 1], source="ours", statement="One draw.")
with in_common(source="ours"):
    claim("lucky-key", other, OTHER, atol=1e-5, rejects=[9.0], statement="Another.")
    claim("sound", np.random.default_rng(0).normal(size=10_000).mean(), 0, atol=0.1, rejects=[1.0], statement="A mean.")
    claim("lucky-pair", np.random.default_rng((0, 1)).normal(), PAIR, atol=1e-5, rejects=[9.0], statement="Of a pair.")
    claim("lucky-too", other, OTHER, atol=1e-5, rejects=[9.0], statement="The same again.")
```
"""


def test_a_claim_that_holds_by_luck_is_named_and_a_sound_one_is_not(tmp_path):
    import jax
    import numpy as np

    one, other = np.random.default_rng(0).normal(), float(jax.random.normal(jax.random.key(0)))
    pair = np.random.default_rng((0, 1)).normal()
    source = (
        CHAPTER.replace("PAIR", f"{pair:.6f}")
        .replace("round(one, 6)", f"{one:.6f}")
        .replace("OTHER", f"{other:.6f}")
        .replace("one + 1", "9.0")
    )
    (tmp_path / "draws.md").write_text(source, encoding="utf-8")
    assert failing(tmp_path / "draws.md", 0) == []
    assert [line.split(":")[0] for line in failing(tmp_path / "draws.md", 1000)] == [
        "lucky",
        "lucky-key",
        "lucky-pair",
        "lucky-too",
    ]
