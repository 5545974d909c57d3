"""Assessment: what people judge a customer to be worth by profit and other criteria, day by day."""
