"""Second half of the gate, over the whole set: who stays, in which split, with which caption, and why the rest left.

The measurements are read shard by shard, several times; what is kept of a draft between the passes are a few numbers in
arrays (at most 30 bytes), so that a million drafts need tens of megabytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from data_engine.columns import Columns, id_digest
from data_engine.config import AnnotateConfig
from data_engine.duplicates import near_duplicates
from data_engine.items import Reason
from data_engine.measure import Measured, measurements
from data_engine.shards import shard_paths, write_bytes, write_rows
from data_engine.splits import Splits
from data_engine.support import Support, fit, support_of
from fervlm.records import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BUCKETS = 1 << 20
"""Frames are counted in so many places; two that share one by chance are counted together."""
_FEW = 5
"""A frame may always stand so often: below a hundred sentences a share says nothing."""


class Verdict(Record):
    """What the gate decided on one draft."""

    n: int
    keep: bool
    split: str = "train"
    caption: int = Field(0, description="Which of the draft's captions was chosen.")
    support: float | None = Field(None, description="p(human label | AUs); null without a label.")
    reason: Reason | None = None
    detail: str | None = None


def decide(config: AnnotateConfig, measured: Path, target: Path, support_path: Path) -> None:
    """Write a verdict for every measured draft, shard by shard, and the fitted support beside the data."""
    paths = shard_paths(measured)
    if support_path.exists() and all((target / path.name).exists() for path in paths):
        return
    whole = _Whole(config, paths)
    write_bytes(support_path, (whole.support.model_dump_json(indent=1) if whole.support else "null").encode() + b"\n")
    place = 0
    for path in paths:
        verdicts = []
        for row in measurements(path):
            verdicts.append(whole.verdict(row, place))
            place += 1
        write_rows(target / path.name, verdicts)


_REASONS: tuple[Reason | None, ...] = (
    None,
    "verifier_finding",
    "too_short",
    "too_long",
    "near_duplicate",
    "label_unsupported",
    "frame_share",
    "balance",
)
_CODE = {reason: code for code, reason in enumerate(_REASONS)}


class _Whole:
    """Decisions that need the whole set, one step after the other; each sees only what the steps before it left."""

    def __init__(self, config: AnnotateConfig, paths: list[Path]) -> None:
        self._gate = config.gate
        self._paths = paths
        self._splits = Splits(config)
        self._reason = bytearray()
        columns = Columns(tuple(sorted(config.gate.balance)))
        for row in self._rows():
            self._reason.append(_CODE[self._alone(row)])
            columns.add(row)
            self._splits.add(row)
        self._caption = bytearray(len(self._reason))
        self._earlier = self._duplicates(columns)
        self.support = self._fit()
        self._support = self._supported(columns)
        self._frames(columns)
        for key, multiple in sorted(config.gate.balance.items()):
            self._balance(columns.group(key), columns.order(), multiple)

    def verdict(self, row: Measured, place: int) -> Verdict:
        """The decision on the draft at `place` in input order."""
        reason = _REASONS[self._reason[place]]
        detail = None
        if reason == "verifier_finding":
            detail = "; ".join(row.findings)
        elif reason == "near_duplicate":
            detail = f"of the draft at place {self._earlier[place]}"
        support = self._support[place] if self._support is not None else -1
        return Verdict(
            n=row.n,
            keep=reason is None,
            split=self._splits.of(row),
            caption=self._caption[place],
            support=None if support < 0 else round(float(support), 4),
            reason=reason,
            detail=detail,
        )

    def _rows(self) -> Iterator[Measured]:
        for path in self._paths:
            yield from measurements(path)

    def _alone(self, row: Measured) -> Reason | None:
        if row.findings or not row.words:
            return "verifier_finding"
        if max(row.words) < self._gate.min_words:
            return "too_short"
        return "too_long" if min(row.words) > self._gate.max_words else None

    def _kept(self) -> NDArray[np.bool_]:
        import numpy as np  # noqa: PLC0415

        codes: NDArray[np.uint8] = np.frombuffer(self._reason, np.uint8)
        return np.equal(codes, 0)

    def _duplicates(self, columns: Columns) -> NDArray[np.int64]:
        """Of what is good in itself, all but the first of pictures that are nearly one; the place of what stays.

        Held-out splits come first, so that a train picture leaves and not the one it repeats there. Faces of one
        picture share its fate, and do not repeat each other. Evidence without a picture repeats nothing.
        """
        import numpy as np  # noqa: PLC0415

        first, across, down = columns.pictures()
        asked = np.flatnonzero(self._kept() & (first >= 0))
        pictures, of_picture = np.unique(first[asked], return_inverse=True)
        train = np.frombuffer(bytearray(self._splits.of(row) == "train" for row in self._rows()), np.uint8)
        turn = np.lexsort((pictures, train[pictures]))
        found_at = near_duplicates(across[pictures][turn], down[pictures][turn], self._gate.duplicate_bits)
        earlier = np.full(len(pictures), -1, np.int64)
        earlier[turn] = np.where(found_at >= 0, turn[found_at], -1)
        earlier = earlier[of_picture]
        found = np.full(len(first), -1, np.int64)
        found[asked] = np.where(earlier >= 0, pictures[earlier], -1)
        for place in np.flatnonzero(found >= 0):
            self._reason[place] = _CODE["near_duplicate"]
        return found

    def _fit(self) -> Support | None:
        return fit(
            (row.label, row.present, row.absent, id_digest(row.id))
            for row in self._rows()
            if row.label is not None and self._splits.of(row) == "train"
        )

    def _supported(self, columns: Columns) -> NDArray[np.float32] | None:
        """p(label | AUs) of every draft, -1 where it has no label; None where nothing was fitted."""
        if self.support is None:
            return None
        found = support_of(self.support, self._paths)
        for place, value in enumerate(found):
            if not self._reason[place] and 0 <= value < self._gate.min_support:
                self._reason[place] = _CODE["label_unsupported"]
        return found

    def _frames(self, columns: Columns) -> None:
        """No frame above its share of the sentences that came so far; in input order, who would break it leaves.

        Of several captions the first that breaks nothing is chosen.
        """
        total = int(columns.sentences()[self._kept()].sum())
        most = max(self._gate.frame_share * total, _FEW)
        seen = array("I", bytes(4 * _BUCKETS))
        for place, row in enumerate(self._rows()):
            if self._reason[place]:
                continue
            for k, frames in enumerate(row.frames):
                fits = self._gate.min_words <= row.words[k] <= self._gate.max_words
                if fits and all(seen[frame % _BUCKETS] < most for frame in frames):
                    for frame in frames:
                        seen[frame % _BUCKETS] += 1
                    self._caption[place] = k
                    break
            else:
                self._reason[place] = _CODE["frame_share"]

    def _balance(self, groups: NDArray[np.int32], order: NDArray[np.uint64], multiple: float) -> None:
        """At most `multiple` times the median group; who stays is decided by a hash of the id, not by position."""
        import numpy as np  # noqa: PLC0415

        kept = self._kept() & (groups >= 0)
        sizes = np.bincount(groups[kept]) if kept.any() else np.zeros(0, int)
        if not (sizes > 0).any():
            return
        most = int(multiple * float(np.median(sizes[sizes > 0])))
        for group in np.flatnonzero(sizes > most):
            members = np.flatnonzero(kept & (groups == group))
            for place in members[np.argsort(order[members], kind="stable")][most:]:
                self._reason[place] = _CODE["balance"]
