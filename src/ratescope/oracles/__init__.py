"""What perfect knowledge would predict: the limit that stands beside every network."""
