"""Intervals of 95 %: of rates, of differences of paired rates, and of paired means.

Rates have Wilson's interval (Wilson 1927). The difference of two paired rates has Newcombe's tenth method (R. G.
Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired data",
Statistics in Medicine 17, 1998, 2635-2650), and the exact test of McNemar. The mean of paired differences has the
percentile bootstrap over pairs (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from engine.studies.packages import load

_Z95 = NormalDist().inv_cdf(0.975)
_RESAMPLES = 9_999
_SEED = 0  # of the bootstrap: the same data give the same interval


@dataclass(frozen=True)
class Rate:
    """A share, with its interval; all None of nothing.

    Args:
        count: Number of the hits.
        of: Number of all.
    """

    count: int
    of: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """A difference between two of what is paired, with its interval.

    Args:
        pairs: Number of pairs.
        first, second: The rate or the mean of each.
        value: The second less the first.
        only_first, only_second: For rates, the pairs in which only one of them has a hit.
        p: For rates, of McNemar's exact test that both are equally likely.
    """

    pairs: int
    first: float
    second: float
    value: float
    low: float
    high: float
    only_first: int | None = None
    only_second: int | None = None
    p: float | None = None


def rate(count: int, of: int) -> Rate:
    """Return a share with Wilson's interval.

    >>> found = rate(15, 30)
    >>> round(found.low, 3), found.value, round(found.high, 3)
    (0.332, 0.5, 0.668)
    """
    if of == 0:
        return Rate(0, 0, None, None, None)
    return Rate(count, of, count / of, *wilson(count, of))


def wilson(count: int, of: int) -> tuple[float, float]:
    """Return the bounds of Wilson's interval; of nothing, the whole interval.

    >>> wilson(0, 0)
    (0.0, 1.0)
    """
    if of == 0:
        return 0.0, 1.0
    share, square = count / of, _Z95**2
    center = (share + square / (2 * of)) / (1 + square / of)
    half = _Z95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of**2))
    return max(0.0, center - half), min(1.0, center + half)


def paired_rates(pairs: Sequence[tuple[bool, bool]]) -> Difference | None:
    """Return the difference of two rates that were found on the same things; None where there are none.

    Raises:
        EngineError: The extra ``study`` is not installed.

    One of Newcombe's examples, with 36 pairs of hits, and 12 and 2 of a hit and a miss:

    >>> pairs = [(True, True)] * 36 + [(False, True)] * 12 + [(True, False)] * 2
    >>> found = paired_rates(pairs)
    >>> round(found.value, 2), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0569, 0.3404)
    """
    n = len(pairs)
    if n == 0:
        return None
    both = sum(a and b for a, b in pairs)
    only_first, only_second = sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)
    neither = n - both - only_first - only_second
    first, second = (both + only_first) / n, (both + only_second) / n
    first_low, first_high = wilson(both + only_first, n)
    second_low, second_high = wilson(both + only_second, n)
    phi = _phi(both, only_first, only_second, neither)
    below = _combined(second - second_low, first_high - first, phi)
    above = _combined(second_high - second, first - first_low, phi)
    value = second - first
    discordant = only_first + only_second
    p = load("scipy.stats", "study").binomtest(only_first, discordant).pvalue if discordant else 1.0
    return Difference(n, first, second, value, value - below, value + above, only_first, only_second, float(p))


def _phi(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Return the correlation of the pairs as Newcombe corrects it for continuity."""
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    n = both + only_first + only_second + neither
    product = both * neither - only_first * only_second
    corrected = max(product - n / 2, 0.0) if product > 0 else float(product)
    return corrected / math.sqrt(margins)


def _combined(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2))


def paired_means(pairs: Sequence[tuple[float, float]]) -> Difference | None:
    """Return the difference of two means of what was measured on the same things; None where there is nothing.

    >>> paired_means([(1.0, 2.0), (2.0, 3.0), (5.0, 6.0)]).low
    1.0
    """
    if not pairs:
        return None
    first = math.fsum(a for a, _ in pairs) / len(pairs)
    second = math.fsum(b for _, b in pairs) / len(pairs)
    differences = [b - a for a, b in pairs]
    low = high = second - first
    if len(set(differences)) > 1:
        numpy = load("numpy", "study")
        found = load("scipy.stats", "study").bootstrap(
            (numpy.asarray(differences),), numpy.mean, confidence_level=0.95, n_resamples=_RESAMPLES,
            method="percentile", rng=numpy.random.default_rng(_SEED),
        )  # fmt: skip
        low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
    return Difference(len(pairs), first, second, second - first, low, high)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile, interpolated between neighbors; None of nothing.

    >>> quantile([4.0, 1.0, 2.0, 3.0], 0.5)
    2.5
    """
    if not values:
        return None
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])
