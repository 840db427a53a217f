"""Every link between documents leads to an existing file and heading."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")])


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub generates from the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_link_leads_to_an_existing_file_and_heading(document):
    astray = []
    for link in re.findall(r"\]\((?!http)([^)\s]+)\)", document.read_text()):
        path, _, anchor = link.partition("#")
        page = document.parent / path if path else document
        if not page.exists() or (anchor and anchor not in anchors(page)):
            astray.append(link)
    assert astray == []


def test_the_documents_contain_links_to_headings():
    assert any("](#" in document.read_text() for document in DOCUMENTS)
    assert any(re.search(r"\]\([\w/.-]+\.md#", document.read_text()) for document in DOCUMENTS)
