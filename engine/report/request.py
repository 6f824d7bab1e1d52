"""What a report is made of; verified before anything is opened."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from ..contract.errors import InputError

MAX_TOP = 200  # changes with pictures, about 60 kB each


@dataclass(frozen=True)
class ReportRequest:
    """What to report of a layer of change captions.

    Parameters
    ----------
    layer : str
        Vector file; ``path|layername=NAME`` picks a layer.
    output : str
        HTML file to write.
    before, after : str or None
        Rasters for the pictures; None takes those that the layer's provenance names, if they are still there.
    png : str or None
        Picture file for the map alone.
    top : int
        Changes to show with pictures, at most.
    title : str or None
        Heading; None makes one of the layer's name.
    accuracy : str or None
        Judged sample of the layer; the report then has its accuracy and error-adjusted areas.
    """

    layer: str
    output: str
    before: str | None = None
    after: str | None = None
    png: str | None = None
    top: int = 12
    title: str | None = None
    accuracy: str | None = None

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> ReportRequest:
        """Build and verify a request from decoded JSON.

        Raises
        ------
        InputError
            Unknown, missing or ill-typed members.
        """
        members = {f.name for f in fields(cls)}
        if not isinstance(data, dict) or not {"layer", "output"} <= set(data) <= members:
            raise InputError(f"a report request {data!r}", f"an object with layer, output and others of {sorted(members)}", "correct its members")
        request = cls(**data)
        request.verify()
        return request

    def verify(self) -> None:
        """Check the members together; opens nothing.

        Raises
        ------
        InputError
            The first that is wrong, what is needed and what to do.
        """
        for name in ("layer", "output"):
            _check(_is_text(getattr(self, name)), name, getattr(self, name), "a path")
        for name in ("before", "after", "png", "title", "accuracy"):
            _check(getattr(self, name) is None or _is_text(getattr(self, name)), name, getattr(self, name), "a non-empty text, or none")
        _check(type(self.top) is int and 0 <= self.top <= MAX_TOP, "top", self.top, f"0 to {MAX_TOP} changes")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def _check(ok: bool, name: str, got: Any, need: str) -> None:
    if not ok:
        raise InputError(f"{name} = {got!r}", need, f"correct {name}")
