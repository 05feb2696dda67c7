"""The exception tree. Handlers read fields, never message strings."""

from __future__ import annotations

from datetime import date
from pathlib import Path


class BotError(Exception):
    """Root of every error that this project raises on purpose."""


class InvalidInbound(BotError):
    """The caller's request is at fault: answered with a 4xx, never retried.

    Attributes:
        detail: What is wrong, in words fit for the caller; no patient text.
        field: The request field at fault, where there is one.
    """

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class BadSignature(InvalidInbound):
    """A webhook is unsigned, or its signature does not fit its content.

    Attributes:
        provider: Whose signature was expected, such as ``twilio``.
    """

    def __init__(self, provider: str, detail: str = "the signature does not match") -> None:
        super().__init__(detail)
        self.provider = provider


class ContentError(BotError):
    """Content of the clinic (an answer, the clinic file) cannot be used as it stands.

    Attributes:
        detail: What is wrong, in words fit for the person who edits the content.
        answer_id: The answer concerned, where there is one.
        path: The file concerned, where there is one.
    """

    def __init__(
        self, detail: str, *, answer_id: str | None = None, path: Path | None = None
    ) -> None:
        where = ": ".join(part for part in (path.name if path else None, answer_id) if part)
        super().__init__(f"{where}: {detail}" if where else detail)
        self.detail = detail
        self.answer_id = answer_id
        self.path = path


class AnswerNotFound(ContentError):
    """No published answer has this id."""

    def __init__(self, answer_id: str) -> None:
        super().__init__("no published answer has this id", answer_id=answer_id)


class AnswerExpired(ContentError):
    """The answer is past its review date, so it may not be sent.

    Attributes:
        review_due: The last day on which the answer could be sent.
    """

    def __init__(self, answer_id: str, review_due: date) -> None:
        super().__init__(f"review was due on {review_due.isoformat()}", answer_id=answer_id)
        self.review_due = review_due


class RuleFileError(BotError):
    """A triage file is invalid; start-up stops, because a dropped rule is a silent one.

    Attributes:
        path: The file.
        detail: What is wrong.
        rule_id: The rule concerned, where there is one.
    """

    def __init__(self, path: Path, detail: str, *, rule_id: str | None = None) -> None:
        where = f"{path.name}: {rule_id}" if rule_id else path.name
        super().__init__(f"{where}: {detail}")
        self.path = path
        self.detail = detail
        self.rule_id = rule_id


class SettingsError(BotError):
    """A setting is missing, malformed or still a placeholder.

    Attributes:
        setting: The name of the environment variable.
        detail: What is wrong; never the value, which may be a secret.
    """

    def __init__(self, setting: str, detail: str) -> None:
        super().__init__(f"{setting}: {detail}")
        self.setting = setting
        self.detail = detail


class DialogueUnavailable(BotError):
    """The dialogue server did not give a usable answer in time.

    Attributes:
        detail: What happened; no patient text.
        status_code: The HTTP status, or None when there was no response.
    """

    def __init__(self, detail: str, *, status_code: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status_code = status_code


class SmsSendError(BotError):
    """The SMS provider did not take a message.

    Attributes:
        provider: Name of the provider.
        status_code: The provider's own error code, or the HTTP status; None
            when there was no response.
        retryable: Whether sending the same message again later can succeed.
        unknown: Whether the provider may have taken the message all the same.
        opted_out: Whether it refused because the number has opted out.
        retry_after_s: How long the provider asked us to wait, where it did.
        detail: What happened; no patient text and no phone number.
    """

    def __init__(
        self,
        provider: str,
        detail: str,
        *,
        status_code: int | None,
        retryable: bool,
        unknown: bool = False,
        opted_out: bool = False,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{provider}: {detail}")
        self.provider = provider
        self.detail = detail
        self.status_code = status_code
        self.retryable = retryable
        self.unknown = unknown
        self.opted_out = opted_out
        self.retry_after_s = retry_after_s


class NotifyError(BotError):
    """A staff notification could not be delivered.

    Attributes:
        channel: ``email`` or ``webhook``.
        detail: What happened; no patient text.
        retryable: Whether trying again later can succeed.
    """

    def __init__(self, channel: str, detail: str, *, retryable: bool) -> None:
        super().__init__(f"{channel}: {detail}")
        self.channel = channel
        self.detail = detail
        self.retryable = retryable


class EscalationNotFound(BotError):
    """No escalation has this number.

    Attributes:
        escalation_id: The number asked for.
    """

    def __init__(self, escalation_id: int) -> None:
        super().__init__(f"there is no escalation {escalation_id}")
        self.escalation_id = escalation_id


class IllegalTransition(BotError):
    """What staff asked for does not fit the escalation's state.

    Attributes:
        escalation_id: The escalation.
        action: What was asked for, such as ``resolve``.
        status: The state it is in.
        detail: Why not, in words fit for staff.
    """

    def __init__(self, escalation_id: int, action: str, status: str, detail: str = "") -> None:
        why = detail or f"it is {status.replace('_', ' ')}"
        super().__init__(f"escalation {escalation_id} cannot be changed ({action}): {why}")
        self.escalation_id = escalation_id
        self.action = action
        self.status = status
        self.detail = why


class StaleEscalation(BotError):
    """Somebody changed the escalation since it was read; nothing was overwritten.

    Attributes:
        escalation_id: The escalation.
        status: The state it is in now.
        held_by: Who has it now: the assigned, else who acknowledged it; None if nobody.
    """

    def __init__(self, escalation_id: int, status: str, held_by: str | None) -> None:
        who = f" and is with {held_by}" if held_by else ""
        super().__init__(
            f"escalation {escalation_id} has changed meanwhile: "
            f"it is {status.replace('_', ' ')}{who}; look again first"
        )
        self.escalation_id = escalation_id
        self.status = status
        self.held_by = held_by


class ConversationNotFound(BotError):
    """There is no such conversation, or its patient erased it.

    Attributes:
        conversation_id: The id asked for.
    """

    def __init__(self, conversation_id: str) -> None:
        super().__init__(f"there is no conversation {conversation_id} to work on")
        self.conversation_id = conversation_id


class HeldByAnother(BotError):
    """Another member of staff has this conversation.

    Attributes:
        conversation_id: The conversation.
        held_by: Who has it.
    """

    def __init__(self, conversation_id: str, held_by: str) -> None:
        super().__init__(f"{held_by} has this conversation")
        self.conversation_id = conversation_id
        self.held_by = held_by


class NotTakenOver(BotError):
    """The assistant owns the conversation: it has to be taken over first.

    Attributes:
        conversation_id: The conversation.
    """

    def __init__(self, conversation_id: str) -> None:
        super().__init__("the assistant has this conversation; take it over first")
        self.conversation_id = conversation_id


class PrivateDataUnreadable(BotError):
    """No key in `DATA_KEYS` fits a stored value: a key was removed before `rotate-keys` ran."""

    def __init__(self) -> None:
        super().__init__("no key in DATA_KEYS fits a stored value; put the former key back")
