"""Titles and tooltips of the run options, in panel and toolbox. Literals, so that ``.ci/translations.py`` finds them.

Every option that a surface of QGIS offers (``schema.OPTIONS``) has both; a test holds that.
"""

from __future__ import annotations

from .i18n import mark

TITLES = {
    "model": mark("Model"),
    "threshold": mark("Threshold"),
    "resolution": mark("Ground resolution"),
    "tile_px": mark("Tile size"),
    "overlap_px": mark("Tile overlap"),
    "align": mark("Align the dates"),
    "stretch": mark("Pixel stretch"),
    "max_nodata": mark("Maximum no data"),
    "clip": mark("Clip tiles to area"),
    "device": mark("Device"),
    "batch_size": mark("Tiles per batch"),
    "decoding": mark("Decoding"),
    "seed": mark("Seed"),
    "steps": mark("Sampling steps"),
    "sampler": mark("Sampler"),
    "samples": mark("Samples per tile"),
    "question": mark("Question"),
    "fill": mark("Undeclared fill"),
    "mask_before": mark("Mask, before"),
    "mask_after": mark("Mask, after"),
}
TOOLTIPS = {
    "model": mark("The model that writes the captions"),
    "threshold": mark("Change score from which a tile counts as changed and gets a caption; a higher one gives fewer tiles. Empty: the model's own"),
    "resolution": mark("Ground size of a pixel: native (the before layer's), model (what the model was trained at), or metres"),
    "tile_px": mark("Side of a tile in pixels. The models expect 256; other tiles are resampled to it"),
    "overlap_px": mark("Pixels that neighbouring tiles share"),
    "align": mark("Moves the after raster where it does not lie on the before raster: by one offset, or also turned, stretched and bent"),
    "stretch": mark("percentile: 2–98 % of each raster; none: values are 0–255 already"),
    "max_nodata": mark("Tiles where either date lacks data on a larger share are skipped; on the rest, the model sees only what both dates have"),
    "clip": mark("The model does not see what lies beyond the area in tiles at its edge. Clicks caption whole tiles"),
    "device": mark("auto uses the GPU if a test computation succeeds, otherwise the CPU; the log says which and why"),
    "batch_size": mark("Tiles that the model sees at once. Empty: chosen for the device. Fewer tiles need less memory"),
    "decoding": mark("beam compares several sentences for each tile; greedy takes the first and is faster"),
    "seed": mark("Run seed of models that draw samples: the same seed gives the same captions"),
    "steps": mark("Steps of the sampler, for models that draw samples; fewer are faster. Empty: the model's own"),
    "sampler": mark("How a model that draws samples draws them. Empty: the model's own"),
    "samples": mark("Captions drawn for each tile; the one most like the others is kept. Two take twice as long as one. Empty: the model's own"),
    "question": mark("Asked about every tile, in English, for models that answer questions; the answers have a field of their own"),
    "fill": mark(
        "auto: an area of one exact value that reaches the raster's border counts as no data; none: it counts as ground; "
        "a number: the value that fill has in all bands"
    ),
    "mask_before": mark(
        "Clouds and other ground to ignore in the before raster: a raster (Sentinel-2 SCL, Planet UDM2, 0 and 1) or polygons; "
        "FILE|masked=3,8-10 or FILE|clear=4-7 names the values"
    ),
    "mask_after": mark(
        "Clouds and other ground to ignore in the after raster: a raster (Sentinel-2 SCL, Planet UDM2, 0 and 1) or polygons; "
        "FILE|masked=3,8-10 or FILE|clear=4-7 names the values"
    ),
}
# What stands in a box in place of no value.
UNSET = {"batch_size": mark("automatic")}
MODELS_OWN = mark("the model's own")
CHOICES = {
    "align": {"off": mark("Off"), "shift": mark("By one offset (shift)"), "local": mark("Turned, stretched, locally (local)")},
    "stretch": {"percentile": mark("2–98 % of each raster"), "none": mark("None (values are 0–255)")},
    "decoding": {"beam": mark("Beam search"), "greedy": mark("Greedy")},
}
# An example, in English in any language: the models know no other.
PLACEHOLDERS = {"question": mark("such as: what happened to the trees?")}
