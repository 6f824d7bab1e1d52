"""One report: read, measure, draw, write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..accuracy.result import assess
from ..contract.errors import OutputError
from ..output.writer import verify_path
from .ground import Ground
from .layer import read_layer
from .page import render, summary
from .pictures import Pictures, with_legend
from .request import ReportRequest
from .story import tell, top_changes

PAGE, PICTURE = (".html", ".htm"), (".png",)


def run(request: ReportRequest) -> dict[str, Any]:
    """Write the report, and the map as a picture where one is wanted.

    Returns
    -------
    dict
        ``output``, ``png`` (paths), ``tiles``, ``compared``, ``changed`` (numbers), ``compared_m2``, ``changed_m2``, ``summary`` (the
        paragraph), ``warnings``, ``accuracy`` (as ``accuracy.result.assess``, or None).

    Raises
    ------
    InputError
        The layer is none of ours or empty, a raster that the request names cannot be used, or its sample is not the layer's or not judged.
    OutputError
        A file cannot be written.
    """
    request.verify()
    verify_path(Path(request.output).absolute(), PAGE)
    if request.png:
        verify_path(Path(request.png).absolute(), PICTURE)
    layer = read_layer(request.layer)
    accuracy = assess(request.accuracy, layer) if request.accuracy else None
    ground = Ground(layer.crs_wkt, layer.cells)
    story = tell(layer, ground)
    shown = top_changes(layer.cells, request.top)
    with Pictures(layer, request.before, request.after) as pictures:
        picture = pictures.map(shown)
        page = render(layer, ground, story, shown, pictures, picture, request.title or f"What changed: {Path(layer.path).stem}", accuracy)
    try:
        _replace(request.output, lambda part: part.write_text(page, "utf-8", "xmlcharrefreplace"))
        if request.png:
            _replace(request.png, lambda part: with_legend(picture, layer.cells).save(part, "PNG"))
    except OSError as error:
        raise OutputError(f"{error.filename} cannot be written ({error.strerror})", "a writable file", "choose another name") from error
    counts = {name: getattr(story, name) for name in ("tiles", "compared", "changed")}
    areas = {name: round(getattr(story, name), 1) for name in ("compared_m2", "changed_m2")}
    words = summary(story, accuracy)
    return {"output": request.output, "png": request.png, **counts, **areas, "summary": words, "warnings": pictures.notes, "accuracy": accuracy}


def _replace(path: str, write: Any) -> None:
    """Write beside the file and then put it there: an earlier report stays whole where this one fails."""
    part = Path(f"{path}.part")
    write(part)
    os.replace(part, path)
