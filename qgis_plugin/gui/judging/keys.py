"""Keys of a judge: what each says of a tile. Pure functions of the sample's classes.

A judge says what is true, not whether the map is right: the map's class is hidden, and right or wrong follows from both.
"""

from __future__ import annotations

from ...i18n import mark, tr

UNSURE = ""  # in place of a class
UNCHANGED, CHANGED, OTHER = "unchanged", "changed", "other change"
SINGLE = {UNCHANGED: "u", CHANGED: "c", OTHER: "o", UNSURE: "?"}
CHANGES = {"added": "a", "removed": "r", "altered": "l"}
LABELS = {
    "u": mark("Unchanged"),
    "c": mark("Changed"),
    "o": mark("Other change"),
    "?": mark("Unsure"),
    "a": mark("added"),
    "r": mark("removed"),
    "l": mark("altered"),
}


def sequences(classes: list[str]) -> dict[str, str]:
    """Keys to press, one or two, and the class that they name (or UNSURE).

    A kind of ground has a number in the order of the classes, a change a letter: 1 A is "building added".
    """
    kinds = list(dict.fromkeys(name.rpartition(" ")[0] for name in classes if name not in SINGLE))
    found = {}
    for name in [*classes, UNSURE]:
        kind, _, change = name.rpartition(" ")
        found[SINGLE[name] if name in SINGLE else f"{kinds.index(kind) + 1}{CHANGES[change]}"] = name
    return found


def labels(classes: list[str]) -> dict[str, str]:
    """What each single key stands for, in the order of the buttons: first the kinds, then the changes, then what needs one key."""
    found = sequences(classes)
    twice = {keys: name for keys, name in found.items() if len(keys) == 2}
    kinds = {keys[0]: name.rpartition(" ")[0] for keys, name in twice.items()}
    changes = {keys[1]: tr(LABELS[keys[1]]) for keys in twice}
    return {**kinds, **changes, **{keys: tr(LABELS[keys]) for keys in found if len(keys) == 1}}


class KeyReader:
    """Collects keys until they name a class.

    Attributes
    ----------
    pending : the keys so far, such as "1"; empty where the next key begins anew
    """

    def __init__(self, classes: list[str]):
        self._sequences = sequences(classes)
        self.pending = ""

    def press(self, key: str) -> str | None:
        """The class that the keys name now, UNSURE, or None while there is none."""
        typed = self.pending + key.lower()
        if typed not in self._sequences and not self._begins(typed):
            typed = key.lower()  # a wrong key is forgotten, and another number takes the first one's place
        self.pending = typed if self._begins(typed) else ""
        return self._sequences.get(typed)

    def clear(self) -> None:
        self.pending = ""

    def _begins(self, typed: str) -> bool:
        return any(keys != typed and keys.startswith(typed) for keys in self._sequences)
