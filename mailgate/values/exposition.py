"""Write metrics in the text exposition format of Prometheus (0.0.4)."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from mailgate.values.light import NamedTuple

Labels = Mapping[str, str]


class Metric(NamedTuple):
    """A metric: its name, what it means, its type, and its samples (labels, value).

    The samples of a histogram name their part in the label `""`: bucket, sum or count.
    """

    name: str
    help: str
    type: str
    samples: tuple[tuple[Labels, float], ...]


class Histogram(NamedTuple):
    """How often values came, by upper bounds: `counts` has one more for those above the last bound."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...] = ()
    sum: float = 0.0

    @property
    def times(self) -> int:
        """How many values came."""
        return sum(self.counts)

    def with_one(self, value: float) -> "Histogram":
        """The same with one more value."""
        counts = list(self.counts or (0,) * (len(self.bounds) + 1))
        counts[bisect_left(self.bounds, value)] += 1
        return Histogram(self.bounds, tuple(counts), self.sum + value)

    def quantile(self, part: float) -> float:
        """The least bound that this part of all values does not exceed; 0 without values."""
        seen = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=False):
            seen += count
            if seen >= part * self.times:
                return bound
        return 0.0

    def metric(self, name: str, help: str) -> Metric:
        """It as a metric."""
        seen, samples = 0, []
        for bound, count in zip((*self.bounds, None), self.counts, strict=False):
            seen += count
            samples.append(({"": "bucket", "le": "+Inf" if bound is None else f"{bound:.15g}"}, float(seen)))
        ends = (({"": "sum"}, self.sum), ({"": "count"}, float(self.times)))
        return Metric(name, help, "histogram", (*samples, *ends) if samples else ())


def text(metrics: Iterable[Metric]) -> str:
    """The metrics as text, each with its HELP and TYPE. A metric without samples is left out."""
    lines: list[str] = []
    for metric in metrics:
        if metric.samples:
            lines += [f"# HELP {metric.name} {_escaped(metric.help)}", f"# TYPE {metric.name} {metric.type}"]
            lines += [f"{metric.name}{_part(labels)}{_labels(labels)} {value:.15g}" for labels, value in metric.samples]
    return "".join(f"{line}\n" for line in lines)


def _part(labels: Labels) -> str:
    return f"_{labels['']}" if "" in labels else ""


def _labels(labels: Labels) -> str:
    pairs = [f'{name}="{_quoted(value)}"' for name, value in labels.items() if name]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
