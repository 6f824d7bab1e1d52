"""Kinds of change that a mask tells apart.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

# Class and change, in the order of a mask's channels; a model's card lists those that it draws (``objects``).
OBJECT_KINDS = (
    ("building", "added"),
    ("building", "removed"),
    ("vegetation", "removed"),
    ("vegetation", "added"),
    ("water", "added"),
    ("water", "removed"),
    ("road", "added"),
    ("bareland", "added"),
    ("road", "removed"),
    ("bareland", "removed"),
    ("parking", "added"),
    ("parking", "removed"),
)


def reverse(kind: tuple[str, str]) -> tuple[str, str]:
    """What a kind of change is with the dates exchanged: added for removed."""
    name, change = kind
    return name, "removed" if change == "added" else "added"
