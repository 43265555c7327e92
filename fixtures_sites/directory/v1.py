"""The guide before its redesign: sidebar, table, numbered pages."""

from __future__ import annotations

from urllib.parse import urlencode

from ..markup import scramble
from ..markup import text as e
from .data import CATEGORIES, PAGE_SIZE, Entry, entries, in_category

__all__ = ["detail", "listing", "missing"]

_BUILD = "directory 1"

_CSS = """
*{box-sizing:border-box}body{margin:0;font:15px/1.5 "Liberation Sans",Arial,sans-serif;color:#24302b;background:#f5f3ec}
a{color:#1d5c46}.@@top{background:#1d3b32;color:#f1ecd9}.@@in{max-width:1120px;margin:0 auto;padding:0 24px}
.@@top .@@in{display:flex;align-items:center;gap:40px;height:76px}.@@logo{font:700 23px "DejaVu Serif",Georgia,serif;color:#f6e7b4;text-decoration:none}
.@@nav a{color:#dfe7dd;text-decoration:none;margin-right:24px}.@@nav a:hover{text-decoration:underline}
.@@strip{background:#e6dfc8;font-size:13px;padding:7px 0;color:#5c5638}
.@@cols{display:grid;grid-template-columns:230px 1fr;gap:36px;padding-top:28px;padding-bottom:60px}
.@@side h3{font-size:13px;text-transform:uppercase;letter-spacing:.08em;color:#6d745f;margin:0 0 10px}
.@@side div a{display:flex;justify-content:space-between;padding:7px 10px;text-decoration:none;border-radius:4px}
.@@side div a:hover{background:#e9e5d6}.@@on{background:#1d5c46!important;color:#fff!important}.@@side small{opacity:.7}
h1{font:700 29px/1.2 "DejaVu Serif",Georgia,serif;margin:0 0 6px}.@@cnt{color:#6d745f;margin:0 0 16px}
.@@grid{width:100%;border-collapse:collapse;background:#fff;border:1px solid #ddd6c0}.@@grid th{font-size:12px;text-align:left;text-transform:uppercase;letter-spacing:.05em;color:#6d745f;background:#faf8f1;padding:10px 12px;border-bottom:1px solid #ddd6c0;white-space:nowrap}
.@@grid td{padding:11px 12px;border-bottom:1px solid #eeeadc;vertical-align:middle}.@@grid img{width:34px;height:34px;display:block;border-radius:4px}
.@@name{font-weight:700}.@@cut{display:block;max-width:270px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;color:#6d745f;font-size:13px}.@@namecut{max-width:230px;color:#1d5c46;font-size:15px}
.@@star{color:#a8741a;white-space:nowrap}.@@pages{display:flex;gap:6px;margin:22px 0}.@@pages>*{padding:6px 13px;border:1px solid #d3ccb5;background:#fff;border-radius:4px;text-decoration:none}
.@@pages .@@now{background:#1d5c46;color:#fff;border-color:#1d5c46}.@@pages .@@off{color:#b6b09b;background:#f5f3ec}
.@@none{background:#fff;border:1px dashed #cfc7ac;padding:48px;text-align:center;color:#6d745f}
.@@facts{border-collapse:collapse;background:#fff;border:1px solid #ddd6c0;width:100%;margin:18px 0}.@@facts th{text-align:left;width:150px;background:#faf8f1;font-weight:400;color:#6d745f}.@@facts th,.@@facts td{padding:11px 14px;border-bottom:1px solid #eeeadc}
.@@head{display:flex;gap:18px;align-items:center}.@@head img{width:64px;height:64px;border-radius:8px}iframe{border:1px solid #ddd6c0;width:100%;height:222px}
.@@foot{background:#e6dfc8;padding:26px 0;font-size:13px;color:#5c5638}.@@foot a{margin-right:18px}
.@@veil{position:fixed;inset:0;background:rgba(20,32,27,.55);display:none;align-items:flex-end;justify-content:center;z-index:9}
.@@box{background:#fff;border-radius:10px 10px 0 0;max-width:720px;padding:26px 30px;box-shadow:0 -6px 30px rgba(0,0,0,.25)}.@@box h2{margin:0 0 6px;font-size:19px}
.@@btn{font:inherit;padding:9px 20px;border-radius:4px;border:1px solid #1d5c46;background:#fff;color:#1d5c46;cursor:pointer;margin-right:10px}.@@yes{background:#1d5c46;color:#fff}
"""

_CONSENT = """
<div class="@@veil" id="@@veil" role="dialog" aria-label="Cookies"><div class="@@box"><h2>We value your privacy</h2>
<p>We use cookies to remember your searches and to see which trades are asked for.</p>
<button class="@@btn @@yes" data-pick="all">Accept all</button><button class="@@btn" data-pick="some">Only necessary</button></div></div>
<script>(function(){var v=document.getElementById('@@veil');if(!/hmconsent=/.test(document.cookie))v.style.display='flex';
v.querySelectorAll('button').forEach(function(b){b.addEventListener('click',function(){document.cookie='hmconsent='+b.dataset.pick+';path=/';v.style.display='none'})})})()</script>
"""


