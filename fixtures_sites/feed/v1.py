"""The newspaper before its redesign: one column, infinite scroll, custom elements."""

from __future__ import annotations

import json

from ..markup import scramble
from ..markup import text as e
from .data import TOPICS, Story

__all__ = ["home", "story"]

_BUILD = "feed 1"

_CSS = """
*{box-sizing:border-box}body{margin:0;font:16px/1.5 "DejaVu Serif",Georgia,serif;color:#20262c;background:#fbfaf7}a{color:inherit}
.@@mast{text-align:center;padding:26px 0 14px;border-bottom:3px double #20262c;max-width:860px;margin:0 auto}.@@mast h1{margin:0;font-size:42px;letter-spacing:-.01em}.@@mast h1 a{text-decoration:none}.@@mast p{margin:4px 0 0;font-size:13px;color:#6b7076}
.@@tabs{display:flex;justify-content:center;gap:24px;font:14px "Liberation Sans",Arial,sans-serif;padding:12px 0;max-width:860px;margin:0 auto;border-bottom:1px solid #d9d6cd}.@@tabs a{text-decoration:none;color:#6b7076}.@@tabs .@@act{color:#8c2f1b;font-weight:700}
.@@col{max-width:860px;margin:0 auto;padding:16px 0 60px}.@@tot{font:13px "Liberation Sans",Arial,sans-serif;color:#6b7076;margin:0 0 8px}
.@@it{display:grid;grid-template-columns:230px 1fr;gap:24px;padding:22px 0;border-bottom:1px solid #e4e1d8}.@@it img{width:230px;height:130px;object-fit:cover;background:#e4e1d8}
.@@hd{font-size:21px;line-height:1.25;font-weight:700;margin:0 0 6px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;max-width:600px}.@@hd a{text-decoration:none}.@@hd a:hover{text-decoration:underline}
.@@kick{font:700 12px "Liberation Sans",Arial,sans-serif;text-transform:uppercase;letter-spacing:.08em;color:#8c2f1b}.@@sm{margin:0 0 8px;font-size:15px;color:#4a5158;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
.@@spin{text-align:center;padding:30px;color:#6b7076;font:14px "Liberation Sans",Arial,sans-serif}.@@art{max-width:680px;margin:30px auto 80px}.@@art img{width:100%}.@@ft{border-top:1px solid #d9d6cd;text-align:center;font:13px "Liberation Sans",Arial,sans-serif;color:#6b7076;padding:22px}
.@@ov{position:fixed;inset:0;background:rgba(32,38,44,.6);display:flex;align-items:center;justify-content:center;z-index:5}.@@ov[hidden]{display:none}.@@dlg{background:#fff;width:460px;padding:34px;position:relative;border-top:6px solid #8c2f1b}.@@dlg h2{margin:0 0 8px}
.@@x{position:absolute;right:12px;top:8px;border:0;background:none;font-size:26px;cursor:pointer;color:#6b7076}.@@dlg input{font:inherit;width:100%;padding:9px;border:1px solid #b9b5a8;margin:8px 0}.@@dlg form button{font:inherit;padding:9px 20px;background:#8c2f1b;color:#fff;border:0;cursor:pointer}
"""

_MODAL = """
<div class="@@ov" id="@@ov" hidden><div class="@@dlg" role="dialog" aria-modal="true" aria-label="Newsletter"><button class="@@x" aria-label="Close" type="button">×</button>
<h2>The tide table, every Friday</h2><p>Get the Courier by mail: free for four weeks, then €4.50 a month.</p><form><input type="email" placeholder="you@mail.example" aria-label="Email"><button type="submit">Subscribe</button></form></div></div>
"""

