"""The conversation within a context window."""

from typing import Any

from engine.agent.history import History, Window

CODE = "async def run(page, parameters, task):\n    return await page.title()\n"


def history(tokens: int | None, *answers: str) -> History:
    made = History(Window(tokens), fixed_chars=6_000)
    made.add("user", {"type": "text", "text": "Task: List the towns"})
    for number, answer in enumerate(answers):
        use = {"type": "tool_use", "id": f"t{number}", "name": "write", "input": {"code": CODE}}
        made.add("assistant", use if number == 0 else use | {"name": "look", "input": {}})
        made.add("user", {"type": "tool_result", "tool_use_id": f"t{number}", "content": answer, "is_error": False})
    return made


def texts(made: History) -> str:
    return str(made.messages)


def is_a_conversation(made: History) -> bool:
    """Return True where roles take turns, and each answer has its call before it."""
    roles = [message["role"] for message in made.messages]
    called: set[Any] = set()
    for message in made.messages:
        for block in message["content"]:
            called |= {block["id"]} if block["type"] == "tool_use" else set()
            if block["type"] == "tool_result" and block["tool_use_id"] not in called:
                return False
    return roles == [("user", "assistant")[n % 2] for n in range(len(roles))]


def test_without_a_window_only_old_answers_are_cut() -> None:
    made = history(None, *["x" * 20_000] * 9)
    made.shorten(CODE)
    assert len(made.messages) == 19
    assert made.chars < 150_000


def test_what_fits_stays() -> None:
    made = history(16_000, "short", "short")
    before = texts(made)
    made.shorten(CODE)
    assert texts(made) == before


def test_whole_old_turns_leave_a_small_window_and_the_code_stays() -> None:
    made = history(8_000, *["x" * 3_000] * 9)
    made.shorten(CODE)
    assert made.chars <= (made.window.prompt_chars or 0)
    assert is_a_conversation(made)
    assert "Task: List the towns" in str(made.messages[0])
    assert CODE.rstrip() in made.messages[0]["content"][-1]["text"]
    assert len(made.messages) > 3


def test_turns_leave_again_and_the_note_stands_once() -> None:
    made = history(8_000, *["x" * 3_000] * 9)
    made.shorten(CODE)
    made.add("assistant", {"type": "tool_use", "id": "u", "name": "look", "input": {}})
    made.add("user", {"type": "tool_result", "tool_use_id": "u", "content": "y" * 12_000, "is_error": False})
    made.shorten(CODE)
    assert texts(made).count("Earlier turns have left") == 1
    assert is_a_conversation(made)


def test_one_answer_that_is_too_long_alone_is_cut() -> None:
    made = history(8_000, "x" * 100_000)
    made.shorten(CODE)
    assert made.chars <= (made.window.prompt_chars or 0)
    assert "look again" in texts(made)


def test_a_small_window_shows_and_asks_for_less() -> None:
    small, large = Window(8_000), Window(None)
    assert (large.answer_tokens, large.shown(4_000)) == (8192, 4_000)
    assert (small.answer_tokens, small.shown(4_000)) == (2_000, 1_680)
