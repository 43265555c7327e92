"""The archive after its redesign: cards that load on demand, downloads in a menu, a preview in an iframe."""

from __future__ import annotations

from ..markup import scramble, stylesheet, text
from .model import COUNTS, Report, of_year

BATCH = 6

_SCRIPT = """
const list=document.querySelector('[data-cards]'),more=document.querySelector('[data-more]'),pane=document.querySelector('[data-pane]');
document.querySelector('select').onchange=e=>location.search='?y='+e.target.value;
if(more)more.onclick=async()=>{more.disabled=true;const have=list.children.length;
const r=await fetch(`/more?y=${more.dataset.more}&from=${have}`);list.insertAdjacentHTML('beforeend',await r.text());
if(r.headers.get('X-Left')==='0')more.remove();else more.disabled=false};
list.addEventListener('click',e=>{const b=e.target.closest('button');if(!b)return;
if(b.dataset.k)location.href='/d/'+b.dataset.k;
if(b.dataset.p){pane.hidden=false;pane.querySelector('iframe').src='/p/'+b.dataset.p}});
pane.querySelector('button').onclick=()=>{pane.hidden=true};
"""


def page(year: int) -> str:
    options = "".join(f"<option{' selected' if each == year else ''}>{each}</option>" for each in sorted(COUNTS))
    more = f'<button class="@@more" data-more="{year}">Show more reports</button>' if len(of_year(year)) > BATCH else ""
    return _document(
        f"Library {year}",
        f"""<section class="@@hero"><h2>The library</h2><label>Year <select>{options}</select></label></section>
<ul class="@@cards" data-cards>{cards(year, 0)}</ul><p class="@@mid">{more}</p>
<div class="@@pane" data-pane hidden><button class="@@x">Close preview</button><iframe title="Preview"></iframe></div><script>{_SCRIPT}</script>""",
    )


def cards(year: int, start: int) -> str:
    """Return the next batch of cards, oldest first, unlike in v1."""
    batch = of_year(year)[::-1][start : start + BATCH]
    return scramble("".join(_card(report) for report in batch), "cwi v2")


def preview(report: Report) -> str:
    return f"""<!doctype html><title>{text(report.title)}</title><body style="font:15px/1.6 sans-serif;padding:18px">
<h3>{text(report.title)}</h3><p>{text(report.abstract)}</p><p><a href="/d/{report.key("pdf")}">Download the report</a></p>"""


def missing() -> str:
    return _document("Nothing here", "<section><h2>Nothing here</h2><p>Try the library.</p></section>")


def _document(title: str, body: str) -> str:
    return scramble(
        f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} | cwi</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{stylesheet("archive", "v2.css")}</style></head><body>
<div class="@@app"><div class="@@nav"><a class="@@brand" href="/">cwi<sup>~</sup></a><a href="/">Library</a><a href="/#map">Map</a><a href="/#live">Live levels</a><a href="/#team">Team</a></div>
<div class="@@main">{body}<div class="@@base">Coastal Water Institute. Free to use with attribution.</div></div></div></body></html>""",
        "cwi v2",
    )


def _card(report: Report) -> str:
    return f"""<li class="@@card"><small>{report.published.isoformat()} &middot; {report.number}</small><h3>{text(report.title)}</h3><p>{report.pages} pp.</p>
<div class="@@acts"><details class="@@menu"><summary>Download</summary><div><button data-k="{report.key("pdf")}">Report, {report.pdf.size}</button>
<button data-k="{report.key("csv")}">Data table, {report.csv.size}</button></div></details><button class="@@peek" data-p="{report.key("page")}">Preview</button></div></li>"""
