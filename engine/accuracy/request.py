"""Sample and accuracy as the protocol's messages ask for them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..contract.errors import InputError
from ..contract.options import is_text
from . import result, sample
from .design import SampleOptions


def sample_of(members: Any) -> dict[str, Any]:
    """``sample.write``, from {"layer", "output"} and members of SampleOptions.

    Raises
    ------
    InputError
        Unknown, missing or ill-typed members; and as ``sample.write``.
    """
    options = {field.name for field in fields(SampleOptions)}
    if not isinstance(members, dict) or not {"layer", "output"} <= set(members) <= {"layer", "output", *options}:
        raise InputError(f"a sample {members!r}", f"an object with layer, output and others of {sorted(options)}", "correct its members")
    for name in ("layer", "output"):
        _text(members, name)
    return sample.write(members["layer"], members["output"], SampleOptions(**{name: members[name] for name in options & set(members)}))


def accuracy_of(members: Any) -> dict[str, Any]:
    """``result.assess`` written to the files that are wanted, from {"sample"} and, if wanted, "layer", "json" and "csv" (paths or null).

    Raises
    ------
    InputError
        Unknown, missing or ill-typed members; and as ``result.assess``. OutputError: a file cannot be written.
    """
    if not isinstance(members, dict) or not {"sample"} <= set(members) <= {"sample", "layer", "json", "csv"}:
        raise InputError(f"an accuracy {members!r}", "an object with the path sample, and if wanted layer, json and csv", "correct its members")
    for name in members:
        if name == "sample" or members[name] is not None:
            _text(members, name)
    targets = [members[name] for name in ("json", "csv") if members.get(name)]
    for target in targets:
        result.verify_target(target)
    found = result.assess(members["sample"], members.get("layer"))
    for target in targets:
        result.write(found, target)
    return found


def _text(members: dict[str, Any], name: str) -> None:
    if not is_text(members[name]):
        raise InputError(f"{name} = {members[name]!r}", "a path", f"correct {name}")
