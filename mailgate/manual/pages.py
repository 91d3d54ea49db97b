"""The pages of the manual, by section: their names, titles and texts."""

from pathlib import Path
from typing import NamedTuple

from mailgate.manual import markdown
from mailgate.manual.markdown import Block, Heading, Paragraph

SECTIONS = {
    "Set-up": ("install", "postfix", "exim", "lmtp", "serve", "forward", "domains", "configuration"),
    "Mail": ("rules", "aliases", "senders", "authentication", "refusals", "records", "conversations", "content"),
    "Every day": ("held", "bounces", "outbox", "fetch", "login"),
    "Operation": ("doctor", "backup", "retention", "troubleshooting", "monitoring", "export", "cases", "security"),
    "Reference": ("deliver", "exit-codes", "files", "json", "schema", "api", "internals", "changes"),
}
"""Section -> its topics, as `mailgate help` lists them."""
TOPICS = tuple(topic for topics in SECTIONS.values() for topic in topics)
_FOLDER = Path(__file__).parent


class Page(NamedTuple):
    """A page: its topic, its title, its first paragraph as one plain sentence, and its blocks, the title first."""

    topic: str
    title: str
    summary: str
    blocks: tuple[Block, ...]


def source(topic: str) -> str:
    """The Markdown of a page. Raises KeyError for a topic that does not exist."""
    if topic not in TOPICS:
        raise KeyError(topic)
    return (_FOLDER / f"{topic}.md").read_text("utf-8")


def page(topic: str) -> Page:
    """A page by its topic. Raises KeyError for a topic that does not exist."""
    title, first, *rest = markdown.blocks(source(topic))
    assert isinstance(title, Heading)
    assert isinstance(first, Paragraph)
    return Page(topic, title.text, markdown.plain(first.text), (title, first, *rest))
