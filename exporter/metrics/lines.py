"""How a series and its value are written: the one place for the exporter's metrics and those about itself.

The text format and OpenMetrics write both alike, but for the name of a counter's family.
"""

from collections.abc import Sequence
from itertools import accumulate

from exporter.metrics.metric import Distribution, Metric

MAX_EXACT_INTEGER = 2**53
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def escape(value: str) -> str:
    """Escape a label value as both formats do."""
    return value.translate(_ESCAPES) if "\\" in value or '"' in value or "\n" in value else value


def format_value(value: float) -> str:
    """Write a finite value: whole numbers without a fraction, others in the shortest form that reads back equal."""
    return str(int(value)) if value == int(value) and abs(value) < MAX_EXACT_INTEGER else repr(float(value))


def series_name(name: str, labels: Sequence[str], values: Sequence[str]) -> str:
    """A series with its labels in the order given."""
    if not labels:
        return name
    pairs = ",".join(f'{label}="{escape(value)}"' for label, value in zip(labels, values, strict=True))
    return f"{name}{{{pairs}}}"


def histogram_names(metric: Metric, values: Sequence[str]) -> tuple[str, ...]:
    """The series of a histogram, in the order in which they are written: its buckets, their count, their sum."""
    # Prometheus 3 reads "1" as "1.0"; written so, its series are called the same in every version.
    limits = (*(repr(float(bound)) for bound in metric.buckets), "+Inf")
    labels = (*metric.labels, "le")
    return (
        *(series_name(f"{metric.name}_bucket", labels, (*values, limit)) for limit in limits),
        series_name(f"{metric.name}_count", metric.labels, values),
        series_name(f"{metric.name}_sum", metric.labels, values),
    )


def histogram_lines(names: Sequence[str], value: Distribution) -> str:
    """The lines of a histogram whose series are *names*, as `histogram_names` gives them."""
    counts = list(accumulate(value.observed))
    numbers = (*counts, counts[-1], value.total)
    return "".join(line(name, number) for name, number in zip(names, numbers, strict=True))


def line(series: str, value: float) -> str:
    """The line of the series written as *series*."""
    return f"{series} {format_value(value)}\n"


def header(metric: Metric, *, openmetrics: bool = False) -> str:
    """HELP and TYPE; OpenMetrics names the family of a counter without its suffix."""
    name = metric.name.removesuffix("_total") if openmetrics and metric.type == "counter" else metric.name
    return f"# HELP {name} {metric.help}\n# TYPE {name} {metric.type}\n"
