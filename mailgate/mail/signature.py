"""Find the signature at the end of what an author wrote."""

import re

from mailgate.mail.attribution import BLANK, LINE_LIMIT, MARKED, attribution, ends_in_colon

_LIMIT = 30
"""Lines with words in a signature; a longer text is not a signature."""

# Only the device may follow: "Sent from my iPhone because the printer is on fire" is text.
_SENT = re.compile(
    r"""(?:
        (?:sent[ ](?:from|via)|gesendet[ ](?:von|mit)|envoyé[ ](?:de|depuis)|enviado[ ](?:desde|d[eo]|a[ ]partir)
        |inviato[ ]d\w+|(?:verzonden|verstuurd)[ ]v\w+|wysłan[eo][ ]z|skickat[ ]från|sendt[ ]fra|odesláno[ ]z
        |(?:get|obtenir|télécharger|obtener|obter|scarica|hämta|hent)(?=[ ](?:o[ ])?outlook))
        (?:[ ][\w.'’-]{1,20}){0,4}?
        [ ](?:d['’])?(?:iphon|ipad|ios|android|galaxy|samsung|huawei|xiaomi|pixel|blackberry|nokia|windows|outlook|mail
            |yahoo|smartphone|phone|handy|mobile?|mobiltelefon|tablet|device|móvil|celular|telefon)[\w'’]{0,4}
        (?:[ ]\d\d?)?
        |sent[ ]with[ ]proton[ ]?mail[ ]secure[ ]email
        |(?:diese[ ]nachricht[ ]wurde[ ])?von[ ]meine[mr](?:[ ][\w.-]{1,20}){1,6}?[ ]gesendet
        |发自我的.{1,20}|[從从]我的.{1,20}(?:傳送|发送)|.{0,6}iphoneから送信|.{0,6}iphone에서[ ]보냄
    )\.?(?:\s?[<(]https?://[^\s<>()]+[>)])?""",
    re.IGNORECASE | re.VERBOSE,
)
_POSTSCRIPT = re.compile(r"\s*+(?:P\.? ?)?P\.? ?S\b", re.IGNORECASE)


def find(lines: list[str], start: int, end: int) -> tuple[int, int] | None:
    """The first line of the signature in lines `start` to `end`, and the line behind its last one."""
    first = _delimiter(lines, start, end)
    if first is None:
        last = next((at for at in range(end - 1, start - 1, -1) if lines[at].strip(BLANK)), None)
        if last is None or len(lines[last]) >= LINE_LIMIT or not _SENT.fullmatch(lines[last].strip(BLANK)):
            return None
        return last, last + 1
    filled = 0
    for at in range(first + 1, end):
        introduction = attribution(lines, at) if ends_in_colon(lines[at]) else None
        if introduction or _POSTSCRIPT.match(lines[at]):
            return first, introduction.top if introduction else at
        filled += bool(lines[at].strip(BLANK))
        if filled > _LIMIT or MARKED.match(lines[at]):
            return None
    return first, end


def _delimiter(lines: list[str], start: int, end: int) -> int | None:
    """The line `-- ` above a signature, or the only `--`; text with several has SQL comments or rules."""
    dashes = []
    for at in range(start, end):
        if lines[at] == "-- ":
            return at
        if lines[at].startswith("--"):
            dashes.append(at)
    if len(dashes) == 1 and lines[dashes[0]] == "--":
        name = "".join(lines[dashes[0] + 1 : dashes[0] + 2])
        return dashes[0] if name.strip(BLANK) else None
    return None
