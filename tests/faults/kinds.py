"""The kinds of fault: how each is done, and what the program must say to it. A new one is a function here and a row of KINDS.

A function gets a Case, does the damage, waits for the end, mends what it has broken, and returns whether the fault met a run at work
(else it does not count and is tried at another moment). ``tests.faults.__main__`` resumes and compares afterwards.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import checks
import children
import inputs
from case import tell
from ends import ANY, FAILED_TILES, WAITED, ended, interrupted, killed, says, whole
from machine import QGIS_PYTHON, anywhere, has_qgis, may_mount

HERE = Path(__file__).resolve().parent


def kill_command_line(case):
    return killed(case, case.start())


def kill_again_and_again(case):
    return any([killed(case, case.start(resume=resume)) for resume in (False, True, True)])


def stop_command_line(case):
    child = case.start()
    case.until_running(child)
    case.moment(child, 0.7)
    return interrupted(case, child, case.rng.choice([signal.SIGINT, signal.SIGTERM]))


def kill_worker(case):
    child, _ = case.worker()
    case.ask(child)
    return killed(case, child)


def parent_dies(case):
    """QGIS is killed: the worker's stdin ends. What it has captioned is written, and it ends by itself."""
    child, events = case.worker()
    case.ask(child)
    case.moment(child)
    met = not any(event["type"] == "result" for event in events)
    child.stdin.close()
    child.stdin = None
    assert child.wait(300) == 0, child.said()  # it may be about to import PyTorch on a busy machine
    return met


def kill_qgis(case):
    """QGIS itself with the plugin's client; the engine it started sees the end of its stdin, commits and ends."""
    (case.folder / "request.json").write_text(json.dumps(case.message()))
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
    heard = [json.loads(line) for line in qgis.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    case.told.append(lambda: [*heard, {"type": "error", "code": "cancelled"}])  # the worker's last words, which nobody hears: all is written
    end = time.monotonic() + 60
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < end, "the worker outlives QGIS"
        time.sleep(0.02)
    return met


def interleaved(place):
    """A message that another writer's message has got into: two lines, neither of them whole."""
    message, other = (b'{"type": "models", "id": "%d"}\n' % number for number in (8, 9))
    return message[:place] + other + message[place:]


def babble(case):
    """Lines that are not of the protocol, huge ones, ones in pieces with pauses between and two in one another, while a run goes on."""
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
                lambda: interleaved(rng.randint(1, 29)),
            ]
        )()
        cut = rng.randint(0, len(line))
        tell(child, line[:cut])
        case.pause(0.02)
        tell(child, line[cut:])
        wrong += line.count(b"\n")
    end = time.monotonic() + 300
    while child.poll() is None and not any(event["type"] == "result" and event["id"] == "1" for event in events) and time.monotonic() < end:
        time.sleep(0.01)
    child.stdin.close()
    child.stdin = None
    assert child.wait(300) == 0, child.said()
    child.hear(20)
    errors = [event for event in events if event["type"] == "error"]
    # After the run has ended its id is free, and the request without rasters is bad input.
    assert len(errors) == wrong and {event["code"] for event in errors} <= {"protocol", "input"}, (wrong, errors)
    return True


def out_of_memory(case):
    child = case.start(inside=children.less_memory(case.rng.uniform(5, 50) * case.shorter))
    child.wait()
    if "libgomp: " in child.said():
        return True  # OpenMP has ended the process without asking, as the system does with a signal
    return ended(case, child)


def disk_full(case):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", case.results], check=False, capture_output=True)
    assert mounted.returncode == 0, "a disk of its own needs root"
    case.callback(subprocess.run, ["umount", "-l", case.results], check=True)
    child = case.start()
    case.moment(child)
    filler = case.results / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1 << 16))
        except OSError:
            met = child.poll() is None
    met = ended(case, child, met)
    filler.unlink()
    return met


def file_cannot_grow(case):
    size = case.rng.uniform(0.02, 1.0) * 180_000
    return ended(case, case.start(inside=children.short_files(size)))


def read_only_output(case):
    child = case.start(inside=children.obeying_permissions)
    case.moment(child)
    met = child.poll() is None
    case.results.chmod(0o555)
    for path in case.results.iterdir():
        path.chmod(0o444)
    met = ended(case, child, met)
    case.results.chmod(0o755)
    for path in case.results.iterdir():
        path.chmod(0o644)
    return met


def output_folder_vanishes(case):
    child = case.start()
    case.moment(child)
    met = child.poll() is None
    away = case.folder / "away"
    case.results.rename(away)
    met = ended(case, child, met)
    shutil.rmtree(case.results, ignore_errors=True)
    away.rename(case.results)
    return met


def output_deleted(case):
    child = case.start()
    while not case.files() and child.poll() is None:
        time.sleep(0.005)
    case.moment(child, 0.3)
    met = child.poll() is None
    for path in case.files():
        path.unlink()
    return ended(case, child, met)


def clock_jumps(case):
    return ended(case, case.start(inside=children.jumping_clock(case.rng)))


