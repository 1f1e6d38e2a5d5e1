"""Markdown from data: tables, and sections of a page between markers."""

from collections.abc import Iterable, Sequence

BEGIN, END = "<!-- generated: {name} -->", "<!-- end of generated: {name} -->"
NOTE = "<!-- Written by `ghe-exporter docs` from the declarations in the code. Do not edit. -->\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def code(words: Iterable[str]) -> str:
    """Words as code, each once."""
    return ", ".join(f"`{word}`" for word in dict.fromkeys(words))


def replace_section(page: str, name: str, content: str) -> str:
    """Replace what is between the markers *name* of *page*.

    Raises:
        ValueError: the page lacks the markers.
    """
    begin, end = BEGIN.format(name=name), END.format(name=name)
    if page.count(begin) != 1 or page.count(end) != 1:
        raise ValueError(f"the page lacks the markers of {name}")
    before, rest = page.split(begin)
    return f"{before}{begin}\n{content}{end}{rest.split(end)[1]}"
