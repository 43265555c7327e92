"""The conversation of an agent within the context window: old answers are cut, then whole old turns leave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import ModelRejected
from engine.models.base import LEAST_WINDOW

CHARS_PER_TOKEN = 2.8  # of markup and code, by the least favorable of common tokenizers
ANSWER_TOKENS = 8192
_HISTORY_CHARS = 150_000  # without a known window: more would cost five times as much in each call
_KEPT_MESSAGES = 8
_SHORT_ANSWER = 400  # characters; shorter answers stay
_ANSWER_SHARE = 4  # a reply gets this part of the window
_LEAST_ANSWER = 1024  # tokens
_SMALL = 16_384  # tokens: a window in which the usual prompt takes a sixth or more
_LEFT = "\n(the rest has left the history; look again)"


@dataclass
class Window:
    """The room that a model has for a prompt and its reply.

    Args:
        tokens: The context window; None where it is not known, and large.
    """

    tokens: int | None = None

    @property
    def small(self) -> bool:
        """True where the prompt should be the brief one."""
        return self.tokens is not None and self.tokens <= _SMALL

    @property
    def answer_tokens(self) -> int:
        """Most tokens of a reply."""
        if self.tokens is None:
            return ANSWER_TOKENS
        return max(_LEAST_ANSWER, min(ANSWER_TOKENS, self.tokens // _ANSWER_SHARE))

    @property
    def prompt_chars(self) -> int | None:
        """Most characters of system prompt, tools and messages; None for no such bound."""
        return None if self.tokens is None else int((self.tokens - self.answer_tokens) * CHARS_PER_TOKEN)

    def shown(self, usual: int, share: int = 10) -> int:
        """Return how many characters a tool's answer may show: as usual, or that part of the prompt."""
        room = self.prompt_chars
        return usual if room is None else min(usual, max(room // share, _SHORT_ANSWER))


@dataclass
class History:
    """The messages of one piece of work; the first states it and always stays.

    Args:
        window: The model's window.
        fixed_chars: The characters of the system prompt and the tools.
    """

    window: Window
    fixed_chars: int
    messages: list[dict[str, Any]] = field(default_factory=list)

    def add(self, role: str, *blocks: Mapping[str, Any]) -> None:
        """Append a message."""
        self.messages.append({"role": role, "content": [dict(block) for block in blocks]})

    @property
    def chars(self) -> int:
        """The characters of the whole prompt."""
        return self.fixed_chars + sum(_size(message) for message in self.messages)

    def shorten(self, code: str = "") -> None:
        """Bring the prompt within its bound; old answers are cut in one large step, since each change costs the cache.

        Args:
            code: The automation as last written, which is shown again where the turn that held it leaves.
        """
        room = self.window.prompt_chars
        if room is None:
            if sum(_size(message) for message in self.messages) >= _HISTORY_CHARS:
                self._cut_answers(_KEPT_MESSAGES)
            return
        if self.chars <= room:
            return
        self._cut_answers(2)
        target = int(room * 0.8)  # or the next turn would be compacted again
        left = False
        while self.chars > target and len(self.messages) > 3:
            del self.messages[1:3]  # a reply and the answers to its calls
            left = True
        if left:
            self._note_what_left(code)
        if self.chars > room:
            self._cut_longest(int(self.chars - room * 0.9))

    def _cut_answers(self, kept: int) -> None:
        for message in self.messages[1:-kept]:
            for block in message["content"]:
                if block.get("type") == "tool_result" and len(block["content"]) > _SHORT_ANSWER:
                    block["content"] = block["content"][:_SHORT_ANSWER] + _LEFT

    def _note_what_left(self, code: str) -> None:
        """State in the first message that turns have left, with the code, which may have been in one of them."""
        first = self.messages[0]["content"]
        first[:] = [block for block in first if not block.get("text", "").startswith(_NOTE)]
        shown = any(code and code in str(block.get("input", "")) for m in self.messages for block in m["content"])
        wrote = f" The automation as last written:\n```python\n{code.rstrip()}\n```" if code and not shown else ""
        first.append({"type": "text", "text": f"{_NOTE}{wrote}"})

    def _cut_longest(self, surplus: int) -> None:
        """Cut the longest text that is left: a look, or a printed value."""
        texts = [
            (block, key)
            for message in self.messages
            for block in message["content"]
            for key in ("text", "content")
            if isinstance(block.get(key), str)
        ]
        block, key = max(texts, key=lambda found: len(found[0][found[1]]))
        keep = max(len(block[key]) - surplus - len(_LEFT), _SHORT_ANSWER)
        if keep < len(block[key]):
            block[key] = block[key][:keep] + _LEFT


def too_small(tokens: int, model: str) -> ModelRejected:
    """Return the error for a window in which no page has room beside the prompt."""
    return ModelRejected(
        f"{model} has a context window of {tokens} tokens; the prompt, a page and an automation need {LEAST_WINDOW} at"
        " least, and 16384 to work well: raise it (Ollama: num_ctx, llama.cpp: -c, LM Studio and vLLM: context length)",
        reason="context-window",
        window=tokens,
    )


_NOTE = "(Earlier turns have left the history.)"


def _size(message: Mapping[str, Any]) -> int:
    return len(json.dumps(message["content"], ensure_ascii=False, default=str))
