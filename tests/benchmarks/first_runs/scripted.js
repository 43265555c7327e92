const category = new URLSearchParams(location.search).get('c') || 'Lighting';
fetch('/api?c=' + category).then((answer) => answer.json()).then((data) => {
  const row = (item) => `<li><b>${item.name}</b> <i>£${item.price.toFixed(2)}</i></li>`;
  document.querySelector('ul.wares').innerHTML = data.items.map(row).join('');
});
