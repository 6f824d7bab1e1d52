"""Dubai-CC as it is published (Hoxha et al. 2022, TGRS): where its files lie, and which of its sentences deny a change.

Each split's JSON is {"dataset", "images": [{"filename": "1x4.tif", "sentences": [{"image_id", "sentence_id", "raw", "tokens"}], "split", "image_id",
"sentids"}]}, with no change flag. Tokens keep capitals and the full stop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CAPTIONS_FOLDER = "description_jsontr_te_val"
CAPTIONS_FILES = {"train": "Train_Dubai_CC.json", "val": "Validation_Dubai_CC.json", "test": "Test_Dubai_CC.json"}
BEFORE, AFTER = "imgs_tiles/RGB/500_2000", "imgs_tiles/RGB/500_2010"
TILE_PX = 50
GSD_M = 30.0  # Landsat 7
# What its annotators wrote most often on unchanged pairs of the training split, and the sentence of that split's changed pairs that scores best on
# the changed validation pairs: `python -m training.datasets floors` finds both.
UNCHANGED_TEXT = "Everything remains the same."
CONSTANT_CHANGE = "An artificial island was built in the sea."
NO_CHANGE = re.compile(
    r"(there is )?no (changes?|changed|difference)\b|nothing (has )?changed|everything remains the same|the area appears the same|"
    r"all (remained|is) the same"
)


def denies_change(sentence: str) -> bool:
    """Whether a sentence of its annotators says that nothing has changed."""
    return NO_CHANGE.match(sentence.strip().lower()) is not None


def is_changed(sentences: Iterable[str]) -> bool:
    """Whether most annotators of a pair saw a change."""
    denied = [denies_change(sentence) for sentence in sentences]
    return 2 * sum(denied) < len(denied)
