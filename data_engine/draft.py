"""Second stage: the deterministic captions, verified as they are written."""

from __future__ import annotations

from functools import lru_cache

from data_engine.config import AnnotateConfig
from data_engine.items import Checked, Draft, Joined, PictureFacts, Reject
from data_engine.pictures import PictureStore, facts
from fervlm.errors import FervlmError
from fervlm.facs import label_set, label_set_from_words
from fervlm.facs.labels import LabelSet
from fervlm.predict.rules import Explainer
from fervlm.reasoning.observe import observe
from fervlm.records import Caption, Verification

_SEED_STEP = 7919
"""Seeds of a face's further drafts lie this far apart, so that neighbouring runs share none."""


def chosen_labels(config: AnnotateConfig) -> LabelSet:
    """The label set of the run."""
    return label_set_from_words(config.custom_labels) if config.custom_labels else label_set(config.label_set)


@lru_cache(maxsize=4)
def _explainers(config_json: str) -> tuple[Explainer, ...]:
    config = AnnotateConfig.model_validate_json(config_json)
    labels = chosen_labels(config)
    return tuple(
        Explainer(labels=labels, seed=config.seed + _SEED_STEP * k, cache_size=4096) for k in range(config.drafts)
    )


_pictures = PictureStore()


def draft_shard(config_json: str, shard: bytes) -> tuple[bytes, bytes]:
    """Captions for a shard of joined faces; unreadable pictures are rejected. A `scale.Stage` once bound."""
    explainers = _explainers(config_json)
    rows: list[bytes] = []
    rejects: list[bytes] = []
    for line in shard.splitlines():
        joined = Joined.model_validate_json(line)
        try:
            seen = _facts(joined)
        except FervlmError as error:
            reject = Reject(id=joined.id, stage="draft", code="unreadable_picture", detail=error.what, n=joined.n)
            rejects.append(reject.model_dump_json(exclude_defaults=True).encode() + b"\n")
            continue
        draft = _draft(joined, seen, explainers)
        rows.append(draft.model_dump_json(exclude_defaults=True).encode() + b"\n")
    return b"".join(rows), b"".join(rejects)


def _facts(joined: Joined) -> PictureFacts | None:
    if joined.picture is None:
        return None
    return facts(_pictures.read(joined.picture), joined.picture.name)


def _draft(joined: Joined, seen: PictureFacts | None, explainers: tuple[Explainer, ...]) -> Draft:
    """Every different caption that is borne out; where none is, the first one with its findings."""
    captions: list[Caption] = []
    first: Checked | None = None
    spoilt: tuple[Caption, tuple[str, ...], Checked | None] | None = None
    for explainer in explainers:
        prediction = explainer.explain(joined.evidence)
        caption, verification = prediction.caption, prediction.verification
        if caption is None or caption in captions:
            continue
        findings = finding_sentences(verification)
        if not findings:
            captions.append(caption)
            first = first or checked(verification)
        elif spoilt is None:
            spoilt = caption, findings, checked(verification)
    findings = ()
    if not captions and spoilt is not None:
        captions, findings, first = [spoilt[0]], spoilt[1], spoilt[2]
    units = observe(joined.evidence).units.values()
    return Draft(
        joined=joined,
        facts=seen,
        present=tuple([unit.au for unit in units if unit.present]),
        absent=tuple([unit.au for unit in units if not unit.present]),
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
