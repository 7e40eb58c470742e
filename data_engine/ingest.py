"""First stage: pictures, evidence and labels become joined faces; what does not join is listed with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic_core import to_json

from data_engine.config import AnnotateConfig
from data_engine.evidence_index import EvidenceIndex, Found
from data_engine.labels import Given, Labels
from data_engine.names import PictureNames
from data_engine.rejects import RejectFile
from data_engine.shards import SHARD_ROWS, shard_path, sweep, write_bytes, write_stream
from data_engine.sources import Listed, holds_pictures, list_pictures
from fervlm.errors import FervlmError
from fervlm.facs import canonical_label
from fervlm.facs.labels import LabelSet
from fervlm.readers import read
from fervlm.records import AURecord

Progress = Callable[[int], None]


def ingest(config: AnnotateConfig, labels: LabelSet, work: Path, progress: Progress) -> int:
    """Join everything into `work/joined`; returns the number of faces. A finished join is not made again."""
    folder, done = work / "joined", work / "joined.done"
    if done.exists():
        return int(done.read_text(encoding="ascii"))
    sweep(work)
    for stale in folder.glob("*.jsonl"):
        stale.unlink()
    pictures, tables = split_sources(config)
    index = _index(work / "evidence.sqlite", _records(config, pictures, tables))
    given = Labels(Path(config.labels) if config.labels else None)
    rejects = RejectFile(work / "rejects.ingest.jsonl")
    names = PictureNames(lambda: (listed.picture.name for source in pictures for listed in list_pictures(source)))
    index.begin()
    count = 0
    for number, chunk in enumerate(_chunks(_Join(config, labels, index, given, rejects, names).lines(pictures))):
        write_stream(shard_path(folder, number), chunk)
        count += len(chunk)
        progress(len(chunk))
    if pictures:
        for key, _ in index.unused():
            rejects.add(key, "evidence_without_picture")
    for name in given.left():
        rejects.add(name, "label_without_picture")
    index.close()
    rejects.commit()
    write_bytes(done, str(count).encode())
    return count


def split_sources(config: AnnotateConfig) -> tuple[list[str], list[str]]:
    """Sources that hold pictures, and those that are detector files themselves (evidence without pictures)."""
    pictures: list[str] = []
    tables: list[str] = []
    for source in config.sources:
        (pictures if holds_pictures(source) else tables).append(source)
    for file in config.au:
        if file != "-" and not Path(file).exists():
            raise FervlmError("there is no such file or folder", file=file, hint="Check --au.")
    return pictures, tables


def _records(config: AnnotateConfig, pictures: list[str], tables: list[str]) -> Iterator[AURecord]:
    """All evidence: the detector's files, or, without any, what the package's own AU head sees on the pictures."""
    files = (*config.au, *tables)
    if files:
        return chain.from_iterable(read(file, config.input_format) for file in files)
    from data_engine.own_evidence import own_evidence  # noqa: PLC0415 - brings the model

    return own_evidence(pictures, config.model, face_is_crop=config.face_is_crop)


def _index(path: Path, records: Iterable[AURecord]) -> EvidenceIndex:
    if path.exists():
        index = EvidenceIndex(path)
        index.forget_joins()
        return index
    return EvidenceIndex.build(path, records)


@dataclass(frozen=True, slots=True)
class _Join:
    config: AnnotateConfig
    labels: LabelSet
    index: EvidenceIndex
    given: Labels
    rejects: RejectFile
    names: PictureNames

    def lines(self, pictures: list[str]) -> Iterator[bytes]:
        """A `Joined` as a JSON line for every usable face, in input order."""
        n = 0
        for listed, found in self._pairs(pictures):
            name = listed.picture.name if listed else found[0].id
            known = _known(listed, found[0], self.given.of(name, self.names))
            label = _in_set(known.label, self.labels)
            if known.label is not None and label is None:
                detail = f"'{known.label}' is not in the set {self.labels.name}"
                self.rejects.add(name, "label_outside_set", detail)
                continue
            faces = self._usable(name, found)
            for face in faces:
                key = name if len(faces) == 1 else f"{name}#{face.face or face.seq}"
                if self.index.take(key):
                    yield _line(n, key, listed, face.record, known._replace(label=label))
                    n += 1
                else:
                    self.rejects.add(key, "duplicate_id")

    def _pairs(self, pictures: list[str]) -> Iterator[tuple[Listed | None, list[Found]]]:
        if not pictures:
            for found in self.index.all():
                yield None, [found]
            return
        for listed in chain.from_iterable(list_pictures(source) for source in pictures):
            matches = self.index.find(listed.picture.name, self.names)
            if matches:
                yield listed, matches
            else:
                self.given.of(listed.picture.name, self.names)  # its label has a picture, though no evidence
                self.rejects.add(listed.picture.name, "picture_without_evidence")

    def _usable(self, name: str, found: list[Found]) -> list[Found]:
        """The tracked faces, of the first detector that has any where several looked at the picture."""
        tracked = [face for face in found if face.tracking == "ok"]
        tracked = [face for face in tracked if face.detector == tracked[0].detector]
        if not tracked:
            nobody = all(face.tracking == "no_face" for face in found)
            self.rejects.add(name, "no_face" if nobody else "tracking_failed")
        elif len(tracked) > 1 and self.config.faces == "one":
            self.rejects.add(name, "several_faces", f"{len(tracked)} faces; --faces all keeps them")
            return []
        return tracked


def _known(listed: Listed | None, found: Found, own: Given) -> Given:
    """The labels file first, then the picture's own table, then what stands beside the evidence."""
    table = Given(listed.label, listed.split, listed.subject, listed.source) if listed else Given()
    evidence = Given()
    if listed is None:
        record = AURecord.model_validate_json(found.record)
        evidence = Given(record.dataset_label, None, record.subject, None)
    return Given(
        *(next((v for v in values if v is not None), None) for values in zip(own, table, evidence, strict=True))
    )


def _in_set(label: str | None, labels: LabelSet) -> str | None:
    """The label as the set writes it; None where it stands for none of them."""
    if label is None or label in labels.canonical:
        return label
    known = canonical_label(label)
    return next((mine for mine in labels.labels if known is not None and labels.canonical[mine] == known), None)


def _line(n: int, key: str, listed: Listed | None, record: bytes, known: Given) -> bytes:
    """A `Joined` as JSON; the evidence is passed through as stored, unparsed."""
    rest = {name: value for name, value in known._asdict().items() if value is not None}
    head = to_json({"n": n, "id": key, "picture": listed.picture if listed else None, **rest})
    return head[:-1] + b',"evidence":' + record + b"}\n"


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == SHARD_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
