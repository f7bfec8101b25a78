"""Clinical rules as CDS Hooks cards: declarative, cited, three-valued. `pipeline.py` tells the story."""
