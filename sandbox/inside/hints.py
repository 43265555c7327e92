"""Hints: what a page's accessibility snapshot omits and a reader needs, collected by one script in each frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

MAX_FRAMES = 12
MAX_HINTS = 400
MAX_TEXT = 400


async def collect_hints(page: Page) -> list[tuple[str, str]]:
    """Collect hints on a page as ``(key, text)``. All of them are untrusted: the page makes them.

    ``title:<visible text>``: the title or machine-readable date of an element whose visible text is cut or vague, in
    document order; empty for elements that show the same text and have none.
    ``form``: method, action, and fields of a form, with the values of its selects.
    ``next``: the target of a link with ``rel=next``.
    ``editable``: an editable area without a role.
    ``hidden``: the number of rows or items of a list that are not displayed, or not loaded yet.
    ``scrolls``: a list that may be longer than what is in the document, since it scrolls.
    ``secret``: the value of a password field, to be masked.
    ``spans``: cells of tables that span rows or columns.
    ``caption``: the caption of a table that is not shown.
    ``fields``: tags and names of fields that have no accessible name.
    ``frame``: name and address of a named frame.
    ``slots``: the names of slots that content is put in.
    ``joined``: texts of elements beside each other that styles alone keep apart, so that they read as one word.

    Frames that do not answer, because they navigate or are gone, are left out.
    """
    from playwright.async_api import Error

    hints: list[tuple[str, str]] = []
    for frame in page.frames[:MAX_FRAMES]:
        try:
            hints += _checked(await _evaluate(frame))
        except Error:
            continue  # a frame that navigates has no content yet, and the snapshot shows that
    return hints[:MAX_HINTS]


async def _evaluate(frame: Frame) -> Any:
    return await frame.evaluate(COLLECT)


def _checked(found: Any) -> list[tuple[str, str]]:
    """Keep of a page's answer what has the shape of hints."""
    if not isinstance(found, list):
        return []
    return [
        (pair[0][:MAX_TEXT], pair[1][:MAX_TEXT])
        for pair in found[:MAX_HINTS]
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
    ]


