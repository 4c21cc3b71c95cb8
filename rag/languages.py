"""Which of PostgreSQL's text search configurations stems a language."""

_CONFIGURATIONS = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "id": "indonesian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}


def text_configuration(language: str) -> str:
    """The configuration for a language tag such as `en` or `pt-BR`; `simple`, without stemming, where there is none."""
    return _CONFIGURATIONS.get(language.partition("-")[0].lower(), "simple")
