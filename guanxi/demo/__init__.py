"""The sample data of `guanxi demo`."""
