"""The operations of satisfaction surveys, each part in a module of its own."""

from plugins.satisfaction_surveys.operations.answering import answer_survey, record_survey_response
from plugins.satisfaction_surveys.operations.inviting import invite_to_survey, remind_survey_respondents
from plugins.satisfaction_surveys.operations.lifecycle import (
    close_survey,
    open_survey,
    recompute_satisfaction,
    set_survey_audience,
    set_survey_questions,
    set_survey_translation,
)
from plugins.satisfaction_surveys.operations.queries import customer_satisfaction, satisfaction_report, survey_form
from plugins.satisfaction_surveys.operations.questions import survey_question_report

OPERATIONS = (
    satisfaction_report,
    survey_question_report,
    customer_satisfaction,
    survey_form,
    set_survey_questions,
    set_survey_translation,
    set_survey_audience,
    open_survey,
    close_survey,
    recompute_satisfaction,
    invite_to_survey,
    remind_survey_respondents,
    answer_survey,
    record_survey_response,
)
