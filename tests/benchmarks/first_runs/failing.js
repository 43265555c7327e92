const list = document.querySelector('ul.wares'), button = document.querySelector('button');
button.onclick = async () => {
  const answer = await fetch('/broken');
  if (answer.ok) list.insertAdjacentHTML('beforeend', await answer.text());
  else button.remove();
};
