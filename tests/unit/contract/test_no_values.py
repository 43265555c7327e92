"""Values that stand where they stood, and are none: amounts of zero, lines between rows."""

from __future__ import annotations

from engine.contract import Observed, check_signature, learn_signature
from sandbox import Evidence
from tests.support.maps import Sheet


def priced(category: str, *prices: float) -> Observed:
    rows = [{"name": f"{category} {at}", "price": price} for at, price in enumerate(prices)]
    page = Sheet(f"https://shop.example/{category}").heading(category)
    page.table(("Name", "Price"), [[str(row["name"]), f"£{row['price']:.2f}"] for row in rows])
    return Observed(rows, Evidence(maps=(page.map(),)), None, {"category": category})


def test_an_amount_of_zero_where_none_was_is_asked_about() -> None:
    known = learn_signature([priced("lamps", 4.5, 8.25, 3.75), priced("clocks", 14.5, 18.25)])
    assert check_signature(known, priced("rugs", 77.5, 12.0)) == []
    (breach,) = check_signature(known, priced("rugs", 77.5, 0.0))
    assert (breach.severity, str(breach)) == (
        "doubtful", "$[*].price: expected amounts other than zero, got zero in 1 of 2",
    )  # fmt: skip


def test_an_amount_is_told_by_its_label_where_it_has_no_sign() -> None:
    def counted(label: str, *numbers: float) -> Observed:
        rows = [{"name": f"Permit {at}", "number": number} for at, number in enumerate(numbers)]
        page = Sheet("https://town.example/permits").heading("Permits")
        page.table(("Name", label), [[str(row["name"]), f"{row['number']}"] for row in rows])
        return Observed(rows, Evidence(maps=(page.map(),)), None, {})

    for label, told in (("Fee", ["zero"]), ("Votes", [])):
        known = learn_signature([counted(label, 12.5, 40.0, 75.25), counted(label, 120.0, 40.0, 13.5)])
        assert [b.kind for b in check_signature(known, counted(label, 12.5, 0.0, 75.25))] == told


def test_texts_that_have_not_arrived_are_asked_about() -> None:
    def named(*names: str) -> Observed:
        page = Sheet("https://town.example/services").heading("Services").cards([[name] for name in names])
        return Observed(list(names), Evidence(maps=(page.map(),)), None, {})

    known = learn_signature([named("Parking", "Printing", "Toilets"), named("Lift", "Printing", "Wi-Fi")])
    assert check_signature(known, named("Loading bay", "Printing", "Loading ramp")) == []
    (breach,) = check_signature(known, named("Parking", "Loading…", "Loading…"))
    assert (breach.severity, breach.got) == ("doubtful", "2 of 3 such as 'Loading…'")


def test_amounts_of_zero_are_nothing_new_where_some_were() -> None:
    known = learn_signature([priced("lamps", 4.5, 0.0, 3.75), priced("clocks", 14.5, 18.25)])
    assert check_signature(known, priced("rugs", 77.5, 0.0)) == []


def test_a_line_between_rows_that_was_taken_for_one_is_asked_about() -> None:
    def named(category: str, *names: str) -> Observed:
        page = Sheet(f"https://shop.example/{category}").heading(category).cards([[name] for name in names])
        return Observed(list(names), Evidence(maps=(page.map(),)), None, {"category": category})

    known = learn_signature([named("lamps", "Alba", "Mika", "Oslo"), named("clocks", "Riga", "Ulm")])
    assert check_signature(known, named("rugs", "Nara", "Kobe")) == []
    (breach,) = check_signature(known, named("rugs", "Nara", "Similar items", "Oslo"))
    assert (breach.severity, breach.got) == ("doubtful", "'Similar items' for a value")


def reports(year: int, titles: tuple[str, ...], content_type: str = "application/pdf") -> Observed:
    files = ("air-quality.pdf", "bus-lanes.pdf", "flood-plan.pdf")
    page = Sheet(f"https://town.example/{year}").heading(f"Reports of {year}")
    page.cards([[title] for title in titles], [f"/files/{year}/{file}" for file in files])
    rows = [
        {"title": title, "file": {"name": file, "content_type": content_type, "size": 9, "sha256": file, "path": file}}
        for title, file in zip(titles, files, strict=True)
    ]
    return Observed(rows, Evidence(maps=(page.map(),)), None, {"year": year})


def test_rows_of_other_names_are_no_files_of_other_rows() -> None:
    named = ("Air quality", "Bus lanes", "Flood plan")
    known = learn_signature([reports(2024, named), reports(2025, named)])
    assert check_signature(known, reports(2023, ("Air quality", "Bus lanes", "Access denied"))) == []
    assert [b.severity for b in check_signature(known, reports(2023, ("R-1001", "R-1002", "R-1003")))] == ["advisory"]
    assert [b.severity for b in check_signature(known, reports(2023, (*named[1:], named[0])))] == ["structural"]
    assert check_signature(known, reports(2023, named, "application/octet-stream")) == []


def test_what_a_label_names_is_no_message_of_the_page() -> None:
    def machine(name: str, state: str) -> Observed:
        page = (
            Sheet(f"https://shop.example/{name}").heading(name).facts([("Availability", state), ("Weight", "12.5 kg")])
        )
        output = {"available": state == "Available", "weight": 12.5}
        return Observed(output, Evidence(maps=(page.map(),)), None, {"machine": name})

    known = learn_signature([machine("Mixer 20", "Available"), machine("Lathe 180", "Available")])
    assert check_signature(known, machine("Press 9", "Not available")) == []
