"""The worker process: serves engine.contract.protocol over stdin and stdout to one parent, such as QGIS.

The main thread reads messages, so that a cancellation is heard at once; one other thread runs the requests in order; a third sends the heartbeat.
Only light modules are imported until stdout is out of the reach of libraries that print.
"""

from __future__ import annotations

import collections
import os
import platform
import signal
import sys
import threading
import traceback
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

from . import __version__
from .contract.errors import Cancelled, ChangeScribeError, EngineError, InputError, ProtocolError, silence_libraries, unexpected
from .contract.heatmap import HeatmapOutput
from .contract.options import AREA, GRID, PIXELS, TILES, is_real
from .contract.protocol import HEARTBEAT_S, MAX_LINE_CHARS, PROTOCOL_VERSION, decode, encode
from .contract.request import CaptionRequest

if TYPE_CHECKING:
    from .models.captioner import Captioner, ModelCard

END_S = 30.0  # how long a cancelled request may take to commit after the parent has gone


def main() -> int:
    """Serve until shutdown or the end of stdin; 0, or 2 after a failed handshake."""
    silence_libraries()
    # A library that prints must not corrupt the protocol: its stdout, in C as in Python, becomes stderr.
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    # Ctrl-C in QGIS's terminal reaches the whole process group; when to stop is the parent's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return Worker(sys.stdin.buffer, sink).serve()


