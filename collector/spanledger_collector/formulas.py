"""Text in CSV files: what a spreadsheet would run as a formula is shown instead (CWE-1236)."""

from typing import Final

#: What such a cell begins with, also behind blanks (OWASP, "CSV Injection"); wide forms too.
_BEGINNINGS: Final = (*"=+-@\t\r\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def shown(text: str) -> str:
    """The text behind an apostrophe where it begins like a formula, else as it is."""
    if text[:1].isalnum():
        return text
    risky = text.startswith(_BEGINNINGS) or text.lstrip().startswith(_BEGINNINGS)
    return f"'{text}" if risky else text
