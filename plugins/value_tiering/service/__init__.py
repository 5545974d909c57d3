"""Service: what is done for the customers of each tier, how they are covered and how often they are contacted."""
