"""What an answer may never say, as a table that a clinician can read.

One row per wording of section 10 and 11 of the clinical fact sheet. A row looks
at one sentence at a time. ``unless_before`` is matched against the words of that
sentence before the hit, ``unless_after`` against those behind it: a warning
("no one can promise ...") uses the same words as the promise and must pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# The sentence denies what follows, or speaks of those who claim it.
_DENIED: Final = (
    r"\b(?:not|no|never|nobody|none|nothing|neither|nor|cannot|without|rarely|instead of"
    r"|rather than|myth|wary|beware|careful|anyone who|someone who|claims?)\b|n't\b"
)
# The words right before leave the question open.
_OPEN: Final = (
    r"(?:\b(?:whether|if|mean(?:s|ing)?(?: that)?|(?:say|tell|know|decide|promise)(?: you| if"
    r"| whether| that)*)(?:\s+or not)?)\s+$"
)
_DRUG: Final = (
    r"(?:medicines?|medications?|meds|prescriptions?|blood[- ]thinners?|anticoagulants?|aspirin"
    r"|eliquis|xarelto|plavix|warfarin|coumadin|isotretinoin|accutane|steroids?|prednisone"
    r"|methotrexate|antidepressants?|insulin|pills?|tablets)"
)
_PAINKILLER: Final = (
    r"(?:ibuprofen|advil|motrin|aleve|naproxen|tylenol|acetaminophen|paracetamol|aspirin"
    r"|benadryl|antihistamines?|hydrocortisone|cortisone|valacyclovir|valtrex|acyclovir"
    r"|antivirals?|antibiotics?|neosporin|bacitracin|doxycycline)"
)
_FAULT: Final = (
    r"(?:infection|infected|allergy|allergic|allergic reaction|pih|herpes|cold sore|granulomas?"
    r"|cellulitis|keloids?|melasma|rosacea|hyperpigmentation|anaphylaxis|sepsis)"
)
_BLEMISH: Final = (
    r"(?:melasma|(?:sun|age|dark|brown) ?spots?|(?:acne |surgical )?scars?|scarring|wrinkles"
    r"|(?:fine )?lines|dark marks|pigment(?:ation)?|stretch marks|pores)"
)


@dataclass(frozen=True, slots=True)
class Wording:
    """One thing never to say, with the reason that the editor of the answer is given."""

    id: str
    pattern: re.Pattern[str]
    reason: str
    unless_before: re.Pattern[str] | None = None
    unless_after: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A forbidden wording found in a text, with the words that matched."""

    wording: Wording
    words: str


def _row(
    wording_id: str,
    pattern: str,
    reason: str,
    before: str | None = _DENIED,
    after: str | None = None,
) -> Wording:
    def compiled(expression: str | None) -> re.Pattern[str] | None:
        return None if expression is None else re.compile(expression, re.IGNORECASE)

    return Wording(
        wording_id, re.compile(pattern, re.IGNORECASE), reason, compiled(before), compiled(after)
    )


