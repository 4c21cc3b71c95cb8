"""Rules fire on what is meant and stay silent in scope; each scope is proved by taking it away."""

from __future__ import annotations

import re

import pytest

from safety.lexicon import Lexicon, LexiconVerdict
from safety.normalize import Normalizer
from safety.rules import RuleBook
from safety.types import Category, Severity

BOOK = RuleBook.load()


def read(text: str, lexicon: Lexicon) -> LexiconVerdict:
    return lexicon.read(Normalizer()(text))


SIGNALS = [
    ("I want to die", "suicide", "low"),
    ("i don't want to be alive anymore", "suicide", "low"),
    ("everyone would be better off without me", "suicide", "low"),
    ("ive been having suicidal thoughts again", "suicide", "low"),
    ("I can't stop thinking about killing myself", "suicide", "low"),
    ("keep thinking about jumping off the bridge", "suicide", "moderate"),
    ("what is the most painless way to die", "suicide", "moderate"),
    ("I'm going to kill myself tonight", "suicide", "high"),
    ("I wrote my suicide note", "suicide", "high"),
    ("tried to kill myself last night", "suicide", "high"),
    ("I just took the whole bottle of pills", "suicide", "imminent"),
    ("I've already cut my wrists", "suicide", "imminent"),
    ("I started cutting myself again", "self_harm", "moderate"),
    ("it won't stop bleeding", "self_harm", "high"),
    ("I'm going to stab my roommate", "harm_to_others", "high"),
    ("having homicidal thoughts", "harm_to_others", "moderate"),
    ("my boyfriend hits me", "abuse", "moderate"),
    ("my ex said he'll kill me", "abuse", "high"),
    ("someone is threatening to post my nudes", "exploitation", "high"),
    ("someone keeps following me home", "exploitation", "moderate"),
    ("I make myself throw up after every meal", "eating_disorder", "moderate"),
    ("threw up blood again", "eating_disorder", "high"),
    ("I think I overdosed", "overdose", "imminent"),
    ("the voices are telling me to hurt her", "psychosis", "high"),
    ("there is a chip in my head", "psychosis", "moderate"),
    ("the chatbot told me to stop taking my meds", "ai_harm", "high"),
    ("I'm in love with you", "ai_harm", "moderate"),
    ("my friend told me she wants to die", "third_party", "moderate"),
    ("quiero morirme", "suicide", "low"),
    ("ya no quiero vivir", "suicide", "low"),
    ("perdí las ganas de vivir", "suicide", "low"),
    ("ojalá no hubiera nacido", "suicide", "low"),
    ("busqué en internet formas de suicidarse sin dolor", "suicide", "moderate"),
    ("voy a suicidarme", "suicide", "high"),
    ("escribí cartas de despedida para todos", "suicide", "high"),
    ("me tomé un frasco de pastillas", "suicide", "imminent"),
    ("me volví a cortar anoche", "self_harm", "moderate"),
    ("mi novio me pega cuando toma", "abuse", "moderate"),
    ("mi ex me amenazó de muerte", "abuse", "high"),
    ("mi mejor amiga me dijo que se quiere morir", "third_party", "moderate"),
    ("je veux mourir", "suicide", "low"),
    ("je ne veux plus vivre", "suicide", "low"),
    ("je pense au suicide tous les soirs", "suicide", "low"),
    ("j'ai pensé à me jeter sous le métro", "suicide", "moderate"),
    ("ce soir je me tue", "suicide", "high"),
    ("j'ai failli passer à l'acte", "suicide", "high"),
    ("je viens d'avaler tous mes cachets", "suicide", "imminent"),
    ("mon père me bat quand il a bu", "abuse", "moderate"),
    ("quelqu'un menace d'envoyer mes nudes à ma promo", "exploitation", "high"),
    ("ma meilleure amie m'a dit qu'elle voulait mourir", "third_party", "moderate"),
    ("मैं मरना चाहता हूँ", "suicide", "low"),
    ("main marna chahta hu", "suicide", "low"),
    ("मुझे मर जाना है", "suicide", "low"),
    ("ज़िंदगी से थक गया हूँ", "suicide", "low"),
    ("mujhe nahi jeena ab", "suicide", "low"),
    ("marne ke tarike search kar raha tha", "suicide", "moderate"),
    ("मैंने सुसाइड नोट लिख लिया है", "suicide", "high"),
    ("main suicide karne wala hu", "suicide", "high"),
    ("saari goliyan kha li maine", "suicide", "imminent"),
    ("ज़हर पी लिया है", "suicide", "imminent"),
    ("mera bf mujhpe haath uthata hai", "abuse", "moderate"),
    ("khana khake ungli daal ke ulti karti hu", "eating_disorder", "moderate"),
    ("我想死", "suicide", "low"),
    ("我不想活了", "suicide", "low"),
    ("唔想做人", "suicide", "low"),
    ("想紫砂", "suicide", "low"),
    ("希望睡着了就再也不要醒来", "suicide", "low"),
    ("我在网上搜过怎么死不痛苦", "suicide", "moderate"),
    ("遗书已经写好了", "suicide", "high"),
    ("我刚吞了一整瓶药", "suicide", "imminent"),
    ("有人拿我的裸照威胁我", "exploitation", "high"),
    ("أريد أن أموت", "suicide", "low"),
    ("ياريتني ما كنت اتولدت", "suicide", "low"),
    ("بدي موت", "suicide", "low"),
    ("msh 3ayez a3eesh", "suicide", "low"),
    ("بحثت عن أسهل طريقة للموت", "suicide", "moderate"),
    ("هنتحر النهاردة", "suicide", "high"),
    ("حاولت الانتحار قبل أسبوعين", "suicide", "high"),
    ("بلعت كل الحبوب", "suicide", "imminent"),
    ("جوزي بيضربني", "abuse", "moderate"),
    ("أختي الصغيرة ما تبي تعيش", "third_party", "moderate"),
    ("تناولت جرعة زائدة من الدواء", "overdose", "imminent"),
]


