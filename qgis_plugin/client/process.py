"""The one place that starts child processes.

``subprocess`` rather than QProcess: a QProcess belongs to one thread, while panel, click tool and Processing's background threads share one worker;
plain pipes with reader threads have no such tie, need no event loop and no polling. The commands are lists, never a shell's text; they begin with an
interpreter that the user chose or that this plugin installed, hence the ``nosec`` (the plugin site refuses any finding).
"""

from __future__ import annotations

import os
import subprocess  # nosec B404
from collections.abc import Mapping, Sequence
from typing import Any

TimeoutExpired = subprocess.TimeoutExpired
NOTHING, TO_STDOUT = subprocess.DEVNULL, subprocess.STDOUT

# QGIS's own Python, PROJ, GDAL and library paths would reach into the engine's environment and crash it.
DROPPED_NAMES = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")
DROPPED_PREFIXES = ("PIP_", "PROJ_", "GDAL_", "QGIS_", "DYLD_")


def child_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of a child: QGIS's without what would leak its Python and native libraries, UTF-8 and safe import path set."""
    source = os.environ if base is None else base
    kept = {name: value for name, value in source.items() if name.upper() not in DROPPED_NAMES and not name.upper().startswith(DROPPED_PREFIXES)}
    kept.update(PYTHONSAFEPATH="1", PYTHONUTF8="1", PYTHONIOENCODING="utf-8")
    return kept


def start(args: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start ``args`` with pipes for stdin, stdout and stderr and without a console window.

    Parameters
    ----------
    args : sequence of str
        Absolute path of the program, then its arguments.
    **options
        Passed to ``subprocess.Popen``; may replace a pipe or the environment.

    Raises
    ------
    OSError
        The program cannot be started.
    """
    settings: dict[str, Any] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "env": child_environment(),
        # The user's home: QGIS's current folder may hold files that shadow modules, or vanish.
        "cwd": os.path.expanduser("~"),
        "creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0),
        # Ctrl+C in the terminal that runs QGIS is not for the engine; it ends with its stdin.
        "start_new_session": os.name == "posix",
    }
    settings.update(options)
    return subprocess.Popen(list(args), **settings)  # nosec B603
