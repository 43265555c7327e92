const box = document.getElementById('box'), space = document.getElementById('space'), HEIGHT = 40, SHOWN = 12;
const rows = JSON.parse(box.dataset.rows);
space.style.height = rows.length * HEIGHT + 'px';
const elements = [...Array(SHOWN)].map(() => {
  const element = document.createElement('div');
  element.className = 'row';
  element.style.cssText = 'position:absolute;left:0;right:0;height:40px';
  space.append(element);
  return element;
});
const draw = () => {
  const first = Math.max(0, Math.min(rows.length - SHOWN, Math.floor(box.scrollTop / HEIGHT)));
  elements.forEach((element, at) => {
    const [name, price] = rows[first + at];
    element.style.top = (first + at) * HEIGHT + 'px';
    element.innerHTML = `<b>${name}</b> <span>£${price}</span>`;
  });
};
box.addEventListener('scroll', () => requestAnimationFrame(draw));
draw();
