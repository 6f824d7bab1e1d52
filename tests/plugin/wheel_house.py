"""Wheels, locks and an index that stand in for PyTorch's and PyPI's, for tests that make environments with a real venv and a real pip."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

# A version that no index or folder of this machine has: the tests' own wheel must be the one that is taken.
TORCH = "2.9999.0"
NAMES = ("torch", "rasterio", "shapely", "fiona", "numpy", "safetensors")


def write_wheel(folder, name, version, extra=(), module=True):
    """A wheel of one ``module`` that knows its version, and of further files (name, content); the same bytes each time. Returns its path."""
    info = f"{name}-{version}.dist-info"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    files = [
        *([(f"{name}.py", f"__version__ = {version!r}\n")] if module else []),
        *extra,
        (f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        (f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        (f"{info}/RECORD", ""),
    ]
    with zipfile.ZipFile(path, "w") as wheel:
        for inner, content in files:
            wheel.writestr(zipfile.ZipInfo(inner), content)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_locks(folder, wheels, keys):
    """Lock files as resources/locks has them: ``keys`` are the names under which PyTorch's one wheel of the folder is on record."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{path.name.split('-')[0]}=={path.name.split('-')[1]} --hash=sha256:{sha256(path)}\n" for path in sorted(wheels.glob("*.whl"))]
    (folder / "engine.txt").write_text("".join(line for line in lines if not line.startswith("torch==")))
    (folder / "cuda13-linux.txt").write_text("# nothing\n")
    torch = next(wheels.glob("torch-*.whl"))
    version = re.sub(r"\+.*", "", torch.name.split("-")[1])
    (folder / "torch.json").write_text(json.dumps({"version": version, "wheels": dict.fromkeys(keys, f"sha256:{sha256(torch)}")}))


def without_pip_configuration(environment):
    """Variables under which pip reads no configuration of this machine, from ``environment``.

    XDG_CONFIG_HOME alone is not enough: /etc/xdg/pip, /etc/pip.conf and pip's variables would still count, a constraint among them.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture(scope="session", autouse=True)
def hermetic_pip():
    """No test of the plugin depends on the pip configuration of the machine it runs on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PIP_")]:
            patch.delenv(name)
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        yield


@pytest.fixture(scope="session")
def quick_python(tmp_path_factory, hermetic_pip):
    """A Python whose ``-m venv`` copies a virtual environment that was made once: making one takes seconds."""
    from changescribe.engine.contract.errors import EngineError
    from changescribe.qgis_plugin.setup.base_python import find_base_python

    try:
        base = find_base_python().path
    except EngineError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("quick")
    subprocess.run([base, "-m", "venv", folder / "template"], check=True)
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nif [ "$1 $2" = "-m venv" ]; then exec cp -r "{folder}/template" "$3"; fi\nexec "{base}" "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def home(monkeypatch, tmp_path, quick_python):
    """An empty user data folder, no chosen Python, and wheels of stand-ins that are locked; returns the wheels' folder."""
    from changescribe.qgis_plugin.setup import base_python, builds, install, locate
    from changescribe.qgis_plugin.setup.proof import Proof

    def prove(python, is_cancelled):
        """Stands in for the engine's own check, which these wheels cannot pass: that they are imported."""
        return Proof(locate.probe(python)["torch"], "cpu", "imported", "no GPU")

    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in NAMES:
        write_wheel(wheels, name, TORCH + "+cpu" if name == "torch" else "1.0")
    monkeypatch.setattr(base_python, "candidates", lambda: iter([quick_python]))
    tag = "cp{}{}".format(*base_python.find_base_python().version)
    write_locks(tmp_path / "locks", wheels, [f"torch-{TORCH}+cpu-{tag}-{tag}-{system}.whl" for system in builds.TAGS.values()])
    monkeypatch.setattr(builds, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(builds, "BUILDS", {"linux": (builds.Build("cpu", "+cpu", False, 10, 50), builds.Build("cu130", "+cpu", True, 20, 100))})
    monkeypatch.setattr(install, "prove", prove)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CHANGESCRIBE_PYTHON", raising=False)
    return wheels


def use_index(monkeypatch, url):
    """Make ``url`` pip's only index, by the user's variables."""
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("PIP_TRUSTED_HOST", url.split("/")[2].split(":")[0])


class Index(BaseHTTPRequestHandler):
    """A package index of the server's ``folder``; understands a proxy's requests too. ``asked`` collects the addresses; ``slow`` names a wheel that
    never comes to its end."""

    def do_GET(self):
        self.server.asked.append(self.path)
        path = re.sub(r"^http://[^/]+", "", self.path)
        folder: Path = self.server.folder
        if path.startswith("/simple/"):
            name = path.split("/")[2]
            links = [f'<a href="/files/{found.name.replace("+", "%2B")}">{found.name}</a>' for found in folder.glob(f"{name}-*.whl")]
            return self.answer("text/html", ("<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>").encode())
        found = folder / path.split("/")[-1].replace("%2B", "+")
        if not found.is_file():
            return self.send_error(404)
        self.answer("application/octet-stream", found.read_bytes(), self.server.slow is not None and found.name.startswith(self.server.slow))

    def answer(self, kind, body, slow=False):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if slow:
            self.wfile.write(body[:20])
            self.wfile.flush()
            self.server.released.wait(60)
            return
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Quiet."""


@pytest.fixture
def index(home):
    """The wheels of ``home`` as a package index on the loopback address; returns the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    server.folder, server.asked, server.slow, server.released = home, [], None, threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