class Worker:
    """One parent's requests.

    Parameters
    ----------
    source, sink : binary streams of protocol lines
    """

    def __init__(self, source: IO[bytes], sink: IO[bytes]):
        self.source, self.sink = source, sink
        self._write_lock = threading.Lock()
        self._wake = threading.Condition()
        self._waiting: collections.deque[dict] = collections.deque()
        self._cancelled: dict[str, threading.Event] = {}  # of every request that waits or runs
        self._busy: str | None = None
        self._ended = threading.Event()
        self._parent_gone = threading.Event()
        self._engine: Engine | None = None

    def serve(self) -> int:
        """Handshake, then requests until shutdown or the end of the source."""
        if not self._handshake():
            return 0 if self._parent_gone.is_set() else ProtocolError.exit_code
        runner = threading.Thread(target=self._run_requests, name="changescribe-requests", daemon=True)
        runner.start()
        threading.Thread(target=self._beat, name="changescribe-heartbeat", daemon=True).start()
        for message in self._messages():
            if message["type"] == "shutdown":
                break
            self._accept(message)
        self._end()
        runner.join(END_S)
        return 0

    def send(self, kind: str, **members: Any) -> None:
        """Write one message; a parent that has gone ends everything."""
        line = encode({"type": kind, **members})
        try:
            with self._write_lock:
                _write_all(self.sink, line)
        except (OSError, ValueError):
            self._parent_gone.set()
            self._end()

    def _handshake(self) -> bool:
        for message in self._messages():
            if message["type"] == "shutdown":
                self._parent_gone.set()
                return False
            if message["type"] != "hello":
                got = f"{message['type']!r} before the handshake"
                self._refuse(message.get("id"), ProtocolError(got, f'{{"type": "hello", "protocol": {PROTOCOL_VERSION}}} first', "say hello first"))
                continue
            if message.get("protocol") != PROTOCOL_VERSION:
                got = f"protocol {message.get('protocol')!r}"
                self._refuse(None, ProtocolError(got, f"protocol {PROTOCOL_VERSION}", "use the same version of plugin and engine; restart QGIS"))
                return False
            return self._greet()
        self._parent_gone.set()
        return False

    def _greet(self) -> bool:
        try:
            import torch

            from .models import device

            device.leave_a_core()
            chosen = device.choose("auto")
        except (ImportError, OSError) as error:  # OSError: a library of torch's that does not load
            traceback.print_exc()
            self._refuse(None, EngineError(f"PyTorch does not load ({error})", "a working PyTorch", "set the engine up again"))
            return False
        ready = {"engine": __version__, "python": platform.python_version(), "torch": torch.__version__, "device": chosen.name, "pid": os.getpid()}
        self.send("ready", protocol=PROTOCOL_VERSION, **ready)
        if chosen.note:
            self.send("log", id=None, level="warning", message=chosen.note)
        return True

    def _messages(self) -> Any:
        """Decoded messages until the end of the source; what cannot be decoded is answered with an error."""
        while not self._parent_gone.is_set():
            line = self.source.readline(MAX_LINE_CHARS + 1)
            if not line:
                return
            if len(line) > MAX_LINE_CHARS:
                self._skip_line(line)
            try:
                yield decode(line)
            except ProtocolError as error:
                self._refuse(None, error)

    def _skip_line(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self.source.readline(MAX_LINE_CHARS)

    def _accept(self, message: dict) -> None:
        """Queue a request, or act on a cancellation."""
        kind, call = message["type"], message.get("id")
        if not isinstance(call, str) or not call:
            return self._refuse(None, ProtocolError(f"{kind} with id {call!r}", "a text as id", "give each request an id of its own"))
        if kind == "cancel":
            return self._cancel(call)
        if kind == "hello":
            return self._refuse(call, ProtocolError("a second hello", "one handshake a process", "start another worker"))
        with self._wake:
            taken = call in self._cancelled
            if not taken:
                self._cancelled[call] = threading.Event()
                self._waiting.append(message)
                self._wake.notify()
        if taken:
            self._refuse(None, ProtocolError(f"a request with the id {call!r} of one that has not ended", "an id of its own", "number the requests"))
        return None

    def _cancel(self, call: str) -> None:
        """Cancel a request; one that waits is answered at once: a parent gives up on a worker that does not react, whatever keeps it busy."""
        with self._wake:
            waiting = next((message for message in self._waiting if message["id"] == call), None)
            if waiting is None:
                if call in self._cancelled:  # else it has just ended
                    self._cancelled[call].set()
                return
            self._waiting.remove(waiting)
            del self._cancelled[call]
        self._refuse(call, Cancelled("the run was cancelled before it began"))

    def _refuse(self, call: Any, error: ChangeScribeError) -> None:
        self.send("error", id=call if isinstance(call, str) else None, **error.to_json())

    def _run_requests(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._ended.is_set())
                if self._ended.is_set():
                    return
                message = self._waiting.popleft()
                call = message["id"]
                cancelled = self._cancelled[call]
            self._busy = call
            kind, members = self._answer(message, cancelled)
            with self._wake:
                self._busy = None
                del self._cancelled[call]
            self.send(kind, id=call, **members)

    def _answer(self, message: dict, cancelled: threading.Event) -> tuple[str, dict]:
        """Run a request; the type and members of the message that ends it."""
        try:
            if cancelled.is_set():
                raise Cancelled("the run was cancelled before it began")
            if self._engine is None:
                self._engine = Engine()
            return "result", {"result": self._engine.handle(message, self._forward(message["id"]), cancelled)}
        except ChangeScribeError as error:
            return "error", error.to_json()
        except Exception as error:  # a bug must not take the worker down
            traceback.print_exc()
            return "error", unexpected(error).to_json()

    def _forward(self, call: str) -> Any:
        return lambda event: self.send(event["type"], id=call, **{name: value for name, value in event.items() if name != "type"})

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            self.send("heartbeat", busy=self._busy)

    def _end(self) -> None:
        self._ended.set()
        with self._wake:
            for cancelled in self._cancelled.values():
                cancelled.set()
            self._wake.notify_all()


class Engine:
    """What outlives a request: loaded models, and the rasters that were clicked last."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, str], Captioner] = {}
        self._open = ExitStack()
        self._open_key: object = None
        self._open_pair: Any = None

    def handle(self, message: dict, on_event: Any, cancelled: threading.Event) -> dict:
        """Result of one request."""
        from . import registry
        from .registry import files as model_files
        from .run import doctor, pipeline

        kind = message["type"]
        if kind == "models":
            return {"models": model_files.listing()}
        if kind == "doctor":
            return doctor.report()
        if kind == "report":
            from .report.request import ReportRequest
            from .report.run import run as report

            return report(ReportRequest.from_json(message.get("report", {})))
        if kind == "export_reviewed":
            from .report.reviewed import export_of

            return export_of(message.get("export"))
        if kind in ("sample", "accuracy"):
            from .accuracy.request import accuracy_of, sample_of

            return {"sample": sample_of, "accuracy": accuracy_of}[kind](message.get(kind))
        request = CaptionRequest.from_json(message.get("request", {}))
        if kind == "describe":
            return pipeline.describe(request)
        if kind == "preview":
            from .run.preview import preview

            card = registry.card(request.model)
            return preview(request, card, *self._pair(request, card))
        captioner = self._captioner(request, on_event)
        if kind == "caption_at":
            x, y = (_number(message, name) for name in ("x", "y"))
            pair, grid = self._pair(request, captioner.card)
            return {"tile": pipeline.caption_at(request, captioner, pair, grid, x, y).to_json()}
        output, resume = message.get("output"), message.get("resume", False)
        if not (output is None or isinstance(output, str)) or not isinstance(resume, bool):
            raise InputError(f"output = {output!r}, resume = {resume!r}", "a path or null, and a boolean", "correct the message")
        return pipeline.run(request, output, resume, captioner, on_event, cancelled.is_set, _heatmap(message)).to_json()

    def _captioner(self, request: CaptionRequest, on_event: Any) -> Captioner:
        from .run import pipeline

        key = (request.model, request.device)
        if key not in self._models:
            on_event({"type": "log", "level": "info", "message": f"Loading {request.model}"})
            self._models[key] = pipeline.load_captioner(request, on_event)
        return self._models[key]

    def _pair(self, request: CaptionRequest, card: ModelCard) -> Any:
        """The request's rasters and grid, kept open for the next click or preview as long as request and files stay the same."""
        from .run import pipeline, reading

        same = request.same(AREA, TILES, GRID, PIXELS).with_(model=request.model)
        files = [*request.rasters(), *([request.aoi.partition("|")[0]] if request.aoi else [])]
        key = (same, reading.FileWatch(*files).stamps)
        if key != self._open_key:
            self._open.close()
            self._open_key = None
            self._open_pair = self._open.enter_context(pipeline.opened(request, card))
            self._open_key = key
        return self._open_pair


def _heatmap(message: dict) -> HeatmapOutput | None:
    """The message's heat map; other than None it is verified by the run."""
    path, threshold = message.get("heatmap"), message.get("heatmap_threshold")
    if path is None and threshold is not None:
        raise InputError(f"heatmap_threshold = {threshold!r} without a heatmap", "both or neither", "name the file to write")
    return None if path is None else HeatmapOutput(path, threshold)


def _number(message: dict, name: str) -> float:
    value: Any = message.get(name)
    if not is_real(value):
        raise InputError(f"{name} = {value!r}", "a number", f"correct {name}")
    return float(value)


def _write_all(sink: IO[bytes], line: bytes) -> None:
    """Write a line to an unbuffered stream, which may take it in parts."""
    view = memoryview(line)
    while view:
        view = view[sink.write(view) :]


if __name__ == "__main__":
    sys.exit(main())
