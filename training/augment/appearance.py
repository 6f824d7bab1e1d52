"""How a date looks, changed in ways no caption speaks of: light, colour, haze, cloud shadow, season, sharpness, noise and JPEG.

All images of a batch at once, in place; rare and dearer steps only on the images drawn for them.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .phrases import word_set

# Share of images (season: of pairs that may have it; shared: of pairs whose two dates get one look) that each step is drawn for.
SHARED, SEASON, VEIL, BLUR, RESOLUTION, NOISE, JPEG = 0.25, 0.5, 0.3, 0.15, 0.3, 0.3, 0.25
MAX_COARSENING = 2.5
# Gain of each band on vegetation. Brown: dry grass and bare crowns; green: the growing season.
BROWN, GREEN = (1.3, 1.02, 0.98), (0.8, 1.0, 0.88)
# Words of ground cover that a season's tint could turn one into the other: pairs that speak of them keep their colours.
GROUND = word_set(
    "grass grassland grassy meadow meadows lawn lawns field fields farmland cropland crops bareland barelands bare land lands ground soil desert",
    "wasteland green brown plants vegetation grow grows grown planted plant overgrown lush withered dry dries denser sparse orchard garden",
)


def season_safe(captions: tuple[tuple[str, ...], ...], changed: float | None = None) -> bool:
    """Whether a season's tint on one date leaves all that is known of the pair true.

    It does on an unchanged pair, and on one whose captions (all of them, as people wrote them) are known and speak of no grass, field, bare ground or
    growth.
    """
    if changed == 0:
        return True
    return bool(captions) and not any(GROUND.intersection(caption) for caption in captions)


def photometric(images: Tensor, generator: torch.Generator, season: Tensor | None = None) -> Tensor:
    """A new look for each date: (2N, 3, H, W) float 0..255, the N befores then the N afters → the same, changed in place.

    Parameters
    ----------
    season : bool (N,): pairs of which one date may get a season's tint (see `season_safe`); none by default.
    """
    n = len(images) // 2
    alike = torch.rand(n, generator=generator) < SHARED
    if season is not None:
        _season(images, season & ~alike, generator)
    _colour(images, alike, generator)
    for i in _chosen(2 * n, VEIL, generator):
        _veil(images[i], generator)
    _sharpness(images, alike, generator)
    for i in _chosen(2 * n, NOISE, generator):
        sigma = _uniform(2.0, 9.0, (), generator)
        images[i] += torch.randn(images[i].shape, generator=generator) * sigma
    images.clamp_(0, 255)
    for i in _chosen(2 * n, JPEG, generator):
        images[i] = _jpeg(images[i], int(_uniform(30, 91, (), generator)))
    return images


def season_tint(image: Tensor, strength: float) -> Tensor:
    """Vegetation browned (strength 0..1) or greened (-1..0), smoothly by its greenness; in place.

    Greenness is the excess green of Woebbecke et al. (1995) in chromatic coordinates, (2G - R - B) / (R + G + B), averaged over 4×4 pixels.

    Parameters
    ----------
    image : (3, H, W) float 0..255; sides divisible by 4.
    """
    small = F.avg_pool2d(image[None], 4)
    red, green, blue = small.unbind(1)
    excess = (2 * green - red - blue) / (red + green + blue + 1)
    share = ((excess - 0.04) / 0.10).clamp_(0, 1)[:, None]
    share = F.interpolate(share, size=image.shape[-2:], mode="bilinear")[0]
    gain = torch.tensor(BROWN if strength > 0 else GREEN)[:, None, None] - 1
    return image.mul_(1 + share * (abs(strength) * gain))


def _season(images: Tensor, wanted: Tensor, generator: torch.Generator) -> None:
    """One date of some pairs in another season."""
    n = len(wanted)
    drawn = torch.rand(n, generator=generator) < SEASON
    date = torch.randint(2, (n,), generator=generator)
    strength = _uniform(-1.0, 0.9, (n,), generator)
    for i in torch.nonzero(wanted & drawn).flatten().tolist():
        season_tint(images[i + n * int(date[i])], float(strength[i]))


def _colour(images: Tensor, alike: Tensor, generator: torch.Generator) -> None:
    """Saturation, contrast, brightness, tint and band mixing as one 3×3 matrix and an offset; then a curve (gamma)."""
    count = len(images)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return _share(_uniform(low, high, (count, *(shape or (1, 1))), generator), alike)

    saturation, contrast, brightness = draw(0.5, 1.35), draw(0.7, 1.3), draw(0.72, 1.28)
    matrix = (saturation * torch.eye(3) + (1 - saturation) / 3) * contrast
    matrix = (matrix + draw(-0.03, 0.03, 3, 3)) * draw(0.9, 1.1, 3, 1)
    offset, lift = draw(-6, 6, 3, 1), brightness - contrast
    curve = draw(-0.25, 0.25) / 255  # x + c·x·(1 - x/255): near x^γ, γ about 1 - c, without a power per pixel
    for i, image in enumerate(images.flatten(2)):  # one by one: an image stays in the core's cache through the steps
        image.copy_(torch.addmm(offset[i] + image.mean() * lift[i], matrix[i], image)).clamp_(0, 255)
        image.addcmul_(image * curve[i], 255 - image)


def _veil(image: Tensor, generator: torch.Generator) -> None:
    """A thin low-frequency haze, or a cloud's soft shadow; never so thick that it hides what is under it."""
    field = torch.rand(1, 1, 4, 4, generator=generator)
    field = F.interpolate(field, size=64, mode="bicubic", align_corners=True).clamp_(0, 1)
    field = F.interpolate(field, size=image.shape[-2:], mode="bilinear")[0]
    if torch.rand((), generator=generator) < 0.5:
        light = _uniform(170, 235, (1, 1, 1), generator) + _uniform(-12, 12, (3, 1, 1), generator)
        image.add_((light - image) * field.mul_(_uniform(0.1, 0.5, (), generator)))
    else:
        image.mul_(1 - field.mul_(_uniform(0.1, 0.45, (), generator)))