FORBIDDEN: Final = (
    _row(
        "diagnosis",
        r"\b(?:you (?:probably |likely |may |might |must |clearly )?have|you've got"
        r"|(?:this|(?<![a-z] )that|it) (?:is|looks like|sounds like|must be|may be)"
        r"|(?:this|that|it)'s)"
        rf" (?:just |only |probably )?(?:an? |the )?(?:skin |mild )?{_FAULT}\b",
        "no diagnosis: say that a clinician needs to look at it",
        rf"{_DENIED}|\b(?:if|when|whether|while|until|once|in case|because|that|think|unless)\b",
    ),
    _row(
        "reassurance",
        r"\b(?:(?:that|this|it) is|(?:that|this|it)'s|(?:perfectly|completely|totally"
        r"|absolutely|quite)) (?:perfectly |completely |totally |all |quite )?normal\b"
        r"|\b(?:don't|do not|no need to|needn't) (?:worry|panic)\b|\bnothing to worry about\b",
        "no personal reassurance: give the usual range and when to contact staff",
        r"\b(?:if|whether|not|cannot|can't)\b",
    ),
    _row(
        "candidacy-verdict",
        r"\byou(?:'re| are|'d be| would be| will be| make| seem(?: like)?| sound like| look like)"
        r" (?:not |likely |probably )?(?:an? )?"
        r"(?:good |great |ideal |perfect |suitable |poor |bad |right )?candidate\b"
        r"|\byou (?:can't|cannot|can not|can|may not|should not|shouldn't) (?:still |safely )?"
        r"(?:be treated|(?:have|get|receive) (?:it|this|that|microneedling"
        r"|(?:the |a )?(?:treatment|session)))\b"
        r"|\byou(?:'re| are|'ll be| will be| should be) (?:\w+ )?(?:fine|ok|okay|good to go"
        r"|suitable|eligible|not eligible|excluded|disqualified)\b",
        "candidacy is for staff to decide: never a yes or no to a person",
        _OPEN,
    ),
    _row(
        "medicine-change",
        r"\b(?:stop|skip|pause|hold|restart|resume|quit|discontinue|come off|cut (?:back|down))"
        rf"\b[^.!?;:]{{0,40}}?\b{_DRUG}\b"
        r"|\b(?:stop|skip|pause|quit) taking (?:it|them|this|that)\b",
        "only the prescriber stops, pauses or restarts a medicine",
        r"\b(?:not|never|nor|without|cannot|nobody|no one)\b|n't\b"
        r"|\b(?:prescriber|doctor)s? (?:\w+ ){0,4}$"
        r"|\b(?:if|whether|when|who|before|after|that|ever|or|told(?: you)? to|asked(?: you)? to"
        r"|about|had to|have to|going to) (?:you )?$",
    ),
    _row(
        "dose",
        r"\b\d+(?:[.,]\d+)?[ -]?(?:mg|mcg|ml|milligrams?|micrograms?|milliliters?|iu)\b"
        r"|\b(?:one|two|three|\d+) (?:tablets?|capsules?|pills?|drops of|puffs)\b"
        r"|\bevery (?:\d+|four|six|eight|twelve)(?: to (?:\d+|six|eight|twelve))? hours\b",
        "no dose: a clinician or pharmacist gives it",
        None,
    ),
    _row(
        "drug-choice",
        r"\b(?:take|try|use|apply|rub in|put|put on|choose|pick|go for|ask for) (?:[\w-]+ ){0,3}?"
        rf"{_PAINKILLER}\b|\b{_PAINKILLER} (?:is|are|will|can|may|should)"
        r" (?:fine|ok|okay|best|better|safe|good|help|calm|ease|do)\b",
        "no choice of medicine: a clinician or pharmacist makes it",
        rf"{_DENIED}|\bprescribers?\b"
        r"|\b(?:if|when|whether|who|before|that) (?:you |they )?(?:\w+ )?$",
    ),
    _row(
        "cream-strength",
        r"\b(?!100\b)\d+(?:\.\d+)? ?(?:%|percent)(?! of\b)",
        "no strength of a numbing cream or acid; a limit that FDA warns of may be named",
        r"\b(?:over|above|more than|stronger than|up to|FDA|study|studies|trials?|people)\b",
    ),
    _row(
        "promise-safety",
        r"\b100 ?%|\b(?:completely|totally|perfectly|entirely|absolutely|always) safe\b"
        r"|\bsafe for (?:everyone|everybody|anyone|all)\b|\brisk[- ]?free\b"
        r"|\b(?:no|zero|without(?: any)?) (?:risks?|side effects|complications)\b",
        "no treatment is without risk",
        rf"{_DENIED}|\bstudies with",
        r"^ (?:of|that|to)\b",
    ),
    _row(
        "promise-comfort",
        r"\bpainless\b|\bpain[- ]free\b|\bwon't hurt\b|\bdoes(?:n't| not) hurt\b"
        r"|\bwill not hurt\b|\bwon't feel (?:a thing|anything)\b",
        "it can sting even with numbing",
        r"\b(?:not|never|no|nothing|rarely|cannot|once|until|when|if|that)\b|n't\b",
    ),
    _row(
        "promise-lasting",
        r"\bpermanent(?:ly)?\b(?!(?:ly)? (?:make-?up|eyeliner|brows?|cosmetics|tattoos?|inks?"
        r"|scar|mark|dark|light|change|damage|color|loss|nerve|harm|injur))|\blasts? forever\b"
        r"|\bfor life\b|\bonce and for all\b",
        "results fade with age, sun and acne",
        rf"{_DENIED}|\bsemi-?\s*$",
    ),
    _row(
        "promise-result",
        r"\bguarantee[ds]?\b|\bwe (?:can )?promise\b|\bworks? for (?:everyone|everybody|anyone)\b"
        r"|\bproven to (?:remove|cure|erase|fix)\b|\bwill (?:definitely|certainly|surely)\b"
        r"|\bmiracle\b",
        "no result can be promised",
    ),
    _row(
        "promise-downtime",
        r"\b(?:no|zero|without(?: any)?|hardly any) (?:down ?time|recovery(?: time)?)\b",
        "most people are red for one to three days",
        r"\b(?:not|never|cannot|rarely|wary|beware|claims?|anyone who|myth)\b|n't\b",
    ),
    _row(
        "fda-approved",
        r"\bFDA[- ]approv(?:ed|al)\b|\bapproved by the FDA\b|\bthe FDA (?:has )?approve[sd]\b",
        'say "FDA-cleared for certain uses"',
        rf"{_DENIED}|\b(?:misleading|wrong|word|saying|calling|called|term|advertis\w+)\b",
        r"^[^.]*\b(?:misleading|wrong|not the right)\b",
    ),
    _row(
        "treats-acne",
        r"\b(?:microneedling|needling|needles|it|this|treatment|sessions?)\b"
        r"(?:(?!\b(?:not|never|no)\b|n't)[^.!?]){0,40}?"
        r"\b(?:treats?|cures?|heals?|clears?(?: up)?|fix(?:es)?|stops?|gets? rid of)\b"
        r" (?:your |the |active |adult )*(?:acne|pimples|breakouts|zits)\b(?! scar)"
        r"|\bcures?\b|\b(?:effective|good|great|proven|best) (?:treatment|therapy|option|fix)"
        r" (?:for|against) (?:your |active )?acne\b(?! scar)",
        "active acne usually postpones treatment; speak of acne scars",
        rf"{_DENIED}|\bsecure",
    ),
    _row(
        "removes",
        r"\b(?:removes?|erases?|eliminates?|gets? rid of|wipes? (?:out|away)|clears? away"
        r"|melts?|fix(?:es)?)"
        rf" (?:\w+ ){{0,3}}?{_BLEMISH}\b"
        rf"|\b{_BLEMISH} (?:will )?(?:disappear|vanish|go away|be gone)\b"
        r"|\b(?:closes?|shrinks?) (?:\w+ ){0,2}pores\b",
        '"may improve the look of", never remove',
        rf"{_DENIED}|\b(?:hair|makeup|to have|want(?:ed)?(?: to)?|if|who) $",
    ),
    _row(
        "absorption",
        r"\b(?:absorbs?|sinks? in|penetrates?|soaks? in|works?) (?:better|deeper|more deeply)\b"
        r"|\b(?:better|deeper|improved|boosts?|enhances?|increases?|helps?)"
        r" (?:\w+ ){0,2}absorption\b",
        "absorption is a safety concern, not a benefit",
        rf"{_DENIED}|\b(?:risks?|safety|caution|warn\w*|concern\w*|may hear|hear)\b",
        r"^[^.]*\b(?:risks?|safety|caution|reactions?|concern|not a benefit)\b|\?",
    ),
    _row(
        "skin-tones",
        r"\b(?:fine|safe|suitable|good|works?|ok|okay|right) (?:for|on) (?:all|every|any)"
        r" (?:skin )?(?:tones?|types?|colou?rs?|skin)\b"
        r"|(?:\bnot|n't) (?:fine |safe |suitable |good |meant )?(?:for|on) (?:people with )?"
        r"(?:dark(?:er)?|black|brown|deep(?:er)?) skin\b",
        "both are wrong: darker skin needs its own plan",
        rf"{_DENIED}|\b(?:whether|wrong)\b",
    ),
    _row(
        "rf-stronger",
        r"\b(?:just|simply|only|basically) a (?:stronger|deeper|better)"
        r" (?:version|form|kind|type)\b",
        "radiofrequency needling is a different procedure with different risks",
    ),
    _row(
        "needle-length",
        r"\b\d*\.?\d+ ?-?(?:mm|millimet(?:er|re)s?)\b",
        "no needle lengths",
        None,
    ),
    _row(
        "wait-and-see",
        r"\bwait and see\b|\bgive it (?:a few|another|some) (?:days?|time)\b|\bwait it out\b",
        "never for a warning sign: route it to staff",
    ),
    _row(
        "time-promise",
        r"\b(?:we|staff|team|clinician|someone|somebody|they)\b[^.!?]{0,30}?(?:will|'ll)"
        r" (?:\w+ ){0,2}?(?:call|text|reply|respond|contact|write|answer|be in touch|get back"
        r"|follow up)\b[^.!?]{0,40}?\b(?:within|today|tonight|tomorrow|shortly|soon|right away"
        r"|immediately|at once|in (?:an?|\d+|one|two|a few) (?:minutes?|hours?|days?))\b"
        r"|\b(?:repl(?:y|ies)|responses?|(?:hear|get|call(?:ed|s)?) back|hear from (?:us|staff))\b"
        r"[^.!?]{0,30}?\b(?:(?:within|in) (?:\w+ ){0,2}(?:minutes?|hours?|days?)"
        r"|today|tonight|tomorrow|soon|shortly)\b",
        "no time of a staff reply is promised",
        r"\b(?:not|cannot)\b|n't\b",
    ),
    _row(
        "drive-yourself",
        r"\bdrive yourself\b|\bdrive to the (?:ER|emergency|hospital)\b"
        r"|\b(?:go|get|head) to the (?:ER|hospital|emergency room) (?:yourself|on your own)\b",
        "call 911",
    ),
    _row(
        "private-data",
        r"\b(?:send|text|upload|give|share|type)\b[^.!?]{0,30}?\b(?:social security|ID number"
        r"|insurance (?:number|card)|card number|passport|full (?:medical )?records?)\b",
        "no identity numbers or records in chat",
    ),
    _row(
        "licensed-voice",
        r"\b(?:I am|I'm|I, as|speaking as) an? (?:\w+ )?(?:nurse|doctor|clinician|physician"
        r"|dermatologist|provider|pharmacist|human|person)\b|\bDr\. "
        r"|\bas (?:a|your) (?:nurse|doctor|clinician|physician),? I\b",
        "the assistant holds no licence and is no person",
    ),
    _row(
        "elastin",
        r"\bmore elastin\b|\b(?:builds?|boosts?|increases?|stimulates?|makes?|produces?"
        r"|adds?)\b[^.!?]{0,30}\belastin\b",
        'the elastin effect is unsettled: "is thought to"',
        rf"{_DENIED}|\b(?:thought to|less (?:clear|certain)|mixed|unclear|may|whether|hear)\b",
    ),
)

_SENTENCE: Final = re.compile(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]?")


def hits(text: str) -> Iterator[Hit]:
    """Find forbidden wordings in ``text``, in the order of the table, sentence by sentence."""
    plain = text.replace("\u2019", "'").replace("\u2018", "'")
    for sentence in _SENTENCE.findall(plain):
        for wording in FORBIDDEN:
            for match in wording.pattern.finditer(sentence):
                before, after = sentence[: match.start()], sentence[match.end() :]
                if wording.unless_before and wording.unless_before.search(before):
                    continue
                if wording.unless_after and wording.unless_after.search(after):
                    continue
                yield Hit(wording, match.group(0))
