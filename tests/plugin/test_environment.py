"""The managed environment: made for real from wheels that the tests write, with a real venv and a real pip."""

import json
import os
import shutil
import stat
import sys
import time
from pathlib import Path

import pytest
from changescribe.engine.contract.errors import Cancelled, EngineError, InputError, OutputError
from changescribe.qgis_plugin.client import process
from changescribe.qgis_plugin.setup import base_python, builds, environment, install, locate, pip_run
from qgis.PyQt.QtCore import QLockFile
from wheel_house import TORCH, write_wheel

CANDIDATES = base_python.candidates
needs_venv = pytest.mark.skipif(base_python.check(Path("/usr/bin/python3")) is None, reason="no /usr/bin/python3 to make environments from")


def script(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@needs_venv
def test_an_environment_is_made_found_and_kept(home, monkeypatch):
    monkeypatch.setattr(base_python, "candidates", CANDIDATES)  # a real venv, from what this computer has
    steps = []
    python = install.install(on_progress=lambda share, text: steps.append((share, text)), wheels=home)
    assert environment.python_path() == locate.find_python() == python
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    assert locate.probe(python)["torch"] == TORCH + "+cpu"
    assert json.loads((environment.environment_folder() / environment.MARKER).read_text()) == environment.report()
    assert (environment.report()["build"], environment.report()["locked"], environment.report()["note"]) == ("cpu", True, "")
    made = (environment.environment_folder() / "pyvenv.cfg").stat().st_mtime_ns
    assert install.install(wheels=home) == python
    assert (environment.environment_folder() / "pyvenv.cfg").stat().st_mtime_ns == made


@needs_venv
def test_a_failed_set_up_does_not_count_and_is_taken_up_again(home):
    (home / "fiona-1.0-py3-none-any.whl").unlink()
    with pytest.raises(EngineError, match="fiona==1.0 was not found. Needed: a wheel for this computer. To do: add its wheel"):
        install.install(wheels=home)
    assert environment.python_path() is None
    with pytest.raises(EngineError, match="engine is not set up"):
        locate.find_python()
    made = (environment.environment_folder() / "pyvenv.cfg").stat().st_mtime_ns
    write_wheel(home, "fiona", "1.0")
    assert install.install(wheels=home) == environment.python_path()
    assert (environment.environment_folder() / "pyvenv.cfg").stat().st_mtime_ns == made


@needs_venv
def test_a_damaged_environment_is_made_anew(home):
    python = install.install(wheels=home)
    next(environment.environment_folder().rglob("rasterio.py")).write_text("raise OSError('broken library')")
    texts = []
    assert install.install(on_progress=lambda share, text: texts.append(text), wheels=home) == python
    assert "broken library" in texts[0]
    assert locate.probe(python)["rasterio"] == "1.0"


@needs_venv
def test_cancel_kills_pip_within_a_second(home):
    begun = []

    def is_cancelled():
        return bool(begun) and time.monotonic() - begun[0] > 0.1

    def on_progress(share, text):
        if share > 0.03 and not begun:
            begun.append(time.monotonic())

    with pytest.raises(Cancelled, match="set-up was cancelled. To do: start it again"):
        install.install(is_cancelled, on_progress, home)
    assert time.monotonic() - begun[0] < 1.1
    assert environment.python_path() is None


def test_two_set_ups_at_once_are_refused(home):
    environment.data_folder().mkdir(parents=True)
    lock = QLockFile(str(environment.environment_folder()) + ".lock")
    assert lock.tryLock(0)
    with pytest.raises(EngineError, match="another QGIS is setting up the engine"):
        install.install(wheels=home)
    lock.unlock()


def test_a_folder_without_wheels_is_refused(home, tmp_path):
    with pytest.raises(
        InputError,
        match=r"(?s)no wheels in .*To do: fill it.*\npip download -d wheels .*--require-hashes -r engine.txt\n"
        rf"pip download -d wheels --only-binary=:all: --no-deps torch=={TORCH}\+cpu --extra-index-url .*whl/cpu",
    ):
        install.install(wheels=tmp_path)


def test_too_little_space_is_said_before_anything_is_made(home, monkeypatch):
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 10_000_000))
    with pytest.raises(OutputError, match="10 MB free .*Needed: about 60 MB"):
        install.plan()
    assert not environment.environment_folder().exists()


def test_the_plan_states_sizes_and_place(home):
    text = install.plan().describe()
    assert "10 MB to download, 50 MB on disk" in text
    assert str(environment.environment_folder()) in text
    assert "hash" not in text
    (builds.LOCKS / "torch.json").write_text(json.dumps({"version": TORCH, "wheels": {}}))
    assert "No hash is on record for this build of PyTorch" in install.plan().describe()


