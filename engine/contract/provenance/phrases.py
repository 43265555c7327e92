"""Phrases by which pages say that what they show is not what was asked for, in several languages."""

from __future__ import annotations

import re

from engine.contract.provenance.spellings import MONTH

_INSTEAD = re.compile(
    r"no (?:exact|direct|perfect) match|(?:did not|didn't|does not|doesn't) match (?:any|your)|no (?:results?|matches"
    r"|items|products|listings|hits) (?:were |was )?(?:found|for|match)|(?:found|there (?:is|are)) (?:no|nothing)"
    r"|nothing (?:was )?found"
    r"|could ?n[o']t find|(?:^|\W)0 (?:results|matches|hits)|you (?:may|might) (?:also )?(?:like|be interested)"
    r"|(?:customers|people|others) (?:who|also)\b.{0,40}\b(?:bought|viewed|liked)|also (?:bought|viewed)"
    r"|recommended (?:for you|instead)|our recommendations|did you mean|showing (?:results|items) for .{1,60} instead"
    r"|search instead for|results for .{1,60} instead|instead of what you|(?:similar|related|other|alternative|popular)"
    r" (?:results|items|products|listings|offers|matches)|closest match|near(?:est|by) (?:results|matches|alternatives)"
    r"|keine? (?:genauen? )?(?:treffer|ergebnisse)|nichts gefunden|ähnliche (?:treffer|artikel|produkte|ergebnisse)"
    r"|das könnte (?:ihnen|dir|sie) auch|meinten sie|empfohlene? (?:artikel|produkte)|stattdessen"
    r"|aucun (?:résultat|produit)|vous (?:aimerez|pourriez)|produits? (?:similaires?|recommandés?)"
    r"|essayez (?:avec|plutôt)"
    r"|sin resultados|ning[uú]n (?:resultado|producto)|no se (?:encontr\w+|han encontrado)|quizás? (?:quiso|te)"
    r"|también te (?:puede|podría)|productos? (?:similares|relacionados)|nessun (?:risultato|prodotto)"
    r"|potrebbe(?:ro)? interessar|prodotti simili|geen (?:resultaten|producten)|misschien (?:ook|vind)|bedoelde u"
    r"|nenhum (?:resultado|produto)|inga (?:resultat|träffar)|brak wyników|nie znaleziono",
    re.IGNORECASE,
)
_PAID = "sponsored|gesponsert|sponsorisé|patrocinado"
_OF_OTHERS = (
    r"similar|related|recommended|refurbished|pre-owned|second.?hand|expired|discontinued|substitutes?|alternatives?"
    r"|ähnliche\w*|empfohlen\w*|abgelaufen"
)
"""Words for things of another kind than those that were asked for."""
_ASIDE = re.compile(
    r"\b(?:widened|expanded|broadened|extended|relaxed) (?:your|the|this) (?:search|filters?)\b"
    r"|suche (?:wurde )?erweitert|\b(?:only|just) showing\b|\bnot all (?:results|items|rows|data)\b"
    rf"|\b(?:{_OF_OTHERS}|{_PAID}|no longer available|not available|unavailable"
    r"|trending|featured|you recently viewed|best ?sellers?|archived?|cached|outdated"
    r"|nearest|closest|former|past|previous|preview"
    r"|sample data|demo data|maintenance|delayed)\b",
    re.IGNORECASE,
)
_INVENTED = "sample|demo|test|example|dummy|mock|placeholder|fictional|fictitious|staging|sandbox"
_STALE = re.compile(
    r"\b(?:cached (?:copy|version|page)|live data|stale|out of date|outdated|not up to date"
    rf"|(?:{_INVENTED}) (?:data|values?|prices?|figures?|records?|mode|site|shop|store|environment|account|version)"
    r"|(?:provisional|preliminary|unaudited|estimated|projected) (?:data|values?|prices?|figures?|results?|numbers?)"
    rf"|(?:viewing|using|in|is|are) (?:an? |the |only )?(?:{_INVENTED})s?|demonstration purposes|fictitious|not real"
    r"|(?:data|prices|figures) (?:is|are|may be) (?:delayed|unavailable)|veraltet|nicht aktuell|données en cache)\b",
    re.IGNORECASE,
)
_CHOSEN_PLACE = re.compile(
    r"\b(?:your|my|selected|chosen|current|preferred|home|local|ihre?|votre|tu|su) (?:branch|store|shop|location"
    r"|region|area|city|market|country|depot|warehouse|post ?code|zip(?: code)?|site|filiale|standort|magasin)\b\W*:"
    r"|\b(?:prices?|availability|stock) (?:shown |are |is )*(?:for|at) (?:your |the )?\w+"
    r"|\b(?:deliver|delivering|shipping|ship|shopping) (?:to|from|at|in)\b"
    rf"|\b(?:showing|viewing|status|data|prices?|figures)(?: of| for| on| is| are)*:? (?:\w+day\b|\d\d? {MONTH}\b)",
    re.IGNORECASE,
)
_ADVERTISED = re.compile(
    rf"\b(?:{_PAID}|advertisement|promoted|anzeige|advertentie)\b|^ad$",
    re.IGNORECASE,
)
_OTHER_ROW = re.compile(
    rf"\b(?:{_OF_OTHERS}|archived|withdrawn|superseded|gebraucht|coming soon|not yet available|demnächst|bientôt)\b",
    re.IGNORECASE,
)
_NARROWS = re.compile(
    r"\b(?:only|just|nur|ausschließlich|seulement|uniquement|sólo|solo|soltanto|alleen|hide|without|exclude\w*|ohne|sans"
    r"|sin|senza|zonder|exclu\w+|except)\b",
    re.IGNORECASE,
)
_WITHHELD = re.compile(
    r"\b(?:sign|log) ?in (?:to|for)\b|\b(?:members|subscribers|guests) only\b|\bregister to\b|\bnur für mitglieder\b"
    r"|\bréservé aux\b",
    re.IGNORECASE,
)
_MASKED = re.compile(r"\w?(?:\*{2,}|\u2022{2,}|\u2588{2,}|(?<!\w)[xX]{3,}(?!\w))")
_PENDING = re.compile(
    r"(?:loading|please wait|wird geladen|l(?:ä|ae)dt|bitte warten|chargement|veuillez patienter|cargando|caricamento"
    r"|bezig met laden|carregando|laddar|ładowanie)(?: \w+)?\s?(?:\.{2,}|\u2026)",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\b(?:fees?|prices?|costs?|charges?|fares?|rent|salar(?:y|ies)|wages?|preise?|gebühr(?:en)?|kosten|miete|gehalt|prix|tarifs?"
    r"|loyer|salaire|precios?|tarifas?|alquiler|prezz[io]|cost[io]|affitto|prij[sz]\w*|huur|preços?)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\b(?:no|nothing|none|zero|keine?|nichts|aucune?|rien|ning[uú]n\w*|nada|sin|nessun\w*|niente|geen|niets|nenhum\w*|inga"
    r"|brak)\b|(?<![\d.,])0(?![\d.,])",
    re.IGNORECASE,
)

_NUMBER_SIGN = re.compile(r"\bno\.(?=\W*(?:\d|$))", re.IGNORECASE)  # a column's head, or before a number


def says_instead(text: str) -> bool:
    """Return True for a text that says that other things are shown than those that were asked for.

    >>> says_instead("No exact matches. You may also like:"), says_instead("Ähnliche Artikel"), says_instead("12 books")
    (True, True, False)
    """
    return bool(_INSTEAD.search(text))


def says_aside(text: str) -> bool:
    """Return True for a text that may say so, or that what follows is old or an advertisement.

    >>> says_aside("Sponsored"), says_aside("Books")
    (True, False)
    """
    return bool(_ASIDE.search(text))


def says_advertised(text: str) -> bool:
    """Return True for a text that marks an advertisement.

    >>> says_advertised("Sponsored"), says_advertised("Add")
    (True, False)
    """
    return bool(_ADVERTISED.search(text))


def marks_row(text: str) -> bool:
    """Return True for a text by which a row is told to be another kind of thing than those that were asked for.

    >>> marks_row("Refurbished"), marks_row("Sponsored"), marks_row("Delayed")
    (True, True, False)
    """
    return says_advertised(text) or bool(_OTHER_ROW.search(text))


def says_stale(text: str) -> bool:
    """Return True for a text that says that the data are not the current ones.

    >>> says_stale("Cached copy of 3 August. Live data are unavailable."), says_stale("Live music")
    (True, False)
    """
    return bool(_STALE.search(text))


def says_place(text: str) -> bool:
    """Return True for a text that says for which place or day the data are, where a site has several.

    >>> says_place("Your branch: Leeds (change)"), says_place("Our branches"), says_place("Showing: Sunday 20 May")
    (True, False, True)
    """
    return bool(_CHOSEN_PLACE.search(text))


def narrows(text: str) -> bool:
    """Return True for the label of a choice by which a list has only some of what was asked for.

    >>> narrows("Only items with free delivery"), narrows("Remember me")
    (True, False)
    """
    return bool(_NARROWS.search(text))


def is_masked(text: str) -> bool:
    """Return True for a text that a site shows in part only.

    >>> is_masked("A*** W***"), is_masked("five*"), is_masked("Sign in to see this")
    (True, False, True)
    """
    return bool(_MASKED.search(text) or _WITHHELD.search(text))


def is_pending(text: str) -> bool:
    """Return True for a text that stands where another has not arrived yet.

    >>> is_pending("Loading…"), is_pending("Wird geladen ..."), is_pending("Loading bay"), is_pending("No loading…")
    (True, True, False, False)
    """
    return text.endswith(("\u2026", "...")) and bool(_PENDING.fullmatch(text.strip()))


def names_money(label: str) -> bool:
    """Return True for a label of amounts of money, which may stand there without a sign.

    >>> names_money("call-out price"), names_money("Fee"), names_money("fares"), names_money("priced by")
    (True, True, True, False)
    """
    return bool(_MONEY.search(label))


def says_nothing(text: str) -> bool:
    """Return True for a text that may say that there is nothing.

    >>> says_nothing("Keine Treffer"), says_nothing("0 orders"), says_nothing("10 orders")
    (True, True, False)
    >>> says_nothing("No."), says_nothing("Invoice No. 12"), says_nothing("None.")
    (False, False, True)
    """
    return bool(_NOTHING.search(_NUMBER_SIGN.sub("", text)))
