"""Making the managed environment: a virtual environment that gets the wheels of resources/engine-requirements.txt.

It is built in place and its marker written last. A virtual environment's scripts hold its absolute path, so a finished one
cannot be moved into place; and an interrupted one is taken up where it stopped, because pip skips what is there. Without
the marker it does not count as an environment.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qgis.PyQt.QtCore import QLockFile

from ...engine.errors import EngineError, InputError, OutputError
from ..i18n import tr
from . import environment, locate, pip_run
from .base_python import BasePython, find_base_python
from .call import never

REQUIREMENTS = Path(__file__).absolute().parents[2] / "resources" / "engine-requirements.txt"
# The package index of PyTorch's CPU builds; PyPI's Linux wheel brings CUDA, 3 GB that most could not use.
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
DOWNLOAD_MB, DISK_MB = 300, 1300
LINES = re.compile(r"(Collecting|Downloading|Using cached|Processing|Installing collected packages|Successfully installed|Requirement already)\b")
BYTES = re.compile(r"Progress (\d+) of (\d+)$")

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """What a set-up would do; say it before asking.

    folder : where. base : the Python it is made from. download_mb, disk_mb : rough sizes.
    """

    folder: Path
    base: BasePython
    download_mb: int = DOWNLOAD_MB
    disk_mb: int = DISK_MB

    def describe(self) -> str:
        version = ".".join(map(str, self.base.version))
        return tr(
            "Downloads about {download_mb} MB and takes about {disk_gb:.1f} GB in {folder} (Python {version} from {python}). "
            "QGIS's own Python is left as it is.",
            download_mb=self.download_mb,
            disk_gb=self.disk_mb / 1000,
            folder=self.folder,
            version=version,
            python=self.base.path,
        )


def plan() -> Plan:
    """Look for a base Python and for room; starts nothing but the candidates' version check.

    Raises
    ------
    EngineError
        No suitable Python.
    OutputError
        Too little disk space.
    """
    folder = environment.environment_folder()
    base = find_base_python()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_mb = shutil.disk_usage(there).free // 1_000_000
    if free_mb < DISK_MB and environment.python_path() is None:
        raise OutputError(
            tr("{free_mb} MB free on the disk of {there}", free_mb=free_mb, there=there),
            tr("about {disk_mb} MB", disk_mb=DISK_MB),
            tr("free some space, or choose a Python that has PyTorch"),
        )
    return Plan(folder, base)


def install(is_cancelled: Callable[[], bool] = never, on_progress: Progress = lambda share, text: None, wheels: Path | None = None) -> Path:
    """Make, complete or repair the managed environment; return its interpreter. Takes minutes: for a background thread.

    Parameters
    ----------
    is_cancelled : callable
        Asked about every 200 ms; pip is killed, and what is downloaded stays.
    on_progress : callable
        Gets the share done (0..1) and a line of text.
    wheels : Path, optional
        Folder of wheels; nothing is then taken from the network.

    Raises
    ------
    Cancelled
        ``is_cancelled`` became true.
    ChangeScribeError
        No base Python, no network, no room, another set-up at work; says what to do.
    """
    if wheels is not None and not any(wheels.glob("*.whl")):
        do = tr("fill it on a connected computer of the same kind: `pip download -r {name}`", name=REQUIREMENTS.name)
        raise InputError(tr("no wheels in {wheels}", wheels=wheels), tr("a folder with .whl files"), do)
    planned = plan()
    planned.folder.parent.mkdir(parents=True, exist_ok=True)
    lock = QLockFile(str(planned.folder) + ".lock")
    lock.setStaleLockTime(0)  # an install may take long; a dead owner is noticed by its process id
    if not lock.tryLock(0):
        raise EngineError(tr("another QGIS is setting up the engine"), tr("one set-up at a time"), tr("wait until it is done"))
    try:
        return _build(planned, is_cancelled, on_progress, wheels)
    finally:
        lock.unlock()


def remove() -> None:
    """Delete the managed environment, the marker first. Stop the engine before."""
    folder = environment.environment_folder()
    if folder.is_dir():
        (folder / environment.MARKER).unlink(missing_ok=True)
        shutil.rmtree(folder)


def _build(planned: Plan, is_cancelled: Callable[[], bool], on_progress: Progress, wheels: Path | None) -> Path:
    python = environment.interpreter_in(planned.folder)
    if environment.python_path() is not None:
        try:
            locate.probe(python)
        except EngineError as error:
            on_progress(0.0, tr("The environment is damaged and made anew: {error}", error=error))
        else:
            on_progress(1.0, tr("The engine is set up in {folder}", folder=planned.folder))
            return python
        remove()
    elif planned.folder.is_dir() and not _usable(python):
        remove()
    if not python.exists():
        on_progress(0.01, tr("Making a virtual environment in {folder}", folder=planned.folder))
        pip_run.run([str(planned.base.path), "-m", "venv", str(planned.folder)], is_cancelled, lambda line: None)
    style = _progress_style(python)
    for start, end, arguments in _steps(wheels):
        reporter = _Reporter(start, end, on_progress)
        command = [str(python), "-m", "pip", "install", *pip_run.OPTIONS, "--progress-bar", style, *arguments]
        pip_run.run(command, is_cancelled, reporter, pip_run.proxy_environment())
    on_progress(0.97, tr("Trying the engine's libraries"))
    report = locate.probe(python)
    report["finished"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    (planned.folder / environment.MARKER).write_text(json.dumps(report, indent=1), "utf-8")
    on_progress(1.0, tr("The engine is set up in {folder}", folder=planned.folder))
    return python


def _usable(python: Path) -> bool:
    """Whether a half-made environment has a Python with pip to go on with."""
    if not python.exists():
        return False
    try:
        pip_run.run([str(python), "-m", "pip", "--version"], never, lambda line: None)
    except EngineError:
        return False
    return True


def _progress_style(python: Path) -> str:
    """Pip's machine-readable progress bar, which it has since 24.1; else none."""
    found: list[str] = []
    pip_run.run([str(python), "-m", "pip", "--version"], never, found.append)
    version = re.match(r"pip (\d+)\.(\d+)", found[0] if found else "")
    return "raw" if version and (int(version[1]), int(version[2])) >= (24, 1) else "off"


