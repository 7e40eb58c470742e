"""Drawings of what the engine makes of real files and of the packaged recording."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fervlm.examples import recording
from fervlm.facs.units import movement_units
from fervlm.predict.rules import explain
from fervlm.predict.tracks import explain_tracks
from fervlm.readers import read
from fervlm.reasoning.observe import observe
from fervlm.vision.card import prediction_svg
from fervlm.vision.draw_timeline import clip_svg
from fervlm.vision.overlay import photo_svg
from fervlm.vision.page import page_html
from fervlm.vision.page_card import Exhibit

Look = Callable[[str], Any]
FILES = (
    "openface2/pyfeat_OpenFace_Test.csv",
    "openface2/facsvatar_demo_raw.csv",
    "pyfeat/v0_Feat_Test.csv",
    "pyfeat/v2_news_001.csv",
    "imotions_facet/iMotions_Test_v6.txt",
    "affectiva/sample_affectiva.json",
    "mediapipe/vsekai_image_blendshapes.json",
    "mediapipe/blendshapes_dev_faces.csv",
    "ckplus_facs_human/facs_codes.csv",
)


def real(name: str) -> Path:
    folder = os.environ.get("FERVLM_DATA")
    if not folder:
        pytest.skip("FERVLM_DATA is not set")
    return Path(folder) / "au" / name


@pytest.mark.parametrize("name", FILES)
def test_every_detectors_records_are_drawn_as_the_evidence_has_them(name: str, look: Look) -> None:
    drawn = 0
    for record in islice(read(real(name)), 0, 60, 12):
        made = explain(record)
        drawing = look(prediction_svg(made))
        evidence = observe(record)
        for au in movement_units():
            sides = len(drawing.muscles(au))
            unit = evidence.units.get(au)
            assert sides == (0 if unit is None or not unit.present else 1 if unit.side in {"left", "right"} else 2)
        spoken = "".join(drawing.text.split())
        for sentence in made.verification.sentences if made.verification else ():
            assert "".join(sentence.text.split()) in spoken
        drawn += 1
    assert drawn


def test_landmarks_of_a_real_file_are_laid_on_a_photograph(look: Look) -> None:
    record = next(iter(read(real("pyfeat/v2_news_001.csv"), landmarks=True)))
    assert record.landmarks is not None and record.box is not None
    buffer = io.BytesIO()
    Image.new("RGB", (1280, 960), "#8899aa").save(buffer, "PNG")
    drawing = look(photo_svg(buffer.getvalue(), explain(record)))
    active = [unit.au for unit in observe(record).active]
    assert active and all(drawing.muscles(au) for au in active)
    for au in active:
        for muscle in drawing.muscles(au):
            x, y = drawing.middle(muscle)
            assert 190 < x < 480 and 60 < y < 520  # on the face, which is shown in the middle


def test_the_packaged_recording_makes_a_figure_and_a_page(look: Look) -> None:
    ((track, made),) = explain_tracks(read(recording()))
    drawing = look(clip_svg(made, track))
    assert made.course is not None
    assert {f"AU {event.au} " for event in track.events} <= {
        f"AU {au} " for au in movement_units() if f"AU {au} " in drawing.text
    }
    assert "face not tracked" in drawing.text and "face above" in drawing.text
    assert made.caption is not None
    assert made.caption.overview in page_html([Exhibit(made, track=track)])
