"""What the page shows of satisfaction: results with their intervals, their course, and what drives them."""

from collections.abc import Iterator

from guanxi import Panel, PanelKind


def panels() -> Iterator[Panel]:
    """The panels, in the order of the page."""
    yield Panel(
        "satisfaction",
        "Satisfaction",
        PanelKind.NUMBERS,
        """query ($to: Date!) { satisfactionReport(asOf: $to) { groups {
            rate rateInterval { low high } nps npsInterval { low high } respondents } } }""",
        {
            "Satisfied, %": "satisfactionReport.groups.0.rate",
            "Net Promoter Score": "satisfactionReport.groups.0.nps",
            "Respondents": "satisfactionReport.groups.0.respondents",
        },
        intervals={
            "Satisfied, %": (
                "satisfactionReport.groups.0.rateInterval.low",
                "satisfactionReport.groups.0.rateInterval.high",
            ),
            "Net Promoter Score": (
                "satisfactionReport.groups.0.npsInterval.low",
                "satisfactionReport.groups.0.npsInterval.high",
            ),
        },
        description="Results at the end of the period, with their confidence intervals.",
    )
    yield Panel(
        "score_by_quarter",
        "Net Promoter Score by quarter",
        PanelKind.LINES,
        """query ($to: Date!) { satisfactionReport(asOf: $to, by: [{answeredOn: QUARTER}]) { groups {
            keys { value } nps npsInterval { low high } } } }""",
        {"Net Promoter Score": "satisfactionReport.groups.nps"},
        by="satisfactionReport.groups.keys.0.value",
        intervals={
            "Net Promoter Score": (
                "satisfactionReport.groups.npsInterval.low",
                "satisfactionReport.groups.npsInterval.high",
            )
        },
        description="The score of the answers of each quarter, with its confidence interval.",
    )
    yield Panel(
        "drivers",
        "Drivers of satisfaction",
        PanelKind.BARS,
        "query ($to: Date!) { surveyQuestionReport(asOf: $to) { question { text } correlation } }",
        {"Correlation with satisfaction": "surveyQuestionReport.correlation"},
        by="surveyQuestionReport.question.text",
        description="How strongly the answers to each question go with satisfaction.",
    )
