"""What captions state."""

import pytest

from engine.words.facts import stated_changes


@pytest.mark.parametrize(
    ("caption", "added", "removed"),
    [
        ("some houses are built along the road", {"building"}, set()),
        ("a row of villas appears on the bareland", {"building"}, set()),
        ("the trees are removed and two houses are built beside the road", {"building"}, {"vegetation"}),
        ("many buildings replace the woods", {"building"}, {"vegetation"}),
        ("the woods are replaced by a residential area and a crossroad", {"building", "road"}, {"vegetation"}),
        ("a road is built through the forest, replacing the trees", {"road"}, {"vegetation"}),
        ("the meadow turns into a parking lot", {"parking"}, {"vegetation"}),
        ("a swimming pool shows up next to the villa", {"water"}, set()),
        ("the pond disappears", set(), {"water"}),
        ("the scene is the same as before", set(), set()),
        ("there is no difference", set(), set()),
    ],
)
def test_sentences_read_as_people_read_them(caption, added, removed):
    assert stated_changes(caption) == (added, removed)


def test_places_are_not_changes():
    added, removed = stated_changes("some houses are built on the bareland near the lake in the woods")
    assert (added, removed) == ({"building"}, set())
