"""How a run may end: a kind's exit codes, each with what its message must say."""

import signal

import checks

FAILED_TILES, WAITED, ANY = "some tiles have failed", "some tiles have failed or none", ""


def ended(case, child, met=True, limit_s=120.0):
    """Wait for an end that the case's kind documents; returns whether the fault counts.

    A run that ended before the fault met it is not documented as an end; it must then be whole.
    """
    code = child.wait(limit_s)
    shown, events, ends = child.said(), child.events(), case.kind.ends
    if code == 0:
        failed = whole(case, events)
        assert not failed or ends.get(0) in (FAILED_TILES, WAITED), f"{failed} failed tiles: {shown[-1500:]}"
        return met and (ends.get(0) in (ANY, WAITED) or failed > 0)
    assert code in ends, f"exit code {code}, documented {sorted(ends)}: {shown[-1500:]}"
    if code > 0:
        assert "Traceback" not in shown, shown[-3000:]
        says(checks.error_of(events), code, ends[code])
    return met


def whole(case, events):
    """A run that says that it is done has done all tiles; returns how many failed."""
    result = next(event["result"] for event in events if event["type"] == "result")
    done = sum(result[name] for name in ("resumed", "captioned", "unchanged", "skipped", "failed"))
    assert done == result["total"] == case.stage.TILES**2, result
    return result["failed"]


def says(error, code, pattern):
    """The error event is that of the exit code, its message holds what the documents promise, and it has a remedy."""
    assert error["exit_code"] == code and error["do"], error
    assert pattern.search(error["message"]), f"{error['message']!r} does not match {pattern.pattern!r}"


def interrupted(case, child, number, limit_s=120.0):
    """Whether the signal met a run at work: when the result is told, the program's handlers are gone, and SIGTERM ends it as it ends any."""
    met = child.poll() is None
    child.kill(number)
    if child.wait(limit_s) == -number and any(event["type"] == "result" for event in child.events()):
        return False
    return ended(case, child, met)


def killed(case, child):
    """Whether SIGKILL at some moment met a run at work."""
    case.moment(child)
    met = child.poll() is None
    child.kill(signal.SIGKILL)
    child.wait()
    return met
