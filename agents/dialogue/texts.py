"""Small operations on a student's words: whose they are, and how they fit into a reply."""

from __future__ import annotations

import re

_FLIP = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "i'm": "you're", "im": "you're",
    "i've": "you've", "ive": "you've", "i'd": "you'd", "i'll": "you'll", "am": "are", "we": "you", "us": "you",
    "our": "your", "ours": "yours", "we're": "you're",
    "you": "I", "your": "my", "u": "I", "ur": "my",
}  # fmt: skip
_NORMALISE = {
    "cant": "can't", "dont": "don't", "wont": "won't", "didnt": "didn't", "doesnt": "doesn't", "isnt": "isn't",
    "couldnt": "couldn't", "shouldnt": "shouldn't", "wasnt": "wasn't", "im": "I'm", "ive": "I've", "havent": "haven't",
    "gonna": "going to", "wanna": "want to", "bc": "because", "cuz": "because", "prof": "professor", "rn": "right now",
}  # fmt: skip
_LEADING = re.compile(r"^(?:(?:my|the|a|an|this|that|some|all|so|just|like|really|very)\s+)+", re.IGNORECASE)
_PROPER = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|april|june|july|august|september|october"
    r"|november|december|christmas|thanksgiving|english|spanish|french|german|chinese|instagram|canvas)\b"
)
_FILLER = re.compile(
    r"^(?:(?:and|but|so|also|like|well|just|honestly|tbh|ngl|ugh|idk|ok|okay|yeah|because|bc)\b[ ,]*)+"
    r"|(?:[ ,]+(?:lol|tbh|ngl|lmao|idk|rn|please|too|though|anyway|haha|right now))+$",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"\s+(?:(?:and|but|or|so|because|since|when|while|that|which|is|was|are|were|will|would|can|again|today|tonight"
    r"|tomorrow|yesterday|now|really|anymore|at|on|in|for|to|of|the|a|my|i|it|he|she|they|lol|tbh|ngl|please)\s*)+$",
    re.IGNORECASE,
)


def flip(words: str) -> str:
    """Turn the student's first person into the second: 'my exam scares me' → 'your exam scares you'."""
    flipped = [_FLIP.get(word.lower(), word) for word in words.split()]
    text = " ".join(flipped)
    for wrong, right in (("you was", "you were"), ("you wasn't", "you weren't"), ("you am", "you are")):
        text = re.sub(rf"\b{wrong}(?!\w|')", right, text)
    return text


def clause(words: str) -> str:
    """Spell out common short forms and drop fillers at the edges."""
    text = " ".join(_NORMALISE.get(word.lower(), word) for word in words.replace("’", "'").split())
    text = _FILLER.sub("", text.strip(" ,.;:!?-\"'"))
    return _PROPER.sub(lambda match: match[0].capitalize(), re.sub(r"\bi\b", "I", text.strip()))


def tidy(words: str) -> str:
    """A clause without the little words that trail behind a thing."""
    return _TRAILING.sub("", clause(words)).strip()


def noun(words: str) -> str:
    """A thing the student named, without its article: 'my organic chem midterm' → 'organic chem midterm'."""
    return _LEADING.sub("", tidy(words)).strip()
