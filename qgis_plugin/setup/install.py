"""Making the managed environment: a virtual environment that gets exactly the wheels of resources/locks.

It is built in place and its marker written last. A virtual environment's scripts hold its absolute path, so a finished one
cannot be moved into place; and an interrupted one is taken up where it stopped, because pip skips what is there. Without
the marker it does not count as an environment, and the marker is written after the engine has captioned a tile in it.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from qgis.PyQt.QtCore import QLockFile

from ...engine.contract.errors import ChangeScribeError, EngineError, InputError, OutputError
from ..client.call import never
from ..i18n import tr
from . import builds, driver, environment, pip_run
from .base_python import BasePython, find_base_python
from .proof import Proof, prove

LINES = re.compile(r"(Collecting|Downloading|Using cached|Processing|Installing collected packages|Successfully installed|Requirement already)\b")
BYTES = re.compile(r"Progress (\d+) of (\d+)$")
STARTED = "build.txt"  # in the folder: the build that an unfinished environment was begun with

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """What a set-up would do; say it before asking.

    folder : where. base : the Python it is made from. choice : PyTorch's build and why. offers : the builds that make sense here.
    """

    folder: Path
    base: BasePython
    choice: builds.Choice
    offers: tuple[builds.Build, ...]

    def describe(self) -> str:
        return " ".join(
            (
                tr("PyTorch for: {build} ({reason}).", build=self.choice.build.label, reason=self.choice.reason),
                tr("Size: {sizes}.", sizes=self.choice.build.sizes),
                tr("Folder: {folder} (Python {version}).", folder=self.folder, version=".".join(map(str, self.base.version))),
                tr("QGIS's own Python stays unchanged."),
                *self._unlocked(),
            )
        )

    def _unlocked(self) -> list[str]:
        if self.choice.locked:
            return []
        return [tr("No hash is on record for this build of PyTorch: the version is fixed, but the file is trusted to its server.")]


def plan(wanted: str = builds.AUTO) -> Plan:
    """Look for a base Python, the driver and room; starts nothing but these looks, fetches nothing.

    Parameters
    ----------
    wanted : str
        Id of a build, or "auto".

    Raises
    ------
    EngineError
        No suitable Python, or no PyTorch for this computer.
    OutputError
        Too little disk space.
    """
    folder = environment.environment_folder()
    base = find_base_python()
    found = driver.ask(base.path)
    choice = builds.choose(base, found, wanted)
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_mb = shutil.disk_usage(there).free // 1_000_000
    # pip keeps what it has downloaded in its cache, usually on the same disk.
    needed_mb = choice.build.disk_mb + choice.build.download_mb
    if free_mb < needed_mb and not folder.is_dir():
        raise OutputError(
            tr("{free} free on the disk of {there}", free=builds.amount(free_mb), there=there),
            tr("about {needed}", needed=builds.amount(needed_mb)),
            tr("free some space, choose the build for the CPU in the settings, or choose a Python that has PyTorch"),
        )
    there_are = builds.available(builds.system_name(), base.machine)
    return Plan(folder, base, choice, (choice.build,) if found.problem else tuple(there_are.values()))


def install(
    is_cancelled: Callable[[], bool] = never,
    on_progress: Progress = lambda share, text: None,
    wheels: Path | None = None,
    wanted: str = builds.AUTO,
) -> Path:
    """Make, complete or repair the managed environment; return its interpreter. Takes minutes: for a background thread.

    Parameters
    ----------
    is_cancelled : callable
        Asked about every 200 ms; pip is killed, and what is downloaded stays.
    on_progress : callable
        Gets the share done (0..1) and a line of text.
    wheels : Path, optional
        Folder of wheels; nothing is then taken from the network. Their hashes are checked as those of downloads.
    wanted : str
        Id of PyTorch's build. "auto" takes the driver's, and leaves an environment that works as it is.

    Raises
    ------
    Cancelled
        ``is_cancelled`` became true.
    ChangeScribeError
        No base Python, no network, no room, a wrong hash, another set-up at work; says what to do.
    """
    planned = plan(wanted)
    if wheels is not None and not any(wheels.glob("*.whl")):
        do = tr(
            "fill it on a connected computer of the same kind, in the plugin's folder {folder}: {commands}",
            folder="resources/locks",
            commands=download_commands(planned.choice),
        )
        raise InputError(tr("no wheels in {wheels}", wheels=wheels), tr("a folder with .whl files"), do)
    with _locked(planned.folder):
        python = _build(planned, is_cancelled, on_progress, wheels, wanted)
    for folder in environment.older():
        try:
            _remove(folder)
        except ChangeScribeError as error:
            on_progress(1.0, tr("An earlier version's engine was not removed: {error}", error=error))
    return python


def remove() -> None:
    """Delete the managed environments of all versions, in each the marker first; takes seconds. Stop the engine before.

    Raises
    ------
    EngineError
        Another QGIS sets one up or works with it.
    OutputError
        A file cannot be deleted.
    """
    for folder in environment.folders():
        _remove(folder)


def _remove(folder: Path) -> None:
    with _locked(folder):
        if environment.in_use(folder):
            raise EngineError(tr("another QGIS is using the engine in {folder}", folder=folder), tr("one that is not in use"), tr("close that QGIS"))
        _delete(folder)


def download_commands(choice: builds.Choice) -> str:
    """What to run on a connected computer, beside the lock files, to fill a folder of wheels for the one that has no network."""
    locks = ["engine.txt", choice.build.libraries] if choice.build.libraries else ["engine.txt"]
    index = "" if choice.build.on_pypi else f" --extra-index-url {builds.INDEX}{choice.build.id}"
    commands = ["--no-deps --require-hashes" + "".join(f" -r {name}" for name in locks)]
    commands.append(("--no-deps " if choice.locked else "") + choice.requirement.split(" ")[0] + index)
    return "".join(f"\npip download -d wheels --only-binary=:all: {command}" for command in commands) + "\n"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One set-up or removal of an environment at a time on this computer; what the disk refuses is said as an error."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = environment.lock_file(Path(f"{folder}.lock"))
        if not lock.tryLock(0):
            if lock.error() == QLockFile.LockError.LockFailedError:
                raise EngineError(tr("another QGIS is setting up the engine"), tr("one set-up at a time"), tr("wait until it is done"))
            raise PermissionError(f"{folder}.lock")
        try:
            yield
        finally:
            lock.unlock()
    except OSError as error:
        do = tr("free some space or fix the permissions of {folder}, then try again", folder=folder.parent)
        raise OutputError(tr("the environment cannot be written ({error})", error=error), tr("a folder with room that you may write"), do) from error


def _delete(folder: Path) -> None:
    if folder.is_dir():
        (folder / environment.MARKER).unlink(missing_ok=True)
        shutil.rmtree(folder)


def _build(planned: Plan, is_cancelled: Callable[[], bool], on_progress: Progress, wheels: Path | None, wanted: str) -> Path:
    python = environment.interpreter_in(planned.folder)
    done = tr("The engine is set up in {folder}", folder=planned.folder)
    if environment.python_path() is not None:
        damage = _damage(python, wanted, is_cancelled)
        if not damage:
            on_progress(1.0, done)
            return python
        on_progress(0.0, tr("Rebuilding the environment: {reason}", reason=damage))
        _delete(planned.folder)
    note = ""
    while True:
        resumed = _resumable(planned, python)
        _fill(planned, is_cancelled, on_progress, wheels)
        on_progress(0.92, tr("The engine captions a test tile"))
        try:
            proof = prove(python, is_cancelled)
            break
        except EngineError as error:
            if resumed:
                text = tr("An earlier set-up does not work and is rebuilt: {error}", error=error)
            elif planned.choice.build.id != "cpu":
                note = text = tr("The build for {build} does not work here; the CPU build replaces it: {error}",
                                 build=planned.choice.build.label, error=error)  # fmt: skip
                planned = replace(planned, choice=builds.choose(planned.base, driver.Driver(), "cpu"))
            else:
                raise
            on_progress(0.0, text)
            _delete(planned.folder)
    _write_marker(planned, proof, note)
    on_progress(1.0, done)
    return python


def _damage(python: Path, wanted: str, is_cancelled: Callable[[], bool]) -> str:
    """Why a finished environment is made anew; "" if it stays."""
    built = environment.report().get("build", "cpu")
    if wanted not in (builds.AUTO, built):
        return tr("it holds the build {built}, the settings ask for {wanted}", built=built, wanted=wanted)
    try:
        prove(python, is_cancelled)
    except EngineError as error:
        return str(error)
    return ""


def _resumable(planned: Plan, python: Path) -> bool:
    """Whether an unfinished environment of this build is there, with a pip to go on with; what cannot be gone on with is deleted."""
    started = planned.folder / STARTED
    if started.is_file() and started.read_text("utf-8") == planned.choice.build.id and python.exists():
        try:
            pip_run.run([str(python), "-m", "pip", "--version"], never, lambda line: None)
            return True
        except EngineError:
            pass
    _delete(planned.folder)
    return False


def _fill(planned: Plan, is_cancelled: Callable[[], bool], on_progress: Progress, wheels: Path | None) -> None:
    """Make the virtual environment, unless it is there, and have pip install what it lacks."""
    python = environment.interpreter_in(planned.folder)
    if not python.exists():
        on_progress(0.01, tr("Making a virtual environment in {folder}", folder=planned.folder))
        pip_run.run([str(planned.base.path), "-m", "venv", str(planned.folder)], is_cancelled, lambda line: None)
        (planned.folder / STARTED).write_text(planned.choice.build.id, "utf-8")
    torch = planned.folder / "torch.txt"
    torch.write_text(planned.choice.requirement + "\n", "utf-8")
    style = _progress_style(python)
    for start, end, arguments in _steps(planned.choice, wheels, torch):
        reporter = _Reporter(start, end, on_progress)
        arguments = ["--progress-bar", style, *arguments]
        try:
            pip_run.install(python, arguments, is_cancelled, reporter)
        except pip_run.WrongHash as error:
            if wheels is not None:
                raise
            on_progress(start, tr("{error} Downloading it again.", error=error))  # pip's cache may hold the wrong file
            pip_run.install(python, [*arguments, "--no-cache-dir"], is_cancelled, reporter)


def _write_marker(planned: Plan, proof: Proof, note: str) -> None:
    build = planned.choice.build
    if not note and build.id != "cpu" and proof.device == "cpu":
        note = tr("PyTorch found no GPU that passes a test computation ({reason}); the CPU is used", reason=proof.gpu_problem)
    report = {"build": build.id, "locked": planned.choice.locked, **asdict(proof), "note": note}
    report["finished"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    (planned.folder / environment.MARKER).write_text(json.dumps(report, indent=1), "utf-8")


def _progress_style(python: Path) -> str:
    """Pip's machine-readable progress bar, which it has since 24.1; else none."""
    found: list[str] = []
    pip_run.run([str(python), "-m", "pip", "--version"], never, found.append)
    version = re.match(r"pip (\d+)\.(\d+)", found[0] if found else "")
    return "raw" if version and (int(version[1]), int(version[2])) >= (24, 1) else "off"


def _steps(choice: builds.Choice, wheels: Path | None, torch: Path) -> list[tuple[float, float, list[str]]]:
    """Pip calls as (share at start, share at end, arguments); ``torch`` is the file with PyTorch's own line.

    PyTorch comes apart from the rest, so that its index is asked for nothing else, and last: a build without a lock then finds all of its
    dependencies but NVIDIA's libraries in place.
    """
    source = ["--no-index", "--find-links", str(wheels)] if wheels is not None else []
    locked = ["--only-binary=:all:", "--no-deps", "--require-hashes", *source]
    steps = [(0.03, 0.3, [*locked, "-r", str(builds.LOCKS / "engine.txt")])]
    index = [] if choice.build.on_pypi or source else ["--extra-index-url", builds.INDEX + choice.build.id]
    if choice.locked:
        libraries = ["-r", str(builds.LOCKS / choice.build.libraries)] if choice.build.libraries else []
        steps.append((0.3, 0.9, [*locked, *index, "-r", str(torch), *libraries]))
    else:
        steps.append((0.3, 0.9, ["--only-binary=:all:", *source, *index, choice.requirement]))
    return steps


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
