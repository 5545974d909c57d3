"""Sample data: a repeated survey, three rounds of answers to it item by item, improvement actions for the worst."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from sqlmodel import col, select

from guanxi import Context
from guanxi.records import Contact, Customer
from plugins.satisfaction_surveys.languages import TranslatedQuestion, set_translation
from plugins.satisfaction_surveys.models import (
    ImprovementAction,
    Survey,
    SurveyAnswer,
    SurveyInvitation,
    SurveyQuestion,
    SurveyResponse,
)
from plugins.satisfaction_surveys.questionnaires import Question, questions_of, set_questions
from plugins.satisfaction_surveys.surveys import open_survey, set_audience
from plugins.satisfaction_surveys.vocabulary import (
    ExpectationCause,
    InvitationDelivery,
    QuestionKind,
    RespondentKind,
    SurveyStepStatus,
)

#: About so many days ago each round was answered.
_ROUNDS = (290, 170, 40)
_QUESTIONS = (
    Question(QuestionKind.NPS, "How likely are you to recommend us?", code="recommend"),
    Question(QuestionKind.RATING, "How do you find our service, and what did you expect of it?", code="service"),
    Question(
        QuestionKind.RATING, "How do you find our deliveries, and what did you expect of them?", code="deliveries"
    ),
    Question(QuestionKind.RATING, "How do you find our invoices, and what did you expect of them?", code="invoices"),
    Question(QuestionKind.CSAT, "How satisfied are you with your account manager?"),
    Question(QuestionKind.BENEFIT, "How large is the benefit of working with us?"),
    Question(QuestionKind.COST, "How large are the effort and cost?"),
    Question(QuestionKind.TEXT, "What should we do better?", is_required=False),
)
#: The first questions in German; the others read as they are.
_IN_GERMAN = (
    "Wie wahrscheinlich ist es, dass Sie uns weiterempfehlen?",
    "Wie finden Sie unseren Service, und was haben Sie davon erwartet?",
    "Wie finden Sie unsere Lieferungen, und was haben Sie davon erwartet?",
    "Wie finden Sie unsere Rechnungen, und was haben Sie davon erwartet?",
)
_COMMENTS = (
    "The hotline takes too long.",
    "Invoices are hard to understand.",
    "Our contact changed three times this year.",
    "Delivery came later than promised.",
)
_ACTIONS = ("Review the service with the customer", "Name a permanent contact", "Explain the invoice in person")


def fill_sample(ctx: Context, chance: random.Random) -> None:
    """Opens a survey of contacts, answers it in three rounds, and starts improvement actions for the worst answers."""
    today = ctx.clock.today()
    survey = _survey(ctx)
    responses: list[SurveyResponse] = []
    for customer, contact in _respondents(ctx):
        if chance.random() < 0.25:
            continue
        mood, drift = chance.gauss(7.8, 1.2), chance.gauss(-0.1, 1)
        for place, days in enumerate(_ROUNDS):
            if chance.random() < 0.85:
                day = today - timedelta(days=days + chance.randint(0, 15))
                responses.append(_response(survey, customer, contact, day, mood + drift * place, chance))
    ctx.session.add_all(responses)
    ctx.session.flush()
    items = [
        question
        for question in questions_of(ctx.session, survey.id, survey.questions_version)
        if question.kind is QuestionKind.RATING
    ]
    ctx.session.add_all(answer for one in responses for answer in _answers(one, items, chance))
    _invite(ctx, survey, _respondents(ctx)[:8])
    _improve(ctx, survey, responses, chance, today)


def _survey(ctx: Context) -> Survey:
    survey = Survey(
        title="Relationship survey",
        introduction="Eight questions, three minutes. Your answers decide what we improve first.",
        purpose="How satisfied are the people we work with, and where do we lose them?",
        content="Recommendation, service, account manager, benefit and cost.",
        method="By e-mail to up to two contacts of each customer.",
        quality_monitoring="One-word answers and rounds below 30 % are reviewed.",
        schedule="One round every four months, a report two weeks later.",
        staffing="Marketing; account managers follow up.",
        cadence_days=120,
        background_step=SurveyStepStatus.DONE,
        design_step=SurveyStepStatus.DONE,
        documents_step=SurveyStepStatus.DONE,
    )
    ctx.session.add(survey)
    ctx.session.flush()
    set_audience(survey, RespondentKind.CONTACTS, {"customer": {"status": {"in": ["ACTIVE", "INACTIVE"]}}})
    set_questions(ctx, survey, _QUESTIONS)
    ctx.session.flush()
    _translate(ctx, survey)
    open_survey(ctx, survey)
    return survey


def _translate(ctx: Context, survey: Survey) -> None:
    questions = questions_of(ctx.session, survey.id, survey.questions_version)
    german = [TranslatedQuestion(one.id, text) for one, text in zip(questions, _IN_GERMAN, strict=False)]
    introduction = "Acht Fragen, drei Minuten. Ihre Antworten entscheiden, was wir zuerst verbessern."
    set_translation(ctx, survey, "de", "Kundenzufriedenheit", introduction, german)


def _invite(ctx: Context, survey: Survey, invited: list[tuple[Customer, Contact]]) -> None:
    """The messages of the round that is under way: sent, but for the last, whose address is wrong."""
    sent_at = ctx.clock.now() - timedelta(days=_ROUNDS[-1] + 15)
    survey.rounds, survey.last_round_on = len(_ROUNDS), ctx.calendar.day_of(sent_at)
    for place, (customer, contact) in enumerate(invited, 1):
        is_sent = place < len(invited)
        ctx.session.add(
            SurveyInvitation(
                survey_id=survey.id,
                customer_id=customer.id,
                contact_id=contact.id,
                questions_version=survey.questions_version,
                round=survey.rounds,
                invited_at=sent_at,
                sent_at=sent_at,
                expires_at=sent_at + timedelta(days=30),
                delivery=InvitationDelivery.SENT if is_sent else InvitationDelivery.FAILED,
                delivery_problem=None if is_sent else "the mail server refused it: 550 5.1.1 User unknown",
            )
        )


def _respondents(ctx: Context) -> list[tuple[Customer, Contact]]:
    """Two contacts of each customer, in an order that is the same each time."""
    rows = ctx.session.exec(
        select(Customer, Contact)
        .join(Contact, col(Contact.customer_id) == col(Customer.id))
        .order_by(col(Customer.number), col(Contact.email))
    )
    found: dict[str, list[tuple[Customer, Contact]]] = defaultdict(list)
    for customer, contact in rows:
        found[customer.id].append((customer, contact))
    return [one for pair in found.values() for one in pair[:2]]


def _response(
    survey: Survey, customer: Customer, contact: Contact, day: date, mood: float, chance: random.Random
) -> SurveyResponse:
    """The answers of a respondent of this mood, from 0 to 10."""
    recommends = _mark(mood + chance.gauss(0, 0.7), 0, 10)
    return SurveyResponse(
        survey_id=survey.id,
        customer_id=customer.id,
        contact_id=contact.id,
        answered_on=day,
        nps_score=recommends,
        actual_rating=Decimal(_mark(mood / 2 + chance.gauss(0.3, 0.5), 1, 5)),
        expected_rating=Decimal(_mark(chance.gauss(3.7, 0.6), 1, 5)),
        csat_score=_mark(mood / 2 + chance.gauss(0.4, 0.6), 1, 5),
        perceived_benefit=Decimal(_mark(mood + chance.gauss(0, 1), 0, 10)),
        perceived_cost=Decimal(_mark(chance.gauss(5, 1.5), 0, 10)),
        expectation_causes=[chance.choice(list(ExpectationCause))],
        comment=chance.choice(_COMMENTS) if recommends < 7 else None,
    )


def _answers(response: SurveyResponse, items: list[SurveyQuestion], chance: random.Random) -> Iterator[SurveyAnswer]:
    """Ratings of the items, whose means are those of the response."""
    actual, expected = response.actual_rating or Decimal(3), response.expected_rating or Decimal(3)
    least, room = min(actual - 1, 5 - actual), Decimal(chance.randint(-1, 1))
    shift = max(min(room, least), -least)
    # Each item is the one that is better, as good or worse in turn, so that none is the mean of the others.
    turn = (response.answered_on.toordinal() + (response.nps_score or 0)) % 3
    shifts = (shift, Decimal(0), -shift)
    for question, by in zip(items, shifts[turn:] + shifts[:turn], strict=True):
        yield SurveyAnswer(response_id=response.id, question_id=question.id, score=actual + by, expected=expected)


def _mark(value: float, least: int, most: int) -> int:
    return min(max(round(value), least), most)


def _improve(ctx: Context, survey: Survey, responses: list[SurveyResponse], chance: random.Random, today: date) -> None:
    """An improvement action for each of the worst answers of the last round."""
    latest = [one for one in responses if one.answered_on > today - timedelta(days=_ROUNDS[-1] + 20)]
    for response in sorted(latest, key=lambda one: (one.nps_score, one.answered_on))[:12]:
        ctx.session.add(
            ImprovementAction(
                survey_id=survey.id,
                customer_id=response.customer_id,
                response_id=response.id,
                title=chance.choice(_ACTIONS),
                due_on=today + timedelta(days=chance.randint(-5, 30)),
            )
        )
