"""Who answers for a rule, and until when."""
