"""Second half of the gate, over the whole set: who stays, in which split, with which caption, and why the rest left."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from data_engine.config import AnnotateConfig
from data_engine.duplicates import near_duplicates
from data_engine.items import Reason
from data_engine.measure import Measured
from data_engine.shards import read_rows, shard_paths, write_bytes, write_rows
from data_engine.support import Support, fit
from fervlm.facs.units import movement_units
from fervlm.records import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VALIDATION_NAMES = frozenset({"val", "valid", "validation", "dev"})


def split_name(given: str) -> str:
    """A split's name as file names and `datasets` can bear it: letters, digits and underscores."""
    return re.sub(r"\W+", "_", given.strip(), flags=re.ASCII).strip("_") or "other"


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
        rows = list(read_rows(path, Measured))
        write_rows(target / path.name, [whole.verdict(row, place + k) for k, row in enumerate(rows)])
        place += len(rows)


class _Whole:
    """Decisions that need the whole set, as a few bytes a draft."""

    def __init__(self, config: AnnotateConfig, paths: list[Path]) -> None:
        import numpy as np  # noqa: PLC0415

        self._config = config
        self._paths = paths
        columns = _Columns(paths)
        self._splits = _Splits(config, columns)
        self.support = _fit(columns, self._splits)
        unknown = np.full(len(columns.dhash), np.nan)
        self._support = self.support.of(columns.features, columns.group("label")) if self.support else unknown
        self._earlier = near_duplicates(columns.dhash, config.gate.duplicate_bits)
        # A picture without a hash (evidence alone) repeats nothing.
        self._earlier[~columns.has_picture] = -1
        self._reason: list[Reason | None] = [None] * len(columns.dhash)
        self._caption: NDArray[np.int16] = np.zeros(len(columns.dhash), np.int16)
        self._each(self._alone)
        self._frames()
        for key, multiple in sorted(config.gate.balance.items()):
            self._balance(columns.group(key), columns.order, multiple)

    def verdict(self, row: Measured, place: int) -> Verdict:
        """The decision on the draft at `place` in input order."""
        import numpy as np  # noqa: PLC0415

        reason = self._reason[place]
        detail = {
            "verifier_finding": "; ".join(row.findings),
            "near_duplicate": f"of the draft at place {self._earlier[place]}",
        }.get(reason or "")
        return Verdict(
            n=row.n,
            keep=reason is None,
            split=self._splits.of(row),
            caption=int(self._caption[place]),
            support=None if np.isnan(self._support[place]) else float(self._support[place]),
            reason=reason,
            detail=detail,
        )

    def _each(self, judge: Callable[[Measured, int], Reason | None]) -> None:
        for place, row in enumerate(_rows(self._paths)):
            if self._reason[place] is None:
                self._reason[place] = judge(row, place)

    def _alone(self, row: Measured, place: int) -> Reason | None:
        gate = self._config.gate
        if row.findings or not row.words:
            return "verifier_finding"
        if max(row.words) < gate.min_words:
            return "too_short"
        if min(row.words) > gate.max_words:
            return "too_long"
        if self._earlier[place] >= 0:
            return "near_duplicate"
        # False where there is no label: nothing is smaller or larger than NaN.
        return "label_unsupported" if self._support[place] < gate.min_support else None

    def _frames(self) -> None:
        """No frame above its share: a draft whose captions would all break it leaves, in input order."""
        kept = [reason is None for reason in self._reason]
        total = sum(len(row.frames[0]) for row, keep in zip(_rows(self._paths), kept, strict=True) if keep)
        # Below a hundred sentences a share says nothing.
        most = max(self._config.gate.frame_share * total, 5.0)
        seen: Counter[int] = Counter()

        def judge(row: Measured, place: int) -> Reason | None:
            for k, frames in enumerate(row.frames):
                if self._config.gate.min_words <= row.words[k] <= self._config.gate.max_words and all(
                    seen[frame] < most for frame in frames
                ):
                    seen.update(frames)
                    self._caption[place] = k
                    return None
            return "frame_share"

        self._each(judge)

    def _balance(self, groups: NDArray[np.int64], order: NDArray[np.uint64], multiple: float) -> None:
        """At most `multiple` times the median group; who stays is decided by a hash of the id, not by position."""
        import numpy as np  # noqa: PLC0415

        kept = np.array([reason is None for reason in self._reason]) & (groups >= 0)
        sizes = np.bincount(groups[kept]) if kept.any() else np.zeros(0, int)
        if not (sizes > 0).any():
            return
        most = int(multiple * float(np.median(sizes[sizes > 0])))
        for group in np.flatnonzero(sizes > most):
            members = np.flatnonzero(kept & (groups == group))
            for place in members[np.argsort(order[members], kind="stable")][most:]:
                self._reason[place] = "balance"


