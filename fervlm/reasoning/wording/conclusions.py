"""Words for conclusions and abstentions. Data only; the holes are those of `arguments`."""

from __future__ import annotations

OPENINGS = (
    "",
    "",
    "Taken together, ",
    "Overall, ",
    "On balance, ",
    "In sum, ",
    "All in all, ",
    "As measured, ",
    "Thus ",
)
CONSISTENT = (
    "the expression shown is consistent with {L}",
    "the movements are consistent with {L}",
    "the movements shown are most consistent with {L}",
    "this configuration is consistent with {L}",
    "what the face shows is consistent with {L}",
    "the expression shown is best described as consistent with {L}",
    "the pattern is consistent with {L}",
    "the evidence is consistent with {L}",
    "these movements are consistent with {L}",
)
CONFIDENCE = (
    ", with {c} confidence{why}",
    " ({c} confidence{why})",
    "; confidence is {c}{why}",
    ", at {c} confidence{why}",
    "; the confidence is {c}{why}",
    ", a reading of {c} confidence{why}",
)
WHY = (", since {r}", ", as {r}", " because {r}")
RUNNER_UP = (
    "{R} comes second: {F} could fit it too{but}.",
    "{R} is the runner-up, as {F} fit{s} it too{but}.",
    "Next is {r}, for which {F} speak{s}{but}.",
    "Next comes {r}, supported by {F}{but}.",
    "A second reading is {r}, resting on {F}{but}.",
    "{R} is also possible, on {F}{but}.",
    "The runner-up is {r}, drawing on {F}{but}.",
    "Next after it comes {r}, for which {F} count{s}{but}.",
    "An alternative is {r}, with {F} for it{but}.",
    "{R} is second, on {F}{but}.",
)
RUNNER_AGAINST = (
    ", but {G} speak{s} against it",
    ", while {G} count{s} against it",
    ", with {G} against it",
    ", though {G} argue{s} against it",
)
RUNNER_LACKING = (
    ", but {M} {is} absent",
    ", though {M} {is} absent",
    ", while {M} {is} absent",
    ", yet {M} {is} absent",
)

ABSTENTIONS: dict[str, tuple[str, ...]] = {
    "not_tracked": (
        "The label stays open, since the face was not tracked.",
        "Without a tracked face, the label stays open.",
        "As the face was not tracked, no expression is named.",
    ),
    "nothing_measured": (
        "The label stays open, since the face was not measured.",
        "Without a measurement, the label stays open.",
        "As the face was not measured, no expression is named.",
    ),
    "ambiguous": (
        "The label stays open: the movements present are common to many expressions.",
        "The movements present fit too many expressions for a label.",
        "Movements such as these are ambiguous, so they are given no label.",
        "These movements alone are ambiguous, so the label stays open.",
        "The expression is not named, since what moves here is ambiguous.",
    ),
    "tie": (
        "{a} and {b} are equally well supported, so neither is chosen.",
        "The label stays open between {a} and {b}, which are equally supported.",
        "{a} and {b} cannot be told apart on these movements, so neither is chosen.",
        "The evidence is split between {a} and {b}; no label is chosen.",
        "As {a} and {b} come out level, the conclusion stays open.",
    ),
    "no_core": (
        "The label stays open, since none of the set has its core here.",
        "None of the labels has its core on this face, so none is given.",
        "The label stays open: what is central to each of them is lacking here.",
        "As the core of every label is lacking, no label is given.",
    ),
    "no_label_fits": (
        "The label stays open, as no candidate fits well enough.",
        "No candidate fits well enough to be named.",
        "None of the candidates fits well, so none is given.",
        "The label stays open, as no label of the set has enough support.",
        "Support is thin for every label, so none is chosen.",
    ),
    "observe-only": (
        "No expression is named, as asked.",
        "As asked, movements are reported and no expression is named.",
        "The conclusion is omitted, as asked.",
        "As asked, this stops at the movements.",
    ),
}
"""By code of `Decision.abstain`, and `observe-only`."""
CLOSEST = (
    "The nearest alternative is {r}, on {F}{but}.",
    "{R} is the nearest alternative, on {F}{but}.",
    "The nearest of the alternatives is {r}, supported by {F}{but}.",
    "Among the alternatives, {r} is nearest, with {F} for it{but}.",
    "{R} is the first of the alternatives, on {F}{but}.",
    "Of the alternatives, {r} has most for it, namely {F}{but}.",
)
"""After an abstention that had candidates."""
UNKNOWN = (
    "The tables know no pattern for {W}, so {they} {was} not considered.",
    "{W} {was} not considered, since no pattern is known for {them}.",
)
ANNOTATED = {
    "agrees": (
        "Annotators call this {L}; the movements measured agree",
        "Annotators call this {L}, and the movements measured support it",
        "This is {L} to the annotators, which the movements measured bear out",
    ),
    "partly": (
        "Annotators call this {L}; the movements measured give it some support",
        "Annotators call this {L}, which the movements measured support in part",
        "This is {L} to the annotators; the movements measured support it in part",
    ),
    "little": (
        "Annotators call this {L}; the movements measured give it little support",
        "Annotators call this {L}, though the movements measured give it little support",
        "This is {L} to the annotators, but the movements measured give it little support",
    ),
    "unknown": (
        "Annotators call this {L}; no pattern of movements is known for it",
        "Annotators call this {L}, for which no pattern of movements is known",
    ),
    "unseen": (
        "Annotators call this {L}; nothing was measured that could support it",
        "Annotators call this {L}, though nothing was measured that could bear it out",
    ),
}
"""How the human label stands to the evidence."""
OWN_FOR = ("{F} speak{s} for it", "{F} fit{s} it", "{F} count{s} towards it", "for it {is} {F}")
OWN_AGAINST = ("{G} speak{s} against it", "{G} argue{s} against it", "{G} count{s} against it")
OWN_LACKING = ("{M} {is} absent", "{M}, part of its core, {is} absent")
ALONE = (
    "The movements alone are consistent with {L}.",
    "By the movements alone, {L} comes first.",
    "Going by the movements alone, {L} is nearer.",
    "Without the annotation, the movements are consistent with {L}.",
)
"""The blind reading, where it is another one."""
ANNOTATED_OVERVIEW = (
    "Annotators call this {L}: {o}",
    "Called {L} by annotators: {o}",
    "A face that annotators call {L}: {o}",
    "Labelled {L} by annotators: {o}",
)
