"""The archive before its redesign: a table per year, plain links."""

from __future__ import annotations

from ..markup import scramble, stylesheet, text
from .model import COUNTS, Report, of_year

# The notice is in a shadow root, like those of consent services.
_SCRIPT = """
customElements.define('cwi-consent',class extends HTMLElement{connectedCallback(){
if(document.cookie.includes('cwi=1'))return;const r=this.attachShadow({mode:'open'});
r.innerHTML='<style>div{position:fixed;right:20px;bottom:20px;width:320px;background:#fff;border:1px solid #b8c4cf;box-shadow:0 6px 24px #0003;padding:18px;font:14px sans-serif}button{margin-top:10px;padding:6px 16px}</style><div role="dialog" aria-label="Cookies">This site counts its visitors.<br><button>Got it</button></div>';
r.querySelector('button').onclick=()=>{document.cookie='cwi=1;path=/';r.innerHTML=''}}});
"""


def page(title: str, main: str) -> str:
    return scramble(
        f"""<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{text(title)} - Coastal Water Institute</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><style>{stylesheet("archive", "v1.css")}</style></head><body>
<header class="@@head"><div class="@@in"><a class="@@mark" href="/">Coastal Water Institute</a>
<nav><a href="/">Publications</a><a href="/#stations">Stations</a><a href="/#forecast">Forecast</a><a href="/#about">About us</a></nav></div></header>
<div class="@@in @@cols"><main>{main}</main>
<aside class="@@aside"><h3>About the archive</h3><p>All reports since 2022, free to use with attribution. Data files are comma separated, with a header line.</p>
<h3>Contact</h3><p>library@cwi.example<br>Quay Street 40, Karsted</p></aside></div>
<footer class="@@foot"><div class="@@in">Coastal Water Institute, a public body. <a href="/#imprint">Imprint</a> <a href="/#privacy">Privacy</a></div></footer>
<cwi-consent></cwi-consent><script>{_SCRIPT}</script></body></html>""",
        "cwi v1",
    )


def listing(year: int) -> str:
    found = of_year(year)
    tabs = "".join(
        f'<a class="@@tab{" @@on" if each == year else ""}" href="/reports/{each}">{each}</a>' for each in COUNTS
    )
    rows = "".join(
        f"""<tr><td class="@@no">{report.number}</td><td><a href="/reports/{year}/{report.slug}">{text(report.title)}</a>
<div class="@@dim">{report.pages} pages</div></td><td>{report.published:%d %b %Y}</td><td class="@@files">{_files(report)}</td></tr>"""
        for report in found
    )
    return page(
        f"Publications {year}",
        f"""<h1>Publications</h1><div class="@@tabs">{tabs}</div><p class="@@dim">{len(found)} report{"s" if len(found) != 1 else ""} in {year}</p>
<table class="@@list"><thead><tr><th>Number</th><th>Title</th><th>Published</th><th>Files</th></tr></thead><tbody>{rows}</tbody></table>""",
    )


def detail(report: Report) -> str:
    return page(
        report.title,
        f"""<p><a href="/reports/{report.year}">&laquo; Publications {report.year}</a></p><h1>{text(report.title)}</h1>
<p class="@@dim">{report.number}, published on {report.published:%d %b %Y}</p><p>{text(report.abstract)}</p><p class="@@files">{_files(report)}</p>""",
    )


def missing() -> str:
    return page("Not found", "<h1>Not found</h1><p>There is no such page in the archive.</p>")


def _files(report: Report) -> str:
    base = f"/files/{report.year}/{report.slug}"
    pdf = ' target="_blank" rel="noopener"' if report.pdf.inline else ""
    return (
        f'<a class="@@pdf" href="{base}.pdf"{pdf}>PDF</a> <span>({report.pdf.size})</span> '
        f'<a class="@@csv" href="{base}.csv">CSV</a> <span>({report.csv.size})</span>'
    )
