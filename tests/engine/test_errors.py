"""What a user reads of exceptions that nobody has foreseen."""

import subprocess
import sys

import pytest

from engine.contract.errors import EXIT_ENGINE, unexpected


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 48.0 KiB for an array"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 3145728 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("can't start new thread"),
        ImportError("mtrand.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=["numpy", "torch", "cuda", "thread", "loader", "system"],
)
def test_want_of_memory_is_said_as_such(error):
    """What these libraries said under RLIMIT_AS in the fault suite."""
    said = unexpected(error)
    assert said.exit_code == EXIT_ENGINE
    assert str(said).startswith("out of memory (") and "smaller batch size" in said.do and "--resume" in said.do


def test_anything_else_is_a_bug_to_report():
    said = unexpected(KeyError("row"))
    assert "KeyError: 'row'" in str(said) and "report it" in said.do and "memory" not in str(said)


THREAD_WITHOUT_MEMORY = """
import threading
from engine.contract.errors import end_where_threads_cannot_start

def no_memory():
    raise MemoryError

end_where_threads_cannot_start()
thread = threading.Thread(target=print)
thread._bootstrap = no_memory
thread.start()  # waits for ever
"""


def test_a_thread_without_memory_ends_the_process():
    done = subprocess.run([sys.executable, "-c", THREAD_WITHOUT_MEMORY], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == EXIT_ENGINE
    assert done.stderr.startswith("out of memory (no thread could be started)") and "--resume" in done.stderr


def test_other_unraisable_exceptions_are_reported_as_ever():
    code = "from engine.contract.errors import *\nend_where_threads_cannot_start()\nend_where_threads_cannot_start()\n"
    code += "class Broken:\n    def __del__(self):\n        raise MemoryError\nBroken()\nprint('still here')"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout == "still here\n" and done.stderr.count("Exception ignored") == 1
