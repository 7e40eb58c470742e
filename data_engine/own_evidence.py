"""Evidence from the pictures themselves, by the package's own AU head, where no detector's file is given."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Literal

from data_engine.pictures import PictureStore
from data_engine.sources import list_pictures
from fervlm.checkpoint import Manifest
from fervlm.errors import FervlmError
from fervlm.facs.units import not_measured_by
from fervlm.predict.load import load
from fervlm.records import AURecord, Detector, Quality, Source
from fervlm.vision.open_picture import open_picture


def own_evidence(sources: list[str], model: str | None, *, face_is_crop: bool) -> Iterator[AURecord]:
    """A record of every face in every picture; of a picture without one, a record that says so.

    A picture that cannot be read gets a record without readings: the stage that opens it again turns it away by its
    proper reason.

    Args:
        sources: what `list_pictures` takes.
        model: checkpoint folder; None for the shipped one.
        face_is_crop: each picture is one face already cut out.

    Raises:
        FervlmError: there is no such model, or it tells no action units.
    """
    reader, store = load(model), PictureStore()
    manifest = reader.model.manifest
    if not manifest.units:
        raise FervlmError(f"{reader.name} tells no action units", hint="Give a detector's output: --au FILE.")
    for listed in chain.from_iterable(list_pictures(source) for source in sources):
        name = listed.picture.name
        try:
            data = store.read(listed.picture)
            open_picture(data, name=name)
        except FervlmError:
            yield _empty(manifest, name, "ok")
            continue
        try:
            yield from reader.evidence(data, name=name, face_is_crop=face_is_crop)
        except FervlmError:
            yield _empty(manifest, name, "no_face")


def _empty(manifest: Manifest, name: str, tracking: Literal["ok", "no_face"]) -> AURecord:
    return AURecord(
        id=name,
        source=Source(file=name),
        picture=name,
        detector=Detector(name=manifest.name, version=manifest.version, trust="low"),
        not_measured=not_measured_by(()),
        quality=Quality(tracking=tracking),
    )
