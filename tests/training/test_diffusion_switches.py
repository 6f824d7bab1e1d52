"""The table of the diffusion captioners' switches: its variants, and runs that are there."""

import json
from dataclasses import replace

import pytest

from engine.models.diffusion.denoiser import PRESETS
from training.diffusion.options import OPTIONS
from training.diffusion.switches import COLUMNS, VARIANTS, measured, table


def test_the_table_of_switches_keeps_runs_that_are_there(tmp_path):
    scores = {name: 1.0 for name, _ in COLUMNS}
    out = tmp_path / "run"
    out.mkdir()
    (out / "scores.json").write_text(json.dumps(scores))
    variant = VARIANTS["kd-rscc-compact"]["no-style"]
    assert measured("kd-rscc-compact", variant, 10, tmp_path, tmp_path, out) == scores
    page = table("kd-rscc-compact", 10, {"no-style": scores})
    assert "| no caption style | 1.00 |" in page and "`diffusion-rscc-compact` has no row" in page


@pytest.mark.parametrize("preset", VARIANTS)
def test_every_switch_builds(preset):
    """Members of its configuration, options and objective exist, and differ from the preset's."""
    for name, variant in VARIANTS[preset].items():
        for part, original in (
            (variant.config, PRESETS[preset]),
            (variant.options, OPTIONS[preset]),
            (variant.objective, OPTIONS[preset].objective),
        ):
            assert replace(original, **part) != original or not part, name
