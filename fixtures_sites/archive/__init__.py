"""A document archive: 52 reports from four years, each with a PDF and a CSV file.

v1 has a table per year (`/reports/2024`) and plain links (`/files/2024/cwi-2024-03.pdf`); v2 loads cards on
demand (`/?y=2024`) and downloads by script (`/d/<hash>`). Both start at `/` with the latest year. The server's
state is a `fixtures_sites.archive.model.ArchiveState`.
"""

from __future__ import annotations

from ..http import Request, Response
from ..server import Site
from . import v1, v2
from .model import COUNTS, ArchiveState, File, Report, of_year, reports

SITE = Site("archive", about="52 reports of four years, as PDF and CSV", state=ArchiveState)

_LATEST = max(COUNTS)


@SITE.route("/", version="v1")
def start_v1(request: Request) -> str:
    return v1.listing(_LATEST)


@SITE.route("/reports/{year}", version="v1")
def year_v1(request: Request, year: str) -> Response | str:
    known = {str(each): each for each in COUNTS}
    return v1.listing(known[year]) if year in known else Response(v1.missing(), 404)


@SITE.route("/reports/{year}/{slug}", version="v1")
def report_v1(request: Request, year: str, slug: str) -> Response | str:
    report = _by_slug(year, slug)
    return v1.detail(report) if report else Response(v1.missing(), 404)


@SITE.route("/files/{year}/{slug}.{kind}", version="v1")
def file_v1(request: Request, year: str, slug: str, kind: str) -> Response:
    report = _by_slug(year, slug)
    if report is None or kind not in ("pdf", "csv"):
        return Response(v1.missing(), 404)
    return _send(request, report.pdf if kind == "pdf" else report.csv)


@SITE.route("/", version="v2")
def start_v2(request: Request) -> str:
    return v2.page(_year(request))


@SITE.route("/more", version="v2")
def more_v2(request: Request) -> Response:
    year, start = _year(request), request.number("from", 0)
    left = max(0, len(of_year(year)) - start - v2.BATCH)
    return Response(v2.cards(year, start), headers={"X-Left": str(left)})


@SITE.route("/p/{key}", version="v2")
def preview_v2(request: Request, key: str) -> Response | str:
    report, kind = _by_key(key)
    return v2.preview(report) if report and kind == "page" else Response(v2.missing(), 404)


@SITE.route("/d/{key}", version="v2")
def file_v2(request: Request, key: str) -> Response:
    report, kind = _by_key(key)
    if report is None or kind == "page":
        return Response(v2.missing(), 404)
    return _send(request, report.pdf if kind == "pdf" else report.csv)


@SITE.route("/{old+}", version="v2")
def moved(request: Request, old: str) -> Response:
    return Response(v2.missing(), 404)


def _by_slug(year: str, slug: str) -> Report | None:
    return next((report for report in reports() if (str(report.year), report.slug) == (year, slug)), None)


def _by_key(key: str) -> tuple[Report | None, str]:
    kinds = ("pdf", "csv", "page")
    return next(((r, kind) for r in reports() for kind in kinds if r.key(kind) == key), (None, ""))


def _year(request: Request) -> int:
    year = request.number("y", _LATEST)
    return year if year in COUNTS else _LATEST


def _send(request: Request, file: File) -> Response:
    state: ArchiveState = request.state
    headers = {"Content-Disposition": file.disposition}
    content = file.content
    if state.truncate:
        headers["Content-Length"] = str(len(content))
        content = content[: len(content) // 2]
    else:
        state.downloads.append(file.name)
    return Response(content, content_type=file.content_type, headers=headers)
