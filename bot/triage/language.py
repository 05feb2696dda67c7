"""Telling English from Spanish in a text message of a few words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.messages import Language
from bot.triage.text import fold

# Frequent words of one language that are no words of the other; folded.
# Words of both ("no", "me", "a", "son", "once", "red") are left out.
_SPANISH_WORDS: Final = """
que el la los las un una unos unas de del al en es esta estan estoy estaba soy era fue ser hay
pero porque por para con sin como cuando donde cuanto cuantos cuanta cuantas quien cual
mi mis tu su sus se te le les lo nos yo ella ellos usted ustedes eso esto este ese esa algo
nada muy mas menos mucho mucha poco poquito bien mal ya si tambien todavia aun ahora ahorita
hoy ayer anoche manana dia dias semana semanas mes meses hace desde hasta despues antes luego
tengo tiene tienen tenia puedo puede pueden quiero quiere necesito debo hago hacer hice hizo
hicieron salio salieron puso siento siente duele duelen arde pica hola gracias buenas buenos
ayuda favor cara piel labio labios ojo ojos boca garganta lengua pecho fiebre calentura
escalofrios hinchado hinchada roja rojo ronchas ampollas sangre sangra crema cita tratamiento
sesion mama hija hijo esposa esposo amiga hermana respirar dolor moreton granos manchas
cicatriz embarazada cuesta precio sigo sigue otra otro verdad cada van vez
sale salir alergia agujas numero dio dice
ahogo ahogando habla raro rara sudor sudores frio veo borroso borrosa brazo debil mejor peor
muero morir convulsion convulsiones temblor temblores corazon confundido confundida sabor
costra costras amarilla amarillo supura supurando lineas rojas rojos ganglios inflamado inflamados
inflamada herpes labial sarpullido quemaron quemo quemado cachete cachetes dormido dormida
toques electricos
estoi ke xq pq tmb q porfa urgencias aguja infeccion quemadura mareada mareo vomito
"""
_ENGLISH_WORDS: Final = """
the i im ive my you your u ur it its is are was were be been am and or but because cause so
of to for with clock good without from at on in into out up down over after before since until
about this that these those there here what when where why how who which can cant could will wont
would should do does did dont didnt have has had havent get got getting feel feels feeling
not just still now today yesterday tonight morning night day days week weeks hour hours ago
really very much more than too also all any some if then they them he she her him his we us
please help thanks hello hi hey ok okay yes yeah need want know think look looks like going
face skin lips lip eye eyes throat tongue chest breathe breath fever chills swelling swollen
rash hives blister blisters bleeding blood bruise burn pain hurts hurt numb dizzy cream
treatment appointment worse better infection infected itchy oozing doctor
mom daughter son wife husband friend sister cost price much long
"""
_SPANISH: Final = frozenset(_SPANISH_WORDS.split())
_ENGLISH: Final = frozenset(_ENGLISH_WORDS.split())
_SPANISH_ENDINGS: Final = re.compile(
    r"[a-z]{2,}(?:cion|ciones|ando|iendo|mente|itas?|itos?|isim[oa]s?|arme|erme|irme)\Z"
)
_SPANISH_MARKS: Final = re.compile("[¿¡ñÑáéíóúÁÉÍÓÚ]")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['\u2019`\u00b4][^\W\d_]+)*")


def detect_language(text: str, earlier: Sequence[str] = ()) -> Language:
    """Tell in which language to answer.

    Args:
        text: The message; in a mixed one the larger part decides.
        earlier: Earlier turns, newest last, asked where the message is
            undecided ("pus", "911"). English when they are too.
    """
    for turn in (text, *reversed(earlier)):
        balance = _balance(turn)
        if balance:
            return "es" if balance > 0 else "en"
    return "en"


def _balance(text: str) -> int:
    """Return a number above 0 for Spanish, below 0 for English, 0 for undecided."""
    words = [fold(word) for word in _WORD.findall(text)]
    spanish = sum(word in _SPANISH for word in words)
    english = sum(word in _ENGLISH for word in words)
    if spanish == english:
        spanish += sum(bool(_SPANISH_ENDINGS.match(w)) for w in words if w not in _ENGLISH)
    # An accent may come from a name; it only tips the scales.
    if spanish >= english and _SPANISH_MARKS.search(text):
        spanish += 1
    return spanish - english
