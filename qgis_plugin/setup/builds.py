"""PyTorch's builds: which one suits this computer, where it comes from, how large it is, and the hashes of its files."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ...engine.contract.errors import EngineError
from ..i18n import tr
from .base_python import BasePython
from .driver import Driver

LOCKS = Path(__file__).absolute().parents[2] / "resources" / "locks"
AUTO = "auto"
IDS = (AUTO, "cpu", "cu130", "cu126")
INDEX = "https://download.pytorch.org/whl/"


@dataclass(frozen=True)
class Build:
    """One build of PyTorch with all that the engine needs beside it.

    Attributes
    ----------
    id : str
        "cpu", "cu126", "cu130": as the user's setting and PyTorch's indexes name it.
    local : str
        The wheel's local version.
    on_pypi : bool
        PyPI has it; else PyTorch's own index of this id.
    download_mb, disk_mb : int
        What is fetched and what it takes when it is installed, in 10^6 bytes.
    libraries : str
        Lock of the libraries that the wheel takes from other packages; "" where it holds them itself.
    """

    id: str
    local: str
    on_pypi: bool
    download_mb: int
    disk_mb: int
    libraries: str = ""

    @property
    def label(self) -> str:
        if self.id == "cpu":
            return tr("CPU (and Apple's GPU)") if sys.platform == "darwin" else tr("CPU only")
        return tr("NVIDIA GPU, CUDA {version}", version=f"{self.id[2:4]}.{self.id[4:]}")

    @property
    def sizes(self) -> str:
        return tr("{download} to download, {disk} on disk", download=amount(self.download_mb), disk=amount(self.disk_mb))


# Sizes: "cpu" and "cu130" on Linux are sums over the locked wheels (PyPI's lengths, and those unpacked; for Python 3.12), on Windows cu130 the
# wheel's length. Those of cu126 and of unpacked Windows wheels are estimates: that index was not to be reached when this was written.
BUILDS: dict[str, tuple[Build, ...]] = {
    "linux": (
        Build("cpu", "+cpu", False, 300, 1400),
        Build("cu130", "", True, 2900, 5400, "cuda13-linux.txt"),
        Build("cu126", "+cu126", False, 2900, 5600),
    ),
    "win32": (
        Build("cpu", "", True, 250, 1200),
        Build("cu130", "+cu130", False, 2100, 4600),
        Build("cu126", "+cu126", False, 2700, 5600),
    ),
    "darwin": (Build("cpu", "", True, 250, 1000),),
}
TAGS = {
    ("linux", "x86_64"): "manylinux_2_28_x86_64",
    ("linux", "aarch64"): "manylinux_2_28_aarch64",
    ("win32", "amd64"): "win_amd64",
    ("darwin", "arm64"): "macosx_14_0_arm64",
}
# Build: (oldest CUDA of the driver, compute capability from, up to but without), the best first. Compute capabilities as in pytorch/test-infra,
# pytorch_pkg_helpers/cuda.py; a 12.x build runs with every 12.x driver (CUDA's minor version compatibility).
NEEDS = {"cu130": ((13, 0), (7, 5), (99, 0)), "cu126": ((12, 0), (5, 0), (10, 0))}


@dataclass(frozen=True)
class Choice:
    """A build, why it was taken, and PyTorch's line for pip: with the wheel's hash if ``locked``."""

    build: Build
    reason: str
    requirement: str
    locked: bool


def amount(megabytes: float) -> str:
    """A size as people read it: "300 MB", "2.9 GB"."""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def system_name() -> str:
    return "linux" if sys.platform.startswith("linux") else sys.platform


def available(system: str, machine: str) -> dict[str, Build]:
    """The builds that there are for a kind of computer, by id; empty if PyTorch has none.

    Parameters
    ----------
    system : str
        "linux", "win32" or "darwin".
    machine : str
        Processor of the Python that will run it, in lower case.
    """
    if (system, machine) not in TAGS:
        return {}
    return {build.id: build for build in BUILDS[system] if build.id != "cu126" or machine in ("x86_64", "amd64")}


def suggest(driver: Driver, builds: dict[str, Build]) -> tuple[Build, str]:
    """The build for a driver, and the reason in words."""
    if len(builds) == 1:
        return builds["cpu"], tr("there is one build for this computer")
    if driver.problem:
        return builds["cpu"], driver.problem
    facts = tr("{gpu} with a driver for CUDA {version}", gpu=driver.name, version=_dotted(driver.cuda))
    for name, (cuda, oldest, newest) in NEEDS.items():
        if name in builds and driver.cuda >= cuda and oldest <= driver.capability < newest:
            return builds[name], facts
    if driver.capability >= NEEDS["cu130"][1] and driver.cuda < NEEDS["cu130"][0]:
        return builds["cpu"], tr("{facts}; this GPU needs a newer driver (580 or later), then repair the engine", facts=facts)
    return builds["cpu"], tr("{facts}; PyTorch has no build for compute capability {version}", facts=facts, version=_dotted(driver.capability))


def choose(base: BasePython, driver: Driver, wanted: str = AUTO) -> Choice:
    """The build to install: the wanted one, or with "auto" the driver's.

    Raises
    ------
    EngineError
        PyTorch has no (such) build for this computer.
    """
    system = system_name()
    builds = available(system, base.machine)
    if not builds or (wanted != AUTO and wanted not in builds):
        there = ", ".join([AUTO, *builds]) if builds else tr("Linux or Windows on x86, Linux on ARM, or a Mac with Apple's processor")
        got = tr("PyTorch has no build {build} for {system} on {machine}", build=wanted, system=system, machine=base.machine or "?")
        raise EngineError(got, there, tr("choose another in the settings, or a Python that has PyTorch"))
    suggested, reason = suggest(driver, builds)
    if wanted == AUTO:
        return _locked(suggested, reason, base, system)
    return _locked(builds[wanted], tr("chosen in the settings"), base, system)


def _locked(build: Build, reason: str, base: BasePython, system: str) -> Choice:
    lock = json.loads((LOCKS / "torch.json").read_text("utf-8"))
    requirement = f"torch=={lock['version']}{build.local}"
    tag = f"cp{base.version[0]}{base.version[1]}"
    digest = lock["wheels"].get(f"torch-{lock['version']}{build.local}-{tag}-{tag}-{TAGS[system, base.machine]}.whl")
    return Choice(build, reason, f"{requirement} --hash={digest}" if digest else requirement, digest is not None)


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
