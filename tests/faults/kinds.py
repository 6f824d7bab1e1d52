"""The kinds of fault: how each is done, and what the program must say to it. A new one is a function here and a row of KINDS.

A function gets a Case, does the damage, waits for the end, mends what it has broken, and returns whether the fault met a run at work
(else it does not count and is tried at another moment). ``tests.faults.__main__`` resumes and compares afterwards.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import checks
import children
from case import tell
from machine import QGIS_PYTHON, anywhere, has_qgis, may_mount

HERE = Path(__file__).resolve().parent
OOM_CODES = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGKILL, -signal.SIGBUS)


def ended(case, child, allowed, limit_s=120.0):
    """Wait; one of the allowed exit codes with a message that says what to do."""
    code = child.wait(limit_s)
    shown = child.said()
    assert code in allowed, f"exit code {code}, documented {allowed}: {shown[-1500:]}"
    if code > 0:
        error = checks.error_of(shown)
        assert "Traceback" not in shown, shown[-3000:]
        assert error["exit_code"] == code and error["do"], error
    return code


def interrupted(case, child, number, limit_s=120.0):
    """Whether the signal met a run at work: when the result is told, the program's handlers are gone, and SIGTERM ends it as it ends any."""
    met = child.poll() is None
    child.kill(number)
    if child.wait(limit_s) == -number and '"type":"result"' in child.said():
        return False
    ended(case, child, (0, 3))
    return met


def killed(case, child):
    """Whether SIGKILL after a while met a run at work."""
    case.pause()
    met = child.poll() is None
    child.kill()
    child.wait()
    return met


def kill_command_line(case):
    return killed(case, case.start())


def kill_again_and_again(case):
    return any([killed(case, case.start(resume=resume)) for resume in (False, True, True)])


def stop_command_line(case):
    child = case.start()
    case.until_running(child)
    case.pause(0.7)
    return interrupted(case, child, case.rng.choice([signal.SIGINT, signal.SIGTERM]))


def kill_worker(case):
    child, _ = case.worker()
    case.ask(child)
    return killed(case, child)


def parent_dies(case):
    """QGIS is killed: the worker's stdin ends. What it has captioned is written, and it ends by itself."""
    child, events = case.worker()
    case.ask(child)
    case.pause()
    met = not any(event["type"] == "result" for event in events)
    child.stdin.close()
    child.stdin = None
    assert child.wait(300) == 0, child.said()  # it may be about to import PyTorch on a busy machine
    return met


def kill_qgis(case):
    """QGIS itself with the plugin's client; the engine it started sees the end of its stdin, commits and ends."""
    message = {"type": "caption", "request": case.request() | {"batch_size": 4}, "output": str(case.output), "resume": False}
    (case.folder / "request.json").write_text(json.dumps(message))
    python = case.folder / "python"  # what the plugin takes for the engine's Python
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{children.FAKES}" "{case.folder}/registry" worker\n')
    python.chmod(0o755)
    variables = {"CHANGESCRIBE_PYTHON": str(python), "QT_QPA_PLATFORM": "offscreen", "CHANGESCRIBE_MODELS": str(case.folder / "models")}
    command = [QGIS_PYTHON, HERE / "qgis_parent.py", case.folder / "request.json"]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    qgis = subprocess.Popen(command, env=os.environ | variables, **streams)
    worker = int(qgis.stdout.readline())
    case.pause(0.6)
    met = qgis.poll() is None
    qgis.kill()
    qgis.communicate()
    end = time.monotonic() + 60
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < end, "the worker outlives QGIS"
        time.sleep(0.02)
    return met


def babble(case):
    """Lines that are not of the protocol, huge ones, and ones in pieces with pauses between, while a run goes on."""
    child, events = case.worker()
    case.ask(child)
    rng, wrong = case.rng, 0
    for _ in range(rng.randint(1, 6)):
        case.pause(0.15)
        line = rng.choice(
            [
                lambda: rng.randbytes(rng.randint(1, 2000)).replace(b"\n", b" ") + b"\n",
                lambda: b'{"type": "caption", "id": "1"}\n',
                lambda: b'{"type": "caption", "id": ' + b"9" * rng.randint(1, 6000) + b"}\n",
                lambda: b"[" * rng.randint(1, 100_000) + b"\n",
                lambda: b"x" * rng.randint(4_000_001, 9_000_000) + b"\n",
                lambda: b'{"type": "models", "id": "\\ud800"' + b" " * rng.randint(0, 100) + b"]\n",
            ]
        )()
        cut = rng.randint(0, len(line))
        tell(child, line[:cut])
        case.pause(0.02)
        tell(child, line[cut:])
        wrong += 1
    end = time.monotonic() + 300
    while child.poll() is None and not any(event["type"] == "result" and event["id"] == "1" for event in events) and time.monotonic() < end:
        time.sleep(0.01)
    child.stdin.close()
    child.stdin = None
    assert child.wait(300) == 0, child.said()
    child.heard(20)
    errors = [event for event in events if event["type"] == "error"]
    # After the run has ended its id is free, and the request without rasters is bad input.
    assert len(errors) == wrong and {event["code"] for event in errors} <= {"protocol", "input"}, (wrong, errors)
    return True


