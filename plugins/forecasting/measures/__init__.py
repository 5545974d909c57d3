"""Metrics by period, and pass rates of stages against their presets."""
