"""The lexicon: how each movement may be named, as subject, verb, participle and noun.

All wording is ours. It names the visible change, keeps clear of emotion words, and keeps clear of words that carry a
strength ("wide", "sharp") or that are heard as the name of another action unit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Movement:
    """Words for one action unit or descriptor."""

    many: tuple[str, ...]
    """Subjects for the whole face; "the inner brows"."""
    one: tuple[str, ...] = ()
    """Subjects for one side, `{}` standing for it; empty where the part is not paired."""
    plural: bool = True
    """Grammatical number of `many`."""
    verbs: tuple[str, ...] = ()
    """Plain forms; the third person is made by `third`."""
    parts: tuple[str, ...] = ()
    """Participles that follow a form of "be", or a bare subject after "with"."""
    nouns: tuple[str, ...] = ()
    """Nouns without their article; a leading `~` marks those that take none."""
    heads: tuple[str, ...] = ()
    """Nouns that take "of" and the subject: "lift" gives "a lift of the inner brows"."""
    directed: bool = False
    """Its side is where it goes ("to the left"), not where it is."""


_CORNERS = ("the lip corners", "the corners of the mouth")
_CORNER = ("the {} lip corner", "the {} corner of the mouth")
_LIPS = ("the lips",)

MOVEMENTS: dict[int, Movement] = {
    1: Movement(
        many=("the inner brows", "the inner ends of the brows"),
        one=("the {} inner brow", "the inner end of the {} brow"),
        verbs=("rise", "lift", "go up"),
        parts=("raised", "lifted"),
        nouns=("inner brow raise", "inner brow lift"),
        heads=("lift", "rise"),
    ),
    2: Movement(
        many=("the outer brows", "the outer ends of the brows"),
        one=("the {} outer brow", "the outer end of the {} brow"),
        verbs=("rise", "lift", "go up"),
        parts=("raised", "lifted"),
        nouns=("outer brow raise", "outer brow lift"),
        heads=("lift", "rise"),
    ),
    4: Movement(
        many=("the brows", "the eyebrows"),
        one=("the {} brow", "the {} eyebrow"),
        verbs=("lower", "draw down", "come down"),
        parts=("lowered", "drawn down", "pulled down"),
        nouns=("~brow lowering",),
        heads=("~lowering",),
    ),
    5: Movement(
        many=("the upper lids", "the upper eyelids"),
        one=("the {} upper lid", "the {} upper eyelid"),
        verbs=("rise", "lift", "go up"),
        parts=("raised", "lifted"),
        nouns=("upper lid raise", "upper lid lift"),
        heads=("lift", "rise"),
    ),
    6: Movement(
        many=("the cheeks",),
        one=("the {} cheek",),
        verbs=("rise", "lift", "push up"),
        parts=("raised", "lifted", "pushed up"),
        nouns=("cheek raise", "cheek lift"),
        heads=("lift", "rise"),
    ),
    7: Movement(
        many=("the lower lids", "the eyelids"),
        one=("the {} lower lid", "the {} eyelid"),
        verbs=("tighten", "tense"),
        parts=("tightened", "tensed"),
        nouns=("~lid tightening", "~eyelid tightening"),
        heads=("~tightening",),
    ),
    8: Movement(
        many=_LIPS,
        verbs=("move toward each other", "draw toward each other"),
        parts=("drawn toward each other", "brought toward each other"),
        heads=("~drawing together",),
        nouns=("lips-toward-each-other movement",),
    ),
    9: Movement(
        many=("the nose",),
        plural=False,
        verbs=("wrinkle", "crinkle"),
        parts=("wrinkled", "crinkled"),
        nouns=("~nose wrinkling", "nose wrinkle"),
        heads=("~wrinkling",),
    ),
    10: Movement(
        many=("the upper lip",),
        plural=False,
        verbs=("rise", "lift", "go up"),
        parts=("raised", "lifted"),
        nouns=("upper lip raise", "upper lip lift"),
        heads=("lift", "rise"),
    ),
    11: Movement(
        many=("the nasolabial furrows", "the nasolabial folds"),
        one=("the {} nasolabial furrow", "the {} nasolabial fold"),
        verbs=("deepen",),
        parts=("deepened",),
        nouns=("~nasolabial deepening",),
        heads=("~deepening",),
    ),
    12: Movement(
        many=_CORNERS,
        one=_CORNER,
        verbs=("pull up", "draw up", "rise"),
        parts=("pulled up", "drawn up", "raised"),
        nouns=("lip corner pull", "lip corner raise"),
        heads=("upward pull", "raising"),
    ),
    13: Movement(
        many=("the sharp lip puller",),
        plural=False,
        verbs=("act", "pull"),
        parts=("active",),
        nouns=("sharp lip pull",),
    ),
    14: Movement(
        many=_CORNERS,
        one=_CORNER,
        verbs=("dimple", "tuck in"),
        parts=("dimpled", "tucked in"),
        nouns=("~dimpling at the lip corner", "~mouth-corner dimpling"),
        heads=("~dimpling", "tuck"),
    ),
    15: Movement(
        many=_CORNERS,
        one=_CORNER,
        verbs=("turn down", "pull down", "draw down"),
        parts=("turned down", "pulled down", "drawn down"),
        nouns=("lip corner drop",),
        heads=("downturn", "downward pull"),
    ),
    16: Movement(
        many=("the lower lip",),
        plural=False,
        verbs=("pull down", "draw down"),
        parts=("pulled down", "drawn down", "lowered"),
        nouns=("~lower lip lowering", "lower lip drop"),
        heads=("~lowering", "downward pull"),
    ),
    17: Movement(
        many=("the chin",),
        plural=False,
        verbs=("rise", "push up", "lift"),
        parts=("raised", "pushed up", "lifted"),
        nouns=("chin raise", "chin lift"),
        heads=("rise", "upward push"),
    ),
    18: Movement(
        many=_LIPS,
        verbs=("pucker",),
        parts=("puckered",),
        nouns=("lip pucker", "~lip puckering"),
        heads=("~puckering",),
    ),
    19: Movement(
        many=("the tongue",),
        plural=False,
        verbs=("show", "stick out"),
        parts=("showing", "sticking out"),
        nouns=("tongue show",),
        heads=("showing",),
    ),
    20: Movement(
        many=_LIPS,
        verbs=("stretch sideways", "stretch"),
        parts=("stretched sideways", "stretched"),
        nouns=("lip stretch", "~lip stretching"),
        heads=("stretch", "sideways stretch"),
    ),
    21: Movement(
        many=("the neck",),
        plural=False,
        verbs=("tighten", "tense"),
        parts=("tightened", "tensed"),
        nouns=("~neck tightening",),
        heads=("~tightening",),
    ),
    22: Movement(
        many=_LIPS,
        verbs=("funnel outward", "funnel"),
        parts=("funneled outward", "funneled"),
        nouns=("lip funnel", "~lip funneling"),
        heads=("~funneling",),
    ),
    23: Movement(
        many=_LIPS,
        verbs=("tighten", "narrow"),
        parts=("tightened", "narrowed"),
        nouns=("~lip tightening",),
        heads=("~tightening", "~narrowing"),
    ),
    24: Movement(
        many=_LIPS,
        verbs=("press together", "press on each other"),
        parts=("pressed together",),
        nouns=("lip press", "~lip pressing"),
        heads=("~pressing",),
    ),
    25: Movement(
        many=_LIPS,
        verbs=("part", "come apart"),
        parts=("parted",),
        nouns=("~lip parting",),
        heads=("parting",),
    ),
    26: Movement(
        many=("the jaw",),
        plural=False,
        verbs=("drop", "lower"),
        parts=("dropped", "lowered"),
        nouns=("jaw drop",),
        heads=("drop", "~lowering"),
    ),
    27: Movement(
        many=("the mouth",),
        plural=False,
        verbs=("stretch open",),
        parts=("stretched open",),
        nouns=("mouth stretch", "~mouth stretching"),
        heads=("stretch", "~stretching"),
    ),
    28: Movement(
        many=_LIPS,
        verbs=("suck in", "roll in"),
        parts=("sucked in", "rolled in"),
        nouns=("lip suck", "~lip sucking"),
    ),
    29: Movement(
        many=("the jaw",),
        plural=False,
        verbs=("thrust forward", "push forward"),
        parts=("thrust forward", "pushed forward"),
        nouns=("jaw thrust",),
        heads=("forward thrust",),
    ),
    30: Movement(
        many=("the jaw",),
        plural=False,
        verbs=("shift sideways", "move sideways"),
        parts=("shifted sideways", "moved sideways"),
        nouns=("sideways jaw shift",),
        heads=("sideways shift",),
        directed=True,
    ),
    31: Movement(
        many=("the jaw",),
        plural=False,
        verbs=("clench",),
        parts=("clenched",),
        nouns=("jaw clench", "~jaw clenching"),
        heads=("~clenching",),
    ),
    32: Movement(
        many=("the teeth",),
        verbs=("bite the lip", "hold the lip"),
        parts=("biting the lip", "holding the lip"),
        nouns=("lip bite", "~lip biting"),
    ),
    33: Movement(
        many=("the cheeks",),
        one=("the {} cheek",),
        verbs=("blow out",),
        parts=("blown out",),
        nouns=("cheek blow", "~cheek blowing"),
    ),
    34: Movement(
        many=("the cheeks",),
        one=("the {} cheek",),
        verbs=("puff out", "puff"),
        parts=("puffed out", "puffed"),
        nouns=("cheek puff", "~cheek puffing"),
        heads=("~puffing",),
    ),
    35: Movement(
        many=("the cheeks",),
        one=("the {} cheek",),
        verbs=("suck in",),
        parts=("sucked in",),
        nouns=("cheek suck", "~cheek sucking"),
    ),
    36: Movement(
        many=("the tongue",),
        plural=False,
        verbs=("bulge the cheek",),
        parts=("bulging the cheek",),
        nouns=("tongue bulge",),
    ),
    37: Movement(
        many=("the tongue",),
        plural=False,
        verbs=("wipe the lips",),
        parts=("wiping the lips",),
        nouns=("lip wipe",),
    ),
    38: Movement(
        many=("the nostrils",),
        one=("the {} nostril",),
        verbs=("flare", "dilate"),
        parts=("flared", "dilated"),
        nouns=("nostril flare", "~nostril flaring"),
        heads=("~flaring",),
    ),
    39: Movement(
        many=("the nostrils",),
        one=("the {} nostril",),
        verbs=("narrow", "compress"),
        parts=("narrowed", "compressed"),
        nouns=("~nostril narrowing", "~nostril compression"),
        heads=("~narrowing",),
    ),
    40: Movement(
        many=("the nose",), plural=False, verbs=("sniff",), parts=("sniffing",), nouns=("sniff",)
    ),
    43: Movement(
        many=("the eyes",),
        one=("the {} eye",),
        verbs=("close", "shut"),
        parts=("closed", "shut"),
        nouns=("eye closure", "~eye closing"),
        heads=("~closing", "closure"),
    ),
    45: Movement(
        many=("the eyes",),
        one=("the {} eye",),
        verbs=("blink",),
        parts=("blinking",),
        nouns=("blink", "eye blink"),
        heads=("blink",),
    ),
    46: Movement(
        many=("one eye",),
        one=("the {} eye",),
        plural=False,
        verbs=("wink",),
        parts=("winking",),
        nouns=("wink",),
    ),
    50: Movement(many=("the mouth",), plural=False, verbs=("speak",), parts=("speaking",), nouns=("~speech",)),
    80: Movement(many=("the throat",), plural=False, verbs=("swallow",), parts=("swallowing",), nouns=("swallow",)),
    82: Movement(
        many=("the shoulders",),
        one=("the {} shoulder",),
        verbs=("shrug",),
        parts=("shrugged",),
        nouns=("shoulder shrug",),
    ),
}
"""Keys: FACS numbers. Head and gaze codes are in `POSES`; anything else is written by its number alone."""

POSES: dict[int, Movement] = {
    51: Movement(("the head",), plural=False, verbs=("turn left",), parts=("turned left",), nouns=("head turn to the left",)),
    52: Movement(
        ("the head",), plural=False, verbs=("turn right",), parts=("turned right",), nouns=("head turn to the right",)
    ),
    53: Movement(("the head",), plural=False, verbs=("tilt up",), parts=("held up",), nouns=("head-up position",)),
    54: Movement(("the head",), plural=False, verbs=("bend down",), parts=("held down",), nouns=("head-down position",)),
    55: Movement(("the head",), plural=False, verbs=("tilt left",), parts=("tilted left",), nouns=("head tilt to the left",)),
    56: Movement(
        ("the head",), plural=False, verbs=("tilt right",), parts=("tilted right",), nouns=("head tilt to the right",)
    ),
    57: Movement(
        ("the head",), plural=False, verbs=("move forward",), parts=("held forward",), nouns=("head-forward position",)
    ),
    58: Movement(("the head",), plural=False, verbs=("move back",), parts=("held back",), nouns=("head-back position",)),
    61: Movement(("the eyes",), verbs=("turn left",), parts=("turned left",), nouns=("gaze to the left",)),
    62: Movement(("the eyes",), verbs=("turn right",), parts=("turned right",), nouns=("gaze to the right",)),
    63: Movement(("the eyes",), verbs=("look up",), parts=("turned up",), nouns=("upward gaze",)),
    64: Movement(("the eyes",), verbs=("look down",), parts=("turned down",), nouns=("downward gaze",)),
    65: Movement(("the eyes",), verbs=("diverge",), parts=("diverging",), nouns=("walleye position",)),
    66: Movement(("the eyes",), verbs=("converge",), parts=("crossed",), nouns=("cross-eye position",)),
    69: Movement(
        ("the eyes",),
        verbs=("rest on another person",),
        parts=("fixed on another person",),
        nouns=("gaze at another person",),
    ),
    84: Movement(("the head",), plural=False, verbs=("shake",), parts=("shaking",), nouns=("head shake",)),
    85: Movement(("the head",), plural=False, verbs=("nod",), parts=("nodding",), nouns=("head nod",)),
}
"""Head and gaze codes. Their left and right are directions, the subject's as everywhere."""

OTHER = Movement(
    many=("a further coded movement",),
    plural=False,
    verbs=("occur",),
    parts=("recorded",),
    nouns=("further coded movement",),
)
"""For codes outside the lexicon: the number says what the words do not."""


def third(base: str) -> str:
    """Third person singular of a plain verb form with whatever follows it: "press together" -> "presses together"."""
    verb, _, rest = base.partition(" ")
    ending = "es" if verb.endswith(("ss", "sh", "ch", "x", "o")) else "s"
    return f"{verb}{ending} {rest}".rstrip()
