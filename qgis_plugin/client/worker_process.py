"""A running worker: pipes, reader threads, handshake, death.

The reader thread of stdout is the only one that ends calls; the one of stderr only drains, so that the worker never blocks on a full pipe.
"""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Sequence
from typing import IO, Callable, cast

from ...engine.contract.errors import Cancelled, ChangeScribeError, EngineError, ProtocolError, error_from_json
from ...engine.contract.protocol import EVENT_TYPES, MAX_LINE_CHARS, PROTOCOL_VERSION, decode, encode
from ..i18n import tr
from ..setup import locate
from . import process
from .call import Call

HANDSHAKE_S = 180.0  # importing torch for the first time from a slow disk takes a minute
GRACE_S = 10.0  # a cancelled request may finish its batch
CLOSE_S = 2.0
TAIL_LINES = 40
SHOWN_LINES = 8


class WorkerProcess:
    """One process that speaks engine.contract.protocol.

    Parameters
    ----------
    args : sequence of str
        Command line.

    Raises
    ------
    OSError
        The program cannot be started.
    """

    def __init__(self, args: Sequence[str]):
        self.args = list(args)
        self.ready: dict | None = None
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._calls: dict[str, Call] = {}
        self._starting: list[Call] = []
        self._held: list[Call] = []  # requests that wait for the handshake
        self._failure: ChangeScribeError | None = None
        self._tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._heard = time.monotonic()
        self._process = process.start(self.args)
        self._stdin, self._stdout, self._stderr = (
            cast(IO[bytes], pipe) for pipe in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        self._handshake = _timer(HANDSHAKE_S, self._handshake_late)
        self._stderr_thread = threading.Thread(target=self._read_stderr, name="changescribe-stderr", daemon=True)
        self._stderr_thread.start()
        threading.Thread(target=self._read_stdout, name="changescribe-stdout", daemon=True).start()
        self._write({"type": "hello", "protocol": PROTOCOL_VERSION})

    @property
    def alive(self) -> bool:
        return self._failure is None and self._process.poll() is None

    @property
    def stderr_tail(self) -> list[str]:
        return list(self._tail)

    def heard_ago_s(self) -> float:
        """Seconds since the worker's last line; 0 while it is starting, which the handshake's own limit covers."""
        return 0.0 if self.ready is None else time.monotonic() - self._heard

    @property
    def captioning(self) -> bool:
        """Whether a run over an area is at work or waits; the engine answers in order."""
        with self._lock:
            return any(call.message["type"] == "caption" for call in self._calls.values())

    def submit(self, call: Call) -> None:
        """Send a call's message, after the handshake."""
        with self._lock:
            if self._failure is not None:
                call.put(_error_event(call, self._failure))
                return
            self._calls[call.id] = call
            if self.ready is None:
                self._held.append(call)
                call.put({"type": "log", "id": call.id, "level": "info", "message": tr("Starting the engine with {python}", python=self.args[0])})
                return
        self._write(call.message)

    def waiting_for_ready(self, call: Call) -> Call:
        """End ``call`` with the ready message, or with the error that came instead."""
        with self._lock:
            if self._failure is not None:
                call.put(_error_event(call, self._failure))
            elif self.ready is not None:
                call.put({"type": "result", "id": call.id, "result": self.ready})
            else:
                self._starting.append(call)
        return call

    def cancel(self, call: Call) -> None:
        """Pass on a cancellation; kill the worker if the call has not ended after the grace period."""
        with self._lock:
            if call in self._starting:
                self._starting.remove(call)
            if call in self._held:
                self._held.remove(call)
            if call.id not in self._calls or self.ready is None:
                self._calls.pop(call.id, None)
                call.put(_error_event(call, Cancelled(tr("the run was cancelled"))))
                return
        self._write({"type": "cancel", "id": call.id})
        _timer(GRACE_S, lambda: self._kill_stuck(call))

    def close(self) -> None:
        """End the worker: shutdown message, end of its stdin, then a kill."""
        self._fail(EngineError(tr("the engine was stopped"), "", tr("run again: it starts by itself")))
        self._close_stdin(encode({"type": "shutdown"}))
        try:
            self._process.wait(CLOSE_S)
        except process.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self, message: dict) -> None:
        with self._write_lock:
            try:
                self._stdin.write(encode(message))
                self._stdin.flush()
            except (OSError, ValueError) as error:
                # The reader thread sees the same death as the end of stdout and ends all calls.
                self._tail.append(f"(a message could not be sent: {error})")

    def _close_stdin(self, last: bytes = b"") -> None:
        # A writer may be stuck in the pipe of a worker that reads no more; then only a kill helps.
        if not self._write_lock.acquire(timeout=CLOSE_S):
            return
        try:
            self._stdin.write(last)
            self._stdin.close()
        except (OSError, ValueError):
            self._tail.append("(its stdin was closed already)")
        finally:
            self._write_lock.release()

    def _read_stderr(self) -> None:
        with self._stderr:
            for line in iter(self._stderr.readline, b""):
                self._tail.append(line.decode("utf-8", "replace").rstrip())

    def _read_stdout(self) -> None:
        for line in iter(lambda: self._stdout.readline(MAX_LINE_CHARS * 4), b""):
            self._heard = time.monotonic()
            try:
                self._dispatch(decode(line, EVENT_TYPES))
            except ProtocolError as error:
                self._garbage(error, line)
        self._stdout.close()
        self._process.wait()
        self._close_stdin()
        self._stderr_thread.join(1.0)  # the tail belongs into the message
        self._handshake.cancel()
        self._fail(self._death())

    def _garbage(self, error: ProtocolError, line: bytes) -> None:
        text = line[:200].decode("utf-8", "replace").rstrip()
        self._tail.append(f"(not of the protocol) {text}")
        if self.ready is None:
            self._fail(
                EngineError(
                    tr("{program} does not answer like the engine; it printed {text!r}", program=self.args[0], text=text),
                    tr("this plugin's engine"),
                    locate.remedy(),
                )
            )
            self._process.kill()
        else:
            self._broadcast("warning", tr("The engine wrote a line that does not follow the protocol: {error}", error=error))

    def _dispatch(self, event: dict) -> None:
        kind, call_id = event["type"], event.get("id")
        if kind == "ready":
            self._greet(event)
        elif kind == "error" and self.ready is None:
            self._fail(error_from_json(event))
            self._process.kill()
        elif kind == "heartbeat":
            return
        elif call_id is None:
            self._broadcast(event.get("level", "error"), event.get("message", ""))
        else:
            with self._lock:
                call = self._calls.pop(call_id, None) if kind in ("result", "error") else self._calls.get(call_id)
            if call is not None:
                call.put(event)

    def _greet(self, event: dict) -> None:
        self._handshake.cancel()
        if event.get("protocol") != PROTOCOL_VERSION:
            got = tr(
                "an engine of version {version} that speaks protocol {protocol}",
                version=event.get("engine", "unknown"),
                protocol=event.get("protocol"),
            )
            self._fail(
                EngineError(
                    got,
                    tr("protocol {version}", version=PROTOCOL_VERSION),
                    tr("restart QGIS after updating the plugin, then set up the engine again"),
                )
            )
            self._process.kill()
            return
        with self._lock:
            self.ready = event
            held, self._held = self._held, []
            starting, self._starting = self._starting, []
        for call in starting:
            call.put({"type": "result", "id": call.id, "result": event})
        for call in held:
            self._write(call.message)

    def _broadcast(self, level: str, message: str) -> None:
        with self._lock:
            calls = list(self._calls.values())
        for call in calls:
            call.put({"type": "log", "id": call.id, "level": level, "message": message})

    def _fail(self, error: ChangeScribeError) -> None:
        """Take no more calls and end those there are; the first failure counts."""
        with self._lock:
            if self._failure is None:
                self._failure = error
            failure = self._failure
            calls = list(self._calls.values()) + self._starting
            self._calls, self._starting, self._held = {}, [], []
        for call in calls:
            call.put(_error_event(call, Cancelled(tr("the run was cancelled")) if call.cancelled else failure))

    def _kill_stuck(self, call: Call) -> None:
        if call.done:
            return
        self._fail(
            EngineError(
                tr("the engine did not react to a cancellation within {seconds:g} s and was stopped", seconds=GRACE_S),
                "",
                tr("run again: it starts by itself"),
            )
        )
        self._process.kill()

    def _handshake_late(self) -> None:
        got = tr("the engine was not ready after {seconds:g} s{last_words}", seconds=HANDSHAKE_S, last_words=self._last_words())
        self._fail(EngineError(got, tr("a ready message"), tr("try again once the machine is less busy; else {remedy}", remedy=locate.remedy())))
        self._process.kill()

    def _death(self) -> EngineError:
        code = self._process.returncode
        if self.ready is None:
            return EngineError(
                tr("the engine did not start ({exit}){last_words}", exit=describe_exit(code), last_words=self._last_words()),
                tr("a Python with the engine's libraries"),
                locate.remedy(),
            )
        return EngineError(
            tr("the engine stopped unexpectedly ({exit}){last_words}", exit=describe_exit(code), last_words=self._last_words()),
            tr("an engine that runs to the end"),
            tr("run again (it starts by itself); if it was short of memory, choose a smaller batch size or close other programs"),
        )

    def _last_words(self) -> str:
        lines = [line for line in self._tail if line.strip()][-SHOWN_LINES:]
        return tr(". Its last lines: {lines}", lines=" | ".join(lines)) if lines else ""


def describe_exit(code: int) -> str:
    """Exit status in words; negative is a signal's number, as Popen reports it."""
    if code in (-9, 137):
        return tr("exit {code}; probably out of memory", code=code)
    if code in (-11, -6, -7, -4, 3221225477):  # the last is Windows' access violation
        return tr("exit {code}; a native library crashed", code=code)
    return tr("exit {code}", code=code)


def _error_event(call: Call, error: ChangeScribeError) -> dict:
    return {"type": "error", "id": call.id, **error.to_json()}


def _timer(delay_s: float, action: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(delay_s, action)
    timer.daemon = True
    timer.start()
    return timer
