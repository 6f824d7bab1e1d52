"""One request to the engine, as its caller sees it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Callable

from ...engine.contract.errors import Cancelled, EngineError, error_from_json
from ..i18n import tr

POLL_S = 0.2
# A caller gets away from a cancelled request after this time even if the engine is still in the middle of a batch.
RELEASE_S = 0.6
SILENCE_S = 15.0


def never() -> bool:
    return False


def ignore(_event: dict) -> None:
    return None


class Call:
    """A submitted request: its events come in order and end with one ``result`` or ``error``.

    All methods may be called from any thread. Made by ``EngineClient.submit``.

    Attributes
    ----------
    id : str
        The request's id in the protocol.
    """

    def __init__(self, call_id: str, message: dict, send_cancel: Callable[[Call], None], heard_ago_s: Callable[[], float]):
        self.id = call_id
        self.message = dict(message, id=call_id)
        self._send_cancel = send_cancel
        self._heard_ago_s = heard_ago_s
        self._queue: queue.Queue[dict] = queue.Queue()
        self._finished = threading.Event()
        self._lock = threading.Lock()
        self._cancelled = False

    @property
    def done(self) -> bool:
        """Whether the result or error has come; it may still wait in the queue."""
        return self._finished.is_set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def put(self, event: dict) -> None:
        """Hand over an event (the client's reader thread); what comes after the end is dropped."""
        with self._lock:
            if self._finished.is_set():
                return
            self._queue.put(event)
            if event["type"] in ("result", "error"):
                self._finished.set()

    def next_event(self, timeout_s: float | None = None) -> dict | None:
        """The next event, or None if none came within ``timeout_s`` seconds (None waits for ever)."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def events(self, timeout_s: float | None = None) -> Iterator[dict]:
        """Events up to and with the last one.

        Raises
        ------
        EngineError
            Nothing came for ``timeout_s`` seconds.
        """
        while True:
            event = self.next_event(timeout_s)
            if event is None:
                raise EngineError(
                    tr("no answer from the engine for {timeout_s:g} s", timeout_s=timeout_s), tr("an event"), tr("cancel and run again")
                )
            yield event
            if event["type"] in ("result", "error"):
                return

    def cancel(self) -> None:
        """Ask the engine to stop this request; it is killed if it has not done so after a grace period."""
        with self._lock:
            if self._cancelled or self._finished.is_set():
                return
            self._cancelled = True
        self._send_cancel(self)

    def wait(
        self,
        is_cancelled: Callable[[], bool] = never,
        on_event: Callable[[dict], None] = ignore,
        poll_s: float = POLL_S,
    ) -> dict:
        """Block until the request ends; return the body of its result.

        Parameters
        ----------
        is_cancelled : callable
            Asked about every ``poll_s`` seconds. Once true, the request is cancelled and this method raises within about
            ``RELEASE_S`` seconds; events that come until then are still handed over.
        on_event : callable
            Gets every progress, tile and log event, in this thread.

        Raises
        ------
        Cancelled
            ``is_cancelled`` said so, or the request was cancelled elsewhere.
        ChangeScribeError
            The engine's error, or EngineError if it died.
        """
        release_at = None
        said_silent = False
        while True:
            if release_at is None and (self._cancelled or is_cancelled()):
                self.cancel()
                release_at = time.monotonic() + RELEASE_S
            event = self.next_event(poll_s if release_at is None else max(0.0, min(poll_s, release_at - time.monotonic())))
            if event is None:
                if release_at is not None and time.monotonic() >= release_at:
                    raise Cancelled(tr("the run was cancelled"))
                silent_s = self._heard_ago_s()
                if silent_s < SILENCE_S:
                    said_silent = False
                elif not said_silent:
                    said_silent = True
                    on_event(
                        _log(
                            "warning",
                            tr(
                                "The engine has not answered for {seconds:.0f} s; it may be short of memory. Waiting; you can cancel.",
                                seconds=silent_s,
                            ),
                        )
                    )
            elif event["type"] == "result":
                return event.get("result") or {}
            elif event["type"] == "error":
                raise error_from_json(event)
            else:
                on_event(event)


def _log(level: str, message: str) -> dict:
    return {"type": "log", "id": None, "level": level, "message": message}
