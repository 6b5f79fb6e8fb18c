"""What a network must beat: a ladder of baselines, each of which learns from the training part alone."""
