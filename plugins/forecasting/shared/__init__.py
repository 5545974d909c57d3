"""Shared parts of forecasting: periods, rules, policy, settings, vocabulary."""
