"""Questions in versions that keep their meaning, and answers checked against them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from guanxi import Context, Reject, UserError, sentence
from plugins.satisfaction_surveys.models import Survey, SurveyAnswer, SurveyInvitation, SurveyQuestion, SurveyResponse
from plugins.satisfaction_surveys.rules import SCALES
from plugins.satisfaction_surveys.vocabulary import QuestionKind

_MOST_QUESTIONS, _MOST_OPTIONS = 100, 100
_LONGEST_QUESTION, _LONGEST_OPTION, _LONGEST_CODE, LONGEST_ANSWER = 1000, 300, 100, 5000
#: Kinds that a version has at most once, because a response has one score of each.
_SINGLE = (QuestionKind.NPS, QuestionKind.CSAT, QuestionKind.CES)
_WITH_OPTIONS = (QuestionKind.CHOICE, QuestionKind.CHOICES)
#: Kinds whose marks are whole numbers.
_WHOLE_MARKS = (QuestionKind.NPS, QuestionKind.CSAT, QuestionKind.CES)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is to be."""

    kind: QuestionKind
    text: str
    options: Sequence[str] = ()
    is_required: bool = True
    code: str | None = None


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """The answer to one question: what its kind asks for, nothing else."""

    question_id: str
    score: Decimal | None = None
    expected: Decimal | None = None
    choices: Sequence[str] | None = None
    text: str | None = None


@dataclass(slots=True)
class Problems:
    """Collects errors in a list of inputs, item by item; without the name of a list, in one record."""

    name: str = ""
    record: Any = None
    found: list[UserError] = field(default_factory=list)

    def add(self, place: int | None, part: str | None, message: str, code: str = "INVALID") -> None:
        """Adds an error of an item's part, of an item, or of the list as a whole."""
        path = [
            *([self.name] if self.name else []),
            *([str(place)] if place is not None else []),
            *filter(None, [part]),
        ]
        self.found.append(
            UserError(code, sentence("{known}: {message}", known=".".join(path), message=message), path, self.record)
        )

    def refuse(self) -> None:
        """Refuses the inputs if there are errors.

        Raises:
            Reject: there are.
        """
        if self.found:
            raise Reject(*self.found)


# Questions


def set_questions(ctx: Context, survey: Survey, questions: Sequence[Question]) -> None:
    """Sets the questions of a survey. A version that was sent out or answered stays, and these become the next.

    Raises:
        Reject: they cannot be asked so.
    """
    _check_questions(questions)
    session = ctx.session
    if survey.questions_version == 0 or is_version_used(session, survey):
        survey.questions_version += 1
    else:
        for replaced in questions_of(session, survey.id, survey.questions_version):
            session.delete(replaced)
        session.flush()
    _pass_codes_on(session, survey, questions)
    for position, question in enumerate(questions, 1):
        session.add(
            SurveyQuestion(
                survey_id=survey.id,
                questions_version=survey.questions_version,
                position=position,
                kind=question.kind,
                text=question.text.strip(),
                options=[option.strip() for option in question.options],
                is_required=question.is_required,
                code=question.code,
            )
        )


def _pass_codes_on(session: Session, survey: Survey, questions: Sequence[Question]) -> None:
    """Takes their codes from earlier versions of these questions.

    Raises:
        Reject: another survey has one of them.
    """
    codes = [question.code for question in questions]
    problems = Problems("questions")
    holders = select(SurveyQuestion).where(col(SurveyQuestion.code).in_([code for code in codes if code is not None]))
    for holder in session.exec(holders):
        if holder.survey_id != survey.id:
            message = sentence(
                "{holder_id} of survey {survey_id} has {code!r} already; give another",
                holder_id=holder.id,
                survey_id=holder.survey_id,
                code=holder.code,
            )
            problems.add(codes.index(holder.code), "code", message, "TAKEN")
        holder.code = None
    problems.refuse()
    session.flush()


def questions_of(session: Session, survey_id: str, version: int) -> Sequence[SurveyQuestion]:
    """The questions of a version in order."""
    return session.exec(
        select(SurveyQuestion)
        .where(SurveyQuestion.survey_id == survey_id, SurveyQuestion.questions_version == version)
        .order_by(col(SurveyQuestion.position))
    ).all()


