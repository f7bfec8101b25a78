"""`cds lint`: everything that can be found wrong with rules without a patient.

`run.py` tells the story. The loader's problems come first (rulebook/checks); if there is none, every check of
checks/<category>/<name>.py looks at the rulebook, what an author set aside on the line is taken out, and
report/ prints the rest.
"""
