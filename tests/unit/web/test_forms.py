"""Forms of `web`: what they send is what a browser would send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from sandbox.web.errors import NotOnPage, WebError
from sandbox.web.pages import WebPage
from sandbox.web.transport import WebAnswer
from tests.unit.web.sites import HTML, Site, html, site, web_on

SIGN_UP = """
<form action="/join?x=1#top" method="POST">
 <input type="hidden" name="csrf" value="t0ken"><input type="hidden" value="nameless">
 <label for="n">Full name</label> <input id="n" name="name" value="Ada">
 <label>E-mail <input name="mail" type="email"></label>
 <label>Country <select name="country"><option value="">Choose</option><option value="de">Germany</option>
   <option value="fr" selected>France</option><option disabled value="xx">Nowhere</option></select></label>
 <label>Tags <select name="tags" multiple><option selected>a</option><option>b</option><option selected>c</option>
   </select></label>
 <fieldset><legend>Plan</legend><label><input type="radio" name="plan" value="s"> Small</label>
   <label><input type="radio" name="plan" value="l" checked> Large</label></fieldset>
 <label><input type="checkbox" name="news" value="yes"> Newsletter</label>
 <label><input type="checkbox" name="terms" checked> Terms</label>
 <fieldset><legend>Days</legend><label><input type="checkbox" name="day" value="1"> Mon</label>
   <label><input type="checkbox" name="day" value="2" checked> Tue</label></fieldset>
 <label>About <textarea name="about">
Line 1
Line 2</textarea></label>
 <input placeholder="Nickname" name="nick"><input name="off" value="1" disabled>
 <fieldset disabled><input name="off2" value="1"></fieldset>
 <label>Age <input type="number" name="age" value="3"></label><input type="range" name="r"><input type="color" name="c">
 <button type="button" name="no" value="1">Check</button><button name="act" value="save">Save</button>
 <button name="act" value="send" formaction="/send">Save and send</button><input type="image" name="img" alt="Map">
 <input type="reset" value="Clear">
