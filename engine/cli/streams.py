"""The command line's arguments and output in any locale: names are UTF-8, and what an encoding lacks is escaped, never an error.

Light module: standard library only.
"""

from __future__ import annotations

import codecs
import os
import select
import sys
from contextlib import suppress
from typing import Any


def use_utf8_for_names() -> None:
    """Start this program again in Python's UTF-8 mode where names would be ASCII (a C or POSIX locale with ``PYTHONUTF8=0``).

    Names of files are UTF-8 on disk whatever the locale, and GDAL takes them as such.
    """
    if sys.flags.utf8_mode or codecs.lookup(sys.getfilesystemencoding()).name != "ascii" or not hasattr(sys, "orig_argv"):
        return
    sys.stdout.flush()
    # The same program with the same arguments; no shell, and nothing from data.
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})  # nosec B606


def never_fail_to_encode() -> None:
    """Write what the encoding of stdout and stderr does not hold as Python's escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not those that a test or a host program has put in place
            stream.reconfigure(errors="backslashreplace")


def is_utf8(stream: Any) -> bool:
    """Whether a stream writes UTF-8; one without an encoding of its own, such as StringIO, holds any text."""
    encoding = getattr(stream, "encoding", None)
    return encoding is None or codecs.lookup(encoding).name == "utf-8"


def is_read() -> bool:
    """Whether whoever reads our output is still there; a broken pipe is then another one. False where the system cannot tell."""
    if not hasattr(select, "poll"):
        return False
    state = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # no file behind it
            state.register(stream.fileno(), 0)  # errors and hang-ups are always reported
    return not state.poll(0)
