"""Captions of small records, for the tests of the words."""

from __future__ import annotations

from fervlm.facs import LabelSet, label_set
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.reasoning.write import write
from fervlm.records import AUReading, AURecord, Caption, Detector, Source

BASIC8 = label_set("basic8")


def explained(record: AURecord, seed: int = 0, labels: LabelSet = BASIC8, observe_only: bool = False) -> Caption:
    evidence = observe(record)
    interpretation = interpret(evidence, labels, record)
    decision = conclude(evidence, interpretation, labels)
    return write(record, evidence, interpretation, decision, labels=labels, seed=seed, observe_only=observe_only)


def texts(caption: Caption) -> list[str]:
    return [
        caption.overview,
        *(observation.text for observation in caption.observations),
        caption.interpretation,
        caption.conclusion.text,
    ]


def moving(caption: Caption) -> list[str]:
    return [caption.overview, *(observation.text for observation in caption.observations)]


def record_of(*readings: AUReading, **fields: object) -> AURecord:
    given: dict[str, object] = {
        "id": "one",
        "source": Source(file="f.csv"),
        "detector": Detector(name="d", trust="high"),
    }
    return AURecord.model_validate({**given, "readings": readings, **fields})


def present(au: int, side: str | None = None, value: float | None = None) -> AUReading:
    scale = "presence" if value is None else "intensity_0_5"
    return AUReading.model_validate({"au": au, "side": side, "state": "present", "value": value, "scale": scale})


def absent(au: int) -> AUReading:
    return AUReading(au=au, state="absent", scale="presence")
