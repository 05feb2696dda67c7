"""Which words speak of what might be, of what was long ago, and of other people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from bot.triage.clauses import Clauses, Spots
from bot.triage.text import QUESTION_MARK, Gap, Word

# "if i have a fever", "if one day i have": the "i have" belongs to the condition.
_ABSORBED: Final = 2
# "are fever or chills a side effect"
_SIDE_REACH: Final = 3

_QUOTES: Final = frozenset('"\u201c\u201d\u00ab\u00bb')
# Single marks only where a word is set off by them; most are apostrophes.
_SINGLE_QUOTES: Final = frozenset("'\u2018\u2019")
_LONGEST_LAST_QUOTE: Final = 12
_LONGEST_EXPRESSION: Final = 2

_I: Final = frozenset({"i", "im", "ive", "yo"})
_PERSONS: Final = _I | {"he", "hes", "she", "shes", "her", "his", "ella", "me", "my", "we"}
_ME: Final = _I | {"me", "my", "mine", "myself", "we", "us", "mi", "mis"}
_OTHERS: Final = frozenset({"him", "her", "them"})
_ME_OR_HIM: Final = _ME | {"him", "them"}
_VETS: Final = frozenset({"vet", "vets", "veterinario", "veterinaria"})

# "Ha. That was in spring": as many sentences before it may be meant.
_TOLD_BACK: Final = 3

_RESET, _HYPOTHETICAL, _LIVE = 0, 1, 2


def hypothetical(words: Sequence[Word], clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it belongs to a general or what-if question.

    Of the cues before a word in its sentence the last one decides: "can it
    cause a fever" is general, "can it cause this, i have a fever" is not.
    """
    events = _events(spots)
    conditions = _not_cancelled(spots, "conditions")
    absorbed = {
        i
        for start, end in conditions
        for i in range(start, min(_pause(words, end), end + _ABSORBED) + 1)
    }
    result = [False] * len(words)
    carried = False
    continues = {start for start, _ in spots["question_continues"]}
    openings = {start for start, _ in spots["general_openings"]}
    questions = {start for start, _ in spots["question_words"]}
    negative = _words(spots, "negative_words")
    marks = _words(spots, "general_marks")
    persons = _words(spots, "persons")
    spared = _words(spots, "not_hypothetical")
    for sentence in clauses.each_sentence():
        asked = words[sentence[-1]].forms[0] == QUESTION_MARK
        state = carried and asked and sentence.start in continues
        lived = False
        for i in sentence:
            kind = events.get(i, (None, 0))[0]
            if kind == _LIVE and i in absorbed:
                kind = None
            if kind is not None:
                state = kind == _HYPOTHETICAL
                lived = lived or kind == _LIVE
            result[i] = state
        # "do you treat a swollen face": asked of nobody, so nobody has it.
        # "Fevers from this, is that a thing", "do folks get fevers": asked without the mark.
        inverted = sentence.start in questions and negative.isdisjoint(sentence)
        general = not lived and (
            inverted or (asked and sentence.start in openings) or not marks.isdisjoint(sentence)
        )
        if general and persons.isdisjoint(sentence) and spared.isdisjoint(sentence):
            result[sentence.start : sentence.stop] = [True] * len(sentence)
        if not lived:
            for start, end in spots["hypothetical_after"]:
                if start in sentence:
                    back = start
                    while back > max(sentence.start, start - _SIDE_REACH) and (
                        words[back].gap is Gap.NONE
                    ):
                        back -= 1
                    result[back:end] = [True] * (end - back)
        carried = result[sentence[-1]]
    return tuple(result)


def _pause(words: Sequence[Word], i: int) -> int:
    """Return the last word from ``i`` on before the next pause."""
    while i + 1 < len(words) and words[i + 1].gap is Gap.NONE:
        i += 1
    return i


def _not_cancelled(spots: Spots, name: str) -> list[tuple[int, int]]:
    cancelled = {i for spot in spots["not_hypothetical"] for i in range(*spot)}
    return [spot for spot in spots[name] if cancelled.isdisjoint(range(*spot))]


def _events(spots: Spots) -> dict[int, tuple[int, int]]:
    """Return where the reading changes: first word to (kind, length). The longer cue wins."""
    events: dict[int, tuple[int, int]] = {}
    # "My only worry is a fever" looks like "my chin is", and reports nothing.
    unreal = _words(spots, "not_live")
    live = [spot for spot in spots["live"] if spot[0] not in unreal]
    # "why does it hurt" holds "does it", and is no general question for that.
    inside = {i for start, end in live for i in range(start + 1, end)}
    general = [spot for spot in _not_cancelled(spots, "hypothetical") if spot[0] not in inside]
    cues = [
        *((spot, _RESET) for spot in spots["resets"]),
        *((spot, _HYPOTHETICAL) for spot in general),
        *((spot, _HYPOTHETICAL) for spot in _not_cancelled(spots, "conditions")),
        *((spot, _LIVE) for spot in live),
    ]
    for (start, end), kind in cues:
        known = events.get(start)
        # In a tie the later kind in this order stands: live, the safer one.
        if known is None or end - start >= known[1]:
            events[start] = (kind, end - start)
    return events


