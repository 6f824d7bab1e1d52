"""Captions files of the project: what was written or corrected by eye, merged over a data set's own captions.

``training/captions/*.jsonl``, one JSON object a line:
{"id": "<folder>/<filename>" (levir_cc, pairs or world), "change": 0 or 1, "delta": {class: sign}, "captions": [five sentences]}, with "unsure"
and "why" as remarks. A line of only "id" and "delta" adds the classes of a pair; {"id", "drop": true} leaves a pair out that is of no use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from engine.contract.errors import InputError
from engine.contract.tiles import CLASSES

from .rows import DELTA_SIGNS, PairRow, delta_array, words

CAPTIONS = Path(__file__).resolve().parents[1] / "captions"
CAPTIONS_PER_PAIR = 5
SETS = ("levir_cc", "pairs", "world", "dubai_cc")  # first parts of ids
MEMBERS = {"id", "change", "delta", "captions", "unsure", "why", "drop"}


@dataclass(frozen=True)
class Entry:
    """One line: change and captions are None where it only adds a delta; ``where`` is file and line."""

    id: str
    change: int | None
    delta: dict[str, str]
    captions: tuple[tuple[str, ...], ...] | None
    drop: bool
    where: str


def merge_captions(rows: list[PairRow], folder: Path) -> list[PairRow]:
    """``rows`` with the captions, flags and classes of all files of ``folder``, without the dropped ones.

    Files that name none of the data set's pairs were written for another data set and change nothing; so do lines for a folder of pairs of
    which the data set has none, such as world/ where it was not copied.

    Raises
    ------
    InputError
        A line that is not as described above; an id twice, unknown, or of the test split; classes that contradict the change flag.
    """
    known = {row.id: row for row in rows}
    here = {_set_of(id_) for id_ in known}
    entries = {id_: entry for id_, entry in read_captions(folder).items() if _set_of(id_) in here}
    if not entries.keys() & known.keys():
        return rows
    for entry in entries.values():
        _verify_target(entry, known.get(entry.id))
    return [_merged(row, entries.get(row.id)) for row in rows if row.id not in entries or not entries[row.id].drop]


def read_captions(folder: Path) -> dict[str, Entry]:
    """Every line of ``folder``'s files by id; raises as ``merge_captions``."""
    entries: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            entry = _entry(line, f"{path.name}:{number}")
            if entry.id in entries:
                raise _error(entry, f"{entry.id} is also in {entries[entry.id].where}", "one line for a pair", "remove one of the two")
            entries[entry.id] = entry
    return entries


def _set_of(id_: str) -> str:
    return id_.partition("/")[0]


def _entry(line: str, where: str) -> Entry:
    try:
        data = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where} is no JSON ({error})", "one JSON object a line", "mend the line") from error
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or set(data) - MEMBERS:
        raise InputError(f"{where} has not the members of a caption line", f'"id" and others of {sorted(MEMBERS)}', "mend the line")
    entry = Entry(data["id"], data.get("change"), data.get("delta", {}), _sentences(data.get("captions")), bool(data.get("drop")), where)
    if _set_of(entry.id) not in SETS:
        raise _error(entry, f"id = {entry.id}", f"an id that begins with one of {', '.join(SETS)}", "correct the id")
    if not entry.drop:
        _verify(entry, data)
    return entry


def _sentences(captions: object) -> tuple[tuple[str, ...], ...] | None:
    if captions is None:
        return None
    if not isinstance(captions, list) or not all(isinstance(text, str) for text in captions):
        return ()  # refused by _verify: not five sentences
    return tuple(words(text) for text in captions)


def _verify(entry: Entry, data: dict) -> None:
    delta = entry.delta
    if "delta" not in data or not isinstance(delta, dict) or not all(c in CLASSES and s in tuple(DELTA_SIGNS) for c, s in delta.items()):
        raise _error(entry, f"delta = {data.get('delta')!r}", f"classes among {', '.join(CLASSES)} with a sign of {DELTA_SIGNS}", "correct delta")
    if entry.change is None and entry.captions is None:
        return
    if entry.change not in (0, 1):
        raise _error(entry, f"change = {entry.change!r}", "0 or 1", "correct change")
    if entry.captions is None or len(entry.captions) != CAPTIONS_PER_PAIR or not all(entry.captions):
        raise _error(entry, f"captions = {data.get('captions')!r}", f"a list of {CAPTIONS_PER_PAIR} sentences", "correct captions")


def _verify_target(entry: Entry, row: PairRow | None) -> None:
    if row is None:
        raise _error(entry, f"no pair {entry.id} in the data set", f"the id of a pair, <folder>/<filename> with {', '.join(SETS)}", "correct the id")
    if row.split == "test":
        raise _error(
            entry, f"{entry.id} is a test pair", "pairs of train and val", "remove the line: captions of test pairs stay as they were published"
        )
    flag = row.changed if entry.change is None else entry.change
    if not entry.drop and flag is not None and bool(entry.delta) != bool(flag):
        raise _error(entry, f"change {flag} and delta {entry.delta}", "classes for a changed pair and none for an unchanged one", "correct either")


def _merged(row: PairRow, entry: Entry | None) -> PairRow:
    if entry is None:
        return row
    row = replace(row, delta=delta_array(entry.delta))
    return row if entry.captions is None else replace(row, changed=entry.change, captions=entry.captions)


def _error(entry: Entry, got: str, need: str, do: str) -> InputError:
    return InputError(f"{entry.where}: {got}", need, do)
