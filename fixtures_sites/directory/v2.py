"""The guide after its redesign: cards, a button that loads more, details in a definition list.

Without an error, a script for v1 breaks because `?page=` is ignored (every page is the first), the only table left has
the office hours, the featured cards repeat entries of the list, and the details are in another order.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..markup import scramble
from ..markup import text as e
from .data import CATEGORIES, PAGE_SIZE, Entry, entries, in_category

__all__ = ["cards", "detail", "listing", "missing", "shown"]

_BUILD = "directory 2"

_CSS = """
*{box-sizing:border-box}body{margin:0;font:16px/1.55 "DejaVu Sans",Verdana,sans-serif;color:#1c1f33;background:#fff;display:flex;flex-direction:column;min-height:100vh}
a{color:#3a3fc4}.@@bar{order:-2;border-bottom:1px solid #e5e6f2;padding:18px 40px;display:flex;justify-content:space-between;align-items:center}
.@@word{font-weight:700;font-size:21px;color:#1c1f33;text-decoration:none;letter-spacing:-.02em}.@@word b{color:#ec6a4b}.@@bar ul{display:flex;gap:26px;list-style:none;margin:0;padding:0}.@@bar ul a{text-decoration:none;color:#4c5071;font-size:14px}
.@@hero{order:-1;background:linear-gradient(100deg,#ecebff,#ffeee8);padding:40px}.@@hero h1{font-size:34px;line-height:1.15;letter-spacing:-.02em;margin:0 0 18px}
.@@chips{display:flex;flex-wrap:wrap;gap:8px}.@@chips a{padding:6px 15px;border-radius:99px;background:#fff;border:1px solid #d6d7ea;text-decoration:none;font-size:14px;color:#1c1f33}.@@chips .@@sel{background:#1c1f33;color:#fff}
.@@wrap{padding:30px 40px;flex:1}.@@list{display:grid;grid-template-columns:repeat(3,1fr);gap:20px;list-style:none;margin:0;padding:0}
.@@card{border:1px solid #e5e6f2;border-radius:14px;padding:20px;height:100%;display:flex;flex-direction:column;gap:9px}.@@card:hover{box-shadow:0 8px 26px rgba(40,42,110,.12)}
.@@ttl{font-size:17px;font-weight:700;margin:0;display:-webkit-box;-webkit-line-clamp:1;-webkit-box-orient:vertical;overflow:hidden}.@@ttl a{color:inherit;text-decoration:none}
.@@line{display:flex;justify-content:space-between;font-size:13px;color:#6a6e90}.@@desc{font-size:14px;margin:0;color:#4c5071;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden;flex:1}
.@@tag{background:#ecebff;color:#3a3fc4;border-radius:5px;padding:1px 8px}.@@pr{font-weight:700;color:#1c1f33}.@@mark{width:30px;height:30px;border-radius:50%}
.@@more{display:block;margin:30px auto 6px;font:700 15px "DejaVu Sans",sans-serif;background:#ec6a4b;color:#fff;border:0;border-radius:99px;padding:13px 34px;cursor:pointer}.@@more[hidden]{display:none}.@@sum{text-align:center;color:#6a6e90;font-size:14px}
.@@pick{background:#f6f6fc;padding:26px 40px}.@@pick h2{font-size:17px;margin:0 0 14px}.@@zero{text-align:center;padding:60px 0;color:#6a6e90}
.@@dl{display:grid;grid-template-columns:1fr 1fr 1fr;gap:22px;margin:26px 0}.@@dl dt{font-size:12px;color:#6a6e90;text-transform:uppercase;letter-spacing:.06em}.@@dl dd{margin:2px 0 0;font-weight:700;font-size:15px;overflow-wrap:anywhere}address{font-style:normal}
.@@plan{width:100%;height:222px;border:0;border-radius:14px}.@@end{background:#1c1f33;color:#c9cbe6;padding:26px 40px;font-size:13px;display:flex;justify-content:space-between}.@@end td{padding-right:22px}.@@end a{color:#fff}
.@@shade{position:fixed;inset:0;background:rgba(28,31,51,.5);z-index:40;display:grid;place-items:center}.@@shade[hidden]{display:none}.@@sheet{background:#fff;border-radius:18px;padding:34px;max-width:430px;text-align:center}.@@sheet button{font:700 15px "DejaVu Sans",sans-serif;display:block;width:100%;border:0;border-radius:99px;padding:12px;background:#3a3fc4;color:#fff;cursor:pointer;margin-top:10px}.@@sheet button+button{background:none;color:#3a3fc4}
"""

_SCRIPT = """
const shade=document.getElementById('@@shade');shade.hidden=/hm2seen=/.test(document.cookie);
for(const b of shade.querySelectorAll('button'))b.onclick=()=>{document.cookie='hm2seen=1;path=/';shade.hidden=true};
const more=document.getElementById('@@more');
if(more)more.onclick=async()=>{const list=document.getElementById('@@list');more.disabled=true;
const answer=await(await fetch('/companies?from='+list.children.length+'&category='+more.value)).json();
list.insertAdjacentHTML('beforeend',answer.html);document.getElementById('@@sum').textContent=answer.shown+' of '+answer.total+' companies';
more.disabled=false;more.hidden=answer.shown>=answer.total};
"""


def _page(title: str, main: str, top: str = "") -> str:
    source = f"""<!doctype html><html lang="en"><head><title>Harrowmere Guide – {e(title)}</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta property="og:title" content="{e(title)}"><link rel="icon" href="data:,"><style>{_CSS}</style></head>
<body><div class="@@shade" id="@@shade" hidden><section class="@@sheet" aria-modal="true" role="dialog" aria-label="Your choices"><strong>Cookies, but only a few</strong><p>They keep your place in the list.</p><button type="button">That’s fine</button><button type="button">No cookies, please</button></section></div>
{top}<div class="@@wrap">{main}</div>
<div class="@@bar"><a class="@@word" href="/">harrowmere<b>guide</b></a><ul><li><a href="/">Companies</a></li><li><a href="#about">About the checks</a></li><li><a href="#add">Add yours</a></li></ul></div>
<div class="@@end"><table><tbody><tr><td>Office</td><td>Mon–Thu</td><td>9:00–16:30</td></tr><tr><td></td><td>Fri</td><td>9:00–13:00</td></tr></tbody></table><span>Updated 2 November 2025 · <a href="#legal">Legal</a></span></div>
<script>{_SCRIPT}</script></body></html>"""
    return scramble(source, _BUILD)


def _hero(heading: str, category: str | None) -> str:
    chips = "".join(
        f'<a href="{f"/?category={key}" if key else "/"}" class="{"@@sel" if key == category else "@@chip"}">{e(name)}</a>'
        for key, name in {"": "Everything", **CATEGORIES}.items()
    )
    return f'<div class="@@hero"><h1>{e(heading)}</h1><div class="@@chips">{chips}</div></div>'


def shown(found: Sequence[Entry], start: int) -> int:
    """Return the number of cards on the page once the batch from `start` is loaded."""
    return min(max(start, 0) + PAGE_SIZE, len(found))


def cards(found: Sequence[Entry], start: int) -> str:
    part = found[max(start, 0) : shown(found, start)]
    return scramble("".join(f"<li>{_card(entry)}</li>" for entry in part), _BUILD)


def _card(entry: Entry) -> str:
    return f"""<article class="@@card"><div class="@@line"><span class="@@pr">from {entry.price}</span><span aria-label="Rated {entry.rating} of 5">{entry.rating} / 5</span></div>
<h3 class="@@ttl" title="{e(entry.name)}"><a href="/companies/{entry.slug}">{e(entry.name)}</a></h3><p class="@@desc" title="{e(entry.about)}">{e(entry.about)}</p>
<div class="@@line"><span>{entry.town}</span><span class="@@tag">{e(CATEGORIES[entry.category])}</span></div></article>"""


def listing(category: str) -> str:
    found = in_category(category)
    category = category if category in CATEGORIES else ""
    heading = CATEGORIES.get(category, "People who mend, build and grow")
    if not found:
        zero = '<div class="@@zero" role="status"><h2>Nothing found here yet</h2><p>No company offers this. <a href="/">See everything</a></p></div>'
        return _page(heading, zero, _hero(heading, category))
    count, all_of_it = shown(found, 0), entries()
    hidden = " hidden" if count >= len(found) else ""
    featured = "".join(f"<li>{_card(all_of_it[number % len(all_of_it)])}</li>" for number in (30, 7, 44))
    main = f"""<ul class="@@list" id="@@list">{cards(found, 0)}</ul>
<button class="@@more" id="@@more" type="button" value="{category}"{hidden}>Load more companies</button><p class="@@sum" id="@@sum">{count} of {len(found)} companies</p>"""
    pick = f'<aside class="@@pick"><h2>Picked by our readers</h2><ul class="@@list">{featured}</ul></aside>'
    return _page(heading, main, _hero(heading, category) + ("" if category else pick))


def detail(entry: Entry) -> str:
    website = f'<a href="{entry.website}">{entry.website}</a>' if entry.website else '<span title="not given">–</span>'
    items = [
        ("Rating", f"{entry.rating} of 5 ({entry.reviews} reviews)"),
        ("Est.", str(entry.founded)),
        ("Checked on", f"<time>{entry.checked}</time>"),
        ("Find us", f"<address>{entry.address}</address>"),
        ("On the web", website),
        ("Call", f'<a href="tel:{entry.phone.replace(" ", "")}">{entry.phone}</a>'),
        ("Call-out from", entry.price),
    ]
    rows = "".join(f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in items)
    return _page(
        entry.name,
        f"""<iframe class="@@plan" src="/map/{entry.number}" title="Where {e(entry.name)} is" loading="lazy"></iframe><dl class="@@dl">{rows}</dl>
<p>{e(entry.about)}</p><p><img class="@@mark" src="/media/{entry.number}.svg" alt="" loading="lazy"></p>""",
        _hero(entry.name, None),
    )


def missing() -> str:
    return _page("Lost", '<div class="@@zero"><h2>We cannot find that page</h2><a href="/">Start again</a></div>')