def two_writers(case):
    """The lock stops the second, which may want to resume what is there."""
    first = case.start()
    case.until_running(first)
    case.pause(0.2)
    case.fresh = False
    second = case.start(resume=case.rng.random() < 0.5)
    code = second.wait()
    met = first.poll() is None
    assert first.wait() == 0 and whole(case, first.events()) == 0, first.said()
    if met:
        assert code == 2, f"exit code {code}, documented 2: {second.said()[-1500:]}"
        says(checks.error_of(second.events()), code, case.kind.ends[2])
    return met


@dataclass(frozen=True)
class Kind:
    """What is done, what must follow, and how many of 300 faults are of this kind.

    ends : exit codes, negative for a signal, with what the error's message must match; 0 with ANY, FAILED_TILES or WAITED
    forked : it needs to act inside the process. possible : whether this machine has what it needs. destroys : the fault takes the output.
    """

    name: str
    inject: Callable
    follows: str
    share: int
    ends: Mapping = field(default_factory=dict)
    forked: bool = False
    possible: Callable = anywhere
    destroys: bool = False


def dies(*numbers):
    return dict.fromkeys((-number for number in numbers), ANY)


def error(code, text):
    return {code: re.compile(text, re.DOTALL)}


# docs/reliability.md, "What a user sees".
UNWRITABLE = error(2, r"results\S* cannot be written.*(--resume|choose another output)|the folder \S*results does not exist")
PUT_BACK = r"(before|after)\.tif .*put (it|the file) back and run again with --resume"
GONE = error(2, PUT_BACK + r"|(before|after)\.tif .*[Nn]o such file.*check the path")
UNREADABLE = error(2, PUT_BACK + r"|(before|after)\.tif .*gdalinfo -checksum")
STOPPED = error(3, r"kept.*--resume")
NO_MEMORY = error(4, r"out of memory.*--resume") | error(2, r"(before|after)\.tif|out\S*\.gpkg|heat\.tif|weights")
OOM_SIGNALS = dies(signal.SIGABRT, signal.SIGSEGV, signal.SIGKILL, signal.SIGBUS)
FULL = error(2, r"the disk of \S*results/\S+ is full.*--resume|MB free on the disk of \S*results\b")
WEIGHTS = error(2, r"fake\.safetensors .*sha256 [0-9a-f]{12}")
IN_USE = error(2, r"out\S*\.gpkg is being written by another run.*wait for that run|(heat\.tif|out_0001\.gpkg) exists.*--resume")
FAILED = {0: FAILED_TILES}
DONE = {0: ANY}

KINDS = (
    Kind("command line killed (SIGKILL)", kill_command_line, "–", 50),
    Kind("command line killed three times in a row", kill_again_and_again, "–", 15),
    Kind("command line interrupted (SIGINT, SIGTERM)", stop_command_line, "exit 3", 15, STOPPED),
    Kind("worker killed (SIGKILL)", kill_worker, "–", 35),
    Kind("worker's parent killed (end of stdin)", parent_dies, "commits, exit 0", 15),
    Kind("QGIS killed (SIGKILL)", kill_qgis, "the worker commits and ends", 5, possible=has_qgis),
    Kind("malformed, huge, broken-up, interleaved protocol lines", babble, "one error each, run goes on", 20),
    Kind("out of memory (RLIMIT_AS)", out_of_memory, "exit 4 or 2, or killed", 15, NO_MEMORY | OOM_SIGNALS, forked=True),
    Kind("disk full", disk_full, "exit 2", 10, FULL, possible=may_mount),
    Kind("output cannot grow (RLIMIT_FSIZE)", file_cannot_grow, "exit 2", 10, UNWRITABLE, forked=True),
    Kind("output folder becomes read-only", read_only_output, "exit 2", 10, UNWRITABLE, forked=True),
    Kind("output folder vanishes", output_folder_vanishes, "exit 2", 10, UNWRITABLE),
    Kind("output deleted", output_deleted, "exit 2", 8, UNWRITABLE, destroys=True),
    Kind("raster vanishes", inputs.raster_vanishes, "exit 2", 10, GONE),
    Kind("raster truncated before or during the run", inputs.raster_truncated, "exit 2, or failed tiles", 12, UNREADABLE | FAILED),
    Kind("bits of compressed pixels flipped", inputs.raster_flipped, "exit 2, or failed tiles", 10, UNREADABLE | FAILED),
    Kind("header promises more than the file holds", inputs.raster_lies, "exit 2, or failed tiles", 10, UNREADABLE | FAILED),
    Kind("web server stalls", inputs.web_stalls, "waits, failed tiles, or exit 2", 8, UNREADABLE | {0: WAITED}),
    Kind("web server stalls, user cancels", inputs.web_stalls_and_user_cancels, "exit 3", 4, STOPPED),
    Kind("web server cuts its answers", inputs.web_cut, "failed tiles, or exit 2", 8, UNREADABLE | FAILED),
    Kind("web server says 404 or 500", inputs.web_error, "failed tiles, or exit 2", 8, UNREADABLE | FAILED),
    Kind("weights damaged, cut, swapped, blown up", inputs.weights_damaged, "exit 2", 12, WEIGHTS),
    Kind("weights swapped during the run", inputs.weights_swapped_while_running, "exit 0", 5, DONE),
    Kind("clock set back and forth", clock_jumps, "exit 0", 5, DONE, forked=True),
    Kind("two runs on one output", two_writers, "the second: exit 2", 10, IN_USE),
)
