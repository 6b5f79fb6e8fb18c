"""One small module per cycler maker; all give the same columns, named as in the Battery Data Format."""
