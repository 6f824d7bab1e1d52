"""A new user's way in the desktop, with wheels that stand in for the downloads (``make first-use`` is the whole)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from changescribe.engine.contract.errors import EngineError
from changescribe.qgis_plugin.setup import base_python, builds

PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")
TAG = "import sys; print(sys.version_info[:2])"


@pytest.mark.slow
@pytest.mark.skipif(not Path(PYTHON).is_file(), reason="CHANGESCRIBE_PYTHON names no Python with the engine")
def test_from_the_zip_to_captions_in_under_ten_clicks(tmp_path):
    import first_use

    missing = [name for name in first_use.NEEDED if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        base = base_python.find_base_python()
    except EngineError as error:
        pytest.skip(str(error))
    borrowed = subprocess.run([PYTHON, "-c", TAG], capture_output=True, text=True, check=True).stdout
    if borrowed.strip() != str(base.version[:2]):
        pytest.skip(f"the engine's libraries are of another Python than {base.path}, which cannot borrow them")
    found = first_use.main(PYTHON, True, tmp_path, 600.0)
    assert found["ok"], found
    assert found["count"] == len(found["clicks"]) < 10
    assert builds.available(builds.system_name(), base.machine)["cpu"].sizes in found["said_before"]
    assert found["environment"]["locked"] and "a tile in" in found["environment"]["message"]
    assert found["captions"] > 0 and found["example"]
