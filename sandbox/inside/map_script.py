"""The script that walks a page, or one element of it, and returns its map as one JSON string.

It only reads: it moves, focuses and changes nothing. It takes the DOM's getters and methods from their prototypes, so
that a form's field named ``children`` does not come before them. It runs beside the page's own scripts, though: a page
that replaces those prototypes, or that answers ``checkVisibility`` or ``getComputedStyle`` itself, decides what the map
says. A map is a witness against mistakes of an automation, not against a site that lies.
"""

from __future__ import annotations

WALK = r"""(root, opts) => {
  const began = performance.now();
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
  const seen = (e) => checkVisibility.call(e, {visibilityProperty: true}) || getComputedStyle(e).display === 'contents';

  const places = [], known = new Map(), units = [], items = [], boxes = [], tables = new Map();
  const h1 = [], state = [], stated = [], said = [], counts = [];
  let heads = [], buffer = '', left = 0, room = opts.chars, steps = 0, tight = false, over = false, scrolls = false;
  const late = () => { const now = performance.now() - began; tight = now > opts.soft; over = now > opts.hard; };

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
  const RANGE = /\d\s*(-|\u2013|\u2014|to|bis|à|al?|\uff5e|~)\s*\d[\d.,]*\s*(of|out of|von|sur|de|di|van|av|af|z|\u0438\u0437|\/)\s*\D{0,12}\d/i;
  const flush = (env, e) => {
    if (!buffer) return '';
    const text = plain(buffer.replace(/\u0005+/g, '\u0005')).replace(/^[\s\u0005]+|[\s\u0005]+$/g, '');
    buffer = '';
    if (!text) return '';
    push(env, cut(text, 400), '', e);
    if (!env.hidden && text.length <= 160 && stated.length < 40 && /\d/.test(text)
      && (RANGE.test(text) || (env.item < 0 && !beside.test(env.region)))) stated.push(formed(text));
    if (env.said && !env.hidden && said.length < 12 && text.length <= 300) said.push(short(text, 300));
    return text;
  };

  // the texts of the heads of a table's columns, with what they span
  const grid = (rows) => {
    const taken = [], found = [];
    rows.forEach((row, y) => {
      let x = 0;
      for (const cell of row.cells) {
        while (taken[y] && taken[y][x]) x++;
        const text = words(cell, 60), wide = Math.min(cell.colSpan || 1, 50), high = Math.min(cell.rowSpan || 1, rows.length - y);
        for (let dx = 0; dx < wide; dx++) {
          for (let dy = 0; dy < high; dy++) (taken[y + dy] = taken[y + dy] || [])[x + dx] = true;
          const column = found[x + dx] = found[x + dx] || [];
          if (text && !column.includes(text)) column.push(text);
        }
        x += wide;
      }
    });
    return found.map((column) => column.join(' / '));
  };
  const columns = (table) => {
    let c = tables.get(table);
    if (c !== undefined) return c;
    let rows = table.tHead ? [...table.tHead.rows] : [];
    if (!rows.length) for (const row of [...table.rows].slice(0, 3)) {
      if (row.cells.length && [...row.cells].every((x) => x.tagName === 'TH')) rows.push(row); else break;
    }
    rows = rows.slice(-4);
    c = {heads: grid(rows), at: null};
    if (querySelector.call(table, 'td[rowspan], tbody th[rowspan]')) { // the column of each cell, among cells that span rows
      c.at = new Map();
      for (const body of table.tBodies) {
        const open = [];
        for (const row of [...body.rows].slice(0, 1000)) {
          let x = 0;
          const next = [];
          for (const cell of row.cells) {
            while (open[x] > 0) x++;
            c.at.set(cell, x);
            for (let n = Math.min(cell.colSpan || 1, 50); n > 0; n--, x++) next[x] = (cell.rowSpan || 1);
          }
          for (let i = 0; i < Math.max(open.length, next.length); i++) open[i] = next[i] ? next[i] - 1 : Math.max(0, (open[i] || 0) - 1);
        }
      }
    }
    tables.set(table, c);
    return c;
  };
  const column = (cell, table) => {
    const c = columns(table);
    if (!c.heads.length) return '';
    let x = c.at ? c.at.get(cell) : undefined;
    if (x === undefined) { x = 0; for (let p = cell.previousElementSibling; p; p = p.previousElementSibling) x += p.colSpan || 1; }
    return c.heads[x] || '';
  };
  const ariaColumns = (e) => {
    const table = closest.call(e, '[role=grid], [role=treegrid], [role=table]');
    if (!table) return [];
    let c = tables.get(table);
    if (c === undefined) {
      c = [];
      let n = 0;
      for (const head of [...table.querySelectorAll('[role=columnheader]')].slice(0, 100)) {
        const at = +attr(head, 'aria-colindex') || n + 1;
        n = at;
        c[at - 1] = short(attr(head, 'aria-label') || textOf.call(head), 60);
      }
      tables.set(table, c);
    }
    return c;
  };
  const byIds = (e, ids) => ids.split(/\s+/).map((id) => {
    const named = id && (e.getRootNode().getElementById ? e.getRootNode().getElementById(id) : null);
    return named ? words(named, 60) : '';
  }).filter(Boolean).join(' ');
  const labelOf = (e) => {
    const given = attr(e, 'aria-label') || (attr(e, 'aria-labelledby') && byIds(e, attr(e, 'aria-labelledby')));
    if (given) return short(given, 60);
    const label = e.labels && e.labels[0];
    if (label) {
      let text = '';
      for (const n of nodesOf.call(label)) if (!/^(SELECT|TEXTAREA|INPUT)$/.test(n.nodeName)) text += ' ' + n.textContent;
      if (plain(text)) return short(text, 60);
    }
    return short(attr(e, 'placeholder') || attr(e, 'name') || attr(e, 'id'), 60);
  };
  const SECRET = /passw|pwd|passcode|\bpin\b|otp|token|secret|csrf|xsrf|nonce|session|viewstate|auth|cvv|cvc|csc|(card|cc).?n(um|o)/i;
  const secret = (e) => e.type === 'password' || /one-time-code|password|^cc-/.test(e.autocomplete || '')
    || SECRET.test(attr(e, 'name') + ' ' + attr(e, 'id'));
  const note = (kind, name, value) => { if (state.length < 80) state.push([kind, name, short(value, 120)]); };
  // what a form field holds; as text, too, for code that reads it from there
  const field = (e, tag, env) => {
    const name = labelOf(e);
    env.label = name; env.path += '>' + tag.toLowerCase();
    if (tag === 'SELECT') {
      for (const o of [...e.selectedOptions].slice(0, 10)) note('select', name, o.label);
      const all = [...e.options], keep = samples(all, 1);
      env.path += '>option';
      all.forEach((o, i) => { if (!keep || keep.has(i)) { const t = short(o.label, 120); if (t) push(env, t, '', e); } else left++; });
      return;
    }
    if (e.type === 'file' || secret(e)) return;
    if (e.type === 'checkbox' || e.type === 'radio') {
      const own = e.labels && e.labels[0] ? words(e.labels[0], 120) : labelOf(e);
      if (e.checked) note(e.type, short(attr(e, 'name'), 60) || name, own || e.value);
      return;
    }
    if (!e.value) return;
    if (e.type === 'hidden') env.hidden = true;
    else if (!/^(submit|button|reset|image)$/.test(e.type)) note('input', name, e.value);
    push(env, short(e.value, 200), '@value', e);
  };
  const CURRENT = ['aria-selected', 'aria-pressed', 'aria-current', 'aria-checked'];

  // which of many alike children are walked: the first, the last, and some between
  const samples = (children, per) => {
    const n = children.length;
    const most = Math.floor(Math.min(150, Math.max(12, (opts.units - units.length) * 0.6 / per), tight ? 12 : 150));
    if (n <= most) return null;
    const keep = new Set(), some = Math.max(2, Math.floor(most / 3));
    for (let i = 0; i < some; i++) { keep.add(i); keep.add(n - 1 - i); keep.add(Math.floor(i * n / some)); }
    return keep;
  };
  const first = (e) => String(classOf.call(e)).split(/\s/, 1)[0];
  const like = (a, b) => nameOf.call(a) === nameOf.call(b) && first(a) === first(b);
  // the child that most others are like, of a list of cards
  const pattern = (children, n) => {
    if (n < 2) return null;
    if (n === 2) return like(children[0], children[1]) && first(children[0]) && countOf.call(children[0]) > 1 && countOf.call(children[1]) > 1 ? children[0] : null;
    const some = [children[0], children[1], children[n >> 1], children[n - 1]];
    for (const e of some.slice(0, 3)) if (some.filter((x) => like(x, e)).length >= 3 || (n === 3 && some.slice(1).filter((x) => like(x, e)).length >= 2)) return e;
    return null;
  };
  const CARD = /^(DIV|A|SECTION|TBODY)$/;
  const old = /old|was|strike|struck|through|del|before|list|rrp|uvp|regular|origin|compare|discount|cross/i;
  const lined = (e) => getComputedStyle(e).textDecorationLine.includes('line-through');

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
      || (env.alike !== null && (CARD.test(tag) || tag.includes('-')) && like(el, env.alike));
    if (block) flush(env, parent || el);
    if (item) {
      const box = env.box;
      if (items.length < 3500 && box) {
        if (box.id < 0) { box.id = boxes.length; boxes.push(box); }
        change().heads = env.item < 0 ? heads : env.heads;
        mine.item = items.length;
        items.push([env.item, box.id, box.n]);
      }
    }
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
    if (struck) change().struck = true;
    if (!block) buffer += struck ? '\u0005\u0001' : '\u0005';
    const marked = block && mine.struck;
    let at = 0;
    for (const base of shadow !== null ? [shadow, el] : [el]) for (const node of nodesOf.call(base)) {
      if (node.nodeType === 3) {
        const data = node.data;
        if (data) buffer += (marked && /\S/.test(data) ? '\u0001' : '') + (/[\u0001-\u0005]/.test(data) ? data.replace(/[\u0001-\u0005]/g, ' ') : data) + (marked && /\S/.test(data) ? '\u0002' : '');
      } else if (node.nodeType === 1) {
        if (base === el && keep !== null && !keep.has(at++)) { left++; if (mine.box) mine.box.n++; continue; }
        if (node.tagName === 'BR') { buffer += ' '; continue; }
        const had = items.length, box = mine.box;
        walk(node, mine, depth + 1);
        if (box && items.length > had && box.id >= 0 && items[had][1] === box.id) box.n++;
      }
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
    box: {id: -1, n: 0}, cells: null, said: false, struck: false, dx: 0, dy: 0};
  const start = root || document.body;
  try { if (start) { walk(start, env, 0); flush(env, start); } } catch { left++; }

  // the paragraphs before the largest list, or all where there is none
  const sizes = boxes.map((b) => b.n), largest = sizes.indexOf(Math.max(...sizes, 1));
  let end = units.findIndex((u) => u[1] >= 0 && items[u[1]][1] === largest);
  if (end < 0) end = units.length;
  const near = [];
  for (let i = end - 1; i >= 0 && near.length < 6; i--) {
    const [p, at, text] = units[i], [path, , , region, , hidden] = places[p];
    if (at < 0 && !hidden && !beside.test(region) && !path.includes('@') && !/>(button|a|option|label|th|h1)$/.test(path) && text.length > 2 && text.length <= 200) near.unshift(short(text, 200));
  }
  const crumbs = [];
  for (const e of root ? [] : [...document.querySelectorAll('[aria-label*=breadcrumb i], [class*=breadcrumb i], [itemtype*=BreadcrumbList]')].slice(0, 6)) {
    if (crumbs.length >= 2 || parentOf.call(e).closest('[class*=breadcrumb i], [aria-label*=breadcrumb i]')) continue;
    const parts = [];
    for (const x of [...e.querySelectorAll('*')].slice(0, 60)) if (!x.childElementCount && words(x, 60)) parts.push(words(x, 60));
    crumbs.push(short(parts.length ? parts.join(' > ') : textOf.call(e), 200));
  }
  const doc = document.scrollingElement;
  scrolls = !root && !!doc && doc.scrollHeight > innerHeight + 40;
  const found = {kind: 'page', url: cut(location.href, 1900), title: cut(plain(document.title), 300), h1, crumbs, state, rowcount: counts.length ? Math.max(...counts) : null,
    stated, said: [...new Set([...said, ...near])], places, items, containers: sizes, units, cut: left, scrolls};
  if (Array.prototype.toJSON || Object.prototype.toJSON) { // of an old library, which would write arrays as texts
    const bare = (x) => { if (x && typeof x === 'object') { x.toJSON = undefined; Object.defineProperty(x, 'toJSON', {value: undefined, enumerable: false}); Object.values(x).forEach(bare); } };
    bare(found);
  }
  return JSON.stringify(found);
}"""  # noqa: E501  JavaScript
