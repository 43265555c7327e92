"""Agreements that an automation accepts on a site: terms, licenses, conditions, but no cookies."""

from __future__ import annotations

import re
from typing import Any

_ASSENT = (
    "accept|agree|consent|akzept|zustimm|einverstanden|acepto|aceptar|accetto|accetta|understand|have read|gelesen"
    "|^ok$|^yes$|^continue$|^proceed$|^ja$|^weiter$"
)
_MAY_ASSENT = re.compile(_ASSENT.replace("^", r"\b").replace("$", r"\b") + "|terms", re.IGNORECASE)
# A locator that says the words of what it finds; of another, only the page tells.
_SAYS_WORDS = re.compile(
    r"\bname=|get_by_(?:text|label|title|placeholder|alt_text)|has[_-]text|text=|internal:(?:label|attr)"
)

# The label of the first element by which an agreement is accepted; its dialog, form or label names the agreement.
AGREEMENT = """(elements) => {
  const assent = /ASSENT/i, cookies = /cookie/i;
  const terms = /\\b((?<!search )terms|conditions of|agreement|licen[cs]e|agb|nutzungsbedingungen|gesch\u00e4ftsbedingungen|conditions g\u00e9n\u00e9rales|t\u00e9rminos|condizioni)\\b/i;
  const plain = (text) => (text || '').replace(/\\s+/g, ' ').trim();
  for (const e of elements.slice(0, 1)) {
    const label = plain(e.labels && e.labels.length ? e.labels[0].innerText : e.innerText || e.value || e.ariaLabel);
    if (!assent.test(label) || label.length > 200) continue;
    const around = e.closest('dialog, [role=dialog], [role=alertdialog], form, [class*=modal], [class*=overlay]');
    const words = `${label} ${around ? around.innerText.slice(0, 4000) : ''}`;
    if (terms.test(words) && !cookies.test(words)) return label;
  }
  return null;
}""".replace("ASSENT", _ASSENT)  # noqa: E501  JavaScript


def may_be_assent(target: Any) -> bool:
    """Return True where an act on a locator may accept an agreement, so that it is worth a look at the page.

    >>> may_be_assent("get_by_role('button', name='I agree')"), may_be_assent("get_by_role('button', name='Search')")
    (True, False)
    >>> may_be_assent("locator('dialog button')")
    True
    """
    said = repr(target).rpartition(" selector=")[2]  # before it, Playwright's has the frame's name and address
    return _MAY_ASSENT.search(said) is not None or _SAYS_WORDS.search(said) is None
