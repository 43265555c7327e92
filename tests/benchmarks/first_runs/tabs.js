const category = new URLSearchParams(location.search).get('c') || 'Lighting';
const tabs = [...document.querySelectorAll('[role=tab]')];
for (const tab of tabs) tab.onclick = async () => {
  for (const each of tabs) each.setAttribute('aria-selected', each === tab);
  const answer = await fetch(`/tickets?c=${category}&t=${tab.textContent}`);
  document.querySelector('tbody').innerHTML = await answer.text();
};
