"""How a match is meant: live, negated, hypothetical, past, about others, or a figure of speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bot.triage import meaning, negation
from bot.triage.clauses import Clauses
from bot.triage.cues import Cues, Spot
from bot.triage.patterns import Found, HeadIndex, Match, Sequences
from bot.triage.phrasebook import Hits
from bot.triage.text import Gap, Word


class Status(str, Enum):
    """How a match is meant. Only what is live calls for help now."""

    LIVE = "live"
    NEGATED = "negated"
    HYPOTHETICAL = "hypothetical"
    PAST = "past"
    SETTLED = "settled"
    """Of late, and over by now: no urgent sign, but an emergency even so."""
    STORY = "story"
    THING = "thing"
    """Of an animal or a thing: no red flag, unless it ate the numbing cream."""
    IDIOM = "idiom"


@dataclass(frozen=True, slots=True)
class Idiom:
    """A figure of speech, and what it hides.

    Attributes:
        line: The pattern.
        hides: Word lists that do not count inside it; empty means all.
    """

    line: Sequences
    hides: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scopes:
    """How each word of one message is meant.

    Attributes:
        sentences: Number of the sentence of each word; line breaks count.
        negators: Word ranges of the negators whose scope each word is in.
        negative: Words that are negative themselves (``cant``, ``wont``).
        hypothetical: Whether each word is in a general or what-if question.
        past: Whether each word tells of an old event.
        settled: Whether each word tells of a sign that is over.
        story: Whether each word tells of people the patient does not ask for.
        thing: Whether each word tells of an animal or a thing.
        confirms: First words of "that is what I have", or of "right now".
        before_visit: The message speaks of a treatment yet to come, and of no other.
    """

    sentences: tuple[int, ...]
    negators: tuple[tuple[Spot, ...], ...]
    negative: frozenset[int]
    hypothetical: tuple[bool, ...]
    past: tuple[bool, ...]
    settled: tuple[bool, ...]
    story: tuple[bool, ...]
    thing: tuple[bool, ...]
    confirms: tuple[int, ...]
    before_visit: bool

    def status(self, match: Match, *, confirmed: bool = False) -> Status:
        """Tell how ``match`` is meant.

        Args:
            match: A match in the message these scopes belong to.
            confirmed: A later turn said that this is what the patient has.
        """
        used = {i for start, end in match.steps for i in range(start, end)}
        if not used & self.negative and any(
            used.isdisjoint(range(*negator)) for i in used for negator in self.negators[i]
        ):
            return Status.NEGATED
        first = match.start
        if self.story[first]:
            return Status.STORY
        supposed = (
            self.hypothetical[first] and not confirmed and all(c <= first for c in self.confirms)
        )
        if self.thing[first]:
            # "What if my dog eats the cream": neither of a patient nor of now.
            return Status.IDIOM if supposed else Status.THING
        if supposed:
            return Status.HYPOTHETICAL
        if self.past[first]:
            return Status.PAST
        return Status.SETTLED if self.settled[first] else Status.LIVE


class Context:
    """The compiled cues of ``context.yml``."""

    def __init__(self, cues: Cues, idioms: Sequence[Idiom], signs: frozenset[str]) -> None:
        self._cues = cues
        self._idioms = HeadIndex((idiom, (idiom.line,)) for idiom in idioms)
        self._signs = signs

    def _without_idioms(self, found: Found, pauses: Sequence[int]) -> Found:
        """Leave out the signs that are only figures of speech.

        None reaches over a pause: "shes confused", and on the next line "how much is it".

        Args:
            pauses: For each word, how many pauses came before it.
        """
        everything: set[int] = set()
        partly: list[tuple[set[int], frozenset[str]]] = []
        unbroken = replace(found, barriers=pauses)
        for idiom in self._idioms.candidates(found.hits):
            for match in idiom.line.matches(unbroken):
                if pauses[match.start] != pauses[match.end - 1]:
                    continue
                words = {i for start, end in match.steps for i in range(start, end)}
                if idiom.hides:
                    partly.append((words, idiom.hides))
                else:
                    everything |= words
        if not everything and not partly:
            return found
        shown: Hits = {}
        for concept, spots in found.hits.items():
            covered = set(everything) if not concept.startswith("@") else set()
            for words, hides in partly:
                if concept in hides:
                    covered |= words
            kept = [s for s in spots if covered.isdisjoint(range(*s))]
            if kept:
                shown[concept] = kept
        return replace(found, hits=shown)

    def found(self, words: Sequence[Word], hits: Hits) -> Found:
        """Prepare what was found in a message for matching, without figures of speech."""
        joins = {
            end
            for name in ("lead_ins", "and_words", "resets")
            for _, end in self._cues.plain(name, hits)
        }
        goes_on = {start for start, _ in self._cues.plain("continuations", hits)}
        errands = {start for start, _ in self._cues.plain("errands", hits)}
        small = {i for s in self._cues.plain("little_words", hits) for i in range(*s)}
        barriers: list[int] = []
        pauses: list[int] = []
        little: list[int] = []
        openings: set[int] = set()
        stops = paused = big = 0
        for i, word in enumerate(words):
            paused += word.gap in (Gap.SOFT, Gap.HARD) or i in errands
            pauses.append(paused)
            # A patient's "my throat. its closing" is one statement.
            if i in errands or (word.gap is Gap.HARD and ("?" in word.lead or i not in goes_on)):
                stops += 1
            barriers.append(stops)
            if not i or word.gap is not Gap.NONE or i in joins or i in errands:
                openings.add(i)
            little.append(big)
            big += i not in small
        little.append(big)
        found = Found(hits, barriers, little, frozenset(openings))
        return self._without_idioms(found, pauses)

    def scopes(self, words: Sequence[Word], found: Found) -> Scopes:
        """Work out how each word is meant."""
        spots = self._cues.spots(found)
        clauses = Clauses.of(words, spots)
        signs = {i for name in self._signs for s in found.hits.get(name, ()) for i in range(*s)}
        hypothetical = meaning.hypothetical(words, clauses, spots)
        return Scopes(
            sentences=clauses.sentences,
            negators=negation.scopes(words, clauses, spots, signs),
            negative=frozenset(i for s in spots["negative_words"] for i in range(*s)),
            hypothetical=hypothetical,
            past=meaning.past(words, clauses, spots),
            settled=meaning.settled(words, clauses, spots, signs),
            story=meaning.story(words, clauses, spots),
            thing=meaning.things(words, clauses, spots),
            confirms=(
                *(s for s, _ in spots["confirms"] if not hypothetical[s]),
                *(s for s, _ in spots["happening"]),
            ),
            before_visit=bool(spots["before_visit"]) and not spots["after_visit"],
        )
