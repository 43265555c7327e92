"""The newspaper after its redesign: a grid, a button for more, cards entirely in shadow roots.

Without an error, a script for v1 breaks because scrolling loads nothing more although the total is unchanged, `?topic=`
filters nothing, and the last column has `<article>` teasers of events, which are not stories.
"""

from __future__ import annotations

import json

from ..markup import scramble
from ..markup import text as e
from .data import TOPICS, Story

__all__ = ["home", "story"]

_BUILD = "feed 2"

_CSS = """
*{box-sizing:border-box}body{margin:0;font:15px/1.5 "Liberation Sans",Arial,sans-serif;color:#0e1b24;background:#eef4f5}a{color:#0b6b7d}
.@@shell{display:grid;grid-template-columns:minmax(0,1fr) 250px;gap:30px;max-width:1230px;margin:0 auto;padding:0 24px}.@@lead{grid-column:1/-1;display:flex;justify-content:space-between;align-items:center;padding:20px 0 4px}
.@@brand{font:700 25px "DejaVu Sans",Verdana,sans-serif;letter-spacing:-.04em;color:#0b6b7d;text-decoration:none}.@@brand i{font-style:normal;color:#e2963a}.@@topics{display:flex;gap:8px;flex-wrap:wrap}.@@topics a{padding:6px 14px;border-radius:8px;background:#fff;text-decoration:none;color:#0e1b24;font-size:14px}.@@topics a[aria-current]{background:#0b6b7d;color:#fff}
.@@cards{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:20px}.@@status{display:flex;justify-content:space-between;margin:6px 0 14px;color:#546872;font-size:14px}
.@@btn{display:block;width:100%;margin:24px 0;padding:13px;font:700 15px "Liberation Sans",Arial,sans-serif;border:2px solid #0b6b7d;border-radius:10px;background:none;color:#0b6b7d;cursor:pointer}.@@btn:hover{background:#0b6b7d;color:#fff}.@@btn[hidden]{display:none}
.@@rail{padding-top:34px}.@@rail article{background:#fff;border-radius:10px;padding:16px;margin-bottom:14px}.@@rail h2{font-size:15px;margin:0 0 4px}.@@rail p{margin:0;color:#546872;font-size:13px}.@@void{padding:60px;text-align:center;color:#546872;background:#fff;border-radius:10px}
.@@base{background:#0e1b24;color:#b9ccd2;margin-top:40px;padding:24px;text-align:center;font-size:13px}.@@base a{color:#fff}.@@read{grid-column:1/-1;background:#fff;border-radius:12px;padding:34px;max-width:760px}.@@read img{width:100%;border-radius:10px}
.@@pop{border:0;border-radius:16px;padding:34px;max-width:420px;text-align:center}.@@pop::backdrop{background:rgba(14,27,36,.6)}.@@pop button{font:inherit;border:0;border-radius:10px;padding:11px 24px;background:#e2963a;color:#fff;cursor:pointer;display:block;width:100%;margin-top:10px}.@@pop button+button{background:none;color:#546872}
"""