def out_of_memory(case):
    child = case.start(inside=children.less_memory(case.rng.uniform(5, 50) * case.shorter))
    child.wait()
    if "libgomp: " in child.said():
        return True  # OpenMP has ended the process without asking, as the system does with a signal
    return ended(case, child, (0, 2, 4, *OOM_CODES)) != 0


def disk_full(case):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", case.results], check=False, capture_output=True)
    assert mounted.returncode == 0, "a disk of its own needs root"
    case.callback(subprocess.run, ["umount", "-l", case.results], check=True)
    child = case.start()
    case.pause()
    filler = case.results / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1 << 16))
        except OSError:
            met = child.poll() is None
    code = ended(case, child, (0, 2))
    filler.unlink()
    return met and code != 0


def file_cannot_grow(case):
    size = case.rng.uniform(0.02, 1.0) * 180_000
    return ended(case, case.start(inside=children.short_files(size)), (0, 2)) != 0


def read_only_output(case):
    child = case.start(inside=children.obeying_permissions)
    case.pause()
    met = child.poll() is None
    case.results.chmod(0o555)
    for path in case.results.iterdir():
        path.chmod(0o444)
    code = ended(case, child, (0, 2))
    case.results.chmod(0o755)
    for path in case.results.iterdir():
        path.chmod(0o644)
    return met and code != 0


def output_folder_vanishes(case):
    child = case.start()
    case.pause()
    met = child.poll() is None
    away = case.folder / "away"
    case.results.rename(away)
    code = ended(case, child, (0, 2))
    shutil.rmtree(case.results, ignore_errors=True)
    away.rename(case.results)
    return met and code != 0


def output_deleted(case):
    child = case.start()
    while not case.output.exists() and child.poll() is None:
        time.sleep(0.005)
    case.pause(0.3)
    met = child.poll() is None
    case.output.unlink(missing_ok=True)
    return ended(case, child, (0, 2)) != 0 and met


def _damaged(case, damage, before_start=False):
    """Damage one raster while the run reads it, or before; put it back afterwards."""
    path = case.rng.choice([case.before, case.after])
    whole = case.folder / "whole"
    shutil.copy2(path, whole)
    child = None
    if not before_start:
        child = case.start()
        case.pause()
    met = child is None or child.poll() is None
    damage(path)
    child = child or case.start()
    ended(case, child, (0, 2))
    os.replace(whole, path)
    return met


def raster_vanishes(case):
    return _damaged(case, os.unlink)


def raster_truncated(case):
    return _damaged(case, lambda path: os.truncate(path, case.rng.randint(0, os.path.getsize(path) - 1)), case.rng.random() < 0.5)


def raster_flipped(case):
    """Bits of compressed pixels flip; the checksum in deflate tells. (In a header they may give another, valid raster: that is for fuzzing.)"""

    def flip(path):
        size = os.path.getsize(path)
        with open(path, "r+b") as stream:
            for _ in range(case.rng.randint(1, 20)):
                place = case.rng.randint(size // 10, size * 9 // 10)
                stream.seek(place)
                value = stream.read(1)[0]
                stream.seek(place)
                stream.write(bytes([value ^ 1 << case.rng.randint(0, 7)]))

    return _damaged(case, flip, before_start=True)


def raster_lies(case):
    """The header promises more than the file holds."""
    case.use_plain()
    return _damaged(case, lambda path: os.truncate(path, case.rng.randint(3000, os.path.getsize(path) - 1)), before_start=True)


def _web(case, mode, lasts_s=None, allowed=(0, 2)):
    child = case.use_web().start()
    case.pause(0.8)
    met = child.poll() is None
    case.serve(mode)
    if lasts_s is not None:
        time.sleep(lasts_s)
        case.serve("ok")
    ended(case, child, allowed)
    case.serve("ok")
    return met


def web_stalls(case):
    return _web(case, "stall", lasts_s=case.rng.uniform(0.5, 3))


def web_stalls_and_user_cancels(case):
    child = case.use_web().start(environment={"GDAL_HTTP_LOW_SPEED_TIME": "60"})
    case.until_running(child)
    case.pause(0.3)
    case.serve("stall")
    time.sleep(0.3)
    began = time.monotonic()
    met = interrupted(case, child, signal.SIGTERM)
    assert time.monotonic() - began < 10, "a cancellation waited for a read that stalls"
    case.serve("ok")
    return met


def web_cut(case):
    return _web(case, "cut")


def web_error(case):
    return _web(case, case.rng.choice(["error", "gone"]))


def weights_damaged(case):
    """Flipped, cut, swapped, filled up or blown up before the run: refused by size or sha256, whatever is in them."""
    path = case.own_registry()
    whole = path.read_bytes()
    rng = case.rng
    place = rng.randrange(len(whole))
    rng.choice(
        [
            lambda: path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << rng.randint(0, 7)]) + whole[place + 1 :]),
            lambda: os.truncate(path, place),
            lambda: path.write_bytes(rng.randbytes(len(whole))),
            lambda: os.truncate(path, rng.randint(1, 40) << 30),
            lambda: path.write_bytes(b"\x80\x04cos\nsystem\n."),
        ]
    )()
    ended(case, case.start(), (2,))
    path.write_bytes(whole)
    return True


