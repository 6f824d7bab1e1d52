"""``changescribe evaluate``: captions a data set of image pairs and scores the captions beside the floors that anybody reaches."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from .. import registry
from ..contract.errors import Cancelled, InputError, OutputError
from ..contract.tiles import Caption
from ..models import device
from ..models.captioner import Captioner, CaptionOptions, tile_seed
from ..run.lanes import batch_size, never
from ..run.pipeline import PROGRESS_S, Event, Summary, ignore
from . import bootstrap, invariances
from .page import HTML_LIMIT, write_page
from .pairs import NO_CHANGE, Pair, read_image, read_pairs
from .report import table
from .scores import Scored, floor_sentences, floors, point

__all__ = ["NO_CHANGE", "Evaluation", "Pair", "Settings", "caption_pairs", "evaluate", "read_pairs", "run", "table", "write"]
DEFAULTS = CaptionOptions()


@dataclass(frozen=True)
class Settings:
    """What to compute and to write.

    bootstrap : number of resamples; 0 leaves the intervals out. balanced : also score balanced subsets.
    against : a model id, or the JSON of an earlier evaluation of the same pairs, to compare with. json_file, html_file : outputs, or None.
    html_limit : most pairs on the page, the worst first. invariances : pairs, spread evenly over the split, on which the metamorphic tests are run.
    """

    bootstrap: int = 1000
    balanced: bool = False
    against: str | None = None
    json_file: Path | None = None
    html_file: Path | None = None
    html_limit: int = HTML_LIMIT
    invariances: int = 0

    def verify(self) -> None:
        """Raises InputError or OutputError where something would fail after the captioning."""
        if self.bootstrap < 0 or self.html_limit < 1 or self.invariances < 0:
            raise InputError(
                f"{self.bootstrap} resamples, {self.html_limit} pairs on the page and {self.invariances} to test for invariances",
                "0 or more, 1 or more, and 0 or more",
                "correct --bootstrap, --html-limit or --invariances",
            )
        for path in (self.json_file, self.html_file):
            if path and not os.path.isdir(path.absolute().parent):
                raise OutputError(f"{path} cannot be written: there is no such folder", "an existing folder", f"create {path.absolute().parent}")
        if self.against and not _is_file(self.against):
            registry.row(self.against)


@dataclass(frozen=True)
class Evaluation:
    """``found`` is what the JSON holds; ``scored`` the model's captions, for the page."""

    found: dict
    scored: Scored


def run(
    data: Path,
    split: str,
    model: str,
    wanted_device: str = "auto",
    options: CaptionOptions = DEFAULTS,
    settings: Settings = Settings(),
    on_event: Event = ignore,
    cancelled: Callable[[], bool] = never,
) -> dict:
    """Caption and score a split, write what the settings ask for, and return the scores as ``evaluate`` describes.

    Raises
    ------
    InputError
        Incomplete data, wrong settings, or no metrics library or Java. ModelError: unknown, missing or damaged. OutputError: cannot be written.
    """
    settings.verify()
    pairs = read_pairs(data, split)
    captioner = registry.load(model, device.choose(wanted_device).name)
    evaluation = evaluate(pairs, captioner, options, settings, on_event, cancelled)
    row = registry.row(model)
    found = {"data": str(data), "split": split, "model": {"id": row["id"], "sha256": row.get("sha256")}} | evaluation.found
    write(replace(evaluation, found=found), settings)
    return found


