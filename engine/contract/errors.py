"""One error tree. Every message says what was got, what is needed and what to do.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

EXIT_DONE = 0
EXIT_INPUT = 2
EXIT_CANCELLED = 3
EXIT_ENGINE = 4


class ChangeScribeError(Exception):
    """Base of all errors that a user sees.

    Parameters
    ----------
    got : str
        What was found ("the file x.tif has no CRS").
    need : str
        What is needed instead ("a georeferenced raster").
    do : str
        The remedy ("assign one with gdal_edit.py -a_srs EPSG:… x.tif").
    """

    code = "error"
    exit_code = EXIT_ENGINE

    def __init__(self, got: str, need: str = "", do: str = ""):
        self.got, self.need, self.do = got, need, do
        parts = [got.rstrip(".")]
        if need:
            parts.append("Needed: " + need.rstrip("."))
        if do:
            parts.append("To do: " + do.rstrip("."))
        super().__init__(". ".join(parts) + ".")

    def to_json(self) -> dict:
        """Fields of the protocol's ``error`` message."""
        return {"code": self.code, "exit_code": self.exit_code, "message": str(self), "got": self.got, "need": self.need, "do": self.do}


class InputError(ChangeScribeError):
    """Bad arguments or input data; the user can mend it (exit code 2)."""

    code = "input"
    exit_code = EXIT_INPUT


class RasterError(InputError):
    """A raster is missing, unreadable, truncated or lacks what is needed."""

    code = "raster"


class NoOverlapError(InputError):
    """The two rasters, or the raster and the area, share no ground."""

    code = "no_overlap"


class AreaError(InputError):
    """The area of interest is empty, unreadable or of zero size."""

    code = "area"


class OutputError(InputError):
    """The output cannot be written: read-only, locked, disk full, or belongs to another run."""

    code = "output"


class ModelError(InputError):
    """Unknown model, missing or damaged weights."""

    code = "model"


class ProtocolError(InputError):
    """A message that is not valid in the worker's protocol."""

    code = "protocol"


class Cancelled(ChangeScribeError):
    """The user stopped the run; what was written is kept (exit code 3)."""

    code = "cancelled"
    exit_code = EXIT_CANCELLED


class EngineError(ChangeScribeError):
    """The engine itself failed: out of memory, a dead worker, a device that does not compute (exit code 4)."""

    code = "engine"


# What torch, numpy, the dynamic loader and C++ say.
OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "failed to map segment",
    "bad_alloc",
    "start new thread",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception of any library means that there is no memory left."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY)


def unexpected(error: Exception) -> EngineError:
    """What a user reads of an exception that nobody has foreseen: no memory left, or a bug."""
    if is_out_of_memory(error):
        do = "choose a smaller batch size, close other programs, then run again with --resume"
        return EngineError(f"out of memory ({error})", "more memory", do)
    return EngineError(f"{type(error).__name__}: {error}", "", "report it with the lines above and `changescribe doctor`")


def end_where_threads_cannot_start() -> None:
    """End the process with ``EngineError.exit_code`` where a thread has no memory to begin with.

    Python says so in ``sys.unraisablehook`` alone, while whoever starts the thread waits for it for ever
    (https://github.com/python/cpython/issues/140746).
    """
    others = sys.unraisablehook
    if getattr(others, "ends_the_process", False):
        return
    last_words = f"{unexpected(MemoryError('no thread could be started'))}\n".encode()  # now, while there is memory

    def hook(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, MemoryError) and "thread started by" in (unraisable.err_msg or ""):
            os.write(2, last_words)
            os._exit(EXIT_ENGINE)
        others(unraisable)

    hook.ends_the_process = True  # type: ignore[attr-defined]
    sys.unraisablehook = hook


def silence_libraries() -> None:
    """Keep Python's warnings of libraries (a path and a line of source) off a user's screen; ``python -W`` and PYTHONWARNINGS show them.

    What a user should know of is a sentence of ours where it matters.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


ERRORS = {
    cls.code: cls
    for cls in (ChangeScribeError, InputError, RasterError, NoOverlapError, AreaError, OutputError, ModelError, ProtocolError, Cancelled, EngineError)
}


def error_from_json(message: dict) -> ChangeScribeError:
    """Rebuild the error that the worker sent as an ``error`` message."""
    cls = ERRORS.get(message.get("code", ""), EngineError)
    return cls(message.get("got") or message.get("message", "unknown error"), message.get("need", ""), message.get("do", ""))
