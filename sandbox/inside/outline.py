"""The outline of a page: its landmarks and groups of like elements, by which it is recognized in later runs."""

from __future__ import annotations

MAX_LANDMARKS = 20
MAX_GROUPS = 12

OUTLINE = f"""() => {{
  const shown = (e) => e.checkVisibility({{visibilityProperty: true}}) && e.getClientRects().length > 0;
  const plain = (s) => (s || '').replace(/\\s+/g, ' ').trim().slice(0, 80);
  const roles = {{MAIN: 'main', NAV: 'navigation', TABLE: 'table', FORM: 'form', H1: 'h1'}};
  const landmarks = new Set();
  const parts = 'main, nav, table, form, h1, [role=main], [role=navigation], [role=table]';
  for (const e of document.querySelectorAll(parts)) {{
    if (landmarks.size >= {MAX_LANDMARKS}) break;
    if (!shown(e)) continue;
    const role = e.getAttribute('role') || roles[e.tagName];
    const heads = e.tagName === 'TABLE' ? [...e.querySelectorAll('thead th')].map((h) => h.textContent) : [];
    const name = plain(e.getAttribute('aria-label')) || plain(heads.join(', '));
    landmarks.add(name ? role + ': ' + name : role);
  }}
  const root = document.querySelector('main, [role=main]') || document.body;
  const beside = 'nav, header, footer, aside, dialog, select, svg, [role=navigation], [role=dialog]';
  const groups = [];
  for (const parent of root ? [root, ...[...root.querySelectorAll('*')].slice(0, 20000)] : []) {{
    if (parent.childElementCount < 2) continue;
    const tally = new Map();
    for (const child of parent.children) {{
      if (!tally.has(child.tagName)) tally.set(child.tagName, []);
      tally.get(child.tagName).push(child);
    }}
    for (const [tag, children] of tally) {{
      if (children.length < 2 || ['BR', 'OPTION', 'TD', 'TH', 'SCRIPT', 'STYLE'].includes(tag)) continue;
      if (parent.closest(beside)) break;
      const seen = children.filter(shown).length;
      if (seen > 1) groups.push([tag.toLowerCase() + ' in ' + parent.tagName.toLowerCase(), seen]);
    }}
  }}
  groups.sort((a, b) => b[1] - a[1]);
  return {{landmarks: [...landmarks], groups: groups.slice(0, {MAX_GROUPS})}};
}}"""