COLLECT = r"""() => {
  const hints = [], titled = [], forms = new Map();
  const spans = {rowspan: [], colspan: []}, nameless = [], slots = new Set(), joined = [];
  const plain = text => (text || '').replace(/\s+/g, ' ').trim();
  const seen = element => element.checkVisibility
    ? element.checkVisibility({visibilityProperty: true}) : element.offsetParent !== null;
  const vague = /(…|\.\.\.)$|^.{1,2}$|\b(ago|yesterday|today|just now|last (week|month|year))\b/i;
  let budget = 30000, pairs = 300;

  const walk = root => {
    const elements = root.querySelectorAll('*');
    for (const element of elements) {
      if (--budget < 0) return;
      if (element.shadowRoot) walk(element.shadowRoot);
      const tag = element.localName;
      const title = element.getAttribute('title') || (tag === 'time' && element.getAttribute('datetime')) || '';
      if (title && title.length < 400) note(element, tag, title);
      if (tag === 'input' && element.type === 'password' && element.value) hints.push(['secret', element.value]);
      if (tag === 'form') form(element);
      if (tag === 'a' && /\bnext\b/.test(element.rel)) hints.push(['next', element.getAttribute('href') || '']);
      if (element.isContentEditable && !element.hasAttribute('role') && !element.parentElement?.isContentEditable)
        if (seen(element)) hints.push(['editable', `${tag} ${element.id} ${plain(element.ariaLabel)}`]);
      if ((tag === 'td' || tag === 'th') && element.closest('tbody'))
        for (const way of ['rowspan', 'colspan'])
          if (element.getAttribute(way) > 1 && seen(element)) spans[way].push(plain(element.textContent).slice(0, 40));
      if (tag === 'caption' && plain(element.textContent) && !seen(element))
        hints.push(['caption', plain(element.textContent)]);
      if ((tag === 'input' || tag === 'select' || tag === 'textarea') && element.name && unnamed(element))
        nameless.push(`${tag}[name=${element.name}]`);
      if (tag === 'iframe' && element.name && seen(element))
        hints.push(['frame', `${element.name} ${element.getAttribute('src') || ''}`]);
      if (element.slot) slots.add(element.slot);
      if (element.nextSibling?.nodeType === Node.ELEMENT_NODE) join(element, element.nextSibling);
      const expected = +element.getAttribute('aria-rowcount');
      if (expected > 0) hints.push(['hidden', `${tag} says it has ${expected} rows in all`]);
      if (tag === 'tbody' || tag === 'ul' || tag === 'ol') hidden(element, tag);
    }
  };
  const unnamed = element => !['hidden', 'submit', 'button', 'reset', 'image'].includes(element.type)
    && !element.labels?.length && !element.ariaLabel && !element.title && !element.placeholder
    && !element.hasAttribute('aria-labelledby') && seen(element);
  const join = (element, next) => {
    const first = element.textContent, second = next.textContent;
    if (!/[\p{L}\p{N})\]]$/u.test(first) || !/^[\p{L}\p{N}(\[#]/u.test(second) || --pairs < 0) return;
    const a = getComputedStyle(element), b = getComputedStyle(next);
    if (![a, b].every(style => style.display.startsWith('inline')) || !seen(element)) return;
    const left = element.getBoundingClientRect(), right = next.getBoundingClientRect();
    const apart = right.left - left.right + parseFloat(a.paddingRight) + parseFloat(b.paddingLeft);
    if (apart >= 2 && right.top < left.bottom) joined.push(`${plain(first).slice(-30)}|${plain(second).slice(0, 30)}`);
  };
  const note = (element, tag, title) => {
    if (element.textContent.length > 300) return;
    const text = plain(element.textContent);
    if (!text || text.length > 120 || plain(title) === text) return;
    if (tag === 'time' || tag === 'abbr' || vague.test(text)) titled.push([element, text, plain(title).slice(0, 300)]);
  };
  const hidden = (element, tag) => {
    if (element.children.length < 5 || !seen(element)) return;
    let count = 0;
    for (const child of element.children) if (getComputedStyle(child).display === 'none') count++;
    const what = tag === 'tbody' ? 'rows' : 'items', first = plain(element.firstElementChild.textContent).slice(0, 40);
    const all = element.children.length;
    if (count) hints.push(['hidden', `${count} of ${all} ${what} of the list that starts with ${first}`]);
  };
  const form = element => {
    const fields = [], names = new Set();
    for (const field of element.elements) {
      const kind = field.type;
      if (!field.name || kind === 'submit' || kind === 'fieldset') continue;
      if (field.localName === 'select') {
        const values = [...field.options].slice(0, 8).map(option => option.value), rest = field.options.length - 8;
        const sends = /submit|location/.test(field.getAttribute('onchange') || '') ? ' (submits on change)' : '';
        if (!names.has(field.name))
          fields.push(`${field.name}=[${values.join('|')}${rest > 0 ? '|+' + rest : ''}]${sends}`);
      } else if (kind === 'radio' || kind === 'checkbox') {
        const same = fields.find(known => known.startsWith(`${field.name}:${kind}=`));
        if (!same) fields.push(`${field.name}:${kind}=${field.value.slice(0, 20)}`);
        else if (!same.endsWith('|…'))
          fields[fields.indexOf(same)] += same.split('|').length < 4 ? `|${field.value.slice(0, 20)}` : '|…';
      } else if (!names.has(field.name)) {
        fields.push(field.name + (kind === 'text' || kind === 'search' || kind === 'textarea' ? '' : ':' + kind));
      }
      names.add(field.name);
    }
    if (fields.every(field => field.endsWith(':hidden'))) return;
    const shown = fields.slice(0, 14).join(' ') + (fields.length > 14 ? ` +${fields.length - 14}` : '');
    const method = (element.getAttribute('method') || 'get').toUpperCase();  // not .method: a field may be called so
    const text = `${method} ${element.getAttribute('action') || ''}: ${shown}`;
    const kind = text.replace(/\d+/g, '#');
    if (!forms.has(kind)) forms.set(kind, [text, 0]);
    forms.get(kind)[1]++;
  };

  // a list in a box that scrolls, or before an empty element by which scripts see that the page's end comes into view
  const scrolling = () => {
    let longest = null;
    for (const e of document.querySelectorAll('ul, ol, div, section, main, tbody, [role=list], [role=grid], [role=feed]')) {
      const n = e.childElementCount;
      if (n < 8 || (longest && n <= longest.childElementCount) || e.children[1].localName !== e.children[n - 2].localName) continue;
      if (!e.closest('nav, footer, [role=navigation]') && seen(e)) longest = e;
    }
    if (!longest) return;
    const what = `${longest.childElementCount} ${longest.children[1].localName}`;
    for (let box = longest; box && box !== document.body; box = box.parentElement)
      if (box.clientHeight > 60 && box.scrollHeight > box.clientHeight + 40 && /auto|scroll/.test(getComputedStyle(box).overflowY))
        return hints.push(['scrolls', `the box with ${what}; more may load`]);
    if (document.documentElement.scrollHeight <= innerHeight + 40) return;
    for (let e = longest, n = 0; e && e !== document.body && n < 4; e = e.parentElement, n++)
      for (const after of [e.nextElementSibling, e.lastElementChild])
        if (after && /^(div|span|li|p)$/.test(after.localName) && !plain(after.textContent) && !after.querySelector('img, a, button, input')
          && seen(after) && after.clientHeight < 120) return hints.push(['scrolls', `the page with ${what}; more may load`]);
  };

  walk(document);
  scrolling();
  const several = (way, what) => spans[way].length
    ? [`${spans[way].length} span several ${what}, the first "${spans[way][0]}"`] : [];
  const spanning = [...several('rowspan', 'rows'), ...several('colspan', 'columns')];
  if (spanning.length) hints.push(['spans', spanning.join('; ')]);
  if (nameless.length) hints.push(['fields', [...new Set(nameless)].slice(0, 12).join(' ')]);
  if (joined.length) hints.push(['joined', joined.slice(0, 3).join(', ') + (joined.length > 3 ? ', …' : '')]);
  if (slots.size) hints.push(['slots', [...slots].slice(0, 12).join(' ')]);
  for (const [text, count] of [...forms.values()].slice(0, 6))
    hints.push(['form', text.slice(0, 370) + (count > 1 ? ` (${count} such forms)` : '')]);
  for (const link of document.querySelectorAll('head link[rel~=next]'))
    hints.push(['next', link.getAttribute('href') || '']);
  // Elements that show the same text without a title are included, because the reader matches them by their order.
  const texts = new Set(titled.slice(0, 200).map(([, text]) => text));
  const titles = new Map(titled.map(([element, , title]) => [element, title]));
  const tell = root => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) tell(element.shadowRoot);
      if (element.childElementCount > 3 || element.textContent.length > 300) continue;
      const text = plain(element.textContent);
      if (!texts.has(text) || !seen(element)) continue;
      if ([...element.children].some(child => plain(child.textContent) === text)) continue;
      let holder = element;
      while (!titles.has(holder) && holder.parentElement && plain(holder.parentElement.textContent) === text)
        holder = holder.parentElement;
      hints.push(['title:' + text, titles.get(holder) || '']);
    }
  };
  if (texts.size) tell(document);
  return hints;
}"""  # noqa: E501  JavaScript
