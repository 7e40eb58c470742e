"""How records show themselves in a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable

from fervlm.records import AURecord, Prediction

MakeRecord = Callable[..., AURecord]
MakePrediction = Callable[..., Prediction]


def shown(thing: AURecord | Prediction) -> str:
    html = thing._repr_html_()
    assert html is not None
    return html


def test_a_prediction_shows_face_text_and_verdicts(prediction: MakePrediction) -> None:
    html = shown(prediction())
    assert html.count('class="fv-muscle"') == 4
    assert "The brows are lowered" not in re.sub(r"<mark.*?</mark>", "", html)
    assert '<mark class="contradicted">brows are lowered</mark>' in html
    assert "3 claims checked, 1 not supported" in html


def test_a_record_shows_its_units_and_readings(record: MakeRecord, untracked: AURecord) -> None:
    html = shown(record({12: (4, 0), 4: 0}, not_measured=(9,)))
    assert "Lip corner puller, left: D, strong" in html
    assert "Evidence: 3 readings" in html and "Not measured: AU 9." in html
    assert "No face was tracked." in shown(untracked)


def test_captions_and_verifications_have_a_view_and_parts_have_none(prediction: MakePrediction) -> None:
    made = prediction()
    assert made.caption is not None and made.verification is not None
    assert "Key observations" in str(made.caption._repr_html_())
    assert "AU4 says otherwise" in str(made.verification._repr_html_())
    assert made.evidence.detector._repr_html_() is None
    assert made.source._repr_html_() is None


def test_views_are_self_contained_escaped_and_stable(prediction: MakePrediction) -> None:
    html = shown(prediction(label="<img src=x onerror=1>"))
    assert "<img" not in html and "<script" not in html
    assert set(re.findall(r"https?://[\w.]+", html)) <= {"http://www.w3.org"}
    assert html == shown(prediction(label="<img src=x onerror=1>"))


def test_two_outputs_of_one_notebook_do_not_share_ids(record: MakeRecord) -> None:
    first, second = (set(re.findall(r' id="(\w+)"', shown(record({12: k, 25: 3})))) for k in (3, 4))
    assert first and second and not first & second