</form><input form="none" name="lost">"""
UNCHANGED = [
    ("csrf", "t0ken"), ("name", "Ada"), ("mail", ""), ("country", "fr"), ("tags", "a"), ("tags", "c"), ("plan", "l"),
    ("terms", "on"), ("day", "2"), ("about", "Line 1\r\nLine 2"), ("nick", ""), ("age", "3"), ("r", "50"),
    ("c", "#000000"), ("act", "save"),
]  # fmt: skip


async def opened(source: str, **more: Any) -> tuple[WebPage, Site]:
    there = site(index=html(source), join=html("<p>ok"), send=html("<p>sent"), find=html("<p>hits"), **more)
    return await web_on(there).get("/"), there


def sent(there: Site) -> list[tuple[str, str]]:
    return parse_qsl(there.last.body.decode(), keep_blank_values=True)


def changed(**given: str | list[str]) -> list[tuple[str, str]]:
    """The unchanged form with other values for some of its fields."""
    kept = [(name, value) for name, value in UNCHANGED if name not in given]
    added = [(name, each) for name, value in given.items() for each in ([value] if isinstance(value, str) else value)]
    return sorted(kept + added)


async def test_an_untouched_form_sends_what_the_page_holds() -> None:
    page, there = await opened(SIGN_UP)
    answer = await page.form("Save and send").submit()
    assert answer.url == "http://shop.test/join?x=1#top"
    assert sent(there) == UNCHANGED
    assert (there.last.method, there.header("referer"), there.header("origin")) == (
        "POST", "http://shop.test/", "http://shop.test",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "given"),
    [
        ({"Full name": "Zoë"}, {"name": "Zoë"}),
        ({"name": "N", "E-mail": "a@b.test"}, {"name": "N", "mail": "a@b.test"}),
        ({"full name": 7}, {"name": "7"}),
        ({"Country": "Germany"}, {"country": "de"}),
        ({"Country": "de"}, {"country": "de"}),
        ({"Tags": ["b", "c"]}, {"tags": ["b", "c"]}),
        ({"Tags": []}, {"tags": []}),
        ({"Plan": "Small"}, {"plan": "s"}),
        ({"plan": "s"}, {"plan": "s"}),
        ({"Small": True}, {"plan": "s"}),
        ({"Newsletter": True}, {"news": "yes"}),
        ({"Terms": False}, {"terms": []}),
        ({"Days": ["Mon"]}, {"day": "1"}),
        ({"day": ["1", "2"]}, {"day": ["1", "2"]}),
        ({"About": "x\ny"}, {"about": "x\r\ny"}),
        ({"Nickname": "z"}, {"nick": "z"}),
        ({"csrf": "other"}, {"csrf": "other"}),
        ({"Full name": None}, {}),
    ],
)
async def test_fields_are_filled_by_label_name_legend_and_placeholder(
    values: dict[str, Any], given: dict[str, Any]
) -> None:
    page, there = await opened(SIGN_UP)
    await page.form("Save", css="form").submit(values)
    assert sorted(sent(there)) == changed(**given)


async def test_the_pressed_button_is_sent_and_may_send_the_form_elsewhere() -> None:
    page, there = await opened(SIGN_UP)
    form = page.form("Save and send")
    assert (await form.submit(button="Save and send")).url == "http://shop.test/send"
    assert ("act", "send") in sent(there)
    await form.submit(button="Map")
    assert [name for name, _ in sent(there)][-2:] == ["img.x", "img.y"]
    with pytest.raises(NotOnPage, match=r"no button 'Delete' .* 'Save', 'Save and send', 'Map'"):
        await form.submit(button="Delete")


async def test_extra_adds_and_replaces_names() -> None:
    page, there = await opened(SIGN_UP)
    await page.form("Save", css="form").submit({"E-mail": "a"}, extra={"off": 1, "csrf": "new", "list": ["x", "y"]})
    assert sorted(sent(there)) == changed(mail="a", csrf="new", off="1", list=["x", "y"])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"Phone": "1"},
            "no field 'Phone'; it has: 'Full name', 'E-mail', 'Country', 'Tags', 'Small .of Plan.'.*'csrf'\\Z",
        ),
        ({"Country": "Spain"}, "no option 'Spain'; it has: 'Choose', 'Germany', 'France', 'Nowhere'"),
        ({"Plan": "Huge"}, "no choice 'Huge'; it has: 'Small', 'Large'"),
        ({"off": "2"}, 'disabled in the page.*extra={"off": …}'),
        ({"a": "x"}, "fields are called 'a'.*take the name of one"),
        ({"Full name": ["a"]}, "takes one text, not a list"),
    ],
)
async def test_a_mistake_names_what_the_form_has_and_sends_nothing(values: dict[str, Any], said: str) -> None:
    page, there = await opened(SIGN_UP)
    with pytest.raises(WebError, match=re.compile(said)):
        await page.form("Save", css="form").submit(values)
    assert len(there.requests) == 1


async def test_a_required_field_that_is_empty_is_not_sent() -> None:
    source = "<form action=/find>{}<label>Title <input name=q required></label><button>Go</button></form>"
    page, there = await opened(source.format(""))
    with pytest.raises(WebError, match=r"'Title' .* is required and empty"):
        await page.form("Go").submit()
    await page.form("Go").submit(extra={"q": "by script"})
    assert there.last.url == "http://shop.test/find?q=by+script"
    page, there = await opened(source.format("").replace("<form", "<form novalidate"))
    await page.form("Go").submit()
    assert there.last.url == "http://shop.test/find?q="


async def test_a_get_form_replaces_the_query() -> None:
    page, there = await opened(
        '<form action="/find?old=1#x"><input name=q value="a b"><input type=submit name=go value=Go>'
    )
    await page.form("Go").submit({"q": "ü&="})
    assert (there.last.method, there.last.url, there.last.body) == (
        "GET",
        "http://shop.test/find?q=%C3%BC%26%3D&go=Go",
        b"",
    )
    assert there.header("origin") is None


async def test_a_form_without_an_action_goes_to_its_page_and_base_counts() -> None:
    page, there = await opened(
        "<base href='http://base.test/x/'><form method=post><button>A</button></form><form action=y><button>B"
    )
    await page.form("A").submit()
    assert there.last.url == "http://shop.test/"
    there.answers["/x/y"] = [html("<p>ok")]
    await page.form("B").submit()
    assert there.last.url == "http://base.test/x/y"


async def test_files_are_sent_in_parts(tmp_path: Path) -> None:
    path = tmp_path / 'a "b".csv'
    path.write_text("x,y")
    source = """<form method=post action=/join enctype=multipart/form-data><input name=note value="é
