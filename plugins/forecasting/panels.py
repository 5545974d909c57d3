"""What the page shows of sales to come: forecasts with their past errors, the bridge, the funnel and targets."""

from collections.abc import Iterator

from guanxi import Panel, PanelKind

_METHODS = ("formula", "weighted", "trend", "seasonal")


def panels() -> Iterator[Panel]:
    """The panels, in the order of the page."""
    yield Panel(
        "forecast_by_method",
        "Forecast by method",
        PanelKind.BARS,
        """query ($today: Date!) {
            formula: forecast(asOf: $today) { method revenue { amount currency } }
            weighted: forecast(asOf: $today, method: STAGE_WEIGHTED) { method revenue { amount currency } }
            trend: forecast(asOf: $today, method: TREND) { method revenue { amount currency } }
            seasonal: forecast(asOf: $today, method: SEASONAL) { method revenue { amount currency } }
            errors: forecastAccuracy(periods: 6, methods: [FORMULA, STAGE_WEIGHTED, TREND, SEASONAL]) {
                errorPercent } }""",
        {
            "Forecast": [f"{method}.revenue" for method in _METHODS],
            "Past error, %": [f"errors.{place}.errorPercent" for place in range(len(_METHODS))],
        },
        by=[f"{method}.method" for method in _METHODS],
        description="Expected sales of this month, and how far each method was off in the last six, on average.",
    )
    yield Panel(
        "bridge",
        "Pipeline bridge",
        PanelKind.WATERFALL,
        """query ($from: Date!, $to: Date!) { pipelineBridge(opening: {date: $from}, closing: {date: $to}) {
            opening { amount currency } closing { amount currency } steps { step amount { amount currency } } } }""",
        {
            "Opening": "pipelineBridge.0.opening",
            "Change": "pipelineBridge.0.steps.amount",
            "Closing": "pipelineBridge.0.closing",
        },
        by="pipelineBridge.0.steps.step",
        description="How the pipeline changed during the period.",
    )
    yield Panel(
        "funnel",
        "Sales funnel",
        PanelKind.FUNNEL,
        """query ($from: Date!, $to: Date!) { stageRates(firstDay: $from, lastDay: $to) {
            stage { name } entered passRate presetPassRate } }""",
        {
            "Entered": "stageRates.entered",
            "Passed, %": "stageRates.passRate",
            "Planned, %": "stageRates.presetPassRate",
        },
        by="stageRates.stage.name",
        description="Opportunities that entered each stage in the period, and the share that went on.",
    )
    yield Panel(
        "revenue",
        "Revenue by month",
        PanelKind.BARS,
        """query ($from: Date!, $to: Date!) { salesMetrics(metrics: [REVENUE], firstDay: $from, lastDay: $to) { points {
            periodStart value yearBefore } } }""",
        {"Revenue": "salesMetrics.0.points.value", "A year before": "salesMetrics.0.points.yearBefore"},
        by="salesMetrics.0.points.periodStart",
        description="What was sold in each month of the period.",
    )
    yield from (_targets(of, path, title) for of, path, title in _TARGETS)


#: Whose targets: the field of SalesTarget by which they are found, the path of the name, and the title.
_TARGETS = (("teamId", "team", "Targets of teams"), ("userId", "user", "Targets of people"))


def _targets(of: str, holder: str, title: str) -> Panel:
    """The targets at the end of the period, and how far they are reached."""
    return Panel(
        f"{holder}_targets",
        title,
        PanelKind.BARS,
        f"""query ($to: Date!) {{
            salesTargets(
                first: 12
                where: {{
                    {of}: {{isNull: false}}, metric: {{eq: WON_AMOUNT}}
                    periodStart: {{lte: $to}}, periodEnd: {{gte: $to}}
                }}
                orderBy: [{{value: DESC}}]
            ) {{ nodes {{ {holder} {{ name }} value actual attainment }} }}
        }}""",
        {
            "Target": "salesTargets.nodes.value",
            "Reached": "salesTargets.nodes.actual",
            "Reached, %": "salesTargets.nodes.attainment",
        },
        by=f"salesTargets.nodes.{holder}.name",
        description="Targets for won amounts in force at the end of the period.",
    )
