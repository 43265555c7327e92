let at = 20, busy = false;
const category = new URLSearchParams(location.search).get('c') || 'Lighting';
new IntersectionObserver(async (entries) => {
  if (!entries[0].isIntersecting || busy) return;
  busy = true;
  const text = await (await fetch(`/rest?c=${category}&at=${at}`)).text();
  if (text) {
    document.querySelector('main div').insertAdjacentHTML('beforeend', text);
    at += 20;
  }
  busy = false;
}).observe(document.getElementById('end'));