def _steps(wheels: Path | None) -> list[tuple[float, float, list[str]]]:
    """Pip calls as (share at start, share at end, arguments)."""
    source = ["--no-index", "--find-links", str(wheels)] if wheels is not None else []
    everything = ["--only-binary=:all:", *source, "-r", str(REQUIREMENTS)]
    if not sys.platform.startswith("linux"):
        return [(0.03, 0.97, everything)]
    torch = next(line for line in REQUIREMENTS.read_text("utf-8").splitlines() if line.startswith("torch=="))
    # Alone and without its dependencies, so that the extra index is asked for this one package only.
    cpu_source = source or ["--extra-index-url", CPU_INDEX]
    return [(0.03, 0.6, ["--only-binary=:all:", "--no-deps", *cpu_source, f"{torch}+cpu"]), (0.6, 0.97, everything)]


class _Reporter:
    """Pip's lines as progress: how far a step is can only be guessed, so every telling line takes a tenth of what is left."""

    def __init__(self, start: float, end: float, on_progress: Progress):
        self._share, self._end, self._on_progress = start, end, on_progress

        self._downloading = ""

    def __call__(self, line: str) -> None:
        text = line.strip()
        bytes_done = BYTES.match(text)
        if bytes_done:
            done, total = int(bytes_done[1]), int(bytes_done[2])
            self._on_progress(self._share, tr("{name}: {done:.0f} of {total:.0f} MB", name=self._downloading, done=done / 1e6, total=total / 1e6))
            return
        if text.startswith("Downloading"):
            self._downloading = text.split(" (")[0]
        if LINES.match(text):
            self._share += (self._end - self._share) / 10
            self._on_progress(self._share, text)
        elif text.startswith(("WARNING: Retrying", "ERROR")):
            self._on_progress(self._share, text)