b">
    <label>File <input type=file name=f></label><label>More <input type=file name=g multiple></label><button>Send"""
    page, there = await opened(source)
    await page.form("Send").submit({"File": path, "More": [("1.txt", b"1"), ("2.bin", b"2", "application/x-two")]})
    kind = there.header("content-type") or ""
    edge = kind.partition("boundary=")[2]
    parts = there.last.body.decode().split(f"--{edge}")
    assert parts[1] == '\r\nContent-Disposition: form-data; name="note"\r\n\r\néb\r\n'
    assert 'name="f"; filename="a %22b%22.csv"\r\nContent-Type: text/csv\r\n\r\nx,y\r\n' in parts[2]
    assert 'filename="2.bin"\r\nContent-Type: application/x-two\r\n\r\n2\r\n' in parts[4]
    assert parts[-1] == "--\r\n"
    await page.form("Send").submit()
    assert b'name="f"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n' in there.last.body
    for wrong in (tmp_path / "none.csv", 5):
        with pytest.raises(WebError, match="file"):
            await page.form("Send").submit({"File": wrong})


async def test_a_form_is_sent_in_the_charset_of_its_page() -> None:
    there = site(
        index=WebAnswer(
            200,
            (("Content-Type", "text/html; charset=iso-8859-1"),),
            b"<form action=/find><input name=q><button>Go",
        )
    )
    there.answers["/find"] = [html("<p>ok")]
    page = await web_on(there).get("/")
    await page.form("Go").submit({"q": "é€あ"})
    assert there.last.url == "http://shop.test/find?q=%E9%80%26%2312354%3B"


async def test_a_form_between_the_rows_of_a_table_keeps_its_fields() -> None:
    page, there = await opened(
        "<table><form action=/join method=post><tr><td>User<td><input name=u><tr><td>Pass<td><input name=p>"
        "<tr><td colspan=2><input type=submit value=Login></form></table><input name=outside>"
    )
    await page.form("Login").submit({"u": "ada", "p": "x"})
    assert sent(there) == [("u", "ada"), ("p", "x")]


async def test_controls_elsewhere_belong_to_the_form_that_they_name() -> None:
    page, there = await opened(
        "<form id=f action=/join method=post><input name=a value=1></form>"
        "<input form=f name=b value=2><button form=f>Far</button><form><input form=f name=c value=3></form>"
    )
    await page.form("Far").submit()
    assert sent(there) == [("a", "1"), ("b", "2"), ("c", "3")]


async def test_a_form_that_a_script_sends_needs_a_browser() -> None:
    page, _ = await opened('<form action="javascript:go()"><button>Go</button></form>')
    with pytest.raises(WebError, match="a script sends this form"):
        await page.form("Go").submit()


async def test_the_one_form_is_found_by_its_button() -> None:
    page, _ = await opened("<form><input name=q><button>Search</button></form><form><button>Search all</button></form>")
    assert page.form("Search").buttons == ["Search"]
    assert page.form("search all").buttons == ["Search all"]
    with pytest.raises(NotOnPage, match=re.escape("2 elements for form")):
        page.form()
    with pytest.raises(NotOnPage, match=r"no form with the button 'Login'.*buttons \['Search'\] and the fields q"):
        page.form("Login")
    assert [form.values for form in page.forms] == [{"q": ""}, {}]


async def test_values_tell_what_a_form_holds() -> None:
    page, _ = await opened(SIGN_UP)
    form = page.form("Save and send")
    assert form.hidden_values == {"csrf": "t0ken", "": "nameless"}
    assert form.values | {"Tags": None} == {
        "Full name": "Ada", "E-mail": "", "Country": "France", "Tags": None, "Small": False, "Large": True,
        "Newsletter": False, "Terms": True, "Mon": False, "Tue": True, "About": "Line 1\nLine 2", "Nickname": "",
        "off": "1", "off2": "1", "Age": "3", "r": "", "c": "",
    }  # fmt: skip
    assert form.get_by_label("Country").one.options == {"Choose": "", "Germany": "de", "France": "fr", "Nowhere": "xx"}
    assert HTML[1] == page.headers["CONTENT-TYPE"]
