"""The managed environment: a virtual environment in the user's data folder, made on request, keyed by the engine's version."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

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
