"""The program as child processes: forked from this one, which has PyTorch imported already, or started anew.

A fork runs the same ``main`` with the same arguments as a process of its own and saves the three seconds that importing takes; every kind of
fault is also tried on processes that were started anew (``fresh``). Both run tests/engine/fakes.py: the real command line and worker with a
captioner that answers at once.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAKES = ROOT / "tests" / "engine" / "fakes.py"
sys.path.insert(0, str(FAKES.parent))

import engine.cli  # noqa: E402, F401 (imported here, so that forks have it)
import engine.cli.output  # noqa: E402
import engine.run.pipeline  # noqa: E402
import engine.worker  # noqa: E402, F401

import fakes  # noqa: E402

CAPABILITY_VERSION_3, CAP_DAC_OVERRIDE = 0x20080522, 1  # linux/capability.h


class Child:
    """A process; its stdout and stderr go to files unless ``pipes``, which gives ``stdin`` and ``stdout`` as binary streams."""

    def __init__(self, pid, output, errors, stdin=None, stdout=None):
        self.pid, self.output, self.errors, self.stdin, self.stdout = pid, output, errors, stdin, stdout
        self.code = None
        self.heard = []  # events of a worker, which come through its pipe

    def poll(self):
        """Exit code, negative for a signal, or None."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, limit_s=120.0):
        end = time.monotonic() + limit_s
        while self.poll() is None:
            if time.monotonic() > end:
                self.kill()
                self.wait(10)
                raise AssertionError(f"it hangs: no end within {limit_s:g} s; its last words: {self.said()[-2000:]}")
            time.sleep(0.005)
        return self.code

    def kill(self, number=signal.SIGKILL):
        if self.poll() is None:
            os.kill(self.pid, number)

    def said(self):
        """What it wrote, stderr first."""
        return self.errors.read_text("utf-8", "replace") + self.output.read_text("utf-8", "replace")

    def events(self):
        """What it has told until now, as it is told: one event a whole line."""
        lines = self.output.read_bytes().splitlines(keepends=True)
        return [*self.heard, *(json.loads(line) for line in lines if line.startswith(b'{"type":') and line.endswith(b"\n"))]

    def close(self):
        """End a child that may still run, and its pipes."""
        self.kill()
        self.wait(20)
        for stream in (self.stdin, self.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what could not be written to a dead process
                    continue


def start(folder, *arguments, environment=None, inside=None, fresh=False, pipes=False, tag=""):
    """Start the program on the registry in ``folder``.

    environment : more variables. inside : called in the forked child before the program; not with ``fresh``.
    tag : tells the files apart that two processes write at the same time.
    """
    said = [folder / f"{name}.txt" for name in ("out" + tag, "err" + tag)]
    out, errors = (open(path, "wb") for path in said)  # noqa: SIM115 (they are the child's)
    sources = (os.pipe(), os.pipe()) if pipes else None
    stdin = sources[0][0] if sources else os.open(os.devnull, os.O_RDONLY)
    stdout = sources[1][1] if sources else out.fileno()
    variables = {"CHANGESCRIBE_MODELS": str(folder / "models"), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **(environment or {})}
    arguments = [str(folder / "registry"), *map(str, arguments)]
    if fresh:
        command = [sys.executable, str(FAKES), *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, stdin=stdin, stdout=stdout, stderr=errors)
        pid, process.returncode = process.pid, 0  # waited for here, not by subprocess
    else:
        kept = {sources[0][1], sources[1][0]} if sources else set()
        pid = _fork(arguments, variables, inside, (stdin, stdout, errors.fileno()), kept)
    for stream in (out, errors):
        stream.close()
    os.close(stdin)
    if not sources:
        return Child(pid, *said)
    os.close(stdout)
    return Child(pid, *said, os.fdopen(sources[0][1], "wb"), os.fdopen(sources[1][0], "rb"))


def _fork(arguments, variables, inside, streams, not_its):
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for stream in not_its:  # else it holds its own stdin open
            os.close(stream)
        # A line at a time, as a pipe's reader would have it: what a killed process has told is known.
        sys.stdin, sys.stdout, sys.stderr = (open(number, mode, 1, closefd=False) for number, mode in enumerate(("r", "w", "w")))  # noqa: SIM115
        os.environ.update(variables)
        if inside is not None:
            inside()
        sys.argv = [str(FAKES), *arguments]
        code = fakes.main()
        threading._shutdown()  # waits for threads as Python's own end does; what the parent has registered with atexit is the parent's to do
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # nothing of a child may reach the parent's code
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                continue
        os._exit(code if isinstance(code, int) else 1)
    return 0


def in_child(work):
    """Run ``work()`` in a fork and wait: libraries that start threads, such as GDAL, stay out of this process."""
    in_children([work])


def in_children(works):
    """Run each in a fork of its own, all at once, and wait for them."""
    pids = []
    for work in works:
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            pids.append(pid)
            continue
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
    assert not any(codes), codes


def less_memory(megabytes):
    """For ``inside``: room for so much more than there is in use."""

    def limit():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        size = used + int(megabytes * 1e6)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    return limit


def short_files(size):
    """For ``inside``: no file may grow beyond ``size`` bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), int(size)))


def obeying_permissions():
    """For ``inside``: root may write anywhere; without this capability (capabilities(7)) it reads all, but writes only what permissions allow.

    Another user would not do: Python's own files, read as they are imported, may lie where that user may not look.
    """
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable; twice, for numbers from 32 on
        assert libc.capget(header, sets) == 0, os.strerror(ctypes.get_errno())
        sets[0] &= ~(1 << CAP_DAC_OVERRIDE)
        assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def jumping_clock(rng):
    """For ``inside``: a wall clock that is set anew, by up to ten years, at every hundredth look."""
    real, state = time.time, {"offset": 0.0, "looks": 0}

    def jump():
        state["looks"] += 1
        if state["looks"] % 100 == 1:
            state["offset"] = rng.uniform(-3e8, 3e8)
        return real() + state["offset"]

    def patch():
        time.time = jump
        time.time_ns = lambda: int(jump() * 1e9)
        gmtime = time.gmtime
        time.gmtime = lambda seconds=None: gmtime(jump() if seconds is None else seconds)

    return patch