def past(words: Sequence[Word], clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it is part of an old history.

    What stands between two commas with a date long gone is history unless it
    also says "now", and so is the rest of its sentence, as far as nothing in
    it is present. A date that could be that of the treatment ("in May") makes
    history only where the sentence names no treatment and nothing is present.
    """
    history = _words(spots, "history")
    dates = _words(spots, "dates")
    treatment = _words(spots, "after_visit") | _words(spots, "at_the_clinic")
    present = _words(spots, "present")
    strong = _words(spots, "present_strong")
    result = [False] * len(clauses.sentences)
    later = {sentence.start for sentence in _told_later(clauses, spots)}
    for sentence in clauses.each_sentence():
        dated_loosely = treatment.isdisjoint(sentence) and (
            not dates.isdisjoint(sentence) or sentence.start in later
        )
        if history.isdisjoint(sentence) and not dated_loosely:
            continue
        renewed = False
        for clause in clauses.each_clause(sentence):
            for piece in _between_commas(words, clause):
                dated = not history.isdisjoint(piece)
                current = strong if dated else strong | present
                # "always dizzy, but now with the cream on, and my ears ring": what comes
                # after the "now" is of now.
                renewed = renewed or not strong.isdisjoint(piece)
                if current.isdisjoint(piece) and (dated or not renewed):
                    result[piece.start : piece.stop] = [True] * len(piece)
    return tuple(result)


def _told_later(clauses: Clauses, spots: Spots) -> Iterator[range]:
    """Yield the sentences that a later one dates: "I fainted once. That was in college"."""
    told = {start for start, _ in spots["told_when"]}
    if not told or spots["revived"]:
        return
    before: list[range] = []
    for sentence in clauses.each_sentence():
        if not told.isdisjoint(sentence):
            yield from before[-_TOLD_BACK:]
            before = []
        before.append(sentence)


def settled(
    words: Sequence[Word], clauses: Clauses, spots: Spots, signs: Collection[int]
) -> tuple[bool, ...]:
    """Tell for each word whether it is of a sign that is said to be over.

    "The bumps went away by themselves", "puffy for two days, gone by Monday". Nothing is over
    that came back, that is hoped for, that is of today or yesterday, or that needed a medicine.
    """
    result = [False] * len(words)
    cues = spots["settled"]
    inside = _words(spots, "settled")
    if not cues or not inside.issuperset(_words(spots, "revived")):
        return tuple(result)
    doubtful = (_words(spots, "unsettled") | _words(spots, "resets")) - inside
    present = (_words(spots, "present") | _words(spots, "present_strong")) - inside
    ands = _words(spots, "and_words")
    subjects = _words(spots, "settled_subjects")
    cut = {i for i, word in enumerate(words) if word.gap is not Gap.NONE} | ands
    for start, _ in cues:
        sentence = clauses.in_sentence(start)
        if not doubtful.isdisjoint(sentence):
            continue
        begin = _start_of_piece(start, sentence.start, cut)
        own = range(begin, start)
        if not present.isdisjoint(own):
            continue
        if any(i in signs for i in own):
            if _groups(own, signs) == 1:
                result[begin:start] = [True] * len(own)
            continue
        if not all(i in subjects or i in ands for i in own):
            continue
        # "It was puffy for two days, gone by Monday": what stands just before is meant.
        first = sentence.start
        if begin == first and first:
            first = clauses.in_sentence(first - 1).start
        while begin > first:
            piece = range(_start_of_piece(begin - 1, first, cut), begin)
            if not present.isdisjoint(piece) or not doubtful.isdisjoint(piece):
                break
            result[piece.start : begin] = [True] * len(piece)
            begin = piece.start
    return tuple(result)


def _start_of_piece(i: int, first: int, cut: Collection[int]) -> int:
    while i > first and i not in cut:
        i -= 1
    return i


def _groups(piece: range, signs: Collection[int]) -> int:
    """Return how many signs a piece names; words of one sign stand side by side."""
    return sum(i in signs and i - 1 not in signs for i in piece)


def _between_commas(words: Sequence[Word], clause: range) -> Iterator[range]:
    start = clause.start
    for i in range(clause.start + 1, clause.stop + 1):
        if i == clause.stop or words[i].gap is Gap.COMMA:
            yield range(start, i)
            start = i


def story(words: Sequence[Word], clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it is about people the patient does not ask for, or quoted."""
    starts = {start for start, _ in spots["stories"]}
    around = {start for start, _ in spots["stories_around"]}
    distant = {start for start, _ in spots["distant_people"]}
    own = {start for start, _ in spots["own"]}
    present = _words(spots, "present")
    # "my coworker fainted" is a story; "my coworker is on your floor" asks for help.
    now = present | _words(spots, "at_the_clinic")
    continues = {start for start, _ in spots["story_continues"]}
    result = [False] * len(clauses.sentences)
    told = seen = False
    for sentence in clauses.each_sentence():
        goes_on = sentence.start in continues
        past_only = now.isdisjoint(sentence)
        if not own.isdisjoint(sentence):
            told = told and goes_on
            seen = False
        else:
            told = (told and goes_on) or not around.isdisjoint(sentence)
            seen = past_only and ((seen and goes_on) or not distant.isdisjoint(sentence))
        state = told or seen
        for i in sentence:
            if i in own:
                state = told = False
            if i in starts:
                state = told = True
            result[i] = state
    # "Your sheet says to call for pus. I have that": no aside then.
    if not spots["confirms"]:
        for i in _in_clause(clauses, spots, "asides", own):
            result[i] = True
    # "My son has a fever, cancel me": no patient, as long as nothing is of this clinic.
    live = any(spots[name] for name in ("at_the_clinic", "handed_out", "happening"))
    if spots["calling_off"] and not live:
        for start, _ in spots["relatives"]:
            for i in range(start, clauses.in_sentence(start).stop):
                if i in own or words[i].forms[0] in _I:
                    break
                result[i] = True
    if spots["documents"] and not spots["confirms"]:
        for quote in _quoted(words):
            rest = set(clauses.in_sentence(quote.start)) - set(quote)
            # One or two words may be an apt expression: 'my chin is "oozing"'.
            apt = len(quote) <= _LONGEST_EXPRESSION and not present.isdisjoint(rest)
            if own.isdisjoint(rest) and not apt:
                result[quote.start : quote.stop] = [True] * len(quote)
    return tuple(result)


def _quoted(words: Sequence[Word]) -> Iterator[range]:
    """Yield the words between quotation marks, or after a dictated "quote" up to "unquote"."""
    yield from _between(words, _QUOTES, dictated=True)
    for quote in _between(words, _SINGLE_QUOTES, dictated=False):
        if not any(words[i].forms[0] in _I for i in quote):
            yield quote


def _between(words: Sequence[Word], signs: Collection[str], *, dictated: bool) -> Iterator[range]:
    start: int | None = None
    for i, word in enumerate(words):
        marks = sum(mark in signs for mark in word.lead)
        spoken = dictated and word.forms[0] in ("quote", "unquote")
        if start is not None and (marks or spoken):
            yield range(start, i)
            start = i if marks == 2 else None
        elif spoken and word.forms[0] == "quote":
            start = i
        elif marks == 1 and not (i and len(word.lead) == 1 and words[i - 1].forms[0].isdigit()):
            # Alone after a number it stands for inches.
            start = i
    # The mark that closes a message stands before no word.
    if start is not None and dictated and len(words) - start <= _LONGEST_LAST_QUOTE:
        yield range(start, len(words))


def things(words: Sequence[Word], clauses: Clauses, spots: Spots) -> tuple[bool, ...]:
    """Tell for each word whether it is said of an animal or a thing.

    A thing is spoken of to the end of its clause, a pet to the end of the sentence ("and his
    eye is weepy"); both end where a person is named, and a pet that bit counts as no pet.
    """
    own = {start for start, _ in spots["own"]}
    people = {start for start, _ in spots["relatives"]}
    hurt = _words(spots, "animal_contact")
    vet = any(word.forms[0] in _VETS for word in words)
    result = [False] * len(words)

    def tell(start: int, end: int, stop: int) -> None:
        for i in range(start, stop):
            if i >= end and (i in own or words[i].forms[0] in _ME_OR_HIM):
                break
            result[i] = True

    for start, end in spots["things"]:
        tell(start, end, clauses.in_clause(start).stop)
    for start, end in spots["animals"]:
        sentence = clauses.in_sentence(start)
        # "Came home with the dog, she passed out" is not of the dog, as far as one can tell.
        subject = start == sentence.start or words[start].gap is Gap.COMMA or vet
        after = {words[i].forms[0] for i in range(end, sentence.stop)}
        alone = people.isdisjoint(range(end, sentence.stop)) and after.isdisjoint(_OTHERS)
        before = {words[i].forms[0] for i in range(sentence.start, start)}
        if subject and alone and before.isdisjoint(_PERSONS) and hurt.isdisjoint(sentence):
            tell(start, end, sentence.stop)
    return tuple(result)


def _in_clause(clauses: Clauses, spots: Spots, name: str, own: Collection[int]) -> Iterator[int]:
    """Yield the words from each cue to the end of its clause, or to the patient's own report."""
    for start, end in spots[name]:
        for i in range(start, clauses.in_clause(start).stop):
            if i >= end and i in own:
                break
            yield i


def _words(spots: Spots, name: str) -> set[int]:
    return {i for spot in spots[name] for i in range(*spot)}
