"""The operations of satisfaction surveys, each part in a module of its own."""

from typing import Any

from strawberry.tools import merge_types

from guanxi import Operations
from plugins.satisfaction_surveys.operations.answering import response_mutations
from plugins.satisfaction_surveys.operations.inviting import invitation_mutations
from plugins.satisfaction_surveys.operations.lifecycle import survey_mutations
from plugins.satisfaction_surveys.operations.queries import queries
from plugins.satisfaction_surveys.settings import SatisfactionSettings


def operations(plugin: str, types: Any, settings: SatisfactionSettings) -> Operations:
    """The classes whose fields join Query and Mutation."""
    mutations = (
        survey_mutations(plugin, types),
        invitation_mutations(plugin, types),
        response_mutations(plugin, types),
    )
    return Operations(queries(plugin, types, settings), merge_types("Mutation", mutations))
