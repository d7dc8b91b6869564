"""Groups vectors by average linkage on the cosine distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..models import Floats

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Hints:
    """Limits for the number of groups; `least` and `most` override the threshold."""

    least: int = 1
    most: int | None = None


def group(vectors: Floats, threshold: float, hints: Hints = Hints()) -> Labels:
    """The group of each unit vector, `[vectors]`; groups are numbered from 0 in the order of their first member.

    Two groups are joined while the mean cosine distance between their members is at most `threshold`.
    """
    count = len(vectors)
    parents = list(range(count))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    groups = count
    for first, second, height in sorted(_merges(vectors), key=lambda merge: merge[2]):
        if groups <= hints.least or (height > threshold and (hints.most is None or groups <= hints.most)):
            break
        parents[root(first)] = root(second)
        groups -= 1
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(at), len(numbers)) for at in range(count)], np.int64)


def _merges(vectors: Floats) -> list[tuple[int, int, float]]:
    """All merges of average linkage as (a member of one group, a member of the other, distance), unsorted.

    The mean of 1 - a·b over two groups is 1 minus the product of their mean vectors. So sums of vectors are enough, and
    a table of distances, with 81 million entries for an hour of speech, is not needed. The groups are merged along
    nearest-neighbour chains (Murtagh, "A survey of recent advances in hierarchical clustering algorithms", 1983), which
    gives the same tree.
    """
    sums = vectors.astype(np.float32, copy=True)
    sizes = np.ones(len(sums), np.float32)
    gone = np.zeros(len(sums), bool)
    merges: list[tuple[int, int, float]] = []
    chain: list[int] = []
    while len(merges) + 1 < len(sums):
        if not chain:
            chain.append(int(np.flatnonzero(~gone)[0]))
        at = chain[-1]
        distances = 1 - (sums @ sums[at]) / (sizes * sizes[at])
        distances[gone] = np.inf
        distances[at] = np.inf
        nearest = int(distances.argmin())
        if len(chain) > 1 and distances[chain[-2]] <= distances[nearest]:
            other = chain[-2]
            merges.append((at, other, float(distances[other])))
            sums[other] += sums[at]
            sizes[other] += sizes[at]
            gone[at] = True
            del chain[-2:]
        else:
            chain.append(nearest)
    return merges
