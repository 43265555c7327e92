"""Characters that pages must not bring into names and onto a terminal: controls, and those that no reader sees."""

from __future__ import annotations

import json
import re

# A terminal must not take a text for escape sequences, nor a person for other text than it is: characters that turn the
# direction, end a line, or are not seen. The two joiners (200c, 200d) stay, without which Persian, Hindi and emoji are
# misspelled.
_UNSEEN = (
    r"\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# A variation selector chooses the form of an emoji or an ideograph; after a letter it only hides something.
_SELECTORS = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SELECTOR = rf"(?<![^\x00-\x22\x24-\x29\x2b-\x2f\x3a-\u00a8{_SELECTORS}])[{_SELECTORS}]"
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f{_UNSEEN}]|{_SELECTOR}")
_UNSAFE_IN_JSON = re.compile(rf"[{_UNSEEN}]|{_SELECTOR}")


def visible(text: str) -> str:
    r"""Remove control characters, except line ends and tabs, and characters that no reader sees.

    >>> visible("red \x1b[31malert, invoice_\u202efdp.exe")
    'red [31malert, invoice_fdp.exe'
    """
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def escaped_in_json(text: str) -> str:
    r"""Escape, in JSON, what `visible` would remove.

    >>> escaped_in_json('"a\u202eb"')
    '"a\\u202eb"'
    """
    return _UNSAFE_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1].replace("\x7f", "\\u007f"), text)
