"""The settings of a run, in one place; what a run was made with is kept beside it and checked on resume."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_engine.shards import write_bytes
from fervlm.errors import FervlmError

TeacherMode = Literal["rewrite", "see", "label-check"]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TeacherConfig(_Config):
    """A language model behind an OpenAI-compatible endpoint, or vLLM's offline batch engine."""

    url: str | None = Field(None, description="Base URL ending in /v1; null with `offline`.")
    model: str = Field(description="Model name the server answers to, or a local checkpoint folder with `offline`.")
    mode: TeacherMode = "rewrite"
    offline: bool = Field(False, description="vLLM's batch engine in this process instead of a server.")
    engine: dict[str, bool | int | float | str] = Field(
        {}, description="Arguments of `vllm.LLM` with `offline`, e.g. max_model_len or enforce_eager."
    )
    tries: int = Field(3, ge=1, le=10, description="Answers asked for at most: the first, and repairs after findings.")
    on_failure: Literal["keep", "drop"] = Field("keep", description="What to do with the draft when none passes.")
    temperature: float = Field(0.7, ge=0, le=2)
    max_tokens: int = Field(512, ge=16)
    concurrency: int = Field(16, ge=1, le=1024)
    timeout_s: float = Field(60, gt=0)
    retries: int = Field(6, ge=0, description="Repeats of one call on 429, 5xx, a time-out or a cut connection.")
    give_up_after: int = Field(20, ge=1, description="Failures in a row after which the endpoint counts as gone.")

    def told_model(self) -> str:
        """The model's name for records: of a folder on this machine only the last part."""
        return Path(self.model).name if self.offline or Path(self.model).is_absolute() else self.model


class GateConfig(_Config):
    """What may stay in the set."""

    min_words: int = Field(12, ge=0, description="Shortest full caption in words.")
    max_words: int = Field(260, ge=1, description="Longest full caption in words.")
    duplicate_bits: int = Field(2, ge=-1, le=16, description="Pictures this close in difference hash are one; -1: off.")
    frame_share: float = Field(0.05, gt=0, le=1, description="Largest share one sentence frame may have of the set.")
    min_support: float = Field(0.0, ge=0, le=1, description="Smallest p(human label | AUs) that may stay; 0: all.")
    balance: dict[str, float] = Field(
        default_factory=dict,
        description="Largest multiple of the median group size, by `label`, `subject` or `source`.",
    )


class AnnotateConfig(_Config):
    """One data set: where it comes from and how it is made."""

    sources: tuple[str, ...] = Field(description="Pictures: folders, manifest CSVs, Parquet files or HF data sets.")
    au: tuple[str, ...] = Field((), description="Detector output of any reader.")
    input_format: str | None = None
    model: str | None = Field(None, description="Checkpoint whose AU head looks at pictures where no `au` is given.")
    face_is_crop: bool = Field(False, description="For that model: each picture is one face already cut out.")
    labels: str | None = Field(None, description="CSV with `file` and `label`, optionally split, subject, source.")
    label_set: str = "basic8"
    custom_labels: tuple[str, ...] = ()
    seed: int = Field(0, ge=0)
    drafts: int = Field(1, ge=1, le=16, description="Captions a face, each with a seed of its own.")
    faces: Literal["one", "all"] = Field("one", description="`one`: a picture with several faces is turned away.")
    embed: bool = Field(False, description="Pictures inside the Parquet files instead of by path.")
    flip: bool = Field(False, description="Add every train sample mirrored, its sides swapped.")
    val_share: float = Field(0.1, ge=0, lt=1, description="Share of subjects set apart where the input has no split.")
    formats: tuple[Literal["messages", "sharegpt", "facial-r1"], ...] = ()
    licence: str = Field("unknown", description="Terms of the pictures, for the card.")
    teacher: TeacherConfig | None = None
    gate: GateConfig = GateConfig()

    def told(self) -> dict[str, Any]:
        """The settings that make the data what they are: files by name only, the teacher without its address."""
        found = self.model_dump(mode="json")
        for key in ("sources", "au"):
            found[key] = [Path(path).name for path in found[key]]
        found["labels"] = self.labels and Path(self.labels).name
        for key in ("model", "face_is_crop"):
            if not found[key]:
                del found[key]  # settings that came later leave the fingerprints of older sets alone
        if found.get("model"):
            found["model"] = Path(found["model"]).name
        if found["teacher"] is not None:
            found["teacher"] = {key: value for key, value in found["teacher"].items() if key not in _HOW_ASKED}
            found["teacher"]["model"] = self.teacher.told_model() if self.teacher is not None else None
        return found

    def fingerprint(self) -> str:
        """SHA-256 of `told()`; equal on every machine for equal settings and file names."""
        return hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode()).hexdigest()


KEPT_RESULTS = ("joined.done", "done.json", "teacher.sqlite")
"""In the work folder: any of these shows that a run has got somewhere."""
_HOW_ASKED = ("url", "engine", "concurrency", "timeout_s", "retries", "give_up_after")
"""Teacher settings that change how answers are fetched, not what they are; they may differ when a run is resumed."""


def refuse_foreign(out: Path) -> None:
    """Raise `FervlmError` where `out` is a file, or holds anything but a run: finished, cut, or cut as it began."""
    work = out / ".work"
    if not (work / "config.json").exists() and out.exists():
        if not out.is_dir():
            raise FervlmError("is a file; a set is a folder", file=out, hint="Give --out a folder.")
        if any(path != work for path in out.iterdir()):
            raise FervlmError("the folder is not empty and holds no run", file=out, hint="Give a new folder to --out.")


def claim_folder(config: AnnotateConfig, out: Path) -> Path:
    """Make `out` the home of this run, or find that it already is; returns its work folder. Call it under the lock.

    A run that was stopped before anything was joined (a wrong path, an unreadable table) gives way to other settings.

    Raises:
        FervlmError: the folder holds another run, or cannot be written.
    """
    work = out / ".work"
    marker = work / "config.json"
    wanted = json.dumps(config.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
    if marker.exists():
        old, new = _lasting(json.loads(marker.read_text(encoding="utf-8"))), _lasting(json.loads(wanted))
        if old == new:
            return work
        if any((work / name).exists() for name in KEPT_RESULTS):
            changed = ", ".join(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
            raise FervlmError(
                f"the folder holds a run with other settings ({changed})",
                file=out,
                hint="Give another --out, or --restart to make it anew.",
            )
        for path in work.iterdir():
            if path.name != "lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_bytes(marker, wanted.encode())
    return work


def _lasting(settings: dict[str, Any]) -> dict[str, Any]:
    if settings.get("teacher"):
        settings["teacher"] = {key: value for key, value in settings["teacher"].items() if key not in _HOW_ASKED}
    return settings