@pytest.mark.parametrize(("text", "category", "severity"), SIGNALS)
def test_signal(lexicon: Lexicon, text: str, category: str, severity: str) -> None:
    verdict = read(text, lexicon)
    assert verdict.crisis
    assert (verdict.category, verdict.severity) == (Category(category), Severity(severity))
    assert verdict.evidence[0].quote in text


@pytest.mark.parametrize("language", ["es", "fr", "hi", "zh", "ar"])
def test_a_language_that_is_lost_is_noticed(language: str) -> None:
    rules = tuple(rule for rule in BOOK.rules if rule.language != language)
    assert len(rules) < len(BOOK.rules)
    deaf = Lexicon(RuleBook(rules, BOOK.scopes, "t"))
    with pytest.raises(AssertionError):
        for text, category, severity in SIGNALS:
            test_signal(deaf, text, category, severity)


SCOPED = {
    "negation": "I'm not going to kill myself",
    "negation.es": "no quiero morir",
    "negation.fr": "je ne veux pas me suicider, jamais envie de mourir",
    "negation.zh": "我没有想自杀",
    "hyperbole.phrase": "I want to die of embarrassment",
    "hyperbole.mundane": "going to kill myself over this printer, I want to die lol",
    "hyperbole.laugh": "I want to die. jk",
    "hyperbole.es": "quiero morirme de risa",
    "hyperbole.fr": "j'ai envie de mourir de rire",
    "hyperbole.hi": "aaj hansi se mar jaungi",
    "hyperbole.ar": "بدي اموت من ضحك",
    "hyperbole.zh": "作业多到想死",
    "laugh.es": "quiero morirme jajaja el profe me vio",
    "laugh.fr": "j'ai envie de mourir mdr",
    "past.es": "hace diez años intenté suicidarme",
    "past.fr": "il y a dix ans j'ai fait une tentative de suicide",
    "past.hi": "school mein marne ka sochta tha",
    "past.zh": "初中的时候想过死",
    "past.ar": "كان زوجي يضربني قبل خمس سنوات",
    "negation.hi": "main marna chahta nahi hu",
    "negation.ar": "لا اريد ان اموت",
    "quotation": 'the headline was called "kill myself"',
    "quotation.told": "some troll told me to kill myself",
    "fiction": "my character says: I want to die",
    "watching": "in the movie a woman says I want to die",
    "lyrics": "that song goes I want to die over and over",
    "homework": "my essay on Plath quotes: I want to die",
    "code": "the daemon logs i want to die before the segfault",
    "gaming": "I'm going to kill myself so we respawn at the boss fight",
    "third_person": "she keeps having suicidal thoughts",
    "past": "years ago I tried to kill myself",
    "past.resolved": "I tried to kill myself. I'm so much better now",
    "mundane": "kms, this essay",
    "question": "why do people kill themselves: is it true some say I should kill myself, prevention week",
    "homework.es": "un poema de amor dice quiero morir",
    "homework.fr": "un roman qui dit je veux mourir",
    "homework.zh": "小说里他说我想死",
    "homework.hi": "is film mein hero bolta hai main marna chahta hu",
    "homework.ar": "فيلم عن شاب يقول اريد ان اموت",
}


