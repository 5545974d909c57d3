"""The next period: forecasts by several methods, submitted, rolled up and adjusted."""
