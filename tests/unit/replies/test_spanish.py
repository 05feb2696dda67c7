from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ContentError
from bot.replies.spanish import SpanishReplies, load_spanish_replies
from bot.settings import ROOT
from tests import builders


@pytest.fixture(scope="module")
def replies() -> SpanishReplies:
    return load_spanish_replies(ROOT / "data" / "spanish.yml", builders.clinic().placeholders())


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("¿Cuánto cuesta una sesión?", "cost"),
        ("que precio tiene", "cost"),
        ("a qué hora abren el sábado", "hours"),
        ("cual es su horario", "hours"),
        ("¿Dónde están ubicados?", "address"),
        ("hay estacionamiento", "address"),
        ("me das el numero de telefono", "phone"),
        ("quiero hacer una cita", "booking"),
        ("como puedo agendar", "booking"),
        ("necesito cambiar mi cita", "reschedule"),
        ("tengo que cancelar la cita del lunes", "reschedule"),
        ("¿hablan español?", "language"),
        ("hola buenas tardes", "greeting"),
        ("muchas gracias", "thanks"),
        ("hola, ¿cuánto cuesta?", "cost"),
    ],
)
def test_the_clinics_particulars_are_told_in_spanish(
    replies: SpanishReplies, text: str, reply: str
) -> None:
    found = replies.find(text)
    assert found is not None
    assert found.id == reply
    assert "{" not in found.text


@pytest.mark.parametrize(
    "text",
    [
        "cuántos días dura la rojez",
        "hola buenas, quería saber si me puedo maquillar",
        "cuántas sesiones necesito",
        "me puedo maquillar después",
        "es seguro para piel morena",
        "los poros abiertos mejoran",
        "tengo una herida abierta en la cara",
        "me duele donde me pusieron las agujas en la cara",
    ],
)
def test_clinical_questions_are_not_answered_from_word_lists(
    replies: SpanishReplies, text: str
) -> None:
    assert replies.find(text) is None


def test_the_hours_are_those_of_the_clinic() -> None:
    hours = builders.clinic().hours_in_spanish()
    assert hours.startswith("lunes 9:00 a 17:30; martes")
    assert hours.endswith("domingo cerrado")


def test_a_malformed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spanish.yml"
    path.write_text("- id: hours\n  words: [[hora]]\n")
    with pytest.raises(ContentError):
        load_spanish_replies(path, {})


@pytest.mark.parametrize(
    "text",
    [
        "necesito hablar con alguien",
        "¿vale la pena?",
        "cuanto tengo que esperar para ir a la playa",
        "a cuanto esta el dolar",
        "como me preparo para mi cita",
        "llegue tarde a mi cita que hago",
        "numero de sesiones necesarias",
        "donde compro la crema",
    ],
)
def test_other_questions_with_the_same_words_are_left_to_staff(
    replies: SpanishReplies, text: str
) -> None:
    assert replies.find(text) is None
