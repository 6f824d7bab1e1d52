"""Any bytes and any JSON: one clear error or an answer, never another exception."""

import io
import json

import pytest
from fuzz_budget import budget
from hypothesis import example, given
from hypothesis import strategies as st

from engine import registry
from engine.contract.errors import ChangeScribeError, InputError, ProtocolError
from engine.contract.protocol import EVENT_TYPES, PROTOCOL_VERSION, REQUEST_TYPES, decode, encode
from engine.contract.request import CaptionRequest
from engine.worker import Engine, Worker

import fakes

scalars = st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.text() | st.text(st.characters())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8)
members = {
    "before": st.sampled_from(["/no/before.tif", "", "\0", "\ud800", ".", "/dev/null", "vrt://", "/vsicurl/", "x|y"]) | values,
    "after": st.sampled_from(["/no/after.tif", "/dev/null"]) | values,
    "model": st.just(fakes.ID) | st.just(fakes.ID) | values,
    "extent": st.lists(st.floats(), min_size=4, max_size=4) | values,
    "before_bands": st.lists(st.integers(), min_size=3, max_size=3) | values,
    "device": st.just("cpu") | values,
}
known = sorted(CaptionRequest.__dataclass_fields__)
requests = st.fixed_dictionaries(
    {"before": members["before"], "after": members["after"]},
    optional={name: members.get(name, values) for name in known if name not in ("before", "after")},
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The worker's engine on the fake's registry."""
    resources = registry.RESOURCES
    fakes.install(tmp_path_factory.mktemp("registry"))
    yield Engine()
    registry.RESOURCES = resources


@budget(0.2)
@given(
    st.binary(max_size=300) | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")) | values.map(lambda value: json.dumps(value).encode())
)
@example(b'{"type": "models", "id": "\\ud800"}')
@example(b"[" * 100_000)
@example(b"9" * 5000)
@example(b'{"type": ["models"]}')
def test_any_line_is_a_message_or_a_protocol_error(line):
    try:
        message = decode(line)
    except ProtocolError as error:
        assert error.got and error.need and error.do
        encode({"type": "error", "id": None, **error.to_json()})
    else:
        assert message["type"] in REQUEST_TYPES


@budget(0.2)
@given(requests | values)
@example({"before": "a", "after": "b", "aoi": 5})
@example({"before": "a", "after": "b", "batch_size": 10**12})
@example({"before": "\ud800", "after": "b"})
@example({"before": "a", "after": "b", "threshold": 10**400})
def test_any_request_is_verified_or_an_input_error(request):
    try:
        made = CaptionRequest.from_json(request)
    except InputError as error:
        encode({"type": "error", **error.to_json()})
    else:
        encode(made.to_json())
        assert CaptionRequest.from_json(json.loads(json.dumps(made.to_json()))) == made


@budget(0.1)
@given(
    st.sampled_from([kind for kind in REQUEST_TYPES if kind not in ("hello", "cancel", "shutdown", "doctor", "models")]),
    requests | values,
    st.dictionaries(
        st.sampled_from(["output", "resume", "heatmap", "heatmap_threshold", "x", "y", "report", "export", "part_tiles"]), values, max_size=3
    ),
)
@example("caption_at", {"before": "a.tif", "after": "b.tif", "model": fakes.ID}, {"x": 10**400, "y": 0})
def test_any_message_is_answered_or_refused(engine, kind, request, others):
    try:
        engine.handle({"type": kind, "id": "1", "request": request, **others}, lambda event: None, None)
    except ChangeScribeError as error:
        encode({"type": "error", **error.to_json()})


@budget(0.05)
@given(st.lists(st.binary(max_size=200).map(lambda line: line.replace(b"\n", b" ") + b"\n") | st.just(b'{"type":"models","id":"1"}\n'), max_size=6))
def test_the_worker_survives_any_lines(lines):
    """One error a bad line, one answer a request, and an orderly end; the engine is not asked, so that nothing runs on."""
    sink = io.BytesIO()
    hello = encode({"type": "hello", "protocol": PROTOCOL_VERSION})
    worker = Worker(io.BytesIO(hello + b"".join(lines)), sink)
    worker._greet = lambda: worker.send("ready", protocol=PROTOCOL_VERSION) or True
    worker._answer = lambda message, cancelled: ("result", {"result": {}})
    assert worker.serve() == 0
    answers = [decode(line, EVENT_TYPES) for line in sink.getvalue().splitlines()]
    assert answers[0]["type"] == "ready"
    bad = sum(line != b'{"type":"models","id":"1"}\n' for line in lines)
    assert bad <= sum(answer["type"] == "error" for answer in answers) <= len(lines)