def weights_swapped_while_running(case):
    path = case.own_registry()
    whole = path.read_bytes()
    child = case.start()
    case.pause()
    met = child.poll() is None
    path.write_bytes(case.rng.randbytes(len(whole)))
    ended(case, child, (0, 2))
    path.write_bytes(whole)
    return met


def clock_jumps(case):
    return ended(case, case.start(inside=children.jumping_clock(case.rng)), (0,)) == 0


def two_writers(case):
    first = case.start()
    case.pause(0.6)
    second = children.start(case.folder, "caption", case.before, case.after, "-o", case.output, "--model", "fake", "--tile", "64", "--json", tag="2")
    case.callback(second.close)
    met = first.poll() is None
    ended(case, second, (0, 2))
    assert first.wait() in (0, 2)
    return met


@dataclass(frozen=True)
class Kind:
    """What is done, what must follow, and how many of 300 faults are of this kind.

    forked : it needs to act inside the process. possible : whether this machine has what it needs.
    """

    name: str
    inject: Callable
    follows: str
    share: int
    forked: bool = False
    possible: Callable = anywhere


KINDS = (
    Kind("command line killed (SIGKILL)", kill_command_line, "–", 50),
    Kind("command line killed three times in a row", kill_again_and_again, "–", 15),
    Kind("command line interrupted (SIGINT, SIGTERM)", stop_command_line, "exit 3", 15),
    Kind("worker killed (SIGKILL)", kill_worker, "–", 35),
    Kind("worker's parent killed (end of stdin)", parent_dies, "commits, exit 0", 15),
    Kind("QGIS killed (SIGKILL)", kill_qgis, "the worker commits and ends", 5, possible=has_qgis),
    Kind("malformed, huge, broken-up protocol lines", babble, "one error each, run goes on", 20),
    Kind("out of memory (RLIMIT_AS)", out_of_memory, "exit 4 or 2, or killed", 15, forked=True),
    Kind("disk full", disk_full, "exit 2", 10, possible=may_mount),
    Kind("output cannot grow (RLIMIT_FSIZE)", file_cannot_grow, "exit 2", 10, forked=True),
    Kind("output folder becomes read-only", read_only_output, "exit 2", 10, forked=True),
    Kind("output folder vanishes", output_folder_vanishes, "exit 2", 10),
    Kind("output deleted", output_deleted, "exit 2", 8),
    Kind("raster vanishes", raster_vanishes, "exit 2", 10),
    Kind("raster truncated before or during the run", raster_truncated, "exit 2, or failed tiles", 12),
    Kind("bits of compressed pixels flipped", raster_flipped, "exit 2, or failed tiles", 10),
    Kind("header promises more than the file holds", raster_lies, "exit 2, or failed tiles", 10),
    Kind("web server stalls", web_stalls, "failed tiles, or exit 2", 8),
    Kind("web server stalls, user cancels", web_stalls_and_user_cancels, "exit 3", 4),
    Kind("web server cuts its answers", web_cut, "failed tiles, or exit 2", 8),
    Kind("web server says 404 or 500", web_error, "failed tiles, or exit 2", 8),
    Kind("weights damaged, cut, swapped, blown up", weights_damaged, "exit 2", 12),
    Kind("weights swapped during the run", weights_swapped_while_running, "exit 0", 5),
    Kind("clock set back and forth", clock_jumps, "exit 0", 5, forked=True),
    Kind("two runs on one output", two_writers, "the second: exit 2", 10),
)
