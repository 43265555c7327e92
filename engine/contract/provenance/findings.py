"""Types that the provenance of values is told in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A reason why a first run's output is not borne out by what its code read.

    Args:
        kind: ``no-page``: the code read nothing. ``unanchored``: values stand nowhere on what was read. ``mixed``: a
            field was read from places that differ. ``other-label``: from a place with another name, while one with its
            own name is there. ``struck``: from struck-through texts. ``same-spot``: two fields from one spot.
            ``parameter``: nothing names a parameter. ``boolean``: no text goes with a field of two values.
            ``left-out``: items that were read are not in the output. ``total``: the page states more rows.
            ``apart``: rows mix values of different items. ``misnamed``: saved files hold something else than their
            names say.
        path: JSON path into the output; the parameter's name; ``$`` where the whole output is meant.
        text: What is wrong, with an example, in words for a person or a model.
        certain: True if good code cannot have it; False for what may be right all the same.
        constant: True where one value is meant, the same in all rows.
        places: The places that differ, by their names or paths.
    """

    kind: str
    path: str
    text: str
    certain: bool = True
    constant: bool = False
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


@dataclass(frozen=True)
class Origin:
    """A place where a value of the output stood on what the automation read.

    Args:
        value: The value in the output.
        url: URL of the page, JSON response or file.
        text: The text around the value, as it stood there.
        label: The name that the page gives to the place: column head, term, label, ``aria-label``; a JSON key.
        headings: The headings above it, outermost first.
        region: The landmark that it stands in.
        struck: Struck through.
        hidden: Not visible.
        box: Left, top, width and height on the page in CSS pixels; None where boxes were not kept.
    """

    value: object
    url: str
    text: str
    label: str = ""
    headings: tuple[str, ...] = ()
    region: str = ""
    struck: bool = False
    hidden: bool = False
    box: tuple[int, int, int, int] | None = None
