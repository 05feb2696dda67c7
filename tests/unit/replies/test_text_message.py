"""One turn as one text message."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.replies.segments import is_gsm7, part_count
from bot.replies.text_message import MAX_PARTS, Frame, Said, compose, next_piece

NOTICE = "Automated assistant. Emergency: call 911. Reply STOP to opt out."
MORE = "Reply MORE for the rest."


def frame(notice: str = "", choices: tuple[str, ...] = (), more: str = MORE) -> Frame:
    return Frame(notice, choices, "Reply 1: [title]", "Reply 1 to [last].", more)


def test_a_short_reply_is_sent_as_it_is() -> None:
    message = compose([Said("Hello.")], frame())
    assert (message.body, message.rest) == ("Hello.", "")


def test_typographic_signs_are_replaced_so_that_the_cheap_alphabet_holds() -> None:
    message = compose([Said("Don’t “pick” — wait 1–3 days…")], frame())
    assert message.body == 'Don\'t "pick" - wait 1-3 days...'
    assert is_gsm7(message.body)


def test_all_replies_of_a_turn_become_one_message_with_the_notice_first() -> None:
    message = compose([Said("One."), Said("Two.")], frame(NOTICE, ("A", "B")))
    assert message.body == f"{NOTICE}\nOne.\nTwo.\n1 A\n2 B\nReply 1 to 2."


def test_a_single_choice_is_one_line() -> None:
    assert compose([Said("Sorry.")], frame(choices=("Talk to a person",))).body == (
        "Sorry.\nReply 1: Talk to a person"
    )


def test_a_longer_web_form_is_offered_where_the_offer_costs_no_further_part() -> None:
    message = compose([Said("Short.", "A longer text.")], frame())
    assert message.body == f"Short.\n{MORE}"
    assert message.rest == "A longer text."


def test_the_offer_of_more_never_adds_a_part() -> None:
    message = compose([Said("x" * 150 + ".", "A longer text.")], frame())
    assert message.body == "x" * 150 + "."
    assert message.rest == "A longer text.", "MORE works though it was not offered"


def test_what_does_not_fit_is_left_out_in_whole_sentences_and_comes_first_with_more() -> None:
    answer = " ".join(f"Sentence number {n} of this answer." for n in range(1, 9))
    message = compose([Said(answer, "The whole body.")], frame(NOTICE))
    assert part_count(message.body) <= MAX_PARTS
    assert message.body.startswith(NOTICE)
    assert message.body.endswith(MORE)
    kept = message.body.removeprefix(f"{NOTICE}\n").removesuffix(f"\n{MORE}")
    left = message.rest.removesuffix("\n\nThe whole body.")
    assert f"{kept} {left}" == answer


def test_answers_are_shortened_before_notes_and_never_the_choices() -> None:
    note = "A person will answer you. They work by day."
    message = compose(
        [Said("First thing here. " * 16, "Body."), Said(note)], frame(NOTICE, ("Yes", "No"))
    )
    assert note in message.body
    assert "1 Yes\n2 No\nReply 1 to 2." in message.body
    assert part_count(message.body) <= MAX_PARTS


def test_two_answers_share_the_room() -> None:
    one, two = ("A is so. " * 30, "B is so. " * 30)
    message = compose([Said(one, "Body A."), Said(two, "Body B.")], frame())
    assert message.body.count("A is so.") > 8
    assert message.body.count("B is so.") > 8
    assert message.rest.endswith("Body A.\n\nBody B.")


def test_urgent_wording_is_never_cut_and_comes_first() -> None:
    wording = "CALL 911 NOW. " * 30
    message = compose([Said(wording.strip())], frame(NOTICE), urgent=True)
    assert message.body == f"{wording.strip()}\n{NOTICE}"
    assert message.rest == ""


def test_the_rest_comes_in_pieces_of_two_parts_until_it_ends() -> None:
    rest = " ".join(f"This is sentence {n} of a long text about aftercare." for n in range(30))
    pieces = []
    while rest:
        piece = next_piece(rest, MORE)
        pieces.append(piece.body)
        rest = piece.rest
    assert len(pieces) > 3
    assert all(part_count(piece) <= MAX_PARTS for piece in pieces)
    assert all(piece.endswith(MORE) for piece in pieces[:-1])
    assert not pieces[-1].endswith(MORE)
    said = " ".join(piece.removesuffix(f"\n{MORE}") for piece in pieces)
    assert [f"sentence {n} of" in said for n in range(30)] == [True] * 30


LINES = st.text(st.sampled_from("abc .!?\n’—é€😀áZ[}"), min_size=1, max_size=700).filter(
    lambda text: text.strip(" \n")
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(LINES, st.just("") | LINES), min_size=1, max_size=1), st.booleans())
def test_no_reply_ever_takes_more_than_two_parts(
    replies: list[tuple[str, str]], first: bool
) -> None:
    said = [Said(short, full) for short, full in replies]
    message = compose(said, frame(NOTICE if first and all(map(is_gsm7, replies[0])) else ""))
    assert part_count(message.body) <= MAX_PARTS
    rest, rounds = message.rest, 0
    while rest.strip():
        piece = next_piece(rest, MORE)
        assert part_count(piece.body) <= MAX_PARTS
        assert len(piece.rest) < len(rest), "each piece gets nearer to the end"
        rest, rounds = piece.rest, rounds + 1
        assert rounds < 100


@pytest.mark.parametrize("text", ["word " * 200, "x" * 1000])
def test_a_sentence_without_an_end_is_broken_between_words(text: str) -> None:
    message = compose([Said(text)], frame())
    assert part_count(message.body) <= MAX_PARTS
    assert message.rest
