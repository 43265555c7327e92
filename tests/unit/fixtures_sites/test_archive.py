"""The archive's documents."""

from __future__ import annotations

import re

import pytest

from fixtures_sites.archive.model import REPORTS, Report


@pytest.mark.parametrize("report", REPORTS[:3], ids=lambda report: report.number)
def test_pdf_cross_reference_table_is_correct(report: Report) -> None:
    content = report.pdf.content
    start = int(re.search(rb"startxref\n(\d+)", content)[1])
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n", content[start:])]

    assert content[start:].startswith(b"xref")
    assert len(offsets) == 3 + 2 * report.pages
    assert all(content[at:].startswith(b"%d 0 obj" % number) for number, at in enumerate(offsets, 1))
