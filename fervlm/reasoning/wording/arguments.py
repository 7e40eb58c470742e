"""Words for what speaks for and against a label, and for what limits the reading. Data only.

`{L}` is a label phrase, `{F}`, `{G}`, `{M}`, `{U}` lists of action units; `{s}` ends a verb, `{is}` and `{does}` agree
with the list before them.
"""

from __future__ import annotations

FOR = (
    "{F} speak{s} for {L}",
    "{F} support{s} {L}",
    "{F} fit{s} {L}",
    "{F} count{s} towards {L}",
    "{F} argue{s} for {L}",
    "{F} point{s} to {L}",
    "{F} lend{s} support to {L}",
    "{F} {is} in line with {L}",
    "{F} agree{s} with {L}",
    "{L} is supported by {F}",
    "{L} rests on {F}",
    "{L} finds support in {F}",
    "{L} draws on {F}",
    "{L} comes first, on {F}",
    "the case for {L} rests on {F}",
    "evidence for {L} comes from {F}",
    "support for {L} comes from {F}",
)
AGAINST = (
    ", while {G} speak{s} against it",
    ", whereas {G} count{s} against it",
    "; {G} argue{s} against it",
    ", though {G} point{s} elsewhere",
    ", with {G} against it",
    ", but {G} speak{s} against it",
)
"""After `FOR`: present units that contradict the label."""
LACKING = (
    ", though {M} {is} absent",
    ", although {M} {is} absent",
    ", but {M} {is} absent",
    ", even though {M} {is} absent",
    "; {M}, part of its core, {is} absent",
    "; {M} {is} absent",
)
"""After `FOR`: measured core units that are absent."""
FOR_LEADS = (
    "",
    "",
    "On the whole, ",
    "All told, ",
    "Going by the prototypes, ",
    "Compared with the prototypes, ",
    "Among the labels, ",
)

OPEN = (
    "{U} {is} not measured here, so nothing can be said of {them}.",
    "Nothing can be said of {U}, which {is} not measured here.",
    "This detector does not measure {U}, so {they} stay{s} open.",
    "What {U} would add stays open, as {they} {is} not measured here.",
    "Open, because not measured: {U}.",
)
"""Telling units that the detector cannot see."""
NO_SUPPORT = (
    "None of the movements present is typical of any label in the set.",
    "The movements present belong to no label of the set in particular.",
    "No label of the set is typical of these movements.",
)
NOTHING_PRESENT = (
    "With no movement present, nothing speaks for any expression in particular.",
    "No movement is present that could speak for an expression.",
    "Without any movement to go by, no expression stands out.",
)
LONE = (
    "A single movement carries a reading only so far.",
    "On one movement alone, any reading stays tentative.",
    "With a single movement to go by, little weight rests on this.",
    "One movement by itself decides little.",
)
"""Where one unit is all there is."""
REST = (
    "A face at rest is what was measured, and no more than that.",
    "Rest is no evidence of anything beyond itself.",
    "That nothing moves is all that can be said.",
)
"""After one of the two."""
NEUTRAL = (
    "{L} is not called into question by what was measured.",
    "What little moves does not contradict {L}.",
    "The measurements do not contradict {L}.",
    "The measured movements leave {L} as the likeliest reading.",
)
NEUTRAL_BUT = (
    "Only {G} speak{s} against {L}.",
    "{L} is the nearest reading, though {G} speak{s} against it.",
    "{G} count{s} against {L}, which otherwise comes first.",
)
BLENDS = (
    "{A} and {B} are nearly level and rest on different movements, so a blend is possible.",
    "{A} and {B} come out nearly level on different movements, which suggests a blend.",
    "Two readings stand side by side on different movements: {A} and {B}.",
    "A blend of {a} and {b} is possible, since different movements carry each of them.",
)
REGIONS = (
    "The upper face points to {A}, the lower face to {B}.",
    "Brow and eyes lean to {A}, the mouth to {B}.",
    "The upper face by itself fits {A}, the lower face {B}.",
    "Upper and lower face disagree: {A} above, {B} below.",
)

CAVEATS: dict[str, tuple[str, ...]] = {
    "low_trust": (
        "The readings come from a low-trust detector.",
        "This detector's readings are of low trust.",
        "Trust in this detector is low, so all of this is tentative.",
        "As the detector is of low trust, this stays tentative.",
        "The source of these readings is of low trust.",
    ),
    "core_not_measured": (
        "{U}, a core part of {L}, {is} not measured by this detector.",
        "This detector does not measure {U}, which {L} would ask for.",
        "{U}, which matter{s} for {L}, {is} not measured here.",
        "Whether {U} would complete {L} stays open, as {they} {is} not measured.",
    ),
    "conflict": (
        "{X} are reported together although they exclude each other.",
        "The detector reports {X} at once, which exclude each other.",
        "{X} exclude each other, so one of these readings is wrong.",
        "Of {X}, which exclude each other, one must be a false reading.",
    ),
    "uncertain": (
        "The tool's own readings of {X} disagree.",
        "On {X} the tool's own readings disagree.",
        "The readings of {X} are uncertain, as the tool contradicts itself there.",
        "Some of this is uncertain: the tool's readings of {X} differ.",
    ),
    "pose": (
        "The face is seen at an angle, which makes the readings less certain.",
        "Seen at an angle, the face gives less certain readings.",
        "The view is not frontal, so the readings are less certain.",
        "As the view is not frontal, these readings are less certain.",
    ),
    "occlusion": (
        "Part of the face is hidden, so the picture is incomplete.",
        "Hidden parts of the face could not be measured.",
        "As part of the face is covered, the record is incomplete.",
    ),
    "speech": (
        "Speech may account for some of the mouth movement.",
        "Some of the mouth movement may belong to speech.",
    ),
    "asymmetry": (
        "The two sides of the face move unevenly, which may be pose or habit.",
        "Movement differs between the two sides of the face, for which pose may be the reason.",
    ),
}
"""By code of `Interpretation.caveats`; the order is the order of importance."""

REASONS: dict[str, tuple[str, ...]] = {
    "low_trust": ("the detector is of low trust",),
    "core_not_measured": ("not all that matters for it is measured", "some units that matter are not measured"),
    "pose": ("the view is not frontal", "the face is seen at an angle"),
    "occlusion": ("part of the face is hidden",),
    "speech": ("speech moves the mouth as well",),
    "uncertain": ("some of the readings disagree", "the readings are partly uncertain"),
    "conflict": ("some of the readings exclude each other",),
    "engineering": ("its pattern is not well established", "its pattern is a tentative one"),
    "sides": ("its sides were not measured apart", "the detector does not tell the sides apart"),
    "blend": ("another label comes near", "a second label is nearly as well supported"),
    "ambiguous": ("such movements occur with many expressions", "the movements are common to many expressions"),
}
"""Why the confidence is lower than the units alone would give, by code of `Decision.lowered_by`."""

OBSERVE_ONLY = (
    "This note keeps to movements and names no expression.",
    "Movements are listed here without a reading of the expression.",
    "Movements are reported as measured, and no expression is concluded from them.",
    "The movements stand for themselves here; no expression is read into them.",
)
SPREAD = (
    "Of the {count} movements, {upper} {are} in the upper face and {lower} in the lower face.",
    "{Upper} of the {count} movements {are} in the upper face, {lower} in the lower face.",
    "The upper face holds {upper} of the {count} movements, the lower face {lower}.",
)
"""Where both halves move, in a text that keeps to movements."""