class _Columns:
    """The measurements as arrays."""

    def __init__(self, paths: list[Path]) -> None:
        import numpy as np  # noqa: PLC0415

        self.aus = movement_units()
        column = {au: k for k, au in enumerate(self.aus)}
        features, dhash, has, order = bytearray(), [], [], []
        self._codes: dict[str, dict[str, int]] = {"label": {}, "subject": {}, "source": {}}
        members: dict[str, list[int]] = {key: [] for key in self._codes}
        self.first_split: dict[str, str] = {}
        for row in _rows(paths):
            line = bytearray(len(self.aus))
            for au in row.present:
                if au in column:
                    line[column[au]] = 1
            for au in row.absent:
                if au in column:
                    line[column[au]] = 0xFF  # -1 as a signed byte
            features += line
            dhash.append(int(row.dhash or "0", 16))
            has.append(row.dhash is not None)
            order.append(int.from_bytes(hashlib.blake2b(row.id.encode(), digest_size=8).digest(), "big"))
            for key, codes in self._codes.items():
                value = getattr(row, key)
                members[key].append(-1 if value is None else codes.setdefault(value, len(codes)))
            if row.subject and row.split:
                self.first_split.setdefault(row.subject, row.split)
        self.features: NDArray[np.int8] = np.frombuffer(bytes(features), np.int8).reshape(-1, len(self.aus))
        self.dhash: NDArray[np.uint64] = np.array(dhash, np.uint64)
        self.has_picture: NDArray[np.bool_] = np.array(has, bool)
        self.order: NDArray[np.uint64] = np.array(order, np.uint64)
        self._members = {key: np.array(values, np.int64) for key, values in members.items()}
        self.names = tuple(self._codes["label"])
        self.paths = paths

    def group(self, key: str) -> NDArray[np.int64]:
        """Group number of every draft by label, subject or source; -1 where it has none."""
        return self._members[key]


class _Splits:
    """Every subject in one split only: as first given, else by a hash of the subject (or picture)."""

    def __init__(self, config: AnnotateConfig, columns: _Columns) -> None:
        self._config = config
        self._first = columns.first_split

    def of(self, row: Measured) -> str:
        """`train`, `validation`, or the input's own name for another split."""
        given = self._first.get(row.subject) if row.subject else row.split
        if given is not None:
            return "validation" if given.lower() in VALIDATION_NAMES else split_name(given)
        digest = hashlib.blake2b(f"{self._config.seed}:{row.subject or row.id}".encode(), digest_size=8).digest()
        return "validation" if int.from_bytes(digest, "big") < self._config.val_share * 2**64 else "train"


def _fit(columns: _Columns, splits: _Splits) -> Support | None:
    """Fitted on labelled train drafts; None where fewer than two labels occur."""
    import numpy as np  # noqa: PLC0415

    train = np.array([splits.of(row) == "train" for row in _rows(columns.paths)], bool)
    labelled = train & (columns.group("label") >= 0)
    if len(np.unique(columns.group("label")[labelled])) < 2:
        return None
    labels = columns.group("label")[labelled].astype(np.int8)
    return fit(columns.features[labelled], labels, columns.names, columns.aus)


def _rows(paths: list[Path]) -> Iterator[Measured]:
    for path in paths:
        yield from read_rows(path, Measured)
