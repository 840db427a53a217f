"""Hides personal data of an order in a text of the warehouse, which operators read and logs show."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

HIDDEN = "[…]"
_WORD = re.compile(r"\w+")
_RUN = 3
"""This many words in a row of an address or a note are a quotation."""
_LONG = 4
"""A word of an address with this many characters is hidden alone, too: ``Schmidt``, ``10115``."""
_CODE = 3
"""A region of at most this many characters is a code, such as ``OR``, and a usual word."""


def hide_personal_data(text: str, document: dict[str, Any]) -> str:
    """Replace what a text quotes of the address and the note of an order.

    A quotation is a whole member, a long word of the address, or three words in a row; upper and lower case are equal.
    The warehouse may quote a part, or several members with its own punctuation.
    """
    ship_to, note = document.get("ship_to"), document.get("note")
    fields = ship_to if isinstance(ship_to, dict) else {}  # a REJECTED order may have members of any type
    address = {name: value for name, value in fields.items() if value and isinstance(value, str) and name != "country"}
    if len(address.get("region", "")) <= _CODE:
        address.pop("region", None)
    members = [*address.values()]
    note = note if isinstance(note, str) else ""
    personal = [*members, note, *note.splitlines()]
    words = list(_WORD.finditer(text))
    said = [word[0].casefold() for word in words]
    spans = [(words[first].start(), words[last].end()) for first, last in _quoted_runs(said, personal)]
    long = {word for member in members for word in _words_of(member) if len(word) >= _LONG}
    spans += [word.span() for word, each in zip(words, said, strict=True) if each in long]
    whole = "|".join(re.escape(each) for each in sorted(personal, key=len, reverse=True) if len(each) >= _LONG)
    spans += [found.span() for found in re.finditer(whole, text, re.IGNORECASE)] if whole else []
    return _hide(text, sorted(spans))


def _words_of(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _quoted_runs(said: list[str], personal: Iterable[str]) -> Iterator[tuple[int, int]]:
    """The first and the last word of each run of words that stands in a personal text."""
    runs = set()
    for words in map(_words_of, personal):
        length = min(_RUN, len(words))
        runs |= {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}
    for length in range(1, _RUN + 1):
        for start in range(len(said) - length + 1):
            if tuple(said[start : start + length]) in runs:
                yield start, start + length - 1


def _hide(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Replace spans; one mark stands for several with nothing but punctuation between them."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if not parts or any(map(str.isalnum, text[done:start])):
            parts += [text[done:start], HIDDEN]
        done = max(done, end)
    return "".join([*parts, text[done:]])
