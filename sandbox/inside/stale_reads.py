"""Reads that came too early: what was read before a click is read again after it, and nothing of it has changed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.read_evidence import MOST_STALE

_CHANGES = frozenset({
    "click", "dblclick", "tap", "check", "uncheck", "set_checked", "select_option", "press", "dispatch_event",
})  # fmt: skip
_VALUES = frozenset({
    "inner_text", "text_content", "inner_html", "all_inner_texts", "all_text_contents", "evaluate", "evaluate_all",
    "eval_on_selector_all",
})  # fmt: skip
_MOST_READS = 2_000
_ENDS = 2_000  # elements, or characters
_FEW = 3  # texts that were read one by one


class StaleReads:
    """The reads of one run, from one act that may change what a page shows to the next."""

    def __init__(self) -> None:
        self._before: dict[Any, dict[str, tuple[bytes, int]]] = {}
        self._now: dict[Any, dict[str, tuple[bytes, int]]] = {}
        self._acts: dict[Any, str] = {}
        self._found: dict[tuple[str, str, int], None] = {}

    def note_read(self, page: Any, name: str, owner: Any, given: list[str], value: Any) -> None:
        """Note what was read of a list, or of one of its elements."""
        if name not in _VALUES or not value:
            return
        selector = getattr(getattr(owner, "_impl_obj", None), "_selector", "")
        listed = len(value) if isinstance(value, list) else int(isinstance(value, str) and "nth=" in selector)
        now = self._now.setdefault(page, {})
        if listed and isinstance(value, (list, str)) and len(now) < _MOST_READS:
            ends = [value[:_ENDS], value[-_ENDS:]]  # of very many texts, these tell
            try:
                text = json.dumps(ends, ensure_ascii=False, default=str)
            except (TypeError, ValueError, RecursionError):
                return
            what = " ".join((selector, *given))[:300] or name
            now[what] = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), listed

    def note_act(self, page: Any, name: str, owner: Any) -> None:
        """Note an act: another document begins anew, a click may change what is shown."""
        if name in ("goto", "reload", "set_content", "close", "go_back", "go_forward"):
            self._end(page)
            self._before.pop(page, None)
            self._now.pop(page, None)
        elif name in _CHANGES:
            self._end(page)
            if now := self._now.pop(page, None):
                self._before[page] = now
            selector = getattr(getattr(owner, "_impl_obj", None), "_selector", "")
            self._acts[page] = f"{name} {selector}".strip()[:300]

    def _end(self, page: Any) -> None:
        before, now = self._before.get(page, {}), self._now.get(page, {})
        both = before.keys() & now.keys()
        same = [what for what in now if what in both and now[what] == before[what]]
        texts = sum(now[what][1] for what in same)
        whole = any(now[what][1] > 1 for what in same)
        if same and len(same) == len(both) and (whole or texts >= _FEW) and len(self._found) < MOST_STALE:
            self._found[same[0], self._acts.get(page, ""), texts] = None

    def found(self) -> list[list[Any]]:
        """Return what was read twice, the act between, and the number of texts that were the same."""
        for page in list(self._now):
            self._end(page)
        return [list(each) for each in self._found]