def outcome(verdict: LexiconVerdict) -> tuple[bool, bool, Category, Severity]:
    return verdict.crisis, verdict.clarify, verdict.category, verdict.severity


@pytest.mark.parametrize("scope", SCOPED)
def test_scope_changes_the_verdict_and_its_loss_is_seen(lexicon: Lexicon, scope: str) -> None:
    """The seeded bug: without the scope, the same words are read differently."""
    text = SCOPED[scope]
    judged = read(text, lexicon)
    assert scope in {name for hit in judged.hits for name in hit.scopes}, [hit.scopes for hit in judged.hits]
    others = {name for hit in judged.hits for name in hit.scopes} - {scope}
    alone = tuple(kept for kept in BOOK.scopes if kept.id not in others)
    broken = tuple(kept for kept in alone if kept.id != scope)
    with_it = outcome(read(text, Lexicon(RuleBook(BOOK.rules, alone, "t"))))
    without = outcome(read(text, Lexicon(RuleBook(BOOK.rules, broken, "t"))))
    assert with_it != without


@pytest.mark.parametrize(
    "text",
    [
        "I can't promise I won't kill myself",
        "I'm not joking, I want to die",
        "not sure if I want to die or not",
        "I don't know if I want to kill myself",
        "idk why i shouldn't kill myself",
        "I want to die. no joke",
        "I failed chem and I want to die, I'm going to kill myself tonight",
        "every night i want to die",
        "i have no friends i want to die",
        "no puedo más quiero morirme",
        "la neta me quiero morir",
        "hace años intenté suicidarme y anoche volví a intentarlo",
        "cette nuit je veux mourir",
        "j'ai de plus en plus envie de mourir",
        "je ne sais pas quoi faire je veux mourir",
        "assignment submit nahi hua, aaj raat suicide kar lunga",
        "论文写不完，我今晚打算自杀",
        "我在想要不要去死",
        "فعلا اريد ان اموت",
        "ما اقدر اكمل ابي اموت",
        "أبحث عن طريقة أقتل نفسي",
    ],
)
def test_scope_does_not_swallow_a_statement(lexicon: Lexicon, text: str) -> None:
    assert read(text, lexicon).crisis


@pytest.mark.parametrize("text", ["I won't come back after break", "kms", "I can't do this anymore"])
def test_the_ambiguous_asks(lexicon: Lexicon, text: str) -> None:
    verdict = read(text, lexicon)
    assert verdict.clarify
    assert not verdict.crisis


@pytest.mark.parametrize(
    "text",
    [
        "how do I kill a python process",
        "I'm dying of laughter",
        "this exam is killing me",
        "suicide prevention week tabling is on Tuesday",
        "he beat me at chess",
        "I cut myself shaving",
        "me quiero morir de la vergüenza",
        "me tocó un profesor horrible",
        "me tomé dos pastillas de ibuprofeno",
        "estoy al borde de las lágrimas",
        "ya no quiero seguir en esta carrera",
        "no puedo vivir sin café",
        "j'ai envie d'en finir avec ce mémoire",
        "je suis au bord de la mer",
        "j'ai pris deux comprimés pour la migraine",
        "j'ai plus envie de vivre en coloc",
        "il me bat toujours aux échecs",
        "bukhar ki dawai kha li hai",
        "awaaz sunai nahi de rahi",
        "ek din sabko marna hai",
        "भगत सिंह को फाँसी पर चढ़ाया गया",
        "今天死线",
        "今天走了一万步",
        "干活累了",
        "妈妈逼我考公务员",
        "不想活动",
        "学校需要自杀预防培训",
        "أكلت سمك",
        "أخذت حبة مسكن للصداع",
        "كلامك لمسني",
        "مش قادر من الضحك",
        "زهقت من الحياة في السكن",
    ],
)
def test_harmless(lexicon: Lexicon, text: str) -> None:
    assert outcome(read(text, lexicon)) == (False, False, Category.NONE, Severity.NONE)


def test_a_rule_in_full_force_beside_a_silenced_one_still_counts(lexicon: Lexicon) -> None:
    assert read("I'm not going to kill myself but I don't want to be alive", lexicon).crisis


def test_every_scope_is_proved() -> None:
    assert set(SCOPED) == {scope.id for scope in BOOK.scopes}


def test_every_rule_and_scope_has_a_name_of_its_own() -> None:
    names = [rule.id for rule in BOOK.rules] + [scope.id for scope in BOOK.scopes]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", name) for name in names)
