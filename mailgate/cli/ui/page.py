"""The HTML of a message, cleaned so that a browser can show it: it runs nothing and loads nothing."""

from mailgate.process import extras

_CONTROLS = dict.fromkeys(range(0x7F, 0xA0), "\ufffd")
"""What a terminal may act on, and HTML does not have."""
_SCHEMES = {"http", "https", "mailto", "tel", "cid"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign"},
    "ol": {"start", "type"},
    "*": {"dir", "lang"},
}


def cleaned(html: str) -> str:
    """The HTML without scripts, styles, forms, comments and events; images only of the message itself (`cid:`).

    Raises Problem where nh3 is not installed.
    """
    extras.require("nh3")
    import nh3

    return str(
        nh3.clean(
            html.translate(_CONTROLS),
            attributes=_ATTRIBUTES,
            attribute_filter=_kept,
            url_schemes=_SCHEMES,
            link_rel="noopener noreferrer",
            clean_content_tags={"script", "style", "title", "head", "template"},
        )
    )


def _kept(element: str, attribute: str, value: str) -> str | None:
    """The value of an attribute, None to drop it: an image that is loaded tells its sender who reads."""
    if (element, attribute) == ("img", "src") and not value.strip().lower().startswith("cid:"):
        return None
    return value
