"""The country that a telephone number was given out in: a hint for which helplines to show, no more.

Calling codes after ITU-T E.164. +1 is shared: Canada's area codes are listed, those of the other countries of the plan
(https://www.nanpa.com) lead to no country, and the rest is the United States.
"""

from __future__ import annotations

import re


def _numbers(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_CODES = {
    "20": "EG", "27": "ZA", "30": "GR", "31": "NL", "32": "BE", "33": "FR", "34": "ES", "36": "HU", "39": "IT",
    "40": "RO", "41": "CH", "43": "AT", "44": "GB", "45": "DK", "46": "SE", "47": "NO", "48": "PL", "49": "DE",
    "61": "AU", "64": "NZ", "91": "IN", "351": "PT", "352": "LU", "353": "IE", "356": "MT", "357": "CY", "358": "FI",
    "359": "BG", "370": "LT", "371": "LV", "372": "EE", "385": "HR", "386": "SI", "420": "CZ", "421": "SK",
}  # fmt: skip
_CANADA = _numbers(
    """
    204 226 236 249 250 257 263 289 306 343 354 365 367 368 382 403 416 418 428 431 437 438 450 460 468
    474 506 514 519 537 548 568 579 581 584 587 604 613 639 647 672 683 705 709 742 753 778 780 782 807
    819 825 867 873 879 902 905 942
    """
)
_ELSEWHERE = _numbers(
    """
    242 246 264 268 284 340 345 441 473 649 658 664 670 671 684 721 758 767 784 787 809 829 849 868 869
    876 939
    """
)
#: Toll-free and other numbers without a place.
_NOWHERE = _numbers("500 521 522 533 544 566 577 588 600 700 710 800 822 833 844 855 866 877 888 900")


def country_of(number: str) -> str | None:
    """The ISO 3166 code for a number in international form (+ or 00 before it or not); None where it is unknown."""
    digits = re.sub(r"\D", "", number)
    digits = digits.removeprefix("00")
    if len(digits) < 8:
        return None
    if digits.startswith("1") and len(digits) == 11:
        area = digits[1:4]
        if area in _ELSEWHERE or area in _NOWHERE:
            return None
        return "CA" if area in _CANADA else "US"
    return next((_CODES[digits[:length]] for length in (3, 2) if digits[:length] in _CODES), None)
