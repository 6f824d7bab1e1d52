"""Which PyTorch is taken: the driver asked for real, the table of builds, the lock files that are shipped, and the proof."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from changescribe.engine.contract.errors import EngineError
from changescribe.qgis_plugin.setup import base_python, builds, driver, proof
from changescribe.qgis_plugin.setup.base_python import BasePython
from changescribe.qgis_plugin.setup.driver import Driver

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "resources" / "locks"
# A driver's library with what the CUDA driver API promises, of a GPU that does not exist.
LIBCUDA = """
#include <string.h>
int cuInit(unsigned flags) { return %(init)d; }
int cuDriverGetVersion(int *version) { *version = 12040; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 7; return ordinal; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, "Test GPU 9000", length); return device - 7; }
int cuDeviceGetAttribute(int *value, int attribute, int device) { *value = attribute == 75 ? 8 : 9; return device - 7; }
"""


def library(folder, init=0):
    """A shared library of LIBCUDA whose ``cuInit`` answers ``init``."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    (folder / "cuda.c").write_text(LIBCUDA % {"init": init})
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / "libcuda.so.1"), str(folder / "cuda.c")], check=True)
    return str(folder / "libcuda.so.1")


def test_the_driver_is_asked(tmp_path):
    assert driver.ask(Path(sys.executable), library(tmp_path)) == Driver("Test GPU 9000", (12, 4), (8, 9))


def test_a_driver_without_a_gpu_says_so(tmp_path):
    found = driver.ask(Path(sys.executable), library(tmp_path, 100))  # CUDA_ERROR_NO_DEVICE
    assert found.problem == "the NVIDIA driver reports no usable GPU (cuInit answers 100)"


def test_no_driver_and_a_driver_that_crashes(tmp_path):
    assert driver.ask(Path(sys.executable), str(tmp_path / "libcuda.so.1")).problem == "no NVIDIA driver was found"
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\necho segmentation >&2\nexit 139\n")
    crashing.chmod(0o755)
    assert driver.ask(crashing).problem == "the NVIDIA driver does not answer (exit 139: segmentation)"
    assert "could not be asked" in driver.ask(tmp_path / "nothing").problem


@pytest.mark.parametrize(
    ("cuda", "capability", "build", "reason"),
    [
        ((13, 0), (8, 9), "cu130", "Test GPU with a driver for CUDA 13.0"),
        ((13, 2), (12, 0), "cu130", "CUDA 13.2"),
        ((13, 0), (6, 1), "cu126", "CUDA 13.0"),  # CUDA 13 has left Pascal behind
        ((12, 4), (8, 6), "cu126", "CUDA 12.4"),
        ((12, 8), (12, 0), "cpu", "needs a newer driver .580"),  # CUDA 12.6 does not know Blackwell
        ((11, 8), (8, 6), "cpu", "needs a newer driver .580"),
        ((11, 4), (3, 5), "cpu", "no build for compute capability 3.5"),
    ],
)
def test_the_driver_decides(cuda, capability, build, reason):
    found, said = builds.suggest(Driver("Test GPU", cuda, capability), builds.available("linux", "x86_64"))
    assert found.id == build
    assert re.search(reason, said)


def test_without_a_gpu_the_processors_build_and_the_reason():
    assert builds.suggest(Driver(problem="no NVIDIA driver was found"), builds.available("win32", "amd64"))[1] == "no NVIDIA driver was found"
    assert [found.id for found in builds.available("darwin", "arm64").values()] == ["cpu"]
    assert "cu126" not in builds.available("linux", "aarch64")


def test_a_computer_without_pytorch_is_told_before_anything_is_fetched():
    with pytest.raises(EngineError, match="PyTorch has no build auto for .* on riscv64.*a Python that has PyTorch"):
        builds.choose(BasePython(Path("python"), (3, 12, 1), "riscv64"), Driver(problem="none"))


def test_the_lock_covers_each_supported_python():
    """Which wheels of PyTorch are on record; the holes are those of docs/security.md."""
    holes = set()
    for system, machine in builds.TAGS:
        for minor in range(base_python.OLDEST[1], base_python.NEWEST[1] + 1):
            for build in builds.available(system, machine).values():
                choice = builds._locked(build, "", BasePython(Path("python"), (3, minor, 1), machine), system)
                assert choice.requirement.startswith(f"torch=={torch_version()}{build.local}")
                if not choice.locked:
                    holes.add((system, machine, build.id, minor))
    assert holes == {
        ("linux", "x86_64", "cpu", 10), ("linux", "aarch64", "cpu", 10), ("win32", "amd64", "cu130", 10), ("win32", "amd64", "cu130", 11),
        *((system, machine, "cu126", minor) for system, machine in (("linux", "x86_64"), ("win32", "amd64")) for minor in range(10, 14)),
    }  # fmt: skip


def torch_version():
    return re.search(r"^torch==(\S+)$", (ROOT / "resources" / "engine-requirements.txt").read_text(), re.MULTILINE)[1]


def test_the_lock_holds_what_the_requirements_ask_for():
    lines = [line for line in (ROOT / "resources" / "engine-requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert all("==" in line for line in lines)
    locked = (LOCKS / "engine.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9-]+==[^ ;]+)", locked, re.MULTILINE))
    assert {line.split(";")[0].strip() for line in lines if not line.startswith("torch==")} <= pinned
    assert json.loads((LOCKS / "torch.json").read_text())["version"] == torch_version()
    for name in ("engine.txt", "cuda13-linux.txt"):
        entries = re.split(r"^(?=[a-z])", (LOCKS / name).read_text(), flags=re.MULTILINE)[1:]
        assert entries and all(re.search(r"--hash=sha256:[0-9a-f]{64}", entry) for entry in entries)


def test_the_engine_proves_an_environment(monkeypatch):
    import os

    python = Path(os.environ.get("CHANGESCRIBE_PYTHON", ""))
    if not python.is_file():
        pytest.skip("CHANGESCRIBE_PYTHON names no Python with the engine")
    found = proof.prove(python)
    assert found.device in ("cpu", "cuda", "mps")
    assert "a tile in" in found.message


def test_a_failed_check_of_the_engine_is_said(tmp_path):
    checks = '[{"check": "caption with scribe-s", "ok": false, "message": "CUDA error: no kernel image"}]'
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho noise\necho \'{{"type": "result", "result": {{"checks": {checks}}}}}\'\nexit 4\n')
    python.chmod(0o755)
    with pytest.raises(EngineError, match="caption with scribe-s: CUDA error: no kernel image"):
        proof.prove(python)
    python.write_text("#!/bin/sh\necho 'Illegal instruction'\nexit 132\n")
    with pytest.raises(EngineError, match="the engine does not start in .*Illegal instruction"):
        proof.prove(python)
