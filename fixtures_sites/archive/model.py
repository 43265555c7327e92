"""The 52 reports of a fictitious institute, with their PDF and CSV files; other seeds have other reports."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property
from urllib.parse import quote

from ..seeds import current_seed, next_day

COUNTS = {2025: 11, 2024: 14, 2023: 14, 2022: 13}

_TOPICS = (
    ("Annual report", "Institute"),
    ("Tide gauge summary", "Karsted Estuary"),
    ("Storm surge review", "Northmoor Bight"),
    ("Salinity survey", "Sørvåg Inlet"),
    ("Sediment transport note", "Mill Channel"),
    ("Beach profile bulletin", "Long Strand"),
    ("Wave climate statistics", "Outer Roads"),
    ("Groundwater bulletin", "Saltmere Levels"),
    ("Water temperature report", "Île Verte"),
    ("Dredging monitoring", "Tarnwick Harbor"),
    ("Seagrass mapping", "Pennel Sands"),
    ("Harbor siltation study", "Veldhaven"),
    ("Flood warning evaluation", "River Quell"),
    ("Ice season summary", "Gulf of Ister"),
)
_NEW_TOPICS = (
    ("Eelgrass survey", "Cobb Sands"),
    ("Turbidity note", "Mill Channel"),
    ("Lock operation review", "Tarnwick Harbor"),
    ("Ferry wake study", "Outer Roads"),
    ("Dike inspection", "Saltmere Levels"),
    ("Oxygen profile bulletin", "Sørvåg Inlet"),
    ("Drift ice log", "Gulf of Ister"),
    ("Bathing water report", "Long Strand"),
)


@dataclass
class ArchiveState:
    """The server's state: `downloads` lists the names of the files served; with `truncate`, files end half way."""

    downloads: list[str] = field(default_factory=list)
    truncate: bool = False


@dataclass(frozen=True)
class File:
    """A file of a report; a browser shows it if `inline`, and saves it otherwise."""

    name: str
    content_type: str
    content: bytes
    inline: bool = False

    @property
    def size(self) -> str:
        """The size as the pages show it: in kilobytes of 1024 bytes, with one decimal."""
        return f"{len(self.content) / 1024:.1f} KB"

    @property
    def disposition(self) -> str:
        """The header Content-Disposition, with the name in both forms if it is not ASCII."""
        kind = "inline" if self.inline else "attachment"
        plain = self.name.encode("ascii", "replace").decode().replace("?", "_")
        extended = f"; filename*=UTF-8''{quote(self.name)}" if plain != self.name else ""
        return f'{kind}; filename="{plain}"{extended}'


@dataclass(frozen=True)
class Report:
    number: str
    year: int
    topic: str
    place: str
    published: date
    pages: int

    @property
    def title(self) -> str:
        return f"{self.topic} {self.year}" + ("" if self.place == "Institute" else f": {self.place}")

    @property
    def slug(self) -> str:
        return self.number.lower()

    @property
    def abstract(self) -> str:
        return (
            f"{self.topic} for {self.place}, {self.year}, in {self.pages} pages. Values are daily means of all "
            "stations that were in service; gaps of up to three days were interpolated."
        )

    @cached_property
    def pdf(self) -> File:
        name = f"{self.title.replace(': ', ' - ')}.pdf"
        content = _pdf([self.title, self.number, f"Published {self.published}"], self.pages)
        return File(name, "application/pdf", content, inline=self.topic == "Annual report")

    @cached_property
    def csv(self) -> File:
        rng = random.Random(self.number)
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(("station", "date", "level_cm", "temperature_c"))
        for day in range(rng.randint(30, 60)):
            when = date(self.year - 1, 7, 1) + timedelta(days=day * 3)
            level, warmth = rng.randint(310, 560), round(rng.uniform(3, 21), 1)
            table.writerow((f"{self.place[:3].upper()}-{day % 4 + 1}", when.isoformat(), level, warmth))
        return File(f"{self.slug}-data.csv", "text/csv; charset=utf-8", text.getvalue().encode())

    def key(self, kind: str) -> str:
        """Return the name of a file in v2's links, a hash without meaning."""
        return hashlib.blake2b(f"{self.number}.{kind}".encode(), digest_size=6).hexdigest()


def _first_reports() -> tuple[Report, ...]:
    rng = random.Random(1911)
    made = []
    for year, count in COUNTS.items():
        for index in range(count):
            topic, place = _TOPICS[index]
            published = date(year, 1, 20) + timedelta(days=index * 23 + rng.randrange(9))
            made.append(Report(f"CWI-{year}-{index + 1:02}", year, topic, place, published, rng.randint(2, 9)))
    return tuple(made)


@cache
def _reports(seed: int) -> tuple[Report, ...]:
    if not seed:
        return _first_reports()

    def published(chance: random.Random, known: list[Report]) -> Report | None:
        year = chance.choice(list(COUNTS))
        here = [report for report in known if report.year == year]
        topic, place = chance.choice((*_TOPICS, *_NEW_TOPICS))
        if topic in {report.topic for report in here} or len(here) > 24:
            return None
        number = max((int(report.number[-2:]) for report in here), default=0) + 1
        late = max((report.published for report in here), default=date(year, 1, 20)) + timedelta(days=2)
        return Report(f"CWI-{year}-{number:02}", year, topic, place, late, chance.randint(2, 9))

    def printed_again(chance: random.Random, report: Report) -> Report:
        return replace(report, pages=report.pages + 1)

    return next_day(seed, "archive", _reports(seed - 1), come=published, change=printed_again, turnover=0.01)


REPORTS = _reports(0)


def reports() -> tuple[Report, ...]:
    """Return all reports of the current seed."""
    return _reports(current_seed())


def of_year(year: int) -> list[Report]:
    """Return the reports of a year, newest first."""
    return sorted((r for r in reports() if r.year == year), key=lambda r: r.published, reverse=True)


def _pdf(heading: list[str], pages: int) -> bytes:
    """Make a valid PDF of some pages, each with the heading and its number."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for page in range(1, pages + 1):
        lines = [*heading, f"Page {page} of {pages}", *(f"Section {page}.{n}" for n in range(1, 13))]
        shown = " T* ".join(f"({_pdf_text(line)}) Tj" for line in lines)
        stream = f"BT /F1 14 Tf 22 TL 72 760 Td {shown} ET".encode("latin-1")
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {pages} >>".encode()

    document = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(document)
    document += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    document += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    document += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(document)


def _pdf_text(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