_SCRIPT = """
customElements.define('sm-meta',class extends HTMLElement{connectedCallback(){const root=this.attachShadow({mode:'open'});const s=this.story;
root.innerHTML='<style>div{font:13px "Liberation Sans",Arial,sans-serif;color:#6b7076}b{color:#20262c}</style><div part="line">By <b></b> · <time></time> · <span></span></div>';
root.querySelector('b').textContent=s.author;const t=root.querySelector('time');t.textContent=s.printed;t.dateTime=s.date;
root.querySelector('span').textContent=s.comments===1?'1 comment':s.comments+' comments'}});
const list=document.getElementById('@@list'),foot=document.getElementById('@@spin');let offset=0,total=null,busy=false;
function card(s){const a=document.createElement('article');a.className='@@it';
a.innerHTML='<img alt="" loading="lazy" width="230" height="130"><div><span class="@@kick"></span><h2 class="@@hd"><a></a></h2><p class="@@sm"></p></div>';
a.querySelector('img').src='/img/'+s.id+'.svg';a.querySelector('span').textContent=config.topics[s.topic];
const link=a.querySelector('a');link.textContent=s.title;link.title=s.title;link.href='/story/'+s.id;
const p=a.querySelector('p');p.textContent=s.summary;p.title=s.summary;const m=document.createElement('sm-meta');m.story=s;a.lastChild.append(m);return a}
async function load(){if(busy||(total!==null&&offset>=total))return;busy=true;
const got=await(await fetch('/api/stories?offset='+offset+'&topic='+config.topic)).json();total=got.total;offset+=got.items.length;
document.getElementById('@@tot').textContent=total===1?'1 story':total+' stories';for(const s of got.items)list.append(card(s));
if(offset>=total)foot.textContent=total?'You have reached the end.':'Nothing found. There are no stories on this topic.';busy=false;
if(foot.getBoundingClientRect().top<innerHeight+200)load()}
new IntersectionObserver(all=>{if(all.some(one=>one.isIntersecting))load()},{rootMargin:'200px'}).observe(foot);
const ov=document.getElementById('@@ov');function shut(){ov.hidden=true;document.body.style.overflow='';localStorage.setItem('sm-news','1')}
ov.querySelector('[aria-label=Close]').onclick=shut;ov.querySelector('form').onsubmit=event=>{event.preventDefault();shut()};
if(!localStorage.getItem('sm-news'))setTimeout(()=>{ov.hidden=false;document.body.style.overflow='hidden'},config.modal);
"""


def _page(title: str, main: str, topic: str | None = None) -> str:
    tabs = "".join(
        f'<a class="{"@@act" if key == topic else "@@tab"}" href="{f"/?topic={key}" if key else "/"}">{name}</a>'
        for key, name in {"": "All news", **TOPICS}.items()
    )
    return scramble(
        f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{e(title)}The Saltmarsh Courier</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="description" content="News from the estuary since 1894"><link rel="icon" href="data:,"><style>{_CSS}</style></head>
<body><header class="@@mast"><h1><a href="/">The Saltmarsh Courier</a></h1><p>News from the estuary · Friday, 14 November 2025 · €2.20</p></header><nav class="@@tabs">{tabs}</nav>
{main}<footer class="@@ft">© 2025 Saltmarsh Courier · <a href="#imprint">Imprint</a> · <a href="#ads">Advertise</a></footer></body></html>""",
        _BUILD,
    )


def home(topic: str, modal_after: float) -> str:
    topic = topic if topic in TOPICS else ""
    config = json.dumps({"topic": topic, "topics": TOPICS, "modal": int(modal_after * 1000)})
    title = f"{TOPICS[topic]} - " if topic else ""
    main = f"""<main class="@@col"><p class="@@tot" id="@@tot"></p><div id="@@list"></div><div class="@@spin" id="@@spin">Loading…</div></main>
{_MODAL}<script>const config={config};{_SCRIPT}</script>"""
    return _page(title, main, topic)


def story(found: Story) -> str:
    paragraphs = f"<p>{e(found.summary)}</p>" * 2
    return _page(
        f"{found.title} - ",
        f"""<article class="@@art"><span class="@@kick">{TOPICS[found.topic]}</span><h2>{e(found.title)}</h2><p>By {e(found.author)}, {found.printed}</p>
<img src="/img/{found.number}.svg" alt="" loading="lazy">{paragraphs}</article>""",
    )
