"""The client against the fake worker: events, cancel, death, handshake."""

import os
import threading
import time

import pytest
from changescribe.engine.contract.errors import Cancelled, EngineError, RasterError

REQUEST = {"before": "a.tif", "after": "b.tif"}


def caption(client):
    return client.submit({"type": "caption", "request": REQUEST, "output": None, "resume": False})


def test_events_come_in_order_and_end_with_the_result(engine):
    events = []
    result = caption(engine()).wait(on_event=events.append)
    assert result["tiles"] == 16
    assert [event["tile"]["properties"]["tile_id"] for event in events if event["type"] == "tile"][:2] == ["r00000_c00000", "r00000_c00001"]
    assert [event["done"] for event in events if event["type"] == "progress"] == list(range(1, 17))


def test_one_process_serves_many_calls(engine):
    client = engine()
    first = client.start()["pid"]
    calls = [caption(client) for _ in range(3)]
    assert [call.wait()["tiles"] for call in calls] == [16, 16, 16]
    assert client.ready["pid"] == first


def test_cancel_returns_within_a_second_and_keeps_the_worker(engine):
    client = engine("slow")
    pid = client.start()["pid"]
    begun, events = time.monotonic(), []
    with pytest.raises(Cancelled, match="cancelled"):
        caption(client).wait(lambda: time.monotonic() - begun > 0.6, events.append)
    assert time.monotonic() - begun < 1.6
    assert any(event["type"] == "tile" for event in events)
    assert client.start()["pid"] == pid


def test_a_worker_that_ignores_cancel_is_left_at_once_and_killed_after_the_grace_period(engine, monkeypatch):
    from changescribe.qgis_plugin.client import worker_process

    monkeypatch.setattr(worker_process, "GRACE_S", 0.8)
    client = engine("hang")
    pid = client.start()["pid"]
    call, begun = caption(client), time.monotonic()
    with pytest.raises(Cancelled):
        call.wait(lambda: time.monotonic() - begun > 0.3)
    assert time.monotonic() - begun < 1.3
    deadline = time.monotonic() + 5
    while client.running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.start()["pid"] != pid


def test_a_killed_worker_is_said_so_with_its_last_words_and_started_anew(engine):
    client = engine("crash")
    with pytest.raises(EngineError, match=r"stopped unexpectedly \(exit -9; probably out of memory\).*Killed for the test"):
        caption(client).wait()
    assert client.submit({"type": "doctor"}).wait()["ok"]


def test_an_exit_without_a_result_is_an_error(engine):
    with pytest.raises(EngineError, match=r"stopped unexpectedly \(exit 0\)"):
        caption(engine("no_result")).wait()


def test_an_error_of_the_request_keeps_its_class_and_the_worker(engine):
    client = engine("error")
    with pytest.raises(RasterError, match="x.tif has no CRS. Needed: a georeferenced raster. To do: assign one"):
        caption(client).wait()
    assert client.submit({"type": "doctor"}).wait()["ok"]


def test_a_flood_of_error_output_does_not_block_the_worker(engine):
    client = engine("noisy")
    assert caption(client).wait()["tiles"] == 16
    assert client.stderr_tail[-1] == "a chatty library"


def test_silence_is_said_once(engine, monkeypatch):
    from changescribe.qgis_plugin.client import call

    monkeypatch.setattr(call, "SILENCE_S", 0.5)
    begun, logs = time.monotonic(), []
    with pytest.raises(Cancelled):
        caption(engine("hang")).wait(lambda: time.monotonic() - begun > 1.8, lambda event: logs.append(event.get("message", "")))
    assert sum("The engine has not answered" in message for message in logs) == 1


def test_threads_share_one_process(engine):
    client, results = engine(), []
    threads = [threading.Thread(target=lambda: results.append(caption(client).wait()["tiles"])) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == [16] * 6
    with open(os.environ["FAKE_WORKER_LOG"], encoding="utf-8") as log:
        assert log.read().count('"hello"') == 1


def test_a_queued_request_can_be_cancelled_before_it_begins(engine):
    client = engine("slow")
    client.start()
    running, queued = caption(client), caption(client)
    queued.cancel()
    with pytest.raises(Cancelled):
        queued.wait()
    assert not running.done
    running.cancel()


def test_a_stray_line_is_a_warning(engine):
    events = []
    assert caption(engine("garbage")).wait(on_event=events.append)["tiles"] == 16
    assert any("does not follow the protocol" in event["message"] for event in events if event["type"] == "log")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("crash_at_start", r"did not start \(exit 1\).*No module named 'torch'.*Needed.*To do: set up the engine"),
        ("garbage_at_start", "does not answer like the engine; it printed 'Welcome to another program'"),
        ("wrong_version", "speaks protocol 99. Needed: protocol 1"),
    ],
)
def test_a_failed_handshake_says_why(engine, mode, message):
    with pytest.raises(EngineError, match=message):
        engine(mode).start()


def test_a_failed_handshake_ends_waiting_requests(engine):
    with pytest.raises(EngineError, match="did not start"):
        caption(engine("crash_at_start")).wait()


def test_shutdown_ends_the_process(engine):
    client = engine()
    client.start()
    call = caption(client)
    client.shutdown()
    assert not client.running
    assert call.done
