"""Surveys in several languages: their wording in each, and which of them a respondent reads."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, select

from guanxi import Action, Changes, Context, InputError, Reject, UserError, sentence
from plugins.satisfaction_surveys.models import Survey, SurveyQuestion, SurveyTranslation
from plugins.satisfaction_surveys.questionnaires import (
    LONGEST_ANSWER,
    Problems,
    check_wording,
    is_text,
    is_version_used,
    questions_of,
)
from plugins.satisfaction_surveys.surveys import problem

#: Language, script, region and variants of a tag, as BCP 47 has them.
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<script>[a-z]{4}))?(-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<variants>(-([a-z0-9]{5,8}|\d[a-z0-9]{3}))*)",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_TITLE = 200


def language_tag(text: str) -> str:
    """A language tag as it is stored: `ZH-hans-cn` is `zh-Hans-CN`.

    Raises:
        InputError: it is not one.
    """
    found = _TAG.fullmatch(text.strip())
    if found is None:
        raise InputError(sentence("{text!r} is not a language tag; write it like en, pt-BR or zh-Hans", text=text))
    script, region = found["script"], found["region"]
    parts = [found["language"].lower(), script and script.title(), region and region.upper()]
    return "-".join(part for part in parts if part) + found["variants"].lower()


def language_for(wanted: str | None, available: Collection[str], default: str) -> str:
    """The language somebody reads who wants one: that, else it with fewer details (`de` for `de-AT`), else the default.

    A text that is not a language tag wants the default.
    """
    try:
        tag = language_tag(wanted or "")
    except InputError:
        return default
    while tag and tag not in available:
        tag = tag.rpartition("-")[0]
    return tag or default


def judge_languages(changes: Changes) -> Iterator[UserError]:
    """Returns errors in the languages of surveys."""
    for change in changes.of("Survey", Action.CREATED, Action.UPDATED):
        survey = change.record
        assert isinstance(survey, Survey)
        if change.action is Action.UPDATED and "language" not in change.before:
            continue
        try:
            if language_tag(survey.language) != survey.language:
                raise InputError(
                    sentence(
                        "{language!r} is spelled {language_tag!r}; write it so",
                        language=survey.language,
                        language_tag=language_tag(survey.language),
                    )
                )
        except InputError as error:
            yield problem("INVALID", "language", error.message, survey)


# What respondents read


@dataclass(frozen=True, slots=True)
class Wording:
    """A survey as it reads in a language; what is not translated, in its own.

    Attributes:
        language: tag of the language.
        languages: all there are, its own first.
        title, introduction: of the survey.
        questions: id of each translated question to its text and options.
    """

    language: str
    languages: Sequence[str]
    title: str
    introduction: str | None
    questions: Mapping[str, tuple[str, Sequence[str]]]


def wording(session: Session, survey: Survey, wanted: str | None) -> Wording:
    """A survey as somebody reads it who wants a language."""
    found = session.exec(select(SurveyTranslation).where(SurveyTranslation.survey_id == survey.id)).all()
    of_survey = {one.language: one for one in found if one.question_id is None}
    languages = [survey.language, *sorted(of_survey)]
    language = language_for(wanted, languages, survey.language)
    said = of_survey.get(language)
    return Wording(
        language,
        languages,
        survey.title if said is None else said.text,
        survey.introduction if said is None or said.introduction is None else said.introduction,
        {one.question_id: (one.text, one.options) for one in found if one.language == language and one.question_id},
    )


# Translating


@dataclass(frozen=True, slots=True)
class TranslatedQuestion:
    """A question as it reads in another language."""

    question_id: str
    text: str
    options: Sequence[str] = ()


def set_translation(
    ctx: Context,
    survey: Survey,
    language: str,
    title: str,
    introduction: str | None,
    questions: Sequence[TranslatedQuestion],
) -> None:
    """Sets the wording of a survey and of its present questions in another language.

    Questions that are left out keep the wording they have.

    Raises:
        Reject: it cannot be taken; the errors say why.
    """
    tag = _translated_into(survey, language)
    session = ctx.session
    present = {one.id: one for one in questions_of(session, survey.id, survey.questions_version)}
    known = {
        one.question_id: one
        for one in session.exec(
            select(SurveyTranslation).where(SurveyTranslation.survey_id == survey.id, SurveyTranslation.language == tag)
        )
    }
    _check(session, survey, title, introduction, questions, present, known)
    wordings: list[tuple[str | None, str, str | None, list[str]]] = [(None, title.strip(), introduction, [])] + [
        (one.question_id, one.text.strip(), None, [option.strip() for option in one.options]) for one in questions
    ]
    for question_id, text, introduced, options in wordings:
        row = known.get(question_id)
        if row is None:
            row = SurveyTranslation(survey_id=survey.id, question_id=question_id, language=tag, text=text)
            session.add(row)
        row.text, row.introduction, row.options = text, introduced, options


def _translated_into(survey: Survey, language: str) -> str:
    try:
        tag = language_tag(language)
    except InputError as error:
        raise Reject(problem("INVALID", "language", error.message)) from None
    if tag == survey.language:
        raise Reject(problem("INVALID", "language", sentence("the survey itself is in {tag!r}; give another", tag=tag)))
    return tag


def _check(
    session: Session,
    survey: Survey,
    title: str,
    introduction: str | None,
    given: Sequence[TranslatedQuestion],
    present: Mapping[str, SurveyQuestion],
    known: Mapping[str | None, SurveyTranslation],
) -> None:
    if not is_text(title, _LONGEST_TITLE):
        raise Reject(
            problem("INVALID", "title", sentence("give one of at most {longest} characters", longest=_LONGEST_TITLE))
        )
    if introduction is not None and not is_text(introduction, LONGEST_ANSWER):
        raise Reject(
            problem(
                "INVALID",
                "introduction",
                sentence("give one of at most {longest:,} characters", longest=LONGEST_ANSWER),
            )
        )
    problems, is_used = Problems("questions"), is_version_used(session, survey)
    ids = [one.question_id for one in given]
    for place, one in enumerate(given):
        question = present.get(one.question_id)
        if question is None:
            problems.add(
                place,
                "questionId",
                sentence("{question_id!r} is not among the survey's present questions", question_id=one.question_id),
            )
            continue
        if ids.index(one.question_id) < place:
            problems.add(place, "questionId", sentence("it is translated twice; translate it once"))
        check_wording(problems, place, question.kind, one.text, one.options)
        if len(one.options) != len(question.options):
            problems.add(
                place,
                "options",
                sentence("give {count}, one for each of the question, in its order", count=len(question.options)),
            )
        row = known.get(one.question_id)
        if is_used and row is not None and (row.text, row.options) != (one.text.strip(), list(one.options)):
            message = sentence(
                "it has been asked so, and answers keep their meaning; set the questions anew to change it"
            )
            problems.add(place, "text", message, "IMMUTABLE")
    problems.refuse()
