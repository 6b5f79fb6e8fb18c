"""One small module per kind of file; each opens a file as a `Scan` whose blocks are decoded when they are asked for."""
