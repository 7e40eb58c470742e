"""Questions that are not answered: who somebody is, age, sex, origin, health, or whether they tell the truth."""

from __future__ import annotations

import re

from fervlm.prompts import prompt

_ABOUT_PERSONS = (
    r"\bwho(?:'s| is| are| was)\b|\bwhose face\b|\b(?:what(?:'s| is)|tell me) (?:his|her|their|the person's) name\b",
    r"\b(?:identify|recogni[sz]e|name) (?:him|her|them|th(?:is|e|at) (?:person|man|woman|face|individual|celebrity))\b",
    r"\bhow old\b|\b(?:what|which|guess|estimate|his|her|their|person's)\b[^.?!]{0,30}\bage\b|\byears old\b",
    r"\b(?:young|old|elderly|teenager|minor|adult|child)\s*\?|\bunder(?:age| 18)\b",
    r"\b(?:male or female|female or male|man or woman|woman or man|boy or girl|gender|(?:what|which) sex)\b",
    r"\b(?:is|are) (?:he|she|they|this|it)(?: person)? (?:an? )?(?:man|woman|male|female|boy|girl|gay|trans)\b",
    r"\b(?:race|racial|ethnic\w*|nationality|skin colou?r|religio\w+)\b",
    r"\bwhere (?:is|are|does|do) (?:he|she|they|this person) (?:come )?from\b",
    r"\b(?:is|are) (?:he|she|they|this person) (?:black|white|asian|african|arab|latino|hispanic|jewish|muslim|"
    r"european|chinese|indian)\b",
    r"\b(?:ly(?:ing|es)|liar|honest\w*|dishonest\w*|truth\w*|deceiv\w*|decepti\w*|sincer\w*|insincer\w*|"
    r"genuine\w*|fak(?:e|ing|ed)|pretend\w*|trust\w*)\b",
    r"\b(?:depress(?:ed|ion)|autis\w*|mentally ill|drunk|disease|diagnos\w*|criminal|guilty)\b",
)
_ASKED = re.compile("|".join(_ABOUT_PERSONS), re.IGNORECASE)


def refusal(question: str) -> str | None:
    """The fixed answer to a question about the person instead of the expression, else None."""
    return prompt("mllm_refusal").text if _ASKED.search(question) else None


def plain(question: str, special: set[str]) -> str:
    """A user's words without the marks that structure a conversation, so that nobody can speak in another's place."""
    for token in sorted(special, key=len, reverse=True):
        question = question.replace(token, " ")
    return " ".join(question.split())
