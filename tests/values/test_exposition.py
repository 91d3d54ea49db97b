"""Figures as Prometheus reads them."""

from mailgate.values.exposition import Histogram, Metric, text


def test_names_types_and_escapes() -> None:
    metrics = [
        Metric("mailgate_a", "Line one\nline \\two.", "gauge", (({"x": 'say "hi"\\\n', "y": "é"}, 1.5), ({}, 2))),
        Metric("mailgate_none", "Nothing.", "gauge", ()),
        Metric("mailgate_b_total", "Many.", "counter", (({}, 123456789012.0),)),
    ]
    assert text(metrics) == (
        "# HELP mailgate_a Line one\\nline \\\\two.\n"
        "# TYPE mailgate_a gauge\n"
        'mailgate_a{x="say \\"hi\\"\\\\\\n",y="é"} 1.5\n'
        "mailgate_a 2\n"
        "# HELP mailgate_b_total Many.\n"
        "# TYPE mailgate_b_total counter\n"
        "mailgate_b_total 123456789012\n"
    )


def test_a_histogram_adds_up() -> None:
    seen = Histogram((0.01, 1.0))
    for value in (0.005, 0.01, 0.5, 7):
        seen = seen.with_one(value)
    assert (seen.times, seen.quantile(0.5), seen.quantile(0.9)) == (4, 0.01, float("inf"))
    assert text([seen.metric("mailgate_seconds", "How long.")]) == (
        "# HELP mailgate_seconds How long.\n"
        "# TYPE mailgate_seconds histogram\n"
        'mailgate_seconds_bucket{le="0.01"} 2\n'
        'mailgate_seconds_bucket{le="1"} 3\n'
        'mailgate_seconds_bucket{le="+Inf"} 4\n'
        "mailgate_seconds_sum 7.515\n"
        "mailgate_seconds_count 4\n"
    )
    assert Histogram((1.0,)).quantile(0.5) == 0.0
