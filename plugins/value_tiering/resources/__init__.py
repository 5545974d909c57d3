"""Resources: what we have for customers in a year, for which of them it is meant, and where it goes."""
