"""CK+: emotion of the peak frame, and human FACS codes with intensities."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, frames_of, need, words_in
from fervlm.errors import FervlmError
from fervlm.facs import label_set

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27)
SEEN = "seen in published code: several loaders of cohn-kanade-images/Sxxx/yyy and Emotion/Sxxx/yyy/*_emotion.txt"
TERMS = "research only, after signing; only some subjects may be printed"
ACCESS = "http://www.jeffcohn.net/Resources/, on request"


def emotions(root: Path, _choice: Choice) -> list[Item]:
    """The last frame of each of the 327 sequences with an emotion file; 7 classes with contempt, no neutral."""
    items = []
    for path in sorted(need(root / "Emotion", "folder of emotion files").rglob("*_emotion.txt")):
        peak, name, subject = _peak(root, path)
        words = next(iter(words_in(path, "emotion file")), (0, ["nothing"]))[1]
        items.append(Item(id=name, picture=peak, label=by_id("ck_plus", words[0], path, 1), subject=subject))
    return items


def codes(root: Path, _choice: Choice) -> list[Item]:
    """FACS codes of the peak frame: `AU level` a line, level 0 where none was given."""
    items = []
    for path in sorted(need(root / "FACS", "folder of FACS codes").rglob("*_facs.txt")):
        peak, name, subject = _peak(root, path)
        present: dict[int, float] = {}
        for row, words in words_in(path, "FACS codes", 2):
            try:
                present[int(float(words[0]))] = float(words[1])
            except ValueError:
                raise FervlmError("a code is no number", file=path, row=row) from None
        units = {au: au in present for au in UNITS}
        items.append(Item(id=name, picture=peak, units=units, subject=subject))
    return items


def _peak(root: Path, path: Path) -> tuple[Path, str, str]:
    subject, sequence = path.parent.parent.name, path.parent.name
    frames = frames_of(need(root / "cohn-kanade-images", "folder of pictures") / subject / sequence)
    return frames[-1], f"{subject}/{sequence}", subject


BENCHMARKS = (
    Benchmark(
        name="ck_plus",
        title="CK+, emotion of peak frames",
        task="expression",
        labels=label_set("ck_plus7").labels,
        load=emotions,
        layout="DIR/cohn-kanade-images/Sxxx/yyy/*.png and DIR/Emotion/Sxxx/yyy/*_emotion.txt",
        seen=SEEN,
        terms=TERMS,
        access=ACCESS,
        counts={"test": 327},
        anchor="CK+",
        probe="Emotion/*",
        note="327 of 593 sequences have an emotion file; others add first frames as neutral or take the last three, so "
        "published numbers differ in their protocol; posed faces",
    ),
    Benchmark(
        name="ck_plus_units",
        title="CK+, human FACS codes of peak frames",
        task="units",
        load=partial(codes),
        layout="DIR/cohn-kanade-images/Sxxx/yyy/*.png and DIR/FACS/Sxxx/yyy/*_facs.txt",
        seen="seen in published code: loaders of FACS/Sxxx/yyy/*_facs.txt (AU and level in exponent form)",
        terms=TERMS,
        access=ACCESS,
        counts={"test": 593},
        units=UNITS,
        probe="FACS/*",
    ),
)
