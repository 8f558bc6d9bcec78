"""A claim that holds for one draw only is found by drawing again."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from ntklib.book.draws import redrawn
from tools.redraw import RECORDS, failing, record

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


def test_what_notes_and_claims_are_in_other_draws_is_recorded(tmp_path):
    source = (
        CHAPTER.replace("PAIR", "0.0").replace("round(one, 6)", "0.0").replace("OTHER", "0.0").replace("one + 1", "9.0")
    )
    source = source.replace("claim, in_common\n", "claim, in_common, note\n").replace(
        "with in_common", 'note("drawn", one)\nnote("text", "a word")\nwith in_common'
    )
    (tmp_path / "draws.md").write_text(source, encoding="utf-8")
    draws = {shift: {} for shift in (1000, 2000)}
    for shift, noted in draws.items():
        failing(tmp_path / "draws.md", shift, noted)
        first = np.random.default_rng(shift).normal()
        assert noted["drawn"] == noted["lucky"] == first  # a claim that fails has been measured
        assert "text" not in noted
    path = record("draws", draws, ["drawn", "sound"], tmp_path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["shifts"] == [1000, 2000]
    assert list(kept["values"]) == ["drawn", "sound"]
    np.testing.assert_allclose(kept["values"]["drawn"], [noted["drawn"] for noted in draws.values()], rtol=1e-3)
    with pytest.raises(SystemExit, match=r"nothing is recorded: \['text'\]"):
        record("draws", draws, ["drawn", "text"], tmp_path)


def test_a_chapter_has_recorded_what_it_says_of_other_draws_and_nothing_else():
    asked: dict[str, set[str]] = {}
    for path in sorted(Path("chapters").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for chapter, name in re.findall(r'redrawn\(\s*"([\w-]+)",\s*"([\w-]+)"', text):
            assert chapter == path.stem
            assert re.search(rf'(claim|note)\(\s*"{name}"', text), f"{name} is no longer measured by {path}"
            asked.setdefault(chapter, set()).add(name)
    assert asked
    recorded = {
        path.stem: set(json.loads(path.read_text(encoding="utf-8"))["values"]) for path in RECORDS.glob("*.json")
    }
    assert recorded == asked
    for chapter, names in asked.items():
        for name in names:
            values = redrawn(chapter, name)
            assert len(values) >= 7
            assert np.isfinite(values).all()
