"""Saved automations in a notebook."""

from __future__ import annotations

from pathlib import Path

from engine.bundles import BundleStore
from tests.support.saved import save

CODE = "async def run(page, parameters, task):\n    return '<b>'\n"


def test_a_store_and_a_key_show_themselves(tmp_path: Path, git: None) -> None:
    save(tmp_path, "books", CODE, parameters={"shelf": ""})
    save(tmp_path, "<i>", CODE)
    (tmp_path / "default" / "bundles" / "books" / ".git" / "HEAD").write_text("nothing")
    store = BundleStore(tmp_path / "default")
    assert repr(store) == f"<BundleStore {tmp_path}/default>"
    shown = store._repr_html_()
    assert "saved automation" in shown
    assert "<i>" not in shown
    assert "&lt;i&gt;</td><td>Take down what the page says</td>" in shown
    bundle = store.load("<i>")
    assert bundle is not None
    assert bundle.revision is not None
    html = bundle._repr_html_()
    for words in ("&lt;i&gt;", bundle.revision.short, "no parameters", "return &#x27;&lt;b&gt;&#x27;"):
        assert words in html
