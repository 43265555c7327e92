"""Words that code may know without having read them from a page: those of the request, and closed vocabularies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.task.text import comparable

_WORD = re.compile(r"[^\W\d_]+")
_CALENDAR = """
monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun january february
march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
today tomorrow yesterday weekday weekdays weekend spring summer autumn winter montag dienstag mittwoch donnerstag
freitag samstag sonnabend sonntag januar februar märz mai juni juli oktober dezember lundi mardi mercredi jeudi
vendredi samedi dimanche janvier février mars avril juin juillet août septembre octobre novembre décembre lunes martes
miércoles jueves viernes sábado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre
diciembre lunedì martedì mercoledì giovedì venerdì sabato domenica gennaio febbraio aprile maggio giugno luglio
settembre ottobre dicembre maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari februari maart mei
augustus segunda terça quarta quinta sexta feira janeiro fevereiro março maio junho julho setembro outubro novembro
dezembro måndag tisdag onsdag torsdag fredag lördag söndag augusti mandag tirsdag lørdag søndag maanantai tiistai
keskiviikko torstai perjantai lauantai sunnuntai poniedziałek wtorek środa czwartek piątek sobota niedziela styczeń
luty marzec kwiecień czerwiec lipiec sierpień wrzesień październik listopad grudzień pondělí úterý středa čtvrtek
pátek neděle leden únor březen duben květen červen červenec srpen září říjen prosinec hétfő kedd szerda csütörtök
péntek szombat vasárnap pazartesi çarşamba perşembe cuma cumartesi pazar понедельник вторник среда четверг пятница
суббота воскресенье понеділок вівторок середа четвер субота неділя 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日
星期一 星期二 星期三 星期四 星期五 星期六
星期日 星期天 월요일 화요일 수요일 목요일 금요일 토요일 일요일
"""
_UNITS = """
second seconds minute minutes hour hours day days week weeks month months quarter quarters year years millimeter
millimeters centimeter centimeters meter meters kilometer kilometers millimetre millimetres centimetre centimetres
metre metres kilometre kilometres inch inches foot feet yard yards mile miles gram grams kilogram kilograms kilo kilos
tonne tonnes pound pounds ounce ounces liter liters litre litres milliliter milliliters millilitre millilitres gallon
gallons pint pints square cubic watt watts kilowatt kilowatts volt volts ampere amperes joule joules calorie calories
kilocalorie kcal celsius fahrenheit kelvin degree degrees percent percentage hectare hectares acre acres byte bytes
kilobyte kilobytes megabyte megabytes gigabyte gigabytes terabyte terabytes hertz kilohertz megahertz gigahertz piece
pieces item items unit units pair pairs dozen pack packs box boxes bottle bottles each per euro euros dollar dollars
cent cents penny pence sterling yen yuan franc francs rupee rupees krona kronor krone kroner peso pesos real reais
ruble rubles zloty eur usd gbp jpy chf cny aud cad nzd sek nok dkk pln czk huf inr brl mm cm dm km mg kg ml cl hl kw
kwh mwh gwh mah lm lux hz khz mhz ghz kb mb gb tb kib mib gib tib mph kmh knots rpm psi bar hpa kpa mpa pa dpi ppm db
btu h m s g l t k w v
"""
_ANSWERS = """
yes no true false none unknown other others all any open opened closed active inactive enabled disabled available
unavailable sold out in on off of stock new used male female adult adults child children senior seniors single
double return one way north south east west left right up down before after and or to from until first second third
fourth fifth last next previous
"""
_LIMITS = re.compile(
    r"\b(?:first|last|top|latest|newest|oldest|recent|cheapest|dearest|best|worst|highest|lowest|one|two|three|four|five"
    r"|six|seven|eight|nine|ten|\d+)\b",
    re.IGNORECASE,
)
_FILTERS = re.compile(
    r"\b(?:since|after|before|until|till|between|within|under|over|above|below|less|fewer|more|least|most|only|except"
    r"|without|exceeding|up to|newer|older|cheaper|whose|that are|which are|this (?:week|month|year)|today)\b",
    re.IGNORECASE,
)
_SCALE = re.compile(r"(?:(?<=/)|(?<=\bper )) ?10+(?!\d)|(?<=m)[23²³](?!\w)", re.IGNORECASE)  # l/100 km, per 100 g, m2
_CLOSED = frozenset(f"{_CALENDAR} {_UNITS} {_ANSWERS}".split())


def is_closed(text: str) -> bool:
    """Return True for a text of nothing but words of closed vocabularies: of the calendar, of units, of plain answers.

    >>> is_closed("Wednesday"), is_closed("kilometers per hour"), is_closed("Monday 9:30"), is_closed("Ashby")
    (True, True, False, False)
    >>> is_closed("l/100 km"), is_closed("poniedziałek"), is_closed("100 km")
    (True, True, False)
    """
    text = _SCALE.sub("", text)
    words = _WORD.findall(text.casefold())
    return bool(words) and not any(c.isdigit() for c in text) and _CLOSED.issuperset(words)


@dataclass(frozen=True)
class RequestWords:
    """The texts that the request itself holds.

    Args:
        task: The task's text.
        schema: The output schema that the caller gave; None where the caller gave none.
        parameters: Names of the parameters.
    """

    task: str = ""
    schema: Mapping[str, Any] | None = None
    parameters: Iterable[str] = ()

    @cached_property
    def _exact(self) -> frozenset[Any]:
        texts = [*self.parameters, *_strings(self.schema)]
        return frozenset(comparable(text) if isinstance(text, str) else text for text in texts)

    @cached_property
    def _task(self) -> str:
        return comparable(self.task)

    @property
    def limits(self) -> bool:
        """True where the task asks for some rows of a list, by their number or their order."""
        return _LIMITS.search(self.task) is not None

    @property
    def filters(self) -> bool:
        """True where the task may ask for those rows of a list alone that meet a condition."""
        return _FILTERS.search(self.task) is not None

    def says(self, value: Any) -> bool:
        """Return True where the value is a parameter's name, in the schema, or among the words of the task."""
        if isinstance(value, str):
            text = comparable(value)
            if not text:
                return False
            return text in self._exact or re.search(rf"(?<!\w){re.escape(text)}(?!\w)", self._task) is not None
        return value in self._exact or re.search(rf"(?<![\w.]){re.escape(str(value))}(?!\w)", self._task) is not None


def may_be_known(value: Any, request: RequestWords) -> bool:
    """Return True for a value that code may have without having read it from a page."""
    return request.says(value) or (isinstance(value, str) and is_closed(value))


def _strings(schema: Any) -> Iterator[Any]:
    """Yield the names, texts and numbers of a JSON Schema: members of enums, constants, descriptions, properties."""
    stack = [schema]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            stack += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple)):
            stack += value
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            yield value
