// The part of a page's picture around a box, with the box marked.
const cropped = (page, box, name) => {
  if (!page || !box) return null;
  const [x, y, width, height] = box.split(',').map(Number);
  if (y + height > page.naturalHeight || x + width > page.naturalWidth) return null;
  const crop = document.createElement('canvas'), drawn = crop.getContext('2d');
  crop.width = Math.min(page.naturalWidth, Math.max(420, width + 80));
  crop.height = Math.min(page.naturalHeight, Math.max(110, height + 60));
  const left = Math.max(0, Math.min(x + width / 2 - crop.width / 2, page.naturalWidth - crop.width));
  const top = Math.max(0, Math.min(y + height / 2 - crop.height / 2, page.naturalHeight - crop.height));
  drawn.drawImage(page, -left, -top);
  drawn.lineWidth = 2; drawn.strokeStyle = '#d33';
  drawn.strokeRect(x - left - 3, y - top - 3, width + 6, height + 6);
  crop.className = 'crop'; crop.setAttribute('role', 'img'); crop.setAttribute('aria-label', name);
  return crop;
};
// Beside each departure the places of which it speaks.
for (const place of document.querySelectorAll('[data-crop]')) {
  const page = document.getElementById(place.dataset.crop);
  page?.decode().then(() => place.append(cropped(page, place.dataset.box, place.dataset.name) ?? ''), () => {});
}
// Tell where a value stood, when it is pointed at, focused or clicked.
const where = document.getElementById('where');
if (where) {
  const names = {text: 'Text', label: 'Label', headings: 'Under', region: 'In', marks: 'Marks', url: 'Page'};
  const page = document.getElementById('page-read');
  const show = (button) => {
    const list = document.createElement('dl');
    for (const [key, name] of Object.entries(names)) {
      if (!button.dataset[key]) continue;
      const term = document.createElement('dt'), value = document.createElement('dd');
      term.textContent = name; value.textContent = button.dataset[key];
      list.append(term, value);
    }
    where.replaceChildren(list);
    const crop = cropped(page, button.dataset.box, 'The place on the page');
    if (crop) where.append(crop);
    where.hidden = false;
    button.setAttribute('aria-describedby', 'where');
    const box = button.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - where.offsetWidth - 8));
    where.style.left = `${left + scrollX}px`;
    where.style.top = `${box.bottom + scrollY + 6}px`;
  };
  const hide = () => { where.hidden = true; };
  const target = (event) => event.target instanceof Element ? event.target.closest('button.origin') : null;
  for (const kind of ['mouseover', 'focusin', 'click'])
    document.addEventListener(kind, (event) => { const button = target(event); if (button) show(button); else if (kind !== 'focusin') hide(); });
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
}
// Long tables have pages, each as long as the part that stands in the file.
for (const pager of document.querySelectorAll('.pager')) {
  const body = pager.previousElementSibling.querySelector('tbody'), first = [...body.rows];
  const more = JSON.parse(pager.dataset.more), size = first.length, count = size + more.length;
  const [back, on] = pager.querySelectorAll('button'), status = pager.querySelector('[role=status]');
  const row = (texts) => {
    const made = document.createElement('tr');
    texts.forEach((text, n) => {
      const cell = made.insertCell();
      cell.textContent = text; cell.className = first[0].cells[n].className;
    });
    return made;
  };
  let at = 0;
  const turn = (to) => {
    at = to;
    body.replaceChildren(...(at ? more.slice(at - size, at).map(row) : first));
    status.textContent = `Rows ${at + 1} to ${Math.min(at + size, count)} of ${count}`;
    back.disabled = at === 0; on.disabled = at + size >= count;
  };
  back.addEventListener('click', () => turn(at - size));
  on.addEventListener('click', () => turn(at + size));
  turn(0);
  pager.hidden = false;
}
// j and k lead from step to step, as in other viewers of logs.
const turns = [...document.querySelectorAll('.turn')];
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !['j', 'k'].includes(event.key) || !turns.length) return;
  if (event.target instanceof Element && event.target.closest('input, textarea, select')) return;
  const at = turns.findIndex((turn) => turn.getBoundingClientRect().top > -4);
  const now = at < 0 ? turns.length : at;
  const top = now < turns.length && Math.abs(turns[now].getBoundingClientRect().top) < 8;
  const next = event.key === 'j' ? now + (top ? 1 : 0) : now - 1;
  turns[Math.max(0, Math.min(turns.length - 1, next))].scrollIntoView();
});
// A deep link into a folded part opens it.
const open = () => {
  for (let part = document.getElementById(decodeURIComponent(location.hash.slice(1))); part; part = part.parentElement)
    if (part.tagName === 'DETAILS') part.open = true;
};
addEventListener('hashchange', open); open();
addEventListener('beforeprint', () => { for (const part of document.querySelectorAll('details')) part.open = true; });