def _sharpness(images: Tensor, alike: Tensor, generator: torch.Generator) -> None:
    """Blur of the optics, and a coarser sensor (1 to 2.5 times the pixel) resampled to the tile's grid."""
    count = len(images)
    blurred = _share(torch.rand(count, generator=generator), alike) < BLUR
    coarse = _share(torch.rand(count, generator=generator), alike) < RESOLUTION
    factor = _share(_uniform(1.0, MAX_COARSENING, (count,), generator), alike)
    for i in torch.nonzero(blurred).flatten().tolist():
        images[i] = _binomial(images[i])
    size = images.shape[-1]
    for i in torch.nonzero(coarse).flatten().tolist():
        small = F.interpolate(images[i : i + 1], size=round(size / float(factor[i])), mode="bilinear", antialias=True)
        images[i : i + 1] = F.interpolate(small, size=size, mode="bilinear")


def _binomial(image: Tensor) -> Tensor:
    """(1 2 1)/4 along rows and columns: a point spread of 1.7 pixels at half height."""
    padded = F.pad(image[None], (1, 1, 1, 1), mode="replicate")[0]
    rows = padded[:, :-2] + padded[:, 2:] + 2 * padded[:, 1:-1]
    return (rows[..., :-2] + rows[..., 2:] + 2 * rows[..., 1:-1]) / 16


def _jpeg(image: Tensor, quality: int) -> Tensor:
    """The image after JPEG compression; (3, H, W) float 0..255."""
    buffer = io.BytesIO()
    Image.fromarray(image.to(torch.uint8).permute(1, 2, 0).contiguous().numpy()).save(buffer, "jpeg", quality=quality)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float()


def _share(drawn: Tensor, alike: Tensor) -> Tensor:
    """The before's draw also for the after, in the pairs that are alike."""
    n = len(alike)
    drawn[n:][alike] = drawn[:n][alike]
    return drawn


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.empty(shape).uniform_(low, high, generator=generator)


def _chosen(count: int, share: float, generator: torch.Generator) -> list[int]:
    return torch.nonzero(torch.rand(count, generator=generator) < share).flatten().tolist()