def is_version_used(session: Session, survey: Survey) -> bool:
    """Whether anybody has seen or answered the present version."""
    for model in (SurveyInvitation, SurveyResponse):
        used = select(model.id).where(
            col(model.survey_id) == survey.id, col(model.questions_version) == survey.questions_version
        )
        if session.exec(used.limit(1)).first() is not None:
            return True
    return False


def _check_questions(questions: Sequence[Question]) -> None:
    problems = Problems("questions")
    if not 1 <= len(questions) <= _MOST_QUESTIONS:
        problems.add(
            None,
            None,
            sentence("{count} are not possible; give 1 to {most}", count=len(questions), most=_MOST_QUESTIONS),
        )
    kinds, codes = [question.kind for question in questions], [question.code for question in questions]
    for place, question in enumerate(questions):
        if question.kind in _SINGLE and kinds.index(question.kind) < place:
            problems.add(place, "kind", sentence("{kind} can be asked only once; leave one out", kind=question.kind))
        if question.code is not None and not is_text(question.code, _LONGEST_CODE):
            problems.add(
                place,
                "code",
                sentence("give one of at most {longest} characters, or leave it out", longest=_LONGEST_CODE),
            )
        elif question.code is not None and codes.index(question.code) < place:
            problems.add(
                place, "code", sentence("{code!r} is the code of two questions; give one another", code=question.code)
            )
        check_wording(problems, place, question.kind, question.text, question.options)
    problems.refuse()


def check_wording(problems: Problems, place: int, kind: QuestionKind, text: str, given: Sequence[str]) -> None:
    """Notes what is wrong with the text and the options of a question."""
    if not is_text(text, _LONGEST_QUESTION):
        problems.add(
            place, "text", sentence("say what is asked, in at most {longest:,} characters", longest=_LONGEST_QUESTION)
        )
    options = [option.strip() for option in given]
    if kind not in _WITH_OPTIONS:
        if options:
            problems.add(place, "options", sentence("{kind} has none; leave them out, or ask for a CHOICE", kind=kind))
    elif not 2 <= len(options) <= _MOST_OPTIONS or len(set(options)) < len(options):
        problems.add(place, "options", sentence("give 2 to {most} different ones", most=_MOST_OPTIONS))
    elif not all(is_text(option, _LONGEST_OPTION) for option in options):
        problems.add(
            place, "options", sentence("each is a text of at most {longest} characters", longest=_LONGEST_OPTION)
        )


def is_text(text: str | None, longest: int) -> bool:
    """Whether a text says something, is not too long and can be stored."""
    return text is not None and bool(text.strip()) and len(text) <= longest and "\0" not in text


# Answers


def check_answers(
    questions: Sequence[SurveyQuestion], given: Sequence[GivenAnswer]
) -> list[tuple[SurveyQuestion, GivenAnswer]]:
    """The answers with their questions, in the order of these.

    Raises:
        Reject: one cannot be taken, or is missing; the errors name each.
    """
    problems = Problems("answers")
    by_id = {question.id: question for question in questions}
    found: dict[str, GivenAnswer] = {}
    for place, answer in enumerate(given):
        question = by_id.get(answer.question_id)
        if question is None:
            problems.add(
                place,
                "questionId",
                sentence("{question_id!r} is not a question of this survey", question_id=answer.question_id),
            )
        elif answer.question_id in found:
            problems.add(
                place,
                "questionId",
                sentence("{question_id!r} is answered twice; answer it once", question_id=answer.question_id),
            )
        else:
            found[answer.question_id] = answer
            check_answer(problems, place, question, answer)
    missing = [question for question in questions if question.is_required and question.id not in found]
    for question in missing:
        problems.add(
            None,
            None,
            sentence(
                "question {position} ({text!r}) needs an answer", position=question.position, text=question.text[:60]
            ),
            "REQUIRED",
        )
    if not found and not missing:
        problems.add(None, None, sentence("nothing is answered; answer at least one question"), "REQUIRED")
    problems.refuse()
    return [(question, found[question.id]) for question in questions if question.id in found]


