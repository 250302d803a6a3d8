"""Prints what Python takes for one text when case plays no part: "hex of a code point, blank, hex of the other text"."""
import sys
from re import _casefix
from _sre import unicode_tolower


def others(code):
    character = chr(code)
    yield character.casefold()
    yield character.lower()
    yield character.upper()
    yield character.title()
    yield character.swapcase()
    yield chr(unicode_tolower(code))
    for other in _casefix._EXTRA_CASES.get(unicode_tolower(code), ()):
        yield chr(other)


for code in range(0x110000):
    if 0xD800 <= code <= 0xDFFF:
        continue
    for text in sorted(set(others(code)) - {chr(code)}):
        print(f"{code:x} {' '.join(f'{ord(each):x}' for each in text)}", file=sys.stdout)
