"""The words that an explanation may use: actions with their reasons, classes, kinds of reports."""

OUTCOMES = {
    "create": {"alias", "fallback"},
    "post": {"alias", "reply", "token"},
    "bounce": {"report"},
    "refuse": {"no-route", "catchall", "policy", "rate-limit", "too-large", "blocked"},
    "hold": {
        *("unrouted", "capture", "bounce-address", "failed", "blocked", "misconfigured", "spam", "unverified"),
        *("postmaster", "loop", "automatic", "outsider"),
        *("no-route", "catchall", "policy", "rate-limit", "too-large"),
    },
    "ignore": {"duplicate", "loop", "report"},
    "defer": {"ceiling"},
}
"""Every action and its reasons."""
CLASSES = {"person", "automatic", "list", "report"}
REPORTS = {"failed", "delayed", "delivered", "disposition", "feedback", "automatic", "other"}
