"""Words for the rows of `au_interactions.csv`: what a combination is, and how it reads.

Each row has subjects (singular, ending where the AU numbers follow in parentheses) and predicates. `{u}` stands for
the numbers where a subject wants them elsewhere. What a combination "reads as" is how observers take it; nothing here
says what anybody feels. The meaning of each row and its source stand in the table; the wording is ours.
"""

from __future__ import annotations

Words = tuple[tuple[str, ...], tuple[str, ...]]

CUES: dict[str, Words] = {
    "I01": (
        ("an inner brow raise without the outer brow", "an inner brow raise by itself"),
        ("leaves the reading open between worry, sadness and appeal", "may read as worry, sadness or an appeal"),
    ),
    "I02": (
        ("a brow raised over its whole width", "the lift of the whole brow"),
        ("reads as surprise, as interest, or as mere emphasis", "is common to surprise, interest and emphasis in speech"),
    ),
    "I03": (
        ("an oblique brow, raised inside and drawn down", "a brow that is lifted inside and knitted at once"),
        ("is a strong cue of sadness or distress", "reads as sadness or distress even over a calm mouth"),
    ),
    "I04": (
        ("a brow raised and drawn together at once", "a raised yet knitted brow"),
        ("is typical of fear and anxiety", "points to fear rather than to surprise"),
    ),
    "I05": (
        ("a single raised outer brow", "an outer brow raised on one side alone"),
        ("works as a sign of doubt or question in talk", "is conversational, a mark of scepticism or a question"),
    ),
    "I06": (
        ("brow lowering by itself", "a lowered brow with nothing else beside it"),
        ("fits effort, confusion and bright light as well as displeasure", "is ambiguous, from concentration to displeasure"),
    ),
    "I07": (
        ("a lowered brow over tightened lids", "brow lowering with tightened lids"),
        ("is shared by anger, confusion and concentration", "fits anger, but confusion and squinting as well"),
    ),
    "I08": (
        ("a lowered brow with raised and tightened lids", "the hard stare under a lowered brow"),
        ("is a core cue of anger", "reads as anger"),
    ),
    "I09": (
        ("a lowered brow over raised upper lids", "the glare under a lowered brow"),
        ("fits anger or intense attention", "is seen in anger and in close attention"),
    ),
    "I10": (
        ("brow lowering beside nose wrinkling", "a lowered brow over a wrinkled nose"),
        ("counts for less, since the nose draws the brow down by itself", "may come from the nose movement alone"),
    ),
    "I11": (
        ("the height of the upper lids", "the degree of the upper lid raise"),
        ("fits surprise better than fear or anger", "stays within the range of surprise"),
    ),
    "I11+": (
        ("the height of the upper lids", "the degree of the upper lid raise"),
        ("exceeds what surprise brings and leans to fear or anger", "fits fear or anger better than surprise"),
    ),
    "I12": (
        ("the report of raised upper lids with closing eyes", "lids reported as raised and closing at once"),
        ("cannot hold for one eye, so the detector contradicts itself", "is a contradiction of the detector"),
    ),
    "I13": (
        ("a cheek raise with the lip corner pull", "the pairing of raised cheeks and pulled-up lip corners"),
        ("makes a smile that involves the eyes", "makes a smile that takes in the eyes and reads as more joyful"),
    ),
    "I14": (
        ("a lip corner pull without cheek raising ({u} without AU6)", "the lip corner pull, {u} without AU6,"),
        ("makes a smile of the mouth alone", "is a mouth-only smile, still common in mild joy"),
    ),
    "I15": (
        ("a cheek raise beside such a lip corner pull", "the cheek raise next to this lip corner pull"),
        ("adds little, since such a smile lifts the cheeks by itself", "may simply follow from the mouth"),
    ),
    "I16": (
        ("a cheek raise under a lowered brow", "the pairing of raised cheeks and lowered brows"),
        ("is common in pain, crying and wincing", "reads as pain or crying, or as a wince at light"),
    ),
    "I17": (
        ("a cheek raise over turned-down lip corners", "the pairing of raised cheeks and lowered lip corners"),
        ("belongs to sadness and crying", "is an accepted form of sadness"),
    ),
    "I18": (
        ("this tightening around brow, eyes and nose", "the cluster around brow, eyes and nose"),
        ("is the configuration of pain", "matches the face that pain scales describe"),
    ),
    "I19": (
        ("this peak configuration", "so tight a face"),
        ("is shared by crying, agony and extreme joy", "cannot be told apart in a still: agony, crying or joy"),
    ),
    "I20": (
        ("the upper lip raise over a smooth nose", "an upper lip raise by itself"),
        ("fits disgust, disdain and anger alike", "is a medium cue of disgust or disdain"),
    ),
    "I20+": (
        ("nose wrinkling by itself", "the wrinkled nose"),
        ("is close to disgust in the narrow sense", "is the more specific cue of disgust"),
    ),
    "I21": (
        ("a chin raise under this upper lip or nose", "the closed mouth with its chin raise"),
        ("is the closed-mouth form of disgust", "strengthens the reading of disgust"),
    ),
    "I22": (
        ("an upper lip raise on one side", "the one-sided upper lip raise"),
        ("is a sneer, seen in contempt and disgust", "reads as a sneer"),
    ),
    "I23": (
        ("an upper lip raise beside the lip corner pull", "the raised lip over pulled-up lip corners"),
        ("occurs in broad laughter as well as in disgust", "is common in laughter and proves no disgust"),
    ),
    "I24": (
        ("a lowered brow over a raised upper lip", "brow lowering with an upper lip raise"),
        ("is shared by anger and disgust", "is the common core of several blends of anger and disgust"),
    ),
    "I25": (
        ("a disgust mouth under lowered brows and tight lids", "this mouth or nose under a tense brow"),
        ("is taken for anger by many viewers", "keeps anger in play beside disgust"),
    ),
    "I26": (
        ("a mouth pulled up and down at once", "the smile with its corners drawn down again"),
        ("reads as a smile held down, as in embarrassment or modesty", "is a controlled or miserable smile"),
    ),
    "I27": (
        ("a tucked smile", "a lip corner pull with dimpling"),
        ("suggests restraint, or smugness where it is uneven", "reads as restrained, at times as smug"),
    ),
    "I28": (
        ("a smile with the chin pushed up", "a lip corner pull over a raised chin"),
        ("suggests controlled amusement", "reads as a modest or controlled smile"),
    ),
    "I29": (
        ("a smile with tense lips", "a lip corner pull through tense lips"),
        ("reads as a smile held back", "suggests a suppressed, nervous or annoyed smile"),
    ),
    "I30": (
        ("a smile under a lowered brow", "a lip corner pull under a lowered brow"),
        ("may be a grimace, effort, bright light or laughter", "fits laughter, effort and an annoyed smile alike"),
    ),
    "I31": (
        ("a smile below an angry upper face", "this mouth under a tense, lowered brow"),
        ("is a smile with cues of anger above it rather than plain happiness", "mixes a smile with cues of anger"),
    ),
    "I32": (
        ("a smile below an oblique brow", "this mouth under an oblique brow"),
        ("is bittersweet: joy below, sadness or worry above", "masks or mixes sadness with a smile"),
    ),
    "I33": (
        ("the open, lifted face", "this combination of raised brows, lids and lip corners"),
        ("is the pattern of happy surprise", "belongs to the happily surprised face"),
    ),
    "I34": (
        ("a smile with a wrinkled nose", "nose wrinkling over a lip corner pull"),
        ("fits the happily disgusted face, or laughter", "belongs to laughter at something disgusting"),
    ),
    "I35": (
        ("a lip corner pull on one side", "the one-sided lip corner pull"),
        ("makes a smirk, open between contempt and habit", "may be a smirk or plain facial asymmetry"),
    ),
    "I36": (
        ("dimpling on both sides", "the two-sided dimpling"),
        ("is weak evidence, common in thought and speech", "reads as restraint or thinking more than as contempt"),
    ),
    "I37": (
        ("dimpling on one side", "the one-sided dimpling"),
        ("is the main cue of contempt", "reads as contempt"),
    ),
    "I38": (
        ("a raised chin under turned-down lip corners", "the bowed, closed mouth"),
        ("fits sadness or doubt", "reads as sad or doubtful"),
    ),
    "I39": (
        ("a raised chin under tense lips", "a mouth tensed and pushed up"),
        ("fits anger, determination and restraint", "reads as determined, restrained or angry"),
    ),
    "I40": (
        ("lip tightening", "the tightening of the lips"),
        ("is among the more specific cues of anger", "is fairly specific to anger"),
    ),
    "I41": (
        ("a lowered brow with tense lips", "brow lowering together with tense lips"),
        ("is leading evidence of anger", "reads as anger, open or controlled"),
    ),
    "I42": (
        ("a lowered brow with pressed lips", "brow lowering together with a lip press"),
        ("fits concentration or determination as well as anger", "is ambiguous between determination and anger"),
    ),
    "I43": (
        ("a stretched, parted mouth under a raised, knitted brow", "this mouth under a raised and knitted brow"),
        ("completes the face of fear", "is typical of fear"),
    ),
    "I44": (
        ("a movement of the mouth corners like this one", "the movement of the mouth corners"),
        ("is easily confused with its neighbours at this level", "leaves its direction in doubt at this level"),
    ),
    "I45": (
        ("the opening of the mouth", "an open mouth"),
        ("has no valence of its own", "adds arousal but no direction"),
    ),
    "I46": (
        ("the report of a jaw drop together with a mouth stretch", "a jaw called dropped and stretched at once"),
        ("is a contradiction of the detector; the larger is kept", "cannot hold, so only the larger one counts"),
    ),
    "I47": (
        ("the report of pressed yet parted lips", "a mouth called pressed and parted at once"),
        ("is a contradiction of the detector", "cannot hold in one place, so the weaker one is set aside"),
    ),
    "I48": (
        ("a stretched mouth with closed eyes", "the mouth stretch with closed eyes"),
        ("looks like a yawn", "fits fatigue rather than surprise"),
    ),
    "I49": (
        ("an open, funneled mouth under this stare", "the funneled mouth under a lowered brow"),
        ("is the shouting form of anger", "reads as open-mouthed anger"),
    ),
    "I50": (
        ("a lip drawn in or bitten", "the hold on the lips"),
        ("is a weak cue of anxiety, thought or restraint", "may go with anxiety, thought or restraint"),
    ),
    "I51": (
        ("this set of brow, lid and mouth cues", "the whole of brow, lids and mouth"),
        ("decides between surprise and fear", "is what separates fear from surprise"),
    ),
    "I52": (
        ("raised brows with raised upper lids", "the lift of brows and upper lids"),
        ("is listed for surprise and for fear alike", "fits surprise and fear alike"),
    ),
    "I53": (
        ("a lowered brow over turned-down lip corners", "brow lowering with a lip corner drop"),
        ("is common to sadness and to sad anger", "leans to sadness, with anger close by"),
    ),
    "I54": (
        ("an oblique brow over a stretched, parted mouth", "this mouth under an oblique brow"),
        ("is common to fear and to sad fear", "leans to fear, with sadness close by"),
    ),
    "I55": (
        ("the uneven lip corner pull", "an uneven pull of the lip corners"),
        ("may come from pose or from the face at rest", "is noted, though pose and resting shape can mimic it"),
    ),
    "I56": (
        ("this set of movements", "the group"),
        ("commonly fires together and counts as one piece of evidence", "is no independent evidence, unit by unit"),
    ),
    "I57": (
        ("the upper face", "the upper half of the face"),
        ("points elsewhere than the lower face", "and the lower half point in different directions"),
    ),
    "I58": (
        ("a movement this brief and small", "so brief a movement"),
        ("is subtle, and a single frame cannot say more", "needs video to be judged"),
    ),
    "I59": (
        ("the label of so brief a movement", "a label for this"),
        ("follows annotators' conventions", "rests on conventions of annotation"),
    ),
    "I60": (
        ("the restraint in the lower face", "the neutralising movement of the mouth"),
        ("reads as a restrained expression", "suggests an expression held back"),
    ),
    "I61": (
        ("the same configuration", "a configuration like this"),
        ("occurs with several states, so a runner-up is kept", "is not tied to one reading"),
    ),
    "I62": (
        ("the head position", "the position of the head"),
        ("modifies the reading without deciding it", "adds a little to the reading"),
    ),
    "I63": (
        ("the pitch of the head", "the tilt of the head up or down"),
        ("changes how brows and mouth look, so they count for less", "distorts brow and mouth readings"),
    ),
    "I64": (
        ("the hidden part of the face", "what is covered"),
        ("could not be measured and is left out", "stays out of the reading"),
    ),
}

LEADS: tuple[str, ...] = (
    "{S} {p}.",
    "{S} {p}.",
    "Here, {s} {p}.",
    "In this combination, {s} {p}.",
    "Taken together, {s} {p}.",
    "As a cue, {s} {p}.",
    "Among the cues, {s} {p}.",
    "For the reading, {s} {p}.",
    "By itself, {s} {p}.",
    "To begin with, {s} {p}.",
    "On this face, {s} {p}.",
    "Notably, {s} {p}.",
)
SECOND_LEADS: tuple[str, ...] = (
    "{S} {p}.",
    "Besides, {s} {p}.",
    "In addition, {s} {p}.",
    "At the same time, {s} {p}.",
    "Further, {s} {p}.",
    "Then {s} {p}.",
    "Moreover, {s} {p}.",
    "Next to this, {s} {p}.",
)
"""For the second combination told."""
GENERAL: tuple[str, ...] = (
    "the combination of {u}",
    "the presence of {u} together",
    "the pairing of {u}",
)
"""Subjects that fit every row with two or more units."""
