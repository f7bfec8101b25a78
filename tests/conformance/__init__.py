"""Every row of the requirements on a CDS service, each with a test that fails without it."""
