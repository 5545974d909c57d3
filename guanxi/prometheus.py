"""Figures in the form that Prometheus reads."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from guanxi.metrics import OWN, SHARED, Figure, FigureValues
from schema.serve.observation import BOUNDS


def registry_of(figures: Mapping[str, FigureValues]) -> CollectorRegistry:
    """A registry that gives these figures."""
    registry = CollectorRegistry()
    registry.register(_Figures(figures))
    return registry


class _Figures(Collector):
    def __init__(self, figures: Mapping[str, FigureValues]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        for figure in (*OWN, *SHARED):
            if figure.name in self._figures:
                yield _family(figure, self._figures[figure.name])


def _family(figure: Figure, values: FigureValues) -> Metric:
    name = f"guanxi_{figure.name}"
    if figure.kind == "histogram":
        family = HistogramMetricFamily(name, figure.text, labels=figure.labels)
        for labels, (*counts, total) in values.items():
            bounds = [*map(str, BOUNDS), "+Inf"]
            sums = [sum(counts[: place + 1]) for place in range(len(counts))]
            family.add_metric(labels, list(zip(bounds, sums, strict=True)), total)
        return family
    made = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
    plain = made(name, figure.text, labels=figure.labels)
    for labels, value in values.items():
        plain.add_metric(labels, value)
    return plain
