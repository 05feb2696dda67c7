"""Hearing "stop texting me" and "deja de escribirme" as the wish that they are.

The carriers' words (STOP and the like) count only when they are the whole message. Any other
reasonable wording has to be honoured as well (FCC, in force since 11 April 2025), so this
module looks for wishes about *messages*. "Stop the bleeding", "cancel my appointment" and "my
ex won't stop texting me" are none.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

STOP_WORDS: Final = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
)
START_WORDS: Final = frozenset({"start", "unstop"})
REJOIN_WORD: Final = "yes"
"""Rejoins only a number that has opted out; otherwise it is an ordinary word."""
HELP_WORDS: Final = frozenset({"help", "info"})

_ENGLISH_MESSAGES = r"(?:texts?|text messages?|texting|messages?|messaging|sms|msgs?|txts?|spam)"
_WRITING = r"(?:texting|messaging|txting|contacting|smsing|spamming|bothering)"
_WRITE = r"(?:text|message|txt|contact|sms|spam|bother)"
_THESE = r"(?:(?:me|us|any|more|anymore|all|these|those|your|the|such|so many|further) )*"
_SPANISH_MESSAGES = r"(?:mensajes?|mensajitos?|textos?|sms|notificaciones)"
_SPANISH_WRITING = r"(?:escribir|textear|contactar|molestar|mensajear)(?:me|nos)"
_SPANISH_SENDING = r"(?:mandar|enviar)(?:me|nos)?"
_SPANISH_MORE = r"(?:(?:mas|estos|esos|sus|tus|los|tantos|ningun) )*"

_WISHES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # stop texting me, quit messaging us, please cease contacting this number
        rf"\b(?:stop|quit|cease) {_WRITING}\b(?: (?:me|us|this number|my (?:phone|number|cell)))?",
        rf"\b(?:stop|quit|cease) (?:sending|with) {_THESE}{_ENGLISH_MESSAGES}\b",
        rf"\b(?:stop|end|cancel|turn off) {_THESE}(?:texts|text messages|messages|sms|msgs|txts)\b",
        rf"\bhow (?:do|can) i (?:stop|end|turn off) (?:getting |receiving )?{_THESE}"
        r"(?:texts|text messages|messages|sms|msgs|txts)\b",
        # do not text me, never message me again
        rf"\b(?:dont|do not|never) {_WRITE} (?:me|us|this number|my (?:phone|number|cell))\b",
        rf"\b(?:dont|do not) send {_THESE}{_ENGLISH_MESSAGES}\b",
        rf"\b(?:dont|do not|no longer) (?:want|wish)(?: to)? ?(?:get |receive |be getting )?"
        rf"{_THESE}(?:texts|text messages|messages|sms|msgs|txts)\b",
        r"\b(?:dont|do not|no longer) (?:want|wish) (?:you to (?:text|message)|to be "
        r"(?:texted|messaged|contacted))\b",
        rf"\Ano more {_THESE}(?:texts|text messages|messages|texting|messaging|sms|msgs|txts)\b",
        # take me off your list, remove my number
        r"\b(?:take|remove|delete|get) (?:me|my (?:phone )?number) (?:off|from|out of) "
        r"(?:of )?(?:your |the |this |that )?(?:text |texting |sms |messaging |mailing |contact |"
        r"phone )?(?:list|lists|texts|messages|system|contacts|database)\b",
        r"\b(?:remove|delete|lose) my (?:phone |cell )?number\b",
        r"\b(?:unsubscribe|opt) me\b(?: out)?",
        r"\b(?:want|need|like|wish|how (?:do|can) i|please) (?:to )?(?:opt out|unsubscribe)\b"
        r"(?! of (?:the )?(?:treatment|procedure|study|numbing|photos?))",
        r"\A(?:opt out|opting out|unsubscribe)(?: (?:please|of|from) ?(?:these )?"
        r"(?:texts|messages|sms|this)?)?\Z",
        r"\b(?:revoke|withdraw) (?:my )?consent (?:to|for) (?:be(?:ing)? )?(?:texts|texted|"
        r"text messages|messages|sms|contacted|contact)\b",
        # The whole message, and nothing else in it that could be stopped.
        r"\A(?:please |pls |just |ok |okay )*stop(?: (?:it|please|pls|now|already|this|stop))*\Z",
        r"\A(?:please |pls |just )*leave me alone(?: please)?\Z",
        # deja de escribirme, dejen de mandarme mensajes, paren de textearme
        rf"\b(?:deja|deje|dejen|para|pare|paren) (?:ya )?de (?:{_SPANISH_WRITING}|"
        rf"{_SPANISH_SENDING} {_SPANISH_MORE}{_SPANISH_MESSAGES})\b",
        r"\bquiero que (?:dejen|deje) de (?:escribir|mandar|enviar)",
        rf"\b(?:pueden|puede|podrian|podria) dejar de (?:{_SPANISH_WRITING}|{_SPANISH_SENDING} "
        rf"{_SPANISH_MORE}{_SPANISH_MESSAGES})\b",
        r"\bno (?:me|nos) (?:escriban|escriba|escribas|texteen|textee|textees|contacten|contacte|"
        r"contactes|molesten|moleste|molestes)\b",
        rf"\bno (?:me|nos) (?:manden|mande|mandes|envien|envie|envies) {_SPANISH_MORE}"
        rf"{_SPANISH_MESSAGES}\b",
        rf"\bno (?:quiero|deseo) (?:recibir |que me (?:manden|envien) )?{_SPANISH_MORE}"
        rf"{_SPANISH_MESSAGES}\b",
        r"\bno quiero que me (?:escriban|texteen|contacten)\b",
        rf"\Ano mas {_SPANISH_MESSAGES}\b",
        r"\b(?:quite|quiten|saque|saquen|borre|borren|elimine|eliminen|quita|saca|borra|elimina)"
        r"(?:me de (?:la|su|tu|esta) lista\b|n? mi numero\b)",
        r"\b(?:dar|den|de|da)me de baja\b",
        rf"\b(?:cancelar|cancelen|cancele|detener|detengan|paren|pare) (?:los |estos |sus |de )*"
        rf"{_SPANISH_MESSAGES}\b",
    )
)
_NOT_A_WISH: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Somebody else's texting, past texting, or the very opposite.
        r"\b(?:dont|do not|never|wont|will not|didnt|doesnt|cant|would not|wouldnt|not|no) "
        r"(?:ever )?(?:stop|quit|dejen|deje|deja)\b",
        r"\b(?:why|when|if|did|have|has|until|once|after) (?:\w+ ){0,3}(?:stop|quit|stopped) ",
        r"\b(?:he|she|they|ex|boyfriend|girlfriend|husband|wife|mom|friend|someone) "
        r"(?:\w+ ){0,3}(?:stop|quit) ",
        r"\bstop (?:him|her|them|people|my \w+) ",
        r"\b(?:why|did) (?:\w+ ){0,2}(?:not|dont|didnt) (?:text|message|send|contact)\b",
        r"\bwhy (?:do|does|did|cant|dont) ",
        r"\bpor que (?:\w+ ){0,3}(?:deja|dejan|dejaron|no me)",
        # A wish about when or about what, not about all messages: a person reads it.
        r"\b(?:text|message|contact|texting|messaging|texts|messages|me|us) (?:\w+ ){0,3}(?:before|"
        r"after|until|till|during|while|unless|at (?:work|night)|on (?:sunday|weekends?))\b",
        r"\bescriban? (?:antes|despues|hasta|en la noche)\b",
        r"\b(?:email|newsletter|e mail|correos?)\b",
    )
)


def is_opt_out_wish(text: str) -> bool:
    """Whether the patient asks in words of their own not to be texted any more."""
    plain = folded(text)
    if not any(wish.search(plain) for wish in _WISHES):
        return False
    return not any(other.search(plain) for other in _NOT_A_WISH)


def keyword(text: str) -> str:
    """The message as the carriers compare it: one word, lower case; empty for anything else."""
    word = text.strip().casefold()
    return word if word.isalpha() else ""


def folded(text: str) -> str:
    """Lower case, without accents, apostrophes and punctuation; single spaces."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in bare if not unicodedata.combining(c) and c not in "'’‘`´")
    return " ".join(re.findall(r"[a-z0-9]+", letters))
