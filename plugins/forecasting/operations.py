"""The operations of forecasting."""

from plugins.forecasting.measures.operations import sales_metrics
from plugins.forecasting.measures.stage_operations import stage_rates, target_by_stage
from plugins.forecasting.outlook.accuracy_operations import forecast_accuracy
from plugins.forecasting.outlook.operations import forecast
from plugins.forecasting.outlook.submission_operations import adjust_forecast, forecast_rollup, submit_forecast
from plugins.forecasting.past.operations import pipeline_as_of, pipeline_bridge, take_pipeline_snapshot
from plugins.forecasting.win_model.operations import train_win_model

OPERATIONS = (
    forecast,
    forecast_accuracy,
    sales_metrics,
    stage_rates,
    target_by_stage,
    pipeline_as_of,
    pipeline_bridge,
    take_pipeline_snapshot,
    forecast_rollup,
    submit_forecast,
    adjust_forecast,
    train_win_model,
)
