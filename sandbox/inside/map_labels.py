"""The part of the script of a page's map that finds labels: heads of columns, labels and values of form fields."""

from __future__ import annotations

LABELS = r"""  // the texts of the heads of a table's columns, with what they span
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
    if (table.rows.length < 1000 && querySelector.call(table, 'td[rowspan], tbody th[rowspan]')) { // the column of each cell, among cells that span rows
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
      for (const o of keep ? keep.map((i) => all[i]) : all) { const t = short(o.label, 120); if (t) push(env, t, '', e); }
      left += keep ? all.length - keep.length : 0;
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
"""  # noqa: E501  JavaScript
