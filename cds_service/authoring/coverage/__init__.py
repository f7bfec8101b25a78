"""Which lines of a rule its tests try, and which mistakes in it they would let pass."""
