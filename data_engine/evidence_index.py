"""Evidence on disk, looked up by picture name: any number of records in constant memory."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from data_engine.names import NO_OTHERS, Part, PictureNames, best_tail, is_tail, part, picture_name
from fervlm.records import AURecord, Source

_FRAME_NAME = re.compile(r"^(?P<stem>.+?)[ _/-](?:frame|f)?[ _-]?0*(?P<frame>\d+)$", re.IGNORECASE)
_SCHEMA = """
create table evidence (seq integer primary key, name text, base text, stem text, frame text,
                       told integer not null, face text, tracking text, detector text, id text,
                       used integer not null default 0, record blob not null);
create table taken (id text primary key) without rowid;
"""
_INDEXES = "".join(f"create index by_{key} on evidence ({key});" for key in ("name", "base", "stem", "frame"))


class Found(NamedTuple):
    """One stored record without parsing it."""

    seq: int
    id: str
    face: str | None
    tracking: str
    detector: str
    record: bytes


class EvidenceIndex:
    """A table of records; made once in full, then only asked.

    A picture finds its evidence by its whole name, else by the end of its path (`b/1.jpg` for `a/b/1.jpg`), else by
    that without the ending, else by the detector file that bears its name, else, for a frame named `CLIP_000012.png`,
    by clip and frame number. The first that finds anything decides; what two pictures could claim goes to neither.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma synchronous = off")
        self._db.execute("pragma cache_size = -16384")

    @classmethod
    def build(cls, path: Path, records: Iterable[AURecord]) -> EvidenceIndex:
        """Store every record; `path` appears only when all are in it."""
        temporary = path.with_name(f".{path.name}.part")
        for leftover in path.parent.glob(f"{temporary.name}*"):
            leftover.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        index = cls(temporary)
        db = index._db
        db.executescript(_SCHEMA)
        db.execute("begin")
        db.executemany("insert into evidence values (?,?,?,?,?,?,?,?,?,?,0,?)", map(_row, enumerate(records)))
        db.execute("commit")
        db.executescript(_INDEXES)
        db.close()
        temporary.replace(path)
        return cls(path)

    def __len__(self) -> int:
        return int(self._db.execute("select count(*) from evidence").fetchone()[0])

    def find(self, name: str, pictures: PictureNames = NO_OTHERS) -> list[Found]:
        """All records of the picture `name` in reading order, marked as joined; other `pictures` may lay claim too."""
        rows = self._rows("name = ?", name)
        if not rows:
            other = self._by_tail(name, "base", pictures) or self._by_tail(name, "stem", pictures)
            other = other or self._by_file(name, pictures)
            if other is not None:
                rows = self._rows("name = ?", other)
            elif match := _FRAME_NAME.match(str(PurePosixPath(name).with_suffix(""))):
                rows = self._rows("frame = ?", f"{PurePosixPath(match['stem']).name}#{match['frame']}")
        self._db.executemany("update evidence set used = 1 where seq = ?", [(row.seq,) for row in rows])
        return rows

    def _rows(self, where: str, value: str) -> list[Found]:
        select = f"select seq, id, face, tracking, detector, record from evidence where {where} order by seq"
        return [Found(*row) for row in self._db.execute(select, (value,))]

    def _names(self, by: Part, name: str, where: str = "") -> list[str]:
        select = f"select distinct name from evidence where {by} = ? {where} limit 1000"
        return [row[0] for row in self._db.execute(select, (part(name, by),))]

    def _by_tail(self, name: str, by: Part, pictures: PictureNames) -> str | None:
        other = best_tail(name, self._names(by, name), by)
        if other is None:
            return None
        rivals = pictures.rivals(name, by)
        if rivals is None or any(is_tail(rival, other, by) and not self._rows("name = ?", rival) for rival in rivals):
            return None
        return other

    def _by_file(self, name: str, pictures: PictureNames) -> str | None:
        """Evidence that names no picture, by its own file's name; where that file lies says nothing."""
        names = self._names("stem", name, "and not told")
        return names[0] if len(names) == 1 and pictures.rivals(name, "stem") == [] else None

    def all(self) -> Iterator[Found]:
        """Every record in reading order."""
        for row in self._db.execute("select seq, id, face, tracking, detector, record from evidence order by seq"):
            yield Found(*row)

    def unused(self) -> Iterator[tuple[str, str]]:
        """(id, name) of what no picture asked for, in reading order."""
        yield from self._db.execute("select id, name from evidence where used = 0 order by seq")

    def take(self, key: str) -> bool:
        """Claim an id for the set; False where it is taken."""
        return self._db.execute("insert or ignore into taken values (?)", (key,)).rowcount == 1

    def begin(self) -> None:
        """Start a batch of look-ups (one transaction, so that marking is cheap)."""
        self._db.execute("begin")

    def forget_joins(self) -> None:
        """Undo all marks: a run that was killed while joining starts the join again."""
        self._db.execute("update evidence set used = 0 where used = 1")
        self._db.execute("delete from taken")

    def close(self) -> None:
        """End the open batch and close."""
        if self._db.in_transaction:
            self._db.execute("commit")
        self._db.close()


def _row(numbered: tuple[int, AURecord]) -> tuple[object, ...]:
    seq, record = numbered
    name = picture_name(record.picture or record.source.file)
    path = PurePosixPath(name)
    frame = None if record.frame is None else f"{path.stem}#{record.frame}"
    # A data set names the detector's file, not where it lay on this machine.
    source = Source.model_construct(file=PurePosixPath(picture_name(record.source.file)).name, row=record.source.row)
    blob = record.model_copy(update={"source": source}).model_dump_json(exclude_defaults=True).encode()
    told = record.picture is not None
    tool = record.detector.name
    return seq, name, path.name, path.stem, frame, told, record.face_id, record.quality.tracking, tool, record.id, blob
