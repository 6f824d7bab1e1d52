"""Plugin tests run in QGIS's own Python against the staged folder build/changescribe (``make link``).

Without a display set QT_QPA_PLATFORM=offscreen beforehand: pytest-qgis starts QGIS before this file is read.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGED = ROOT / "build"
FAKE_WORKER = Path(__file__).with_name("fake_worker.py")

pytest.importorskip("qgis", reason="plugin tests need QGIS's own Python")
if not (STAGED / "changescribe" / "__init__.py").is_file():
    pytest.exit("the plugin is not staged; run `make link` first", 2)
sys.path.insert(0, str(STAGED))

from gui_window import dock, drawn_sample, pair, plugin, real_dock, window  # noqa: E402, F401 (fixtures)
from wheel_house import hermetic_pip, home, index, quick_python  # noqa: E402, F401 (fixtures)


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """Set the fake worker's mode; the session's client talks to it and is stopped afterwards. Returns a function mode → client."""
    from changescribe.qgis_plugin.client.worker_client import EngineClient

    client = EngineClient.instance()
    client.shutdown()
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", str(FAKE_WORKER))

    def choose(mode="normal"):
        monkeypatch.setenv("FAKE_WORKER_MODE", mode)
        monkeypatch.setenv("FAKE_WORKER_LOG", str(tmp_path / "fake_worker.jsonl"))
        client.shutdown()
        return client

    yield choose
    client.shutdown()


REGISTERED = []  # QGIS holds the provider, but not its Python half


@pytest.fixture
def provider(qgis_app):
    """The Processing provider that is registered now, or one registered as the plugin does. The plugin's end in another test removes it."""
    from changescribe.qgis_plugin.processing.provider import ChangeScribeProvider
    from qgis.core import QgsApplication

    registry = QgsApplication.processingRegistry()
    there = registry.providerById("changescribe")
    if there is not None:
        return there
    made = ChangeScribeProvider()
    assert registry.addProvider(made)
    REGISTERED.append(made)
    return made


@pytest.fixture
def rasters(tmp_path):
    """Paths of a before and an after raster, 512 m by 512 m in UTM 33N, on grids that differ."""
    from helpers import write_raster

    return {"before": write_raster(tmp_path / "before.tif"), "after": write_raster(tmp_path / "after.tif", bands=4, size=128, pixel=4.0)}


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Base URL of a map server on the loopback address, and the folder of the files that it serves."""
    folder = tmp_path_factory.mktemp("served")
    command = [sys.executable, str(Path(__file__).with_name("map_server.py")), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}", folder
        process.terminate()
