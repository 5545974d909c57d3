"""Profile: what people know of a customer as a buyer: its traits, its loyalty and its relationship with us."""
