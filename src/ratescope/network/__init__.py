"""The network of section 2.5, its training (2.6) and its ensembles: the only room with torch, beside attribution."""