def test_pips_lines_become_progress_that_never_goes_back():
    steps = []
    reporter = install._Reporter(0.1, 0.6, lambda share, text: steps.append((share, text)))
    lines = [
        "Collecting torch",
        "  Downloading torch-2.whl (191.8 MB)",
        "Progress 95900000 of 191800000",
        "noise",
        "Installing collected packages: torch",
    ]
    for line in lines:
        reporter(line)
    assert [text for _, text in steps][2] == "Downloading torch-2.whl: 96 of 192 MB"
    assert len(steps) == 4
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    assert steps[-1][0] < 0.6


def test_unsuitable_pythons_are_refused_each_with_its_reason(monkeypatch, tmp_path):
    old = script(tmp_path / "old", '#!/bin/sh\necho \'{"version": [3, 9, 2], "lacks": []}\'\n')
    bare = script(tmp_path / "bare", '#!/bin/sh\necho \'{"version": [3, 11, 2], "lacks": ["ensurepip"]}\'\n')
    dead = script(tmp_path / "dead", "#!/bin/sh\nexit 3\n")
    monkeypatch.setattr(base_python, "candidates", lambda: iter([old, bare, dead]))
    with pytest.raises(
        EngineError, match="old is Python 3.9.2; .*bare .Python 3.11.2. has no module ensurepip; .*dead does not start.*python3.11-venv"
    ):
        base_python.find_base_python()


def test_sys_executable_is_never_a_base(monkeypatch, tmp_path):
    qgis = script(tmp_path / "qgis", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(sys, "executable", str(qgis))
    monkeypatch.setattr(sys, "_base_executable", str(qgis), raising=False)
    found = list(base_python.candidates())
    assert found and qgis not in found


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["OSError: [Errno 28] No space left on device"], "the disk is full. Needed: more free space"),
        (["SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))"], "certificate was not accepted.*global.cert"),
        (["ProxyError('Cannot connect to proxy.')"], "the proxy refused the connection"),
        (
            ["WARNING: Retrying after connection broken by NewConnectionError", "ERROR: No matching distribution found for torch==2.13.0+cpu"],
            "a package server cannot be reached; torch==2.13.0.cpu was not found elsewhere.*folder of wheels",
        ),
        (["ERROR: No matching distribution found for fiona==1.10.1"], "fiona==1.10.1 was not found"),
        (
            ["something", "odd happened"],
            r"installer failed \(exit 7\): something \| odd happened",
        ),
    ],
)
def test_pip_failures_are_said_in_plain_words(lines, message):
    with pytest.raises(EngineError, match=message):
        raise pip_run.failure(lines, 7)


def test_nothing_of_qgis_leaks_into_a_child():
    leaks = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_INDEX_URL", "PROJ_LIB", "GDAL_DATA", "QGIS_PREFIX_PATH", "LD_LIBRARY_PATH")
    leaks += ("LD_PRELOAD", "DYLD_LIBRARY_PATH")
    made = process.child_environment({**dict.fromkeys(leaks, "x"), "HOME": "/home/me", "HTTPS_PROXY": "p"})
    assert made == {"HOME": "/home/me", "HTTPS_PROXY": "p", "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8"}


def test_the_chosen_python_comes_first_and_must_exist(home, monkeypatch, tmp_path):
    there = script(tmp_path / "python", "#!/bin/sh\n")
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", str(there))
    assert locate.find_python() == there
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="the chosen Python .*gone does not exist"):
        locate.find_python()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#!/bin/sh\necho nonsense\n", "does not work as a Python interpreter .exit 0: nonsense"),
        ("#!/nothing/there\n", "cannot be started"),
        (
            '#!/bin/sh\necho \'PROBE{"python": "3.11", "torch": null, "errors": {"torch": "ImportError: no"}}\'\n',
            r"\(Python 3.11\) cannot import torch \(ImportError: no\)",
        ),
    ],
)
def test_a_python_without_the_libraries_is_told(tmp_path, text, message):
    with pytest.raises(EngineError, match=message):
        locate.probe(script(tmp_path / "python", text))


@needs_venv
def test_the_worker_loads_this_plugin_and_no_other(monkeypatch, tmp_path):
    """The real launcher with a Python that lacks torch: the engine itself answers, and a plugin beside it called torch is not taken for PyTorch."""
    from changescribe.qgis_plugin.client import worker_client
    from changescribe.qgis_plugin.client.worker_client import EngineClient

    plugins = tmp_path / "plugins"
    (plugins / "torch").mkdir(parents=True)
    (plugins / "torch" / "__init__.py").write_text("__version__ = 'another plugin'")
    os.symlink(worker_client.PLUGIN_FOLDER, plugins / "changescribe")
    monkeypatch.setattr(worker_client, "PLUGIN_FOLDER", plugins / "changescribe")
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", "/usr/bin/python3")
    client = EngineClient()
    with pytest.raises(EngineError, match="PyTorch does not load .No module named 'torch'"):
        client.start()
    client.shutdown()
