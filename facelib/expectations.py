"""What a chapter's key figures are expected to be: ranges found from several seeds, in `results/expected.csv`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facelib import results

MEASURED = {"profile": "quick", "dataset": "synthetic"}  # what the ranges are of


@dataclass(frozen=True)
class Range:
    """A figure in words, and where its value with a further seed is expected, with a probability of 95 %."""

    what: str
    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return bool(self.low <= value <= self.high)

    def written(self, value: float) -> str:
        """A value with as many digits as the range deserves: by its width or, where it spans factors, by the value."""
        if not math.isfinite(value):
            return f"{value}"
        by_factors = self.high > 10 * self.low > 0
        scale = value if by_factors else self.high - self.low
        digits = max(0, 1 - math.floor(math.log10(max(abs(scale), 1e-6))))
        return f"{value:.{digits}f}"

    def __str__(self) -> str:
        return f"{self.written(self.low)} to {self.written(self.high)}"


def of_chapter(chapter: str) -> dict[str, Range]:
    """Figure → its range, for a chapter such as "01_vae"; {} if none were measured yet.

    >>> of_chapter("01_vae")["psnr"].what
    'PSNR of faces that the trained VAE has not seen, dB'
    """
    if not (results.FOLDER / "expected.csv").exists():
        return {}  # as when experiments/expected.py makes the first
    table = results.load("expected")
    rows = table[table["chapter"] == chapter]
    return {row.figure: Range(row.what, row.low, row.high) for row in rows.itertuples()}


def prediction_interval(values: np.ndarray, margin: float = 0.0, logarithmic: bool = False) -> tuple[float, float]:
    """Where one more value lies with a probability of 95 %, if all come from one normal distribution.

    Mean ± t · s · √(1 + 1/n) with Student's t of n − 1 degrees of freedom: wider than a confidence interval, which is
    the mean's.

    Args:
        values: of the seeds, at least two.
        margin: half of the width that it has anyway, for what no seed changes and another processor may.
        logarithmic: it is the logarithms that are normal, as of what is positive and varies by factors.

    Raises:
        ValueError: for fewer than two values, or such as are no numbers, or have no logarithm.

    >>> low, high = prediction_interval(np.array([24.1, 25.3, 24.6, 24.8]))
    >>> print(f"{low:.1f} {high:.1f}")
    22.9 26.5
    """
    from scipy import stats

    values = np.asarray(values, float)
    if len(values) < 2 or not np.isfinite(values).all() or (logarithmic and values.min() <= 0):
        kind = "positive" if logarithmic else "finite"
        raise ValueError(f"values must be at least two {kind} numbers, got {values.tolist()}.")
    scaled = np.log(values) if logarithmic else values
    n, mean = len(scaled), scaled.mean()
    half = stats.t.ppf(0.975, n - 1) * scaled.std(ddof=1) * math.sqrt(1 + 1 / n)
    low, high = mean - half, mean + half
    if logarithmic:
        low, high = math.exp(low), math.exp(high)
    return float(min(low, values.mean() - margin)), float(max(high, values.mean() + margin))
