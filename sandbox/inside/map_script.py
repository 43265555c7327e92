"""The script that walks a page, or one element of it, and returns its map as one JSON string.

It only reads: it moves, focuses and changes nothing. It takes the DOM's getters and methods from their prototypes, so
that a form's field named ``children`` does not come before them. It runs beside the page's own scripts, though: a page
that replaces those prototypes, or that answers ``checkVisibility`` or ``getComputedStyle`` itself, decides what the map
says. A map is a witness against mistakes of an automation, not against a site that lies.
"""

from __future__ import annotations

import re

from sandbox.inside.map_labels import LABELS
from sandbox.inside.next_controls import NEXT_CONTROLS
from sandbox.totals import RANGE

_WALK = r"""(root, opts) => {
  const began = performance.now();
  let worked = 0, last = began;
  const setOf = (s) => new Set(s.split(' '));
  const BLOCK = setOf('ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY BUTTON CAPTION DD DETAILS DIALOG DIV DL DT FIELDSET FIGCAPTION'
    + ' FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HGROUP HR LABEL LEGEND LI MAIN MENU NAV OL OPTION P PRE SEARCH SECTION'
    + ' SUMMARY TABLE TBODY TD TFOOT TH THEAD TR UL');
  const SKIP = setOf('SCRIPT STYLE NOSCRIPT TEMPLATE CANVAS OBJECT HEAD VIDEO AUDIO LINK');
  const KEEP = setOf('TABLE TR TD TH TFOOT THEAD UL OL LI DL DD DT H1 H2 H3 H4 H5 H6 ARTICLE CAPTION FIGCAPTION BUTTON A'
    + ' TIME IMG OPTION INPUT TEXTAREA SUMMARY LEGEND META DATA METER');
  const LAND = {MAIN: 'main', NAV: 'navigation', ASIDE: 'aside', FOOTER: 'footer', DIALOG: 'dialog', HEADER: 'header',
    SEARCH: 'search'};
  const ROLE = {main: 'main', navigation: 'navigation', complementary: 'aside', contentinfo: 'footer', dialog: 'dialog',
    alertdialog: 'dialog', banner: 'header', search: 'search', region: 'region', tabpanel: 'tabpanel'};
  const SCOPE = setOf('ARTICLE ASIDE NAV DIALOG SECTION FOOTER LI');
  const CELL = setOf('cell gridcell rowheader');
  const get = (proto, name) => Object.getOwnPropertyDescriptor(proto, name).get;
  const nodesOf = get(Node.prototype, 'childNodes'), parentOf = get(Node.prototype, 'parentElement');
  const childrenOf = get(Element.prototype, 'children'), countOf = get(Element.prototype, 'childElementCount');
  const textOf = get(Node.prototype, 'textContent'), nameOf = get(Element.prototype, 'tagName');
  const classOf = get(Element.prototype, 'className'), shadowOf = get(Element.prototype, 'shadowRoot');
  const {getAttribute, hasAttributes, checkVisibility, querySelector, closest, getBoundingClientRect} = Element.prototype;
  const attr = (e, name) => getAttribute.call(e, name) || '';
  const plain = (s) => s.replace(/\s+/g, ' ').trim();
  const formed = (s) => s.toWellFormed ? s.toWellFormed() : s;
  const cut = (s, n) => formed(s.length > n ? s.slice(0, n) : s);
  const short = (s, n) => cut(plain((s || '').slice(0, 8 * n).replace(/[\u0001-\u0005]/g, ' ')), n);
  const words = (e, n) => short(textOf.call(e), n);
  const seen = (e) => opts.inert ? !e.hidden && !/display:\s*none/.test(attr(e, 'style')) : checkVisibility.call(e, {visibilityProperty: true}) || getComputedStyle(e).display === 'contents';

  const places = [], known = new Map(), units = [], items = [], boxes = [], tables = new Map();
  const h1 = [], state = [], stated = [], said = [], counts = [], crumbs = [];
  let heads = [], buffer = '', left = 0, room = opts.chars, steps = 0, tight = false, over = false;
  // A busy machine takes the processor away for many milliseconds at a time: these are not the page's.
  const late = () => {
    const now = performance.now();
    worked += Math.min(now - last, 2);
    last = now;
    tight = worked > opts.soft;
    over = worked > opts.hard || now - began > 10 * opts.hard;
  };

  const place = (env, path) => {
    const above = env.item < 0 ? heads : env.heads;
    const row = [path, env.label, above.map((h) => h[1]), env.region, env.caption, env.hidden ? 1 : 0, env.frame];
    const key = path + '\u0006' + env.label + '\u0006' + row[2].join('\u0007') + '\u0006' + env.region + '\u0006'
      + env.caption + '\u0006' + row[5] + row[6];
    let at = known.get(key);
    if (at === undefined) { at = places.length; known.set(key, at); places.push(row); }
    return at;
  };
  const push = (env, text, suffix, e) => {
    const length = text.length * (/[^\x00-\x7f]/.test(text) ? 2 : 1) + 14;
    if (units.length >= opts.units || room < length || places.length >= 3500) { left++; return; }
    room -= length;
    const unit = [place(env, env.path + suffix), env.item, text];
    if (opts.boxes) {
      const b = getBoundingClientRect.call(e), whole = (n) => Math.max(0, Math.round(n));
      unit.push([whole(b.left + scrollX + env.dx), whole(b.top + scrollY + env.dy), whole(b.width), whole(b.height)]);
    }
    units.push(unit);
  };
  const beside = /^(navigation|aside|footer|header)/;
  const range = /RANGE/i;
  const flush = (env, e) => {
    if (!buffer) return '';
    const text = plain(buffer.replace(/\u0005+/g, '\u0005')).replace(/^[\s\u0002\u0005]+|[\s\u0001\u0005]+$/g, '');
    buffer = '';
    if (!text) return '';
    push(env, cut(text, 400), '', e);
    if (!env.hidden && text.length <= 160 && stated.length < 40 && /\d/.test(text)
      && (range.test(text) || (env.item < 0 && !beside.test(env.region)))) stated.push(formed(text));
    if (env.said && !env.hidden && said.length < 12 && text.length <= 300) said.push(short(text, 300));
    return text;
  };

  LABELS
  const CURRENT = ['aria-selected', 'aria-pressed', 'aria-current', 'aria-checked'];

  // which of many alike children are walked: the first, the last, and some between
  const samples = (children, per) => {
    const n = children.length;
    const most = Math.floor(Math.min(150, Math.max(12, (opts.units - units.length) * 0.75 / per), tight ? 12 : 150));
    if (n <= most) return null;
    const keep = new Set(), some = Math.max(2, Math.floor(most / 3));
    for (let i = 0; i < some; i++) { keep.add(i); keep.add(n - 1 - i); keep.add(Math.floor(i * n / some)); }
    return [...keep].sort((a, b) => a - b);
  };
  // what an element has in common with its like: its tag and class; where it has no class, the tag of its first child
  const kind = (e) => {
    const name = String(classOf.call(e)).trim().split(/\s/, 1)[0], inner = name ? null : childrenOf.call(e)[0];
    const id = attr(e, 'id').replace(/[0-9a-f]*\d[0-9a-f]*/gi, '#');
    return nameOf.call(e) + ' ' + name + ' ' + id + ' ' + (inner ? nameOf.call(inner) : '');
  };
  // the kind that most children are of, as in a list of cards
  const pattern = (children, n) => {
    if (n === 2) {
      const [a, b] = [kind(children[0]), kind(children[1])];
      return a === b && a.split(' ')[1] && countOf.call(children[0]) > 1 && countOf.call(children[1]) > 1 ? a : null;
    }
    const some = [0, 1, n >> 1, n - 1].map((at) => kind(children[at]));
    return some.find((a) => some.filter((b) => b === a).length >= 3) || null;
  };
  const CARD = /^(DIV|A|SECTION|TBODY)$/;
  const old = /old|was|strike|struck|through|del|before|list|rrp|uvp|regular|origin|compare|discount|cross/i;
  const lined = (e) => getComputedStyle(e).textDecorationLine.includes('line-through');

  const begin = (mine, env, box) => {
    if (items.length >= 3500) return;
    if (box.id < 0) { box.id = boxes.length; boxes.push(box); }
    mine.heads = env.item < 0 ? heads : env.heads;
    mine.item = items.length;
    items.push([env.item, box.id, box.n]);
  };
  // the lines of a preformatted listing, such as a server's of a directory, each with its elements and texts
  const linesOf = (el) => {
    const lines = [[]];
    for (const node of nodesOf.call(el)) {
      if (node.nodeType === 1) lines[lines.length - 1].push(node);
      else if (node.nodeType === 3) node.data.split('\n').forEach((part, n) => { if (n) lines.push([part]); else lines[lines.length - 1].push(part); });
    }
    return lines.filter((line) => line.some((part) => typeof part !== 'string' || /\S/.test(part)));
  };
  const listing = (children, count) => {
    const links = [...children].filter((e) => e.tagName === 'A').length;
    return links >= 2 && 2 * links >= count;
  };

  const walk = (el, env, depth) => {
    if (over || depth > 250) { left++; return; }
    if ((++steps & 63) === 0) late();
    const tag = String(nameOf.call(el));
    if (SKIP.has(tag)) return;
    if (tag === 'svg') { drawing(el, env); return; }
    const own = hasAttributes.call(el), role = own ? attr(el, 'role') : '', aria = own ? attr(el, 'aria-label') : '';
    const shadow = shadowOf.call(el), parent = parentOf.call(el), count = countOf.call(el);
    const block = BLOCK.has(tag) || shadow !== null || tag.includes('-') || (role !== '' && role !== 'presentation' && role !== 'none');
    let mine = env, before = null, item = false;
    const change = () => { if (mine === env) mine = {...env}; return mine; };
    if (!env.hidden && !seen(el)) change().hidden = true;
    if (tag === 'SELECT' || tag === 'INPUT' || tag === 'TEXTAREA') { flush(env, el); field(el, tag, {...mine}); return; }
    if (tag === 'TR') item = parent !== null && parent.tagName !== 'THEAD' && parent.tagName !== 'TFOOT'
      && [...el.cells].some((c) => c.tagName === 'TD');
    else if (role === 'row') item = querySelector.call(el, '[role=columnheader]') === null;
    else item = tag === 'LI' || tag === 'ARTICLE' || role === 'listitem' || role === 'article'
      || (env.alike !== null && (CARD.test(tag) || tag.includes('-')) && kind(el) === env.alike);
    if (block) flush(env, parent || el);
    if (item && env.box) begin(change(), env, env.box);
    if (item || SCOPE.has(tag)) before = heads;
    let land = ROLE[role] || LAND[tag];
    if (tag === 'SECTION' && aria) land = land || 'region';
    if (land && !(land === 'header' && env.region) && !(land === 'region' && !aria)) change().region = land + (aria ? ': ' + short(aria, 60) : '');
    else if (aria && block) change().label = short(aria, 60);
    if (KEEP.has(tag)) change().path = env.path + '>' + tag.toLowerCase();
    if (tag === 'TABLE') change().caption = el.caption ? words(el.caption, 80) : short(aria, 80);
    else if (tag === 'FIGURE') { const c = querySelector.call(el, 'figcaption'); change().caption = c ? words(c, 80) : ''; }
    if ((tag === 'TD' || tag === 'TH') && parent !== null && parent.tagName === 'TR') {
      const table = closest.call(el, 'table'), head = parent.cells[0];
      const inHead = parentOf.call(parent) !== null && parentOf.call(parent).tagName === 'THEAD';
      const name = table && !inHead ? column(el, table) : '';
      const row = tag === 'TD' && head !== el && head.tagName === 'TH' ? words(head, 60) : '';
      change().label = [name, row].filter(Boolean).join(' / ') || short(attr(el, 'data-label') || attr(el, 'data-title') || attr(el, 'data-th'), 60);
    } else if (tag === 'DD') {
      let d = el.previousElementSibling;
      while (d && d.tagName === 'DD') d = d.previousElementSibling;
      const terms = [];
      for (; d && d.tagName === 'DT' && terms.length < 3; d = d.previousElementSibling) terms.unshift(words(d, 60));
      change().label = terms.join(' / ');
    } else if (CELL.has(role) && tag !== 'TD' && tag !== 'TH') {
      const line = closest.call(el, '[role=row]');
      const at = +attr(el, 'aria-colindex') || (env.cells ? ++env.cells.n : 1);
      const head = role !== 'rowheader' && line && querySelector.call(line, '[role=rowheader]');
      change().label = [ariaColumns(el)[at - 1] || '', head ? words(head, 60) : ''].filter(Boolean).join(' / ') || short(aria, 60);
      mine.path = env.path + '>cell';
    }
    if (role === 'row' || tag === 'TR') { change().cells = {n: 0}; if (role === 'row') mine.path = env.path + '>row'; }
    if (own) {
      if (CURRENT.some((a) => /^(true|page|step|location|date|time|mixed)$/.test(attr(el, a)))) note('current', short(closestName(el), 60), aria || words(el, 80));
      else if (/^(A|BUTTON|LI)$/.test(tag) && /(^|[\s_-])(active|selected|current)($|[\s_-])/i.test(String(classOf.call(el))) && textOf.call(el).length <= 80) note('current', '', words(el, 80));
      if (crumbs.length < 2 && !env.trail && /breadcrumb/i.test(aria + ' ' + classOf.call(el) + ' ' + attr(el, 'itemtype'))) { change().trail = true; trail(el); }
      const sorted = attr(el, 'aria-sort');
      if (sorted && sorted !== 'none') note('sort', words(el, 60), sorted);
      const rows = +attr(el, 'aria-rowcount') || +attr(el, 'aria-setsize');
      if (rows > 0 && counts.length < 5) counts.push(rows - (+attr(el, 'aria-rowcount') > 0 ? headRows(el) : 0));
      if (/^(status|alert|log)$/.test(role) || /^(polite|assertive)$/.test(attr(el, 'aria-live'))
        || /(^|[\s_-])(empty|no-?(results?|data|items|matches)|nothing|alert|notice|message)($|[\s_-])/i.test(String(classOf.call(el)))) change().said = true;
    }
    const children = childrenOf.call(el);
    const alike = count >= 2 ? pattern(children, count) : null;
    let keep = null;
    if (count > 24) {
      const per = Math.max(1, Math.round((children[1] || children[0]).getElementsByTagName('*').length * 0.8));
      keep = samples(children, per);
    }
    if (alike !== env.alike) change().alike = alike;
    if (count) change().box = {id: -1, n: 0};
    if (!block && mine.hidden && !env.hidden) flush(env, el);
    const leaf = count === 0;
    const struck = !env.struck && (tag === 'S' || tag === 'DEL' || tag === 'STRIKE'
      || (leaf ? /\d/.test(textOf.call(el)) && lined(el) : own && count < 6 && old.test(String(classOf.call(el))) && lined(el)));
    if (struck || (block && env.struck === 1)) change().struck = block ? 2 : 1; // 1: marked around, 2: each text is
    if (!block) buffer += struck ? '\u0005\u0001' : '\u0005';
    const marked = mine.struck === 2;
    const text = (data) => {
      const clean = /[\u0001-\u0005]/.test(data) ? data.replace(/[\u0001-\u0005]/g, ' ') : data;
      buffer += marked && /\S/.test(data) ? '\u0001' + clean + '\u0002' : clean;
    };
    const visit = (node, around = mine) => {
      if (node.nodeType === 3) text(node.data);
      else if (node.nodeType === 1) {
        if (node.tagName === 'BR') { buffer += ' '; return; }
        const had = items.length, box = around.box;
        walk(node, around, depth + 1);
        if (items.length > had && items[had][1] === box.id) box.n++;
      }
    };
    if (shadow !== null) for (const node of nodesOf.call(shadow)) visit(node);
    if (tag === 'PRE' && listing(children, count)) {
      const lines = linesOf(el), box = {id: -1, n: 0}, kept = lines.length > 24 ? samples(lines, 2) : null;
      const walked = new Set(kept || lines.keys());
      left += lines.length - walked.size;
      let rows = 0;
      lines.forEach((parts, at) => {
        const linked = parts.some((part) => part.tagName === 'A');
        if (walked.has(at)) {
          const line = {...mine, alike: null};
          box.n = rows;
          if (linked) begin(line, mine, box);
          for (const part of parts) if (typeof part === 'string') text(part); else { line.box = {id: -1, n: 0}; visit(part, line); }
          flush(line, el);
        }
        if (linked) rows++;
      });
      box.n = rows;
    } else if (keep === null) for (const node of nodesOf.call(el)) visit(node);
    else { // the texts between many elements are left out, too
      let others = 0; // such as a row of heads
      for (const i of keep) {
        const had = items.length;
        mine.box.n = i - others;
        visit(children[i]);
        if (items.length === had) others++;
      }
      mine.box.n = count - others; left += count - keep.length;
    }
    if (tag === 'IFRAME' || tag === 'FRAME') inner(el, mine, depth);
    if (!block) buffer += struck ? '\u0002\u0005' : '\u0005';
    if (own) attributes(el, tag, mine, block, env);
    if (block || (mine.hidden && !env.hidden)) {
      const level = /^H[1-6]$/.test(tag) ? +tag[1] : role === 'heading' ? +(attr(el, 'aria-level') || 2) : 0;
      const text = flush(mine, el);
      if (level && text && !mine.hidden) {
        const clean = short(text, 120);
        heads = heads.filter((h) => h[0] < level).concat([[level, clean]]);
        if (level === 1 && h1.length < 5) h1.push(clean);
      }
    }
    if (before) heads = before;
  };
  const trail = (e) => {
    const parts = [];
    for (const x of [...e.querySelectorAll('*')].slice(0, 60)) if (!countOf.call(x) && words(x, 60)) parts.push(words(x, 60));
    crumbs.push(short(parts.length ? parts.join(' > ') : textOf.call(e), 200));
  };
  const closestName = (e) => {
    const group = closest.call(e, '[role=tablist], [role=listbox], [role=radiogroup], [role=toolbar], [role=menu], nav');
    return group ? attr(group, 'aria-label') : '';
  };
  const headRows = (table) => {
    const rows = new Set();
    for (const head of table.querySelectorAll('[role=columnheader], thead th')) {
      const row = closest.call(head, '[aria-rowindex]');
      if (row && table.contains(row)) rows.add(row);
    }
    return rows.size;
  };
  const drawing = (el, env) => {
    const label = attr(el, 'aria-label');
    if (label) push(env, short(label, 120), '>svg@aria-label', el);
    let n = 0;
    for (const text of el.querySelectorAll('text, title')) {
      if (++n > 60) { left++; break; }
      const said = words(text, 120);
      if (said) push(env, said, '>svg>' + text.localName, el);
    }
  };
  const inner = (el, env, depth) => {
    try {
      const d = el.contentDocument;
      if (!d || !d.body) return;
      const b = opts.boxes ? getBoundingClientRect.call(el) : {left: 0, top: 0};
      const outer = heads;
      walk(d.body, {...env, frame: 1, alike: null, dx: env.dx + b.left, dy: env.dy + b.top}, depth + 1);
      heads = outer;
    } catch { left++; } // of another origin
  };
  const attributes = (el, tag, env, block, around) => {
    for (const name of opts.attributes) {
      const value = attr(el, name);
      if (!value || value.length > 4000) continue;
      if (name === 'href' && (tag !== 'A' && tag !== 'AREA' || (env.item < 0 && beside.test(env.region)))) continue;
      if (name === 'value' && !/^(DATA|METER|PROGRESS|LI|OPTION)$/.test(tag) && !opts.read.includes(name)) continue;
      if (name === 'content' && (tag !== 'META' || SECRET.test(attr(el, 'name')))) continue;
      if (name === 'aria-label' && block && (around.label !== env.label || around.region !== env.region)) continue; // told already
      if (/^(src|srcset|data-src|data-srcset)$/.test(name) && env.item < 0 && !opts.read.includes(name)) continue;
      push(env, short(value, 240), '@' + name, el);
    }
  };

  const env = {path: '', label: '', region: '', caption: '', hidden: false, frame: opts.frame ? 1 : 0, item: -1, heads: [], alike: null,
    box: {id: -1, n: 0}, cells: null, said: false, struck: 0, trail: false, dx: 0, dy: 0};
  const start = root || document.body;
  try { if (start) { walk(start, env, 0); flush(env, start); } } catch { left++; }

  if (opts.link) note('link', short(opts.link[0], 120), opts.link[1]);

  // the paragraphs before the largest list, or all where there is none
  const sizes = boxes.map((b) => b.n), largest = sizes.indexOf(Math.max(...sizes, 1));
  let end = units.findIndex((u) => u[1] >= 0 && items[u[1]][1] === largest);
  if (end < 0) end = units.length;
  const near = [];
  for (let i = end - 1; i >= 0 && near.length < 6; i--) {
    const [p, at, text] = units[i], [path, , , region, , hidden] = places[p];
    if (at < 0 && !hidden && !beside.test(region) && !path.includes('@') && !/>(button|a|option|label|th|h1)$/.test(path) && text.length > 2 && text.length <= 200) near.unshift(short(text, 200));
  }
  const next = () => { try { return (NEXT_CONTROLS)(); } catch { return []; } };
  const found = {kind: 'page', url: cut(location.href, 1900), title: cut(plain(document.title), 300), h1, crumbs, state, rowcount: counts.length ? Math.max(...counts) : null,
    stated, said: [...new Set([...said, ...near])], next: opts.controls ? next() : [], places, items, containers: sizes, units, cut: left};
  if (Array.prototype.toJSON || Object.prototype.toJSON) { // of an old library, which would write arrays as texts
    const bare = (x) => { if (x && typeof x === 'object') { x.toJSON = undefined; Object.defineProperty(x, 'toJSON', {value: undefined, enumerable: false}); Object.values(x).forEach(bare); } };
    bare(found);
  }
  return JSON.stringify(found);
}"""  # noqa: E501  JavaScript
# It is sent with each look: without indentation and comments, that is a fifth less.
WALK = re.sub(r"\n(?: +(?://[^\n]*)?)+", "\n", _WALK.replace("  LABELS\n", LABELS).replace("RANGE", RANGE)).replace(
    "NEXT_CONTROLS", NEXT_CONTROLS
)
