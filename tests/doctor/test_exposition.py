"""Figures as Prometheus reads them."""

from mailgate.doctor.exposition import Metric, text


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
