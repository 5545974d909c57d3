"""What the page shows of customer value: the pyramid, the quadrants and the movements between tiers."""

from collections.abc import Iterator

from guanxi import Panel, PanelKind


def panels() -> Iterator[Panel]:
    """The panels, in the order of the page."""
    yield Panel(
        "pyramid",
        "Value pyramid",
        PanelKind.FUNNEL,
        """{ customersGroupBy(by: [{valueTier: true}], where: {valueTier: {isNull: false}}) {
            keys { valueTier } aggregate { count sum { currentValue { total { amount currency } } } } } }""",
        {
            "Customers": "customersGroupBy.aggregate.count",
            "Current value": "customersGroupBy.aggregate.sum.currentValue.total",
        },
        by="customersGroupBy.keys.valueTier",
        description="Customers by value tier, with what they are worth now.",
    )
    yield Panel(
        "quadrant",
        "Value quadrant",
        PanelKind.POINTS,
        """{ customers(
                first: 300
                where: {valueQuadrant: {isNull: false}, currentValue: {gt: "0"}, potentialValue: {gt: "0"}}
                orderBy: [{currentValue: DESC}]
            ) { nodes {
                id name valueQuadrant currentValue { amount currency } potentialValue { amount currency } } } }""",
        {"Current value": "customers.nodes.currentValue", "Potential": "customers.nodes.potentialValue"},
        by="customers.nodes.name",
        across="customers.nodes.valueQuadrant",
        record="customers.nodes.id",
        description="The 300 most valuable customers by what they buy and what they could buy.",
    )
    yield Panel(
        "movements",
        "Movements between tiers",
        PanelKind.MATRIX,
        """query ($from: Date!, $to: Date!) {
            valueTierMovements(firstDay: $from, lastDay: $to) { previous tier customers } }""",
        {"Customers": "valueTierMovements.customers"},
        by="valueTierMovements.previous",
        across="valueTierMovements.tier",
        description="Customers by tier at the start and at the end of the period.",
    )