def _page(title: str, main: str, category: str | None = None) -> str:
    every = "@@on" if category == "" else ""
    links = f'<a class="{every}" href="/">All trades <small>{len(entries())}</small></a>' + "".join(
        f'<a class="{"@@on" if category == key else ""}" href="/?category={key}">{e(name)} '
        f"<small>{len(in_category(key))}</small></a>"
        for key, name in CATEGORIES.items()
    )
    source = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{e(title)} | Harrowmere Trades Guide</title>
<meta name="description" content="Joiners, electricians, gardeners and masons in and around Harrowmere, checked every year.">
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,"><style>{_CSS}</style></head><body>
<header class="@@top"><div class="@@in"><a class="@@logo" href="/">Harrowmere Trades Guide</a>
<nav class="@@nav"><a href="/">Find a trade</a><a href="#how">How we check</a><a href="#join">List your business</a></nav></div></header>
<div class="@@strip"><div class="@@in">Office open Monday to Friday, 9:00 to 16:30</div></div>
<div class="@@in @@cols"><div class="@@side"><h3>Trades</h3><div>{links}</div></div><main id="@@main">{main}</main></div>
<footer class="@@foot"><div class="@@in"><a href="#imprint">Imprint</a><a href="#privacy">Privacy</a><span>Last updated 12 October 2025</span></div></footer>
{_CONSENT}</body></html>"""
    return scramble(source, _BUILD)


def listing(category: str, page: int) -> str:
    found = in_category(category)
    category = category if category in CATEGORIES else ""
    title = CATEGORIES.get(category, "All trades")
    if not found:
        return _page(
            title,
            f'<h1>{e(title)}</h1><div class="@@none"><b>Nothing found</b><br>We have no business in this trade at the moment. '
            'Try <a href="/">all trades</a>.</div>',
            category,
        )
    last = -(-len(found) // PAGE_SIZE)
    page = min(max(page, 1), last)
    start = (page - 1) * PAGE_SIZE
    shown = found[start : start + PAGE_SIZE]
    body = f"""<h1>{e(title)}</h1><p class="@@cnt">Showing {start + 1}–{start + len(shown)} of {len(found)} entries</p>
<table class="@@grid"><thead><tr><th></th><th>Business</th><th>Trade</th><th>Town</th><th>Rating</th><th>Call-out</th></tr></thead>
<tbody>{"".join(_row(entry) for entry in shown)}</tbody></table>{_pages(category, page, last)}"""
    return _page(title if page == 1 else f"{title}, page {page}", body, category)


def _row(entry: Entry) -> str:
    return f"""<tr><td><img src="/media/{entry.number}.svg" alt="" loading="lazy" width="34" height="34"></td>
<td><a class="@@name @@cut @@namecut" href="/entry/{entry.number}-{entry.slug}" title="{e(entry.name)}">{e(entry.name)}</a><span class="@@cut" title="{e(entry.about)}">{e(entry.about)}</span></td>
<td>{e(CATEGORIES[entry.category])}</td><td>{entry.town}</td><td><span class="@@star">★ {entry.rating}</span></td><td>{entry.price}</td></tr>"""


def _pages(category: str, page: int, last: int) -> str:
    if last == 1:
        return ""

    def address(number: int) -> str:
        query = ({"category": category} if category else {}) | ({"page": str(number)} if number > 1 else {})
        return e("/?" + urlencode(query) if query else "/")

    numbers = "".join(
        f'<span class="@@now" aria-current="page">{n}</span>' if n == page else f'<a href="{address(n)}">{n}</a>'
        for n in range(1, last + 1)
    )
    before = (
        f'<a rel="prev" href="{address(page - 1)}">‹ Previous</a>'
        if page > 1
        else '<span class="@@off">‹ Previous</span>'
    )
    after = (
        f'<a rel="next" href="{address(page + 1)}">Next ›</a>'
        if page < last
        else '<span class="@@off" aria-disabled="true">Next ›</span>'
    )
    return f'<nav class="@@pages" aria-label="Pages">{before}{numbers}{after}</nav>'


def detail(entry: Entry) -> str:
    website = f'<a href="{entry.website}" rel="nofollow">{entry.website}</a>' if entry.website else "<i>not given</i>"
    rows = [
        ("Address", entry.address),
        ("Phone", entry.phone),
        ("Website", website),
        ("Founded", str(entry.founded)),
        ("Rating", f"{entry.rating} of 5 ({entry.reviews} reviews)"),
        ("Call-out from", entry.price),
        ("Last checked", entry.checked),
    ]
    facts = "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in rows)
    return _page(
        entry.name,
        f"""<p><a href="/?category={entry.category}">‹ {e(CATEGORIES[entry.category])}</a></p>
<div class="@@head"><img src="/media/{entry.number}.svg" alt="" loading="lazy"><h1>{e(entry.name)}</h1></div><p>{e(entry.about)}</p>
<table class="@@facts" id="@@facts"><tbody>{facts}</tbody></table><iframe src="/map/{entry.number}" title="Map" loading="lazy"></iframe>""",
        entry.category,
    )


def missing() -> str:
    return _page(
        "Not found",
        '<h1>Page not found</h1><p>The entry may have been removed. <a href="/">All trades</a></p>',
    )
