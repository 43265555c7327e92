"""Files with signed URLs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from engine.server.files import FileLinks, UrlSigner
from tests.support.live import Live


@pytest.fixture
def signed(tmp_path: Path, live: Live) -> tuple[Live, FileLinks, Path]:
    root = (live.store / "default").resolve()
    file = root / "files" / "wt_1" / "1" / "a b.txt"
    file.parent.mkdir(parents=True)
    file.write_text("contents")
    (root / "records.sqlite3").write_text("secret")
    return live, FileLinks(UrlSigner(live.store), live.url, "default", root), file


def test_signed_url_expires_and_cannot_be_changed(signed: tuple[Live, FileLinks, Path]) -> None:
    live, links, file = signed
    later = int(time.time()) + 100
    url = links.url(file, later)
    assert live.http.get(url).text == "contents"
    assert live.http.get(url, headers={"range": "bytes=0-2"}).text == "con"
    assert live.http.get(links.url(file, int(time.time()) - 1)).status_code == 410
    for old, new in (
        (str(later), str(later + 1)),
        ("wt_1", "wt_2"),
        ("/default/", "/other/"),
        ("signature=", "signature=0"),
    ):
        assert live.http.get(url.replace(old, new)).status_code == 403, new
    assert live.http.get(url.partition("?")[0]).status_code == 403
    file.unlink()
    assert live.http.get(url).status_code == 410


def test_signed_url_reaches_only_result_files(signed: tuple[Live, FileLinks, Path]) -> None:
    live, links, _ = signed
    later = int(time.time()) + 100
    for path in ("records.sqlite3", "files/../records.sqlite3", "../.server/secret", "files/\0"):
        query = links.signer.query("default", path, later)
        raw = f"/files/default/{path}?{query}".replace("..", "%2e%2e").replace("\0", "%00")
        answer = live.http.get(raw)
        assert answer.status_code in (403, 410), path
        assert "secret" not in answer.text


def test_path_of_a_file_that_stands_alone_becomes_a_url(signed: tuple[Live, FileLinks, Path]) -> None:
    _, links, file = signed
    task_id, expires = file.relative_to(links.root / "files").parts[0], int(time.time()) + 60
    other = str(links.root / "files" / "wt_other" / "x.pdf")
    value = {"scan": str(file), "list": [str(file)], "other": other, "text": f"see /files/{task_id}/ there"}
    url = links.url(file, expires)
    assert links.attachments(value, task_id, expires) == value | {"scan": url, "list": [url]}
