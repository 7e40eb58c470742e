"""`python -m eval mllm --model DIR --set DIR --out DIR`: labels and captions of a multimodal checkpoint, measured."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from eval.multimodal.answers import Wanted, answered, caption_speakers, label_speakers
from eval.multimodal.faces import chosen
from eval.multimodal.needs import need_transformers
from eval.multimodal.numbers import apart, of_captions, of_labels
from eval.multimodal.table import markdown, targets
from fervlm.errors import FervlmError

NUMBERS, PAGE, RUN = "numbers.json", "TABLE.md", "run.json"


def main(argv: list[str]) -> int:
    """Measure; exit code 1 where a target is missed."""
    options = _parser().parse_args(argv)
    found = measured(options)
    out = Path(options.out)
    (out / NUMBERS).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / PAGE).write_text(markdown(found), encoding="utf-8")
    print(markdown(found))
    return 0 if all(row["met"] for row in found["targets"]) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval mllm", description=__doc__)
    parser.add_argument("--model", required=True, metavar="DIR", help="a checkpoint of `fervlm train mllm`")
    parser.add_argument("--base", metavar="DIR", help="where an adapter's base lies now")
    parser.add_argument("--set", required=True, metavar="DIR", help="of `fervlm annotate --embed`; its val split")
    parser.add_argument(
        "--out", required=True, metavar="DIR", help="answers, numbers.json, TABLE.md; a cut run resumes"
    )
    parser.add_argument("--faces", type=int, default=1000, help="that labels are told of")
    parser.add_argument("--captions", type=int, default=256, help="of these, that are captioned; 0: none")
    parser.add_argument("--labels", default="basic7", metavar="SET", help="a set, or words as A,B,C")
    parser.add_argument("--small", metavar="DIR", help="contrastive model beside it; default the shipped one")
    parser.add_argument("--repair", action="store_true", help="also captions with one repair turn, as `fervlm caption`")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    return parser


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Everybody asked, everything counted.

    Raises:
        FervlmError: the model or the set cannot be opened, or the folder holds answers of another run.
    """
    need_transformers()
    import torch  # noqa: PLC0415

    from fervlm.mllm.loaded import load_checkpoint  # noqa: PLC0415
    from fervlm.mllm.named import named_labels  # noqa: PLC0415
    from fervlm.mllm.talks import load_talks  # noqa: PLC0415

    torch.set_num_threads(options.threads)
    talks = load_talks((Path(options.set),), "val")
    loaded = load_checkpoint(options.model, base=options.base, device=options.device)
    labels = named_labels(options.labels).labels
    items = chosen(talks, loaded.manifest, labels, options.faces)
    told = items[: options.captions]
    out = Path(options.out)
    run = {
        "model": Path(options.model).resolve().name,
        "digest": hashlib.sha256(loaded.manifest.model_dump_json().encode()).hexdigest()[:16],
        "set": Path(options.set).name,
        "data": talks.fingerprint(),
        "labels": list(labels),
        "small": options.small,
    }
    _claim(out, run)
    wanted = Wanted(loaded, labels, options.small, options.repair)
    truth = [str(item.label) for item in items]
    said = {
        name: answered(out / f"labels-{name}.jsonl", items, speaker, _say)
        for name, speaker in label_speakers(wanted, truth).items()
    }
    written = {name: said[name] for name in ("engine", "contrastive")}
    if told:
        for name, speaker in caption_speakers(wanted, lambda: said["direct"]).items():
            written[name] = answered(out / f"captions-{name}.jsonl", told, speaker, _say)
    found = {
        "run": run | {"faces": len(items), "captions": len(told), "seed": options.seed},
        "labels": {name: of_labels(items, rows, labels, options.seed) for name, rows in said.items()},
        "apart": {
            "direct": apart(items, said["contrastive"], said["direct"], options.seed),
            "reason_first": apart(items, said["direct"], said["reason_first"], options.seed),
        },
        "captions": {
            name: of_captions(told, rows, None if name in said else said["direct"], options.seed)
            for name, rows in written.items()
            if told
        },
    }
    return found | {"targets": targets(found)}


def _claim(out: Path, run: dict[str, Any]) -> None:
    """One folder, one checkpoint on one set; the majority's answers depend on how many faces are asked about."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / RUN
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != run:
        raise FervlmError("the folder holds answers of another model or set", file=out, hint="Give --out a new one.")
    path.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    (out / "labels-majority.jsonl").unlink(missing_ok=True)


def _say(text: str) -> None:
    print(f"fervlm: {text}", file=sys.stderr, flush=True)