_SCRIPT = """
customElements.define('courier-card',class extends HTMLElement{connectedCallback(){if(this.shadowRoot)return;const root=this.attachShadow({mode:'open'});const [id,title,topic,author,printed,comments,summary]=this.row;
root.innerHTML='<style>:host{display:block;background:#fff;border-radius:12px;overflow:hidden;height:100%}img{width:100%;height:140px;object-fit:cover;display:block}section{padding:14px 16px}a{color:#0e1b24;text-decoration:none;font-weight:700;font-size:16px;line-height:1.3;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}dl{display:grid;grid-template-columns:auto 1fr;gap:2px 10px;margin:10px 0 0;font-size:13px;color:#546872}dd{margin:0}p{font-size:14px;margin:6px 0 0;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;color:#546872}</style>'+
'<section><a></a><p></p><dl><dt>Published</dt><dd></dd><dt>Topic</dt><dd></dd><dt>Comments</dt><dd></dd><dt>Words by</dt><dd></dd></dl></section><img loading="lazy" alt="">';
const link=root.querySelector('a');link.href='/read/'+id;link.textContent=title;link.title=title;const p=root.querySelector('p');p.textContent=summary;p.title=summary;
const values=root.querySelectorAll('dd');values[0].textContent=printed;values[1].textContent=config.topics[topic];values[2].textContent=comments;values[3].textContent=author;root.querySelector('img').src='/img/'+id+'.svg'}});
const $=id=>document.getElementById(id),cards=$('@@cards'),more=$('@@more');let wanted=0;
async function fill(after){const mine=after?wanted:++wanted,topic=location.hash.slice(1);more.disabled=true;
const got=await(await fetch('/feed.json?after='+after+'&t='+topic)).json();if(mine!==wanted)return;if(!after)cards.replaceChildren();
for(const row of got.rows){const li=document.createElement('li'),card=document.createElement('courier-card');card.row=row;li.append(card);cards.append(li)}
$('@@sum').textContent=got.n===1?'1 story':got.n+' stories';$('@@void').hidden=got.n>0;more.disabled=false;more.hidden=cards.children.length>=got.n;
document.querySelectorAll('#@@topics a').forEach(a=>a.hash.slice(1)===topic?a.setAttribute('aria-current','true'):a.removeAttribute('aria-current'))}
more.onclick=()=>fill(cards.children.length);addEventListener('hashchange',()=>fill(0));fill(0);
const pop=$('@@pop');for(const b of pop.querySelectorAll('button'))b.onclick=()=>pop.close();pop.onclose=()=>localStorage.setItem('courier-asked','1');
if(!localStorage.getItem('courier-asked'))setTimeout(()=>pop.showModal(),config.modal);
"""


def _page(title: str, main: str, extra: str = "") -> str:
    topics = "".join(f'<a href="/#{key}">{name}</a>' for key, name in {"": "Everything", **TOPICS}.items())
    return scramble(
        f"""<!doctype html><html lang="en"><head><title>{e(title)} | saltmarsh.courier</title><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta property="og:site_name" content="Saltmarsh Courier"><link rel="icon" href="data:,"><style>{_CSS}</style></head><body><div class="@@shell"><div class="@@lead"><nav class="@@topics" id="@@topics" aria-label="Topics">{topics}</nav><a class="@@brand" href="/">saltmarsh<i>.</i>courier</a></div>
{main}</div><div class="@@base">Saltmarsh Courier, Fish Street 8 · <a href="#contact">Contact</a> · <a href="#terms">Terms</a></div>{extra}</body></html>""",
        _BUILD,
    )


def home(modal_after: float) -> str:
    config = json.dumps({"topics": TOPICS, "modal": int(modal_after * 1000)})
    events = "".join(
        f"<article><h2>{name}</h2><p>{when}</p></article>"
        for name, when in (
            ("Harbor choir", "22 November 2025, 19:30"),
            ("Market on the quay", "29 November 2025, 8:00"),
        )
    )
    main = f"""<section><div class="@@status"><span>Latest first</span><span id="@@sum" role="status"></span></div><ul class="@@cards" id="@@cards"></ul>
<div class="@@void" id="@@void" hidden>Nothing found: no stories here yet.</div><button class="@@btn" id="@@more" type="button" hidden>Show more</button></section><aside class="@@rail">{events}</aside>"""
    pop = """<dialog class="@@pop" id="@@pop"><h3>Before you read on</h3><p>Our Friday mail has the tides, the ferries and the week’s five best stories.</p><button type="button">Yes, send it</button><button type="button">No, thanks</button></dialog>"""
    return _page("Latest", main, f"{pop}<script>const config={config};{_SCRIPT}</script>")


def story(found: Story) -> str:
    return _page(
        found.title,
        f"""<div class="@@read"><img src="/img/{found.number}.svg" alt=""><h1>{e(found.title)}</h1>
<p>{e(found.summary)}</p><p>{e(found.summary)}</p><small>{found.printed} · {TOPICS[found.topic]} · {e(found.author)}</small></div>""",
    )
