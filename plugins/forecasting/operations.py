"""The operations of forecasting, a module for each noun."""

from typing import Any

import strawberry

from guanxi import Operations
from plugins.forecasting.measures.operations import metric_operations
from plugins.forecasting.measures.stage_operations import stage_operations
from plugins.forecasting.outlook.operations import forecast_operations
from plugins.forecasting.outlook.submission_operations import submission_operations
from plugins.forecasting.past.operations import pipeline_operations
from plugins.forecasting.win_model.operations import model_operations

_PARTS = (
    forecast_operations,
    metric_operations,
    stage_operations,
    pipeline_operations,
    submission_operations,
    model_operations,
)


def operations(plugin: str, types: Any) -> Operations:
    """The classes whose fields join Query and Mutation."""
    made = [part(plugin, types) for part in _PARTS]
    queries = tuple(found.query for found in made if found.query is not None)
    mutations = tuple(found.mutation for found in made if found.mutation is not None)
    return Operations(strawberry.type(type("Query", queries, {})), strawberry.type(type("Mutation", mutations, {})))
