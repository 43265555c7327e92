"""The script that finds the controls by which a page says that its list goes on: at its end, and when it is left."""

from __future__ import annotations

import json
import re

from sandbox.paging import NEXT_ARROW, NEXT_LABEL

_SCRIPT = r"""() => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
  const off = (e) => e.disabled || e.closest('[aria-disabled=true], [inert], fieldset:disabled')
    || /(^|[\s_-])disabled($|[\s_-])/i.test(e.className + ' ' + (e.parentElement ? e.parentElement.className : ''));
  const plain = (s) => (s || '').replace(/\s+/g, ' ').trim();
  const more = new RegExp(NEXT_LABEL, 'i'), arrow = new RegExp(NEXT_ARROW);
  const beside = 'nav, header, footer, aside, dialog, select, svg, [role=navigation], [role=dialog]';
  let longest = null;
  for (const e of (document.querySelector('main, [role=main]') || document.body || document).querySelectorAll('*')) {
    if (e.childElementCount <= Math.max(2, longest ? longest.childElementCount : 0) || e.closest(beside)) continue;
    if ([...e.children].every((c) => c.tagName === e.firstElementChild.tagName) && shown(e)) longest = e;
  }
  const controls = [];
  const clickable = 'a, button, [role=button], [role=link], input[type=button], input[type=submit]';
  for (const e of document.querySelectorAll(clickable)) {
    const text = e.textContent;
    if (text && text.length > 200) continue;
    const label = plain(e.getAttribute('aria-label')), words = plain(text);
    const value = plain(e.value), title = plain(e.title);
    const name = label || words || value || title;
    const next = /(^|\s)next(\s|$)/i.test(e.getAttribute('rel') || '');
    if (!(next || more.test(label) || more.test(words) || more.test(value) || (!words && more.test(title))
      || arrow.test(words))) continue;
    if (!shown(e) || off(e)) continue;
    // what stands above the list offers more of something else
    const above = longest && (e.compareDocumentPosition(longest) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (!next && above && /^(load|show|view|see) more /i.test(name)) continue;
    if (e.tagName === 'A' && !e.hasAttribute('href') && !e.hasAttribute('role')
      && getComputedStyle(e).cursor !== 'pointer') continue;
    controls.push((name || 'rel=next').slice(0, 80));
  }
  return controls.slice(0, 10);
}"""
# It is sent with each look: without indentation and comments, that is a fifth less.
NEXT_CONTROLS = re.sub(
    r"\n(?: +(?://[^\n]*)?)+",
    "\n",
    _SCRIPT.replace("NEXT_LABEL", json.dumps(NEXT_LABEL)).replace("NEXT_ARROW", json.dumps(NEXT_ARROW)),
)
"""A JavaScript function that returns the labels of at most ten such controls, visible and enabled."""
