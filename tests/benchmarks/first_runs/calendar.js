for (const button of document.querySelectorAll('button')) button.onclick = async () => {
  document.getElementById('out').innerHTML = await (await fetch('/slots?k=' + button.dataset.k)).text();
};
