"""What a model of win probability is and how it is judged, without the library that trains one."""

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records.rows import rows_of
from plugins.forecasting import Forecasting
from plugins.forecasting.models import WinModel
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.shared.vocabulary import ModelStatus
from plugins.forecasting.win_model.examples import Decided, Look
from plugins.forecasting.win_model.model import Definition, NumberProperty, Outcomes, Properties, score
from plugins.forecasting.win_model.training import train

MODEL = Definition(
    0.0,
    {"amount": NumberProperty(5.0, 0.5, -0.6), "pushes": NumberProperty(1.0, 1.0, -0.02)},
    {"stage": {"D": 1.2, "A": -0.8}, "region": {"North": 0.3}},
)


def test_a_score_is_the_logistic_of_all_that_weighs_with_its_strongest_reasons():
    found = score(MODEL, Properties({"amount": 5.5, "pushes": 1.0}, {"stage": "D", "region": "North"}), "EUR")
    assert str(found.probability) == "71.00"  # 1.2 + 0.3 - 0.6 = 0.9
    assert found.reasons == ["+1.20 stage is D", "-0.60 amount is 3162.28 EUR", "+0.30 region is North"]


def test_what_is_not_known_or_was_not_seen_weighs_nothing_and_is_no_reason():
    assert str(score(MODEL, Properties({}, {}), "EUR").probability) == "50.00"
    found = score(MODEL, Properties({"amount": None, "pushes": 2.0}, {"stage": "E", "region": None}), "EUR")
    assert (str(found.probability), found.reasons) == ("50.00", [])


def test_a_model_is_stored_and_read_again():
    assert Definition.from_json(MODEL.to_json()) == MODEL


LOOKS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9]), st.booleans(), st.sampled_from([0.5, 1.0])),
    min_size=1,
    max_size=30,
)


@given(LOOKS)
def test_auc_is_the_chance_that_of_a_won_and_a_lost_one_the_won_has_the_higher_prediction(looks):
    pairs = [
        (w1 * w2, 1.0 if p1 > p2 else 0.5 if p1 == p2 else 0.0)
        for p1, won, w1 in looks
        if won
        for p2, other, w2 in looks
        if not other
    ]
    found = Outcomes(*zip(*looks, strict=True)).auc()
    if not pairs:
        assert found is None
    else:
        assert found == pytest.approx(sum(weight * hit for weight, hit in pairs) / sum(weight for weight, _ in pairs))


@given(LOOKS)
def test_the_calibration_table_holds_every_prediction_once(looks):
    outcomes = Outcomes(*zip(*looks, strict=True))
    bands = outcomes.bands()
    assert sum(band.weight for band in bands) == pytest.approx(sum(outcomes.weights))
    assert all(band.lower - 1e-9 <= band.predicted * 100 <= band.upper + 1e-9 for band in bands)
    won = sum(weight for _, is_won, weight in looks if is_won)
    assert sum(band.observed * band.weight for band in bands) == pytest.approx(won)


def test_brier_is_0_of_perfect_predictions_and_a_quarter_of_even_ones():
    assert Outcomes([1, 0], [True, False], [1, 1]).brier() == 0
    assert Outcomes([0.5, 0.5], [True, False], [1, 3]).brier() == 0.25
    assert Outcomes([1.0, 0.2], [True, False], [1, 1]).bands()[-1].upper == 100


def decided(won, lost):
    look = Look(Properties({}, {}), None)
    return [Decided(str(n), n < won, date(2025, 1, 1), [look]) for n in range(won + lost)]


@pytest.mark.parametrize(
    ("won", "lost", "reason"),
    [
        (100, 99, "199 decided opportunities are too few to train on; there must be at least 200"),
        (171, 29, "171 won and 29 lost are too few to train on; there must be at least 30 of each"),
        (0, 0, "0 decided opportunities are too few to train on; there must be at least 200"),
    ],
)
def test_a_small_history_is_refused_and_the_refusal_says_why(won, lost, reason):
    made = train(decided(won, lost), ForecastingSettings())
    assert (made.refusal, made.definition, made.model) == (reason, None, None)


def test_odds_of_a_choice_are_told_against_what_is_usual():
    # A model that knows nothing gives the intercept.
    assert Definition(math.log(3), {}, {}).probability(Properties({}, {})) == pytest.approx(0.75)


def test_a_model_in_use_counts_for_nothing_once_predictions_are_switched_off(crm, clock):
    client = crm(Forecasting, clock=clock, plugins={"forecasting": {"use_model": False}})
    now, database = clock.now(), client.app.database
    model = WinModel(
        trained_at=now, status=ModelStatus.IN_USE, algorithm="", decided=1, won=1, definition=MODEL.to_json()
    )
    model.created_at = model.updated_at = now
    model.created_by = model.updated_by = "test"
    rows = rows_of(WinModel, database.dialect)
    with database.driven() as transaction:
        transaction.put(rows.insertion([{name: getattr(model, name) for name in rows.names}]))
        transaction.commit()
    made = client.create("Opportunity", name="Offer")
    found = client.query("query ($id: ID!) { opportunity(id: $id) { winProbabilitySource } }", id=made["id"])
    assert found["opportunity"]["winProbabilitySource"] == "STAGE"
