const category = new URLSearchParams(location.search).get('c') || 'Lighting';
fetch('/api?c=' + category).then((answer) => answer.json()).then((data) => setTimeout(() => {
  const row = (item) => `<li><b>${item.name}</b> <i>£${item.price.toFixed(2)}</i></li>`;
  document.querySelector('.loading').remove();
  if (!data.items.length) document.querySelector('main').insertAdjacentHTML('beforeend', '<p>No items found.</p>');
  document.querySelector('ul.wares').innerHTML = data.items.map(row).join('');
}, 300));
