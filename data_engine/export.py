"""Fifth stage: the drafts that stay become samples with all their views."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache

from data_engine.chat import conversations
from data_engine.config import AnnotateConfig
from data_engine.contrastive import contrastive_texts
from data_engine.draft import chosen_labels, drafter, finding_sentences
from data_engine.flip import mirrored_face
from data_engine.gate import Verdict
from data_engine.items import Draft, Joined, Reject
from data_engine.kept import Kept
from data_engine.negatives import hard_negatives
from data_engine.table import Texts, exported
from fervlm.facs.labels import LabelSet
from fervlm.reasoning.findings import Interpretation
from fervlm.reasoning.interpret import interpret, interpretation_key
from fervlm.reasoning.observe import Evidence, observe
from fervlm.reasoning.verify import Judge
from fervlm.reasoning.wording.naming import label_phrase
from fervlm.reasoning.write import anchored
from fervlm.records import Caption, HardNegative

_KEPT = 4096
"""Faces whose texts are kept."""


def export_shard(config_json: str, drafts: bytes, verdicts: bytes) -> tuple[bytes, bytes]:
    """Samples of the drafts that the gate keeps, and its rejects. A `scale.Stage` once bound."""
    view = _views(config_json)
    rows: list[bytes] = []
    rejects: list[bytes] = []
    for line, decided in zip(drafts.splitlines(), verdicts.splitlines(), strict=True):
        verdict = Verdict.model_validate_json(decided)
        draft = Draft.model_validate_json(line)
        if verdict.reason is not None:
            reject = Reject(
                id=draft.joined.id, stage="gate", code=verdict.reason, detail=verdict.detail, n=draft.joined.n
            )
            rejects.append(reject.model_dump_json(exclude_defaults=True).encode() + b"\n")
            continue
        for row in view.samples(draft, verdict):
            if isinstance(row, Reject):
                rejects.append(row.model_dump_json(exclude_defaults=True).encode() + b"\n")
            else:
                rows.append(row)
    return b"".join(rows), b"".join(rejects)


class _Views:
    """What a worker keeps between shards: labels, the writer, and the bounded cache of judged sentences."""

    def __init__(self, config: AnnotateConfig) -> None:
        self._config = config
        self._labels: LabelSet = chosen_labels(config)
        self._drafter = drafter(config.model_dump_json())
        self._judge = Judge(cache_size=16384)
        self._negatives: Kept[tuple[HardNegative, ...]] = Kept(_KEPT)
        self._texts: Kept[Texts] = Kept(_KEPT)
        self._interpretations: Kept[Interpretation] = Kept(_KEPT)

    def samples(self, draft: Draft, verdict: Verdict) -> Iterator[bytes | Reject]:
        """The sample, and its mirror image where the run wants it (train only) and its caption is borne out."""
        yield self._sample(draft.joined, draft.captions[verdict.caption], verdict, flipped=False)
        if self._config.flip and verdict.split == "train":
            face = mirrored_face(draft.joined, draft.facts.width if draft.facts else None)
            prediction = next(self._drafter.explainers(face.id)).explain(face.evidence)
            findings = finding_sentences(prediction.verification)
            if prediction.caption is None or findings:
                yield Reject(id=face.id, stage="export", code="verifier_finding", detail="; ".join(findings), n=face.n)
            else:
                yield self._sample(face, prediction.caption, verdict, flipped=True)

    def _sample(self, joined: Joined, caption: Caption, verdict: Verdict, *, flipped: bool) -> bytes:
        evidence = observe(joined.evidence)
        same = interpretation_key(evidence, self._labels, joined.evidence)
        read = self._interpretations.get(same, lambda: interpret(evidence, self._labels, joined.evidence))
        told = (_words(caption), caption.provenance, same)
        alone = read if joined.evidence.head is None and joined.evidence.gaze is None else None
        texts = self._texts.get(
            (joined.label, told), lambda: self._written(caption, joined.label, evidence, alone, told)
        )
        chats = conversations(joined.id, caption, texts, evidence, self._labels, read.candidates)
        return exported(joined, texts, chats, split=verdict.split, support=verdict.support, flipped=flipped)

    def _written(
        self, caption: Caption, label: str | None, evidence: Evidence, alone: Interpretation | None, told: Hashable
    ) -> Texts:
        """The texts of a caption under a human label; the negatives are the same under every label."""
        negatives = self._negatives.get(told, lambda: hard_negatives(caption, evidence, self._judge))
        if label is None:
            return Texts(caption, None, contrastive_texts(caption, None, evidence, None, negatives))
        bound = anchored(caption, label, evidence, self._labels, alone)
        phrase = label_phrase(label, self._labels.canonical.get(label))
        return Texts(caption, bound, contrastive_texts(caption, bound, evidence, phrase, negatives))


def _words(caption: Caption) -> tuple[str, ...]:
    observations = [observation.text for observation in caption.observations]
    return (caption.overview, *observations, caption.interpretation, caption.conclusion.text)


@lru_cache(maxsize=4)
def _views(config_json: str) -> _Views:
    return _Views(AnnotateConfig.model_validate_json(config_json))
