"""Finding one image in another: phase correlation (Kuglin & Hines 1975) of edges, with masks, sub-pixel by a parabola."""

from __future__ import annotations

import numpy as np


def smoothed(image: np.ndarray, times: int = 1) -> np.ndarray:
    """Weights ¼ ½ ¼ along both axes; the edges wrap around."""
    for _ in range(times):
        for axis in (0, 1):
            image = 0.5 * image + 0.25 * (np.roll(image, 1, axis) + np.roll(image, -1, axis))
    return image


def edges(grey: np.ndarray, valid: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Edges of an image and how much each pixel of them counts.

    The magnitude of the gradient is taken, not the grey value, so that a change of season or sun matters little.

    Parameters
    ----------
    grey : float32 (h, w)
    valid : bool (h, w), or None where all is

    Returns
    -------
    edges : float32 (h, w), ≥ 0
    weight : float32 (h, w), 0..1; falls to 0 a few pixels before what is no data, so that its border is no edge
    """
    masked = valid is not None and not valid.all()
    if masked:
        grey = np.where(valid, grey, grey[valid].mean() if valid.any() else 0)
    down, right = np.gradient(smoothed(grey))
    weight = np.clip(2 * smoothed(valid.astype(np.float32), 4) - 1, 0, 1) ** 2 if masked else np.ones_like(grey)
    return np.hypot(down, right), weight


def surface(before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Phase correlation of two images' ``edges``, in standard deviations.

    Returns
    -------
    float32 (h, w)
        At [h // 2 + r, w // 2 + c] how well ``after`` moved by (r, c) pixels down and right fits.
    """
    height, width = before[0].shape
    taper = (np.hanning(height)[:, None] * np.hanning(width)[None]).astype(np.float32)
    spectra = []
    for image, weight in (before, after):
        weight = weight * taper
        total = float(weight.sum())
        mean = float((image * weight).sum()) / total if total else 0.0
        spectra.append(np.fft.rfft2((image - mean) * weight))
    cross = spectra[1] * np.conj(spectra[0])
    # A little smoothing gathers a peak that lies between pixels.
    found = smoothed(np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-12), s=before[0].shape), 2)
    found = np.fft.fftshift(found - found.mean())
    return (found / (found.std() + 1e-12)).astype(np.float32)


def peak(found: np.ndarray, radius: int | None = None) -> tuple[float, float, float]:
    """Highest place of a ``surface``, at most ``radius`` pixels off its middle each way: rows, cols (sub-pixel), height."""
    middle = found.shape[0] // 2, found.shape[1] // 2
    # The outermost pixels have no neighbours for the parabola.
    reach = [min(size // 2 - 1, radius or size) for size in found.shape]
    part = found[middle[0] - reach[0] : middle[0] + reach[0] + 1, middle[1] - reach[1] : middle[1] + reach[1] + 1]
    row, col = (int(index) for index in np.unravel_index(int(part.argmax()), part.shape))
    height = float(part[row, col])
    row, col = row + middle[0] - reach[0], col + middle[1] - reach[1]
    rows = row - middle[0] + _parabola(found[row - 1 : row + 2, col])
    return rows, col - middle[1] + _parabola(found[row, col - 1 : col + 2]), height


def phase_correlation(before: np.ndarray, after: np.ndarray) -> tuple[float, float, float]:
    """Shift of ``after`` against ``before`` in pixels (rows, cols) and the height of the peak in standard deviations; float (h, w) without gaps."""
    return peak(surface(edges(before), edges(after)))


def agreement(before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]) -> float | None:
    """Correlation (-1..1) of two images' ``edges`` where they lie; None where there is nothing to compare."""
    weight = before[1] * after[1]
    total = float(weight.sum())
    if total < 0.25 * weight.size:
        return None
    # Smoothed well: resampling blurs, and blur alone must not look like agreement.
    first, second = (smoothed(image, 3) for image, _ in (before, after))
    first, second = (image - float((image * weight).sum()) / total for image in (first, second))
    spread = float((weight * first * first).sum()) * float((weight * second * second).sum())
    return float((weight * first * second).sum()) / spread**0.5 if spread > 0 else None


def _parabola(three: np.ndarray) -> float:
    """Place of the maximum through three values, relative to the middle one, -0.5..0.5."""
    left, middle, right = (float(value) for value in three)
    bend = left - 2 * middle + right
    return min(0.5, max(-0.5, 0.5 * (left - right) / bend)) if bend else 0.0
