"""`bot chat`: a conversation in the terminal, by the same path as on the web page."""

from __future__ import annotations

import secrets
import sys

from bot.conversations import transcript
from bot.conversations.intake import IntakeResult
from bot.errors import InvalidInbound
from bot.evaluate import private_product
from bot.messages import InboundMessage
from bot.settings import Settings


def chat(settings: Settings) -> int:
    """Talk until end of input. Nothing of it is kept."""
    print("Starting the assistant …", file=sys.stderr)
    with private_product(settings) as state:
        with state.database.transaction() as session:
            conversation = transcript.start_conversation(session, "evaluation", state.clock())
        print(f"\n{state.texts['notice']}\n\n{state.texts['greeting']}")
        print("(A number presses a button; Ctrl-D ends.)\n")
        buttons = [(b.id, b.title) for b in state.texts.quick_replies]
        _show_buttons(buttons)
        while True:
            try:
                words = input("you> ").strip()
            except (EOFError, KeyboardInterrupt):
                print()
                return 0
            if not words:
                continue
            pressed = buttons[int(words) - 1][0] if _is_choice(words, buttons) else None
            try:
                result = state.intake.handle(
                    InboundMessage(
                        channel="evaluation",
                        conversation_id=conversation.id,
                        client_message_id=secrets.token_hex(8),
                        received_at=state.clock(),
                        text=None if pressed else words,
                        button_id=pressed,
                    )
                )
            except InvalidInbound as error:
                print(error.detail)
                continue
            buttons = _show(result)


def _is_choice(words: str, buttons: list[tuple[str, str]]) -> bool:
    return words.isascii() and words.isdigit() and 1 <= int(words) <= len(buttons)


def _show(result: IntakeResult) -> list[tuple[str, str]]:
    buttons = []
    for reply in result.replies:
        print(f"\n{reply.text}")
        buttons += [(b["id"], b["title"]) for b in reply.buttons or ()]
    print(f"\n[{result.outcome.value}]")
    _show_buttons(buttons)
    return buttons


def _show_buttons(buttons: list[tuple[str, str]]) -> None:
    for number, (_, title) in enumerate(buttons, 1):
        print(f"  {number}  {title}")
