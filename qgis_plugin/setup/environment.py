"""The managed environment: a virtual environment in the user's data folder, made on request, keyed by the engine's version."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from qgis.PyQt.QtCore import QLockFile

from ...engine import __version__

MARKER = "complete.json"


def data_folder() -> Path:
    """Folder for this user's ChangeScribe data, outside plugin and QGIS profile: updates of either leave it alone."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "changescribe"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "changescribe"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "changescribe"


def environment_folder() -> Path:
    return data_folder() / f"engine-{__version__}"


def folders() -> list[Path]:
    """The environments of all versions of the plugin that are there, complete or not; this version's first."""
    mine = environment_folder()
    return sorted((path for path in data_folder().glob("engine-[0-9]*") if path.is_dir()), key=lambda path: (path != mine, path))


def older() -> list[Path]:
    """Those of earlier versions."""
    return [path for path in folders() if _version(path) < _version(environment_folder())]


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", folder.name)]


def use(python: Path) -> QLockFile | None:
    """Tell every QGIS, as long as the lock lives, that this one works with the managed environment; None where ``python`` is another one's."""
    if python != python_path():
        return None
    lock = lock_file(Path(f"{environment_folder()}.used-{os.getpid()}"))
    lock.tryLock(0)
    return lock


def in_use(folder: Path) -> bool:
    """Whether a QGIS works with an environment."""
    return not all(lock_file(path).tryLock(0) for path in folder.parent.glob(f"{folder.name}.used-*"))


def lock_file(path: Path) -> QLockFile:
    """A lock that no age of its own breaks."""
    lock = QLockFile(str(path))
    lock.setStaleLockTime(0)  # an install or a run may take long; a dead owner is noticed by its process id
    return lock


def interpreter_in(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def python_path() -> Path | None:
    """The managed environment's interpreter, or None if no complete environment is there."""
    folder = environment_folder()
    python = interpreter_in(folder)
    return python if (folder / MARKER).is_file() and python.exists() else None


def report() -> dict:
    """What the set-up found when it finished: build, torch, device, note, …; empty if no complete environment is there."""
    try:
        return json.loads((environment_folder() / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