def check_answer(problems: Problems, place: int | None, question: SurveyQuestion, answer: GivenAnswer) -> None:
    """Notes what is wrong with the answer to a question."""
    parts = {"score": answer.score, "expected": answer.expected, "choices": answer.choices, "text": answer.text}
    wanted = _parts_of(question.kind)
    for part, value in parts.items():
        if part in wanted and value is None:
            problems.add(place, part, sentence("a question of kind {kind} needs it", kind=question.kind), "REQUIRED")
        elif part not in wanted and value is not None:
            problems.add(
                place,
                part,
                sentence(
                    "a question of kind {kind} takes only these: {wanted}", kind=question.kind, wanted=list(wanted)
                ),
            )
        elif isinstance(value, Decimal):
            _check_mark(problems, place, part, question.kind, value)
    if "text" in wanted and answer.text is not None and not is_text(answer.text, LONGEST_ANSWER):
        problems.add(
            place, "text", sentence("write something, in at most {longest:,} characters", longest=LONGEST_ANSWER)
        )
    if "choices" in wanted and answer.choices is not None:
        _check_choices(problems, place, question, answer.choices)


def _parts_of(kind: QuestionKind) -> Collection[str]:
    """Returns what an answer to a question of a kind consists of."""
    if kind is QuestionKind.RATING:
        return "score", "expected"
    if kind in SCALES:
        return ("score",)
    return ("choices",) if kind in _WITH_OPTIONS else ("text",)


def _check_mark(problems: Problems, place: int | None, part: str, kind: QuestionKind, mark: Decimal) -> None:
    least, most = SCALES[kind]
    places = 0 if kind in _WHOLE_MARKS else 2
    if not least <= mark <= most or mark != mark.quantize(Decimal(1).scaleb(-places)):
        number = sentence("a number with at most two decimal places") if places else sentence("a whole number")
        problems.add(
            place,
            part,
            sentence(
                "{mark} is not possible; give {number} from {least} to {most}",
                mark=mark,
                number=number,
                least=least,
                most=most,
            ),
        )


def _check_choices(problems: Problems, place: int | None, question: SurveyQuestion, choices: Sequence[str]) -> None:
    unknown = [choice for choice in choices if choice not in question.options]
    if unknown:
        problems.add(
            place,
            "choices",
            sentence(
                "{unknown!r} is not an option; available: {options!r}", unknown=unknown[0], options=question.options
            ),
        )
    elif len(set(choices)) < len(choices):
        problems.add(place, "choices", sentence("name each option once"))
    elif question.kind is QuestionKind.CHOICE and len(choices) != 1:
        problems.add(place, "choices", sentence("choose exactly one"))
    elif not choices:
        problems.add(place, "choices", sentence("choose at least one, or leave the answer out"))


def check_comment(comment: str | None) -> None:
    """Refuses a comment that cannot be stored.

    Raises:
        Reject: says why.
    """
    if comment is not None and not is_text(comment, LONGEST_ANSWER):
        message = sentence(
            "write something, in at most {longest:,} characters, or leave it out", longest=LONGEST_ANSWER
        )
        raise Reject(UserError("INVALID", sentence("comment: {message}", message=message), ("comment",)))


def scores_of(answered: Sequence[tuple[SurveyQuestion, GivenAnswer | SurveyAnswer]]) -> Mapping[str, Any]:
    """The scores of a response, by column; for several questions of a kind, their mean (S1, T12)."""

    def mean(kind: QuestionKind, part: str = "score") -> Decimal | None:
        marks = [getattr(answer, part) for question, answer in answered if question.kind is kind]
        return sum(marks, Decimal(0)) / len(marks) if marks else None

    def mark(kind: QuestionKind) -> int | None:
        found = mean(kind)
        return None if found is None else int(found)

    return {
        "actual_rating": mean(QuestionKind.RATING),
        "expected_rating": mean(QuestionKind.RATING, "expected"),
        "nps_score": mark(QuestionKind.NPS),
        "csat_score": mark(QuestionKind.CSAT),
        "ces_score": mark(QuestionKind.CES),
        "perceived_benefit": mean(QuestionKind.BENEFIT),
        "perceived_cost": mean(QuestionKind.COST),
    }
