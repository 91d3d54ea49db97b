"""Write metrics in the text exposition format of Prometheus (0.0.4)."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

Labels = Mapping[str, str]


class Metric(NamedTuple):
    """A metric: its name, what it means, counter or gauge, and its samples (labels, value)."""

    name: str
    help: str
    type: str
    samples: tuple[tuple[Labels, float], ...]


def text(metrics: Iterable[Metric]) -> str:
    """The metrics as text, each with its HELP and TYPE. A metric without samples is left out."""
    lines: list[str] = []
    for metric in metrics:
        if metric.samples:
            lines += [f"# HELP {metric.name} {_escaped(metric.help)}", f"# TYPE {metric.name} {metric.type}"]
            lines += [f"{metric.name}{_labels(labels)} {value:.15g}" for labels, value in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    pairs = [f'{name}="{_quoted(value)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
