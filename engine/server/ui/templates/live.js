// The list of tasks, and the page of a task that runs, follow what happens. What the server sends is escaped there.
const list = document.getElementById('tasks');
const running = document.getElementById('running');
if (list || running) {
  const source = new EventSource('/ui/live');
  source.onmessage = (message) => {
    const shown = new DOMParser().parseFromString(JSON.parse(message.data), 'text/html').body;
    if (list) {
      const focused = document.activeElement && list.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
      list.replaceChildren(...shown.childNodes);
      if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
    if (running) {
      const link = shown.querySelector(`a[href="/ui/tasks/${CSS.escape(running.dataset.task)}"]`);
      const cells = link ? link.closest('tr').children : [];
      if (!link || !cells[2].querySelector('.open')) location.reload();
      else document.getElementById('now').textContent = cells[3].textContent;
    }
  };
}
