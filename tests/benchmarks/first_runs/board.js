const menu = document.getElementById('menu'), field = document.getElementById('field');
const all = JSON.parse(menu.dataset.stations), out = document.getElementById('out');
field.oninput = () => {
  const found = all.filter((name) => name.toLowerCase().startsWith(field.value.toLowerCase()));
  found.sort((a, b) => b.length - a.length);
  menu.innerHTML = found.map((name) => `<div role=option>${name}</div>`).join('');
};
menu.onclick = async (event) => {
  const option = event.target.closest('[role=option]');
  if (!option) return;
  menu.innerHTML = '';
  field.value = '';
  out.innerHTML = await (await fetch('/departures?s=' + encodeURIComponent(option.textContent))).text();
};
