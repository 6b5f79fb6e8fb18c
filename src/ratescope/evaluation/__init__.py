"""How good a prediction is, in numbers, figures and a report; knows records, never a network."""
