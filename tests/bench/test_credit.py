"""The back-test of credit scores, on a made-up file of the form it is for: nothing of a later day counts."""

from datetime import date

import pytest

from bench.credit import asking, auc, invoices, late_so_far, load, measure

COLUMNS = "countryCode,customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate"
#: The punctual one turns late after the day on which it is scored.
ROWS = [
    "1,early,E{n},{n}/1/2013,{n}/28/2013,10,No,{n}/5/2013",
    "1,punctual,P{n},{n}/1/2013,{n}/28/2013,10,No,{n}/27/2013",
    "1,late,L{n},{n}/1/2013,{n}/20/2013,10,No,{n}/28/2013",
]
LATER = ["1,early,E9,9/1/2013,9/20/2013,10,No,9/2/2013"]
LATER += [f"1,{name},{name}9,9/1/2013,9/20/2013,10,No,9/28/2013" for name in ("punctual", "late")]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "invoices.csv"
    path.write_text("\n".join([COLUMNS, *(row.format(n=n) for row in ROWS for n in (1, 2, 3)), *LATER]) + "\n")
    return path


def test_scores_rank_later_invoices_by_what_was_known_on_the_day(file, tmp_path):
    with asking(f"sqlite:///{tmp_path / 'credit.db'}", {}) as client:
        load(client, file)
        known = invoices(client)
        found = measure(client, known, date(2013, 6, 30))
    assert sorted(late_so_far(known, date(2013, 6, 30)).values()) == [0, 0, 1]
    # Who paid on the last day ranks behind who paid at once, which the share late so far does not see.
    assert (found.invoices, found.score, found.late_so_far) == (3, 1.0, 0.75)
    assert sum(count for count, _ in found.bands.values()) == 3


def test_auc_counts_a_tie_half():
    assert auc([(2, True), (1, False), (1, True), (1, False)]) == 0.75
