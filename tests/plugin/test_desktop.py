"""The whole desktop: a real QGIS under Xvfb with a fresh profile loads the plugin, runs it with the real engine and unloads it."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")
MISSING = [name for name in ("qgis", "Xvfb", "import") if shutil.which(name) is None]


@pytest.mark.slow
@pytest.mark.skipif(not Path(PYTHON).is_file(), reason="CHANGESCRIBE_PYTHON names no Python with the engine")
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_desktop_run(tmp_path, capfd):
    import desktop_run

    help_folder = tmp_path / "help"
    assert desktop_run.main(PYTHON, tmp_path, help_folder) == 0, capfd.readouterr().out
    assert {path.name for path in tmp_path.glob("*.png")} == {"panel_form.png", "panel.png", "bubble.png"}
    assert all(path.stat().st_size > 50_000 for path in tmp_path.glob("*.png"))
    shipped = {path.name for path in (ROOT / "resources" / "help" / "img").iterdir()}
    assert {path.name for path in help_folder.iterdir()} == shipped


@pytest.mark.slow
@pytest.mark.skipif(not Path(PYTHON).is_file(), reason="CHANGESCRIBE_PYTHON names no Python with the engine")
@pytest.mark.skipif(bool(MISSING) or shutil.which("xdotool") is None, reason="needs qgis, Xvfb, xdotool and ImageMagick")
def test_a_hundred_tiles_are_judged_blind_by_keyboard(tmp_path):
    """In two sessions, the first of which is killed; the estimates then hold the truth."""
    import judge_run

    found = judge_run.main(PYTHON, tmp_path)
    assert found["ok"], found
    assert [session["began_at"] for session in found["sessions"]] == [0, judge_run.STOP_AT]
    assert (tmp_path / "judging.png").stat().st_size > 50_000