def evaluate(
    pairs: Sequence[Pair],
    captioner: Captioner,
    options: CaptionOptions = DEFAULTS,
    settings: Settings = Settings(),
    on_event: Event = ignore,
    cancelled: Callable[[], bool] = never,
    name: str | None = None,
) -> Evaluation:
    """Caption and score pairs; ``name`` stands for the model's id in the tables.

    Returns
    -------
    Evaluation
        ``rows``: scores of the model, of the one compared with, and of the floors (``Scored.to_json``); ``intervals`` by name of the row;
        ``difference`` of the first two; ``balanced``; ``invariances``; ``captions`` by pair; speed and settings.
    """
    kinds = {pair.changed for pair in pairs}
    if settings.balanced and len(kinds) < 2:
        raise InputError(f"{len(pairs)} pairs that are all {'' if True in kinds else 'un'}changed", "both kinds for --balanced", "leave it out")
    captioner.verify_options(options)
    # Before the captioning, so that a missing Java or an earlier evaluation of other pairs is not found after an hour.
    plain = floors(pairs)
    other = _read_earlier(Path(settings.against), pairs) if settings.against and _is_file(settings.against) else None
    tested = pairs[:: max(1, len(pairs) // settings.invariances)][: settings.invariances] if settings.invariances else ()
    captions, elapsed_s = caption_pairs(captioner, pairs, replace(options, heatmap=settings.html_file is not None), on_event, cancelled)
    scored = Scored.of(name or captioner.card.id, pairs, captions)
    if settings.against and other is None:
        rival = registry.load(settings.against, captioner.device.type)
        # Steps and samplers are a model's own matter.
        theirs = replace(options, steps=None, sampler=None, samples=None)
        other = Scored.of(settings.against, pairs, caption_pairs(rival, pairs, theirs, on_event, cancelled)[0])
    shown = [scored, *([other] if other else []), *plain]
    found = {
        "device": str(captioner.device),
        "options": asdict(options),
        "against": settings.against,
        "pairs": len(pairs),
        "changed_pairs": sum(pair.changed for pair in pairs),
        "tiles_per_s": round(len(pairs) / elapsed_s, 2),
        "rows": [each.to_json() for each in shown],
        "floors": floor_sentences(pairs),
        "bootstrap": _resampled(shown, settings.bootstrap, other) if settings.bootstrap else None,
        "invariances": invariances.measure(captioner, tested, options) if tested else None,
        "balanced": [each.balanced() for each in shown] if settings.balanced else None,
        "captions": {pair.name: _to_json(captions[pair.name]) for pair in pairs},
    }
    return Evaluation(found, scored)


def _resampled(shown: Sequence[Scored], count: int, other: Scored | None) -> dict:
    weights = bootstrap.resamples(len(shown[0].pairs), count)
    values, replicates = [point(each.headline()) for each in shown], [each.headline(weights) for each in shown]
    difference = bootstrap.differences(values[0], values[1], replicates[0], replicates[1]) if other else None
    return {
        "resamples": count,
        "seed": bootstrap.SEED,
        "values": values,
        "intervals": [bootstrap.intervals(each) for each in replicates],
        "difference": difference,
    }


def _is_file(against: str) -> bool:
    """Whether it names an earlier evaluation and no model."""
    return against.endswith(".json") or os.path.isfile(against)


def _to_json(caption: Caption) -> dict:
    classes = {change: list(getattr(caption, change)) for change in ("added", "removed", "altered")}
    return {
        "caption": caption.text,
        "changed": caption.changed,
        "change_score": round(caption.change_score, 4),
        "score": round(caption.score, 6),
    } | classes


def _from_json(row: dict) -> Caption:
    added, removed, altered = (tuple(row[change]) for change in ("added", "removed", "altered"))
    return Caption(row["caption"], row["changed"], row["change_score"], added, removed, altered, row["score"])


def _read_earlier(path: Path, pairs: Sequence[Pair]) -> Scored:
    """Captions of an earlier evaluation of the same pairs.

    Raises
    ------
    InputError
        No such file, not what ``evaluate --json`` writes, or other pairs.
    """
    try:
        earlier = json.loads(path.read_text("utf-8"))
        captions = {name: _from_json(row) for name, row in earlier["captions"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} cannot be read ({error!r})", "what `changescribe evaluate --json` wrote", "name that file with --against"
        ) from error
    missing = [pair.name for pair in pairs if pair.name not in captions]
    if missing or len(captions) != len(pairs):
        got = f"{path} holds {len(captions)} captions, and none of {len(missing)} of these {len(pairs)} pairs"
        raise InputError(got, "an evaluation of the same pairs", "evaluate that model on the same --data and --split")
    return Scored.of(path.stem, pairs, captions)


def caption_pairs(
    captioner: Captioner, pairs: Sequence[Pair], options: CaptionOptions, on_event: Event = ignore, cancelled: Callable[[], bool] = never
) -> tuple[dict[str, Caption], float]:
    """Captions by name, and the seconds that the model alone took."""
    summary = Summary(None, len(pairs), captioner.card.id, str(captioner.device))
    captions: dict[str, Caption] = {}
    size, told_s = batch_size(captioner), time.perf_counter()
    for first in range(0, len(pairs), size):
        if cancelled():
            raise Cancelled(f"the evaluation was cancelled after {first} of {len(pairs)} pairs")
        chunk = pairs[first : first + size]
        before, after = (np.concatenate([read_image(getattr(p, date), captioner.card.input_px) for p in chunk]) for date in ("before", "after"))
        start_s = time.perf_counter()
        found = captioner.caption(before, after, options, [tile_seed(0, first + i, 0) for i in range(len(chunk))])
        end_s = time.perf_counter()
        summary.elapsed_s += end_s - start_s
        for pair, caption in zip(chunk, found, strict=True):
            # An unchanged tile's sentence is the engine's everywhere; data sets that say it otherwise are scored in their own words.
            captions[pair.name] = caption if caption.changed else replace(caption, text=captioner.unchanged_text)
            summary.count("captioned" if caption.changed else "unchanged")
        if end_s - told_s >= PROGRESS_S or len(captions) == len(pairs):
            told_s = end_s
            on_event(summary.progress())
    return captions, summary.elapsed_s


def write(evaluation: Evaluation, settings: Settings) -> None:
    """Write scores and captions as JSON, and the page of pictures, where the settings name files.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    try:
        if settings.json_file:
            settings.json_file.write_text(json.dumps(evaluation.found, ensure_ascii=False, indent=2, allow_nan=False) + "\n", "utf-8")
        if settings.html_file:
            write_page(evaluation.scored, settings.html_file, settings.html_limit)
    except OSError as error:
        raise OutputError(f"{error.filename} cannot be written ({error.strerror})", "a writable file", "choose another name") from error
