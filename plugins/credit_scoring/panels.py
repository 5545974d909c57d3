"""What the page shows of credit: what is due and overdue, and how far limits are used."""

from collections.abc import Iterator

from guanxi import Panel, PanelKind


def panels() -> Iterator[Panel]:
    """The panels, in the order of the page."""
    yield Panel(
        "ageing",
        "Ageing of receivables",
        PanelKind.BARS,
        """query ($today: Date!) { ageing(asOf: $today) {
            buckets { bucket total { amount currency } } } }""",
        {"Outstanding": "ageing.buckets.total"},
        by="ageing.buckets.bucket",
        description="What customers owe today, by days past due.",
    )
    yield Panel(
        "exposure",
        "Credit exposure",
        PanelKind.BARS,
        """{ customers(first: 12, where: {creditExposure: {gt: "0"}}, orderBy: [{creditExposure: DESC}]) { nodes {
            id name creditExposure { amount currency } creditLimit { amount currency } } } }""",
        {"Exposure": "customers.nodes.creditExposure", "Limit": "customers.nodes.creditLimit"},
        by="customers.nodes.name",
        record="customers.nodes.id",
        description="The customers with the largest exposure, against their limits.",
    )
