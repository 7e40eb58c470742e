"""Second stage: the deterministic captions, verified as they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple
from zlib import crc32

from data_engine.config import AnnotateConfig
from data_engine.items import Checked, Draft, Joined, PictureFacts, Reject
from data_engine.pictures import PictureStore, facts
from fervlm.errors import FervlmError
from fervlm.facs import label_set, label_set_from_words
from fervlm.facs.labels import LabelSet
from fervlm.predict.rules import Explainer
from fervlm.reasoning.verify import Judge
from fervlm.records import Caption, Verification

WORDINGS = 4
"""Equal evidence is told in so many ways, by face: a set in which a thousand still faces share one text is poor."""
_SEED_STEP = 7919
"""Seeds lie this far apart, so that neighbouring runs share none."""
_KEPT = 512
"""Explanations kept for each seed."""
_READ = 16_384
"""Sentences whose claims are kept."""


def chosen_labels(config: AnnotateConfig) -> LabelSet:
    """The label set of the run."""
    return label_set_from_words(config.custom_labels) if config.custom_labels else label_set(config.label_set)


class Written(NamedTuple):
    """One caption as drafted and checked."""

    seed: int
    caption: Caption | None
    findings: tuple[str, ...]
    checked: Checked | None


class Drafter:
    """Writes the captions of a run; what it keeps between faces is bounded."""

    def __init__(self, config: AnnotateConfig) -> None:
        self._config = config
        self._labels = chosen_labels(config)
        self._judge = Judge(_READ)
        self._explainers: dict[int, Explainer] = {}

    def explainers(self, key: str) -> Iterator[Explainer]:
        """One for each draft of the face with this id."""
        turn = crc32(key.encode()) % WORDINGS
        for k in range(self._config.drafts):
            seed = self._config.seed + _SEED_STEP * (WORDINGS * k + turn)
            if seed not in self._explainers:
                self._explainers[seed] = Explainer(self._labels, seed, cache_size=_KEPT, judge=self._judge)
            yield self._explainers[seed]

    def written(self, faces: Sequence[Joined]) -> list[list[Written]]:
        """The captions of each face. One explainer goes over all of its faces: a stream is explained faster."""
        turns: dict[Explainer, list[int]] = {}
        for k, joined in enumerate(faces):
            for explainer in self.explainers(joined.id):
                turns.setdefault(explainer, []).append(k)
        found: list[list[Written]] = [[] for _ in faces]
        for explainer, asked in turns.items():
            for k, prediction in zip(asked, explainer.explain_all(faces[k].evidence for k in asked), strict=True):
                caption, told = prediction.caption, prediction.verification
                found[k].append(Written(explainer.seed, caption, finding_sentences(told), checked(told)))
        for captions in found:
            captions.sort(key=attrgetter("seed"))
        return found


@lru_cache(maxsize=4)
def drafter(config_json: str) -> Drafter:
    """The drafter of a run in this process."""
    return Drafter(AnnotateConfig.model_validate_json(config_json))


_pictures = PictureStore()


def draft_shard(config_json: str, shard: bytes) -> tuple[bytes, bytes]:
    """Captions for a shard of joined faces; unreadable pictures are rejected. A `scale.Stage` once bound."""
    rejects: list[bytes] = []
    faces: list[tuple[Joined, PictureFacts | None]] = []
    for line in shard.splitlines():
        joined = Joined.model_validate_json(line)
        try:
            faces.append((joined, _facts(joined)))
        except FervlmError as error:
            reject = Reject(id=joined.id, stage="draft", code="unreadable_picture", detail=error.what, n=joined.n)
            rejects.append(reject.model_dump_json(exclude_defaults=True).encode() + b"\n")
    written = drafter(config_json).written([joined for joined, _ in faces])
    drafts = (_draft(joined, seen, found) for (joined, seen), found in zip(faces, written, strict=True))
    return b"".join(one.model_dump_json(exclude_defaults=True).encode() + b"\n" for one in drafts), b"".join(rejects)


def _facts(joined: Joined) -> PictureFacts | None:
    if joined.picture is None:
        return None
    return facts(_pictures.read(joined.picture), joined.picture.name)


def _draft(joined: Joined, seen: PictureFacts | None, written: Iterable[Written]) -> Draft:
    """Every different caption that is borne out; where none is, the first one with its findings."""
    captions: list[Caption] = []
    first: Checked | None = None
    spoilt: tuple[Caption, tuple[str, ...], Checked | None] | None = None
    for _, caption, findings, numbers in written:
        if caption is None or caption in captions:
            continue
        if not findings:
            captions.append(caption)
            first = first or numbers
        elif spoilt is None:
            spoilt = caption, findings, numbers
    findings = ()
    if not captions and spoilt is not None:
        captions, findings, first = [spoilt[0]], spoilt[1], spoilt[2]
    present = {reading.au for reading in joined.evidence.readings if reading.state == "present"}
    return Draft(
        joined=joined,
        facts=seen,
        present=tuple(sorted(present)),
        absent=tuple(sorted({reading.au for reading in joined.evidence.readings} - present)),
        captions=tuple(captions),
        findings=findings,
        checked=first,
    )


def checked(verification: Verification | None) -> Checked | None:
    """A verification in numbers."""
    if verification is None:
        return None
    scores = verification.scores
    return Checked(
        sentences=len(verification.sentences),
        claims=sum(len(check.claims) for check in verification.sentences),
        contradicted=scores.contradicted,
        unmeasured=scores.unmeasured,
        forbidden=scores.forbidden,
        leaks=scores.leaks,
    )


def finding_sentences(verification: Verification | None) -> tuple[str, ...]:
    """What the verifier found, a short sentence each; empty where all is borne out."""
    if verification is None or verification.ok:
        return ()
    found = [
        f"{claim.verdict}: '{claim.text}' ({claim.reason})" if claim.reason else f"{claim.verdict}: '{claim.text}'"
        for check in verification.sentences
        for claim in check.claims
        if claim.verdict != "supported"
    ]
    if not found and verification.scores.label_consistent is False:
        found.append("the conclusion does not follow from the interpretation")
    return tuple(found or ["the three-part format is not met"])
