"""Whatever comes in, out comes a check or a `FervlmError`, never another exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fervlm.errors import FervlmError
from fervlm.predict.tracks import explain_tracks
from fervlm.records import AUEvent, AUReading, AURecord, Box, Detector, Quality, Source
from fervlm.sequences.check import check_course
from fervlm.sequences.summary import summarize

WORDS = (
    *("AU1", "AU12", "AU45", "AU99", "the", "lips", "part", "brows", "rise", "and", ",", ";", "(", ")", ".", "left"),
    *(
        "first",
        "last",
        "then",
        "together",
        "while",
        "before",
        "after",
        "again",
        "twice",
        "no",
        "never",
        "still",
        "already",
    ),
    *("by", "from", "to", "until", "0.4 s", "2.1 s", "frame 12", "half a second later", "fades", "peaks", "everything"),
    *("movements", "strongly", "briefly", "longest", "micro", "for", "3 times", "happy", "he"),
)
EVENTS = tuple(
    AUEvent(
        au=au, onset_s=on, apex_s=on + 0.2, offset_s=on + 1, onset_frame=int(on * 25), peak=2.0, scale="intensity_0_5"
    )
    for au, on in ((1, 0.4), (12, 1.0), (45, 1.1), (1, 3.0))
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)))
def test_any_text_is_checked(text: str) -> None:
    for check in check_course(text, EVENTS):
        assert check.section == "course"
        for claim in check.claims:
            assert check.text[claim.start :].startswith(claim.text)


numbers = st.floats(-1, 6, allow_nan=False)
readings = st.lists(
    st.builds(
        lambda au, side, value, scale: AUReading(
            au=au, side=side, state="present" if value > 1 else "absent", value=value, scale=scale
        ),
        st.sampled_from([1, 4, 12, 28, 45, 61]),
        st.sampled_from([None, "left", "right", "both"]),
        numbers,
        st.sampled_from(["intensity_0_5", "probability", "presence", "coefficient", "evidence_log10", "score"]),
    ),
    max_size=6,
).map(tuple)
records = st.builds(
    lambda face, frame, time, found, tracking, picture, box: AURecord(
        id="r",
        source=Source(file="f.csv", row=2),
        face_id=face,
        frame=frame,
        time_s=time,
        picture=picture,
        box=box,
        detector=Detector(name="openface2", trust="medium"),
        readings=found,
        quality=Quality(tracking=tracking),
    ),
    st.sampled_from([None, "a", "b"]),
    st.one_of(st.none(), st.integers(0, 30)),
    st.one_of(st.none(), st.floats(0, 3, allow_nan=False)),
    readings,
    st.sampled_from(["ok", "ok", "ok", "failed", "no_face"]),
    st.sampled_from([None, "v.mp4", "p_1.png", "q.png"]),
    st.sampled_from([None, Box(x=0, y=0, width=9, height=9), Box(x=50, y=0, width=9, height=9)]),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(records, max_size=12), st.sampled_from(["clip", "event"]), st.booleans())
def test_any_recording_is_explained_or_refused(found: list[AURecord], per: str, in_order: bool) -> None:
    if in_order:
        found = [r.model_copy(update={"frame": i, "time_s": i / 10}) for i, r in enumerate(found)]
    try:
        for track, prediction in explain_tracks(found, per=per):  # type: ignore[arg-type]
            assert prediction.verification is None or all(
                s.ok for s in prediction.verification.sentences if s.section == "course"
            )
            assert summarize([track])
    except FervlmError as error:
        assert str(error)
