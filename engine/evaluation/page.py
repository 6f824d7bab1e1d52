"""A page of pictures in one file: before, after, caption and references of each pair, the worst first."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from ..contract.tiles import Caption
from .pairs import Pair, open_rgb
from .scores import Scored

HTML_LIMIT = 500  # pairs; at most some 80 kB each, so that the page stays under 50 MB
PICTURE_PX, JPEG_QUALITY = 256, 80
HEAT = np.array([255.0, 40.0, 0.0])
HEAT_SHARE = 0.65  # how much of the heat's colour covers the picture where the heat map is 1
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1320px; padding: 0 1rem; color: #222; background: #fff }
article { display: flex; flex-wrap: wrap; border-top: 1px solid #ccc; padding: .9rem 0 }
figure { margin: 0 .8rem .5rem 0 } figcaption { color: #666; font-size: 13px }
img { width: 256px; height: 256px; display: block }
.text { flex: 1 1 300px; min-width: 280px } .caption { font-size: 18px; margin: 0 0 .4rem }
.flag { background: #b00020; color: #fff; padding: .1rem .4rem; border-radius: 3px; font-size: 13px }
.numbers { color: #666; font-size: 13px; margin: .2rem 0 } ul { margin: .2rem 0; padding-left: 1.2rem }
#errors:checked ~ article:not(.wrong) { display: none }
"""


def write_page(scored: Scored, path: Path, limit: int = HTML_LIMIT) -> None:
    """Write the page of the ``limit`` pairs with the lowest score (``CaptionStatistics.pair_scores``), lowest first.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    values = scored.statistics.pair_scores()
    order = np.argsort(values, kind="stable")[:limit]
    wrong = int((scored.found != scored.truth).sum())
    with path.open("w", encoding="utf-8") as stream:
        title = escape(f"{scored.name}: {len(order)} of {len(values)} pairs")
        stream.write(f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head><body>\n')
        stream.write(f"<h1>{title}</h1>\n<p>Lowest score first: the mean of METEOR and ROUGE-L of the pair, × 100. ")
        stream.write(f"The change flag is wrong on {wrong} of all {len(values)} pairs.</p>\n")
        stream.write('<input type="checkbox" id="errors"><label for="errors"> only pairs with a wrong change flag</label>\n')
        for i in order:
            stream.writelines(_article(scored.pairs[i], scored.captions[i], float(values[i])))
        stream.write("</body></html>\n")


def _article(pair: Pair, caption: Caption, value: float) -> Iterator[str]:
    wrong = pair.changed != caption.changed
    after = _picture(pair.after)
    yield f'<article class="{"wrong" if wrong else "right"}">'
    yield _figure("before", _picture(pair.before)) + _figure("after", after)
    if caption.heatmap is not None:
        yield _figure("heat map", _heated(after, caption.heatmap))
    yield f'<div class="text"><p class="caption">{escape(caption.text)}</p>'
    if wrong:
        yield f'<span class="flag">{"change missed" if pair.changed else "false alarm"}</span>'
    yield f'<p class="numbers">{escape(pair.name)} · score {value:.1f} · change score {caption.change_score:.3f}{_classes(pair, caption)}</p><ul>'
    yield from (f"<li>{escape(text)}</li>" for text in dict.fromkeys(text.strip() for text in pair.references))
    yield "</ul></div></article>\n"


def _classes(pair: Pair, caption: Caption) -> str:
    """Classes that were found, and those that the data set notes."""
    signs = (("+", caption.added), ("−", caption.removed), ("~", caption.altered))
    text = " ".join(sign + name for sign, names in signs for name in names)
    truth = " ".join(sign.replace("-", "−") + name for name, sign in (pair.delta or {}).items())
    return escape(f" · found {text}" if text else "") + escape(f" · truth {truth}" if truth else "")


def _picture(path: Path) -> Image.Image:
    return open_rgb(path).resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BICUBIC)


def _heated(picture: Image.Image, heatmap: np.ndarray) -> Image.Image:
    """A picture tinted with a heat map, (h, w) in 0..1."""
    heat = Image.fromarray(np.asarray(heatmap, np.float32)).resize(picture.size, Image.Resampling.BILINEAR)
    share = HEAT_SHARE * np.clip(np.asarray(heat), 0, 1)[..., None]
    return Image.fromarray(np.round((1 - share) * np.asarray(picture) + share * HEAT).astype(np.uint8))


def _figure(title: str, picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return f'<figure><img alt="{title}" src="data:image/jpeg;base64,{data}"><figcaption>{title}</figcaption></figure>'
